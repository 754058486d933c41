"""Whether a condition of a traffic policy or of a rule holds, and which value decides.

Pure functions of conditions in the shapes of the API, and of what is known about a mail.
https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_RuleCondition.html
https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_PolicyCondition.html
"""

from __future__ import annotations

import ipaddress
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from mailroom_local.gateway.facts import Facts

Condition: TypeAlias = Mapping[str, Any]

_LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A condition that was evaluated."""

    attribute: str
    operator: str
    value: tuple[Any, ...]
    found: tuple[Any, ...]
    """What the mail has there."""
    holds: bool
    note: str = ""

    def record(self) -> dict[str, Any]:
        """The condition in the form of the traffic policy's log."""
        return {
            "expression": {
                "attribute": self.attribute,
                "operator": self.operator,
                "value": list(self.value),
            },
            "expressionResult": self.holds,
        }

    def text(self) -> str:
        """The condition and its result, in words."""
        expected = " ".join(filter(None, (self.operator, _listed(self.value))))
        found = _listed(self.found) or "there is none"
        note = f"; {self.note}" if self.note else ""
        verb = "holds" if self.holds else "does not hold"
        return f"{self.attribute} {expected} {verb} ({found}{note})"


def evaluate(condition: Condition, facts: Facts, recipient: str) -> Result:
    """Whether a condition holds for one recipient of a mail."""
    for kind, expression in condition.items():
        if expression is not None:
            unseen = facts.unseen(expression.get("Evaluate") or {})
            if unseen is not None:
                note = "add-ons do not check mail over IPv6"
                return _result(unseen, expression, (), (), False, note=note)
            return _KINDS[kind](expression, facts, recipient)
    raise ValueError("a condition without an expression")


def _string(expression: Mapping[str, Any], facts: Facts, recipient: str) -> Result:
    name, found = facts.strings(expression["Evaluate"], recipient)
    wanted = tuple(expression["Values"])
    literally = _compared(expression["Operator"], found, wanted)
    lower = tuple(value.lower() for value in found)
    holds = _compared(expression["Operator"], lower, [value.lower() for value in wanted])
    note = "" if holds == literally else "letter case is ignored here; on AWS it is not documented"
    return _result(name, expression, wanted, found, holds, note=note)


def _compared(how: str, found: Sequence[str], wanted: Sequence[str]) -> bool:
    if how == "NOT_EQUALS":
        return not _compared("EQUALS", found, wanted)
    compare = _COMPARISONS[how]
    return any(compare(one, other) for one in found for other in wanted)


def _number(expression: Mapping[str, Any], facts: Facts, recipient: str) -> Result:
    size = len(facts.mail.raw)
    holds = _NUMBERS[expression["Operator"]](size, float(expression["Value"]))
    name = expression["Evaluate"]["Attribute"]
    return _result(name, expression, (expression["Value"],), (size,), holds)


def _ip(expression: Mapping[str, Any], facts: Facts, recipient: str) -> Result:
    address = facts.client.ip
    inside = any(
        address in ipaddress.ip_network(cidr, strict=False) for cidr in expression["Values"]
    )
    holds = inside is (expression["Operator"] == "CIDR_MATCHES")
    name = expression["Evaluate"]["Attribute"]
    return _result(name, expression, tuple(expression["Values"]), (str(address),), holds)


def _tls(expression: Mapping[str, Any], facts: Facts, recipient: str) -> Result:
    protocol = (facts.client.tls_protocol or "").replace("TLSv", "TLS").replace(".", "_")
    if expression["Operator"] == "IS":
        holds = protocol == expression["Value"]
    else:
        holds = _version(protocol) >= _version(expression["Value"])
    found = (protocol,) if protocol else ()
    return _result("TLS_PROTOCOL", expression, (expression["Value"],), found, holds)


def _version(protocol: str) -> int:
    return ("TLS1", "TLS1_1", "TLS1_2", "TLS1_3").index(protocol) if protocol else -1


def _verdict(expression: Mapping[str, Any], facts: Facts, recipient: str) -> Result:
    name, found = facts.verdict(expression["Evaluate"])
    wanted = tuple(expression["Values"])
    holds = _compared(expression["Operator"], [found], wanted)
    return _result(name, expression, wanted, (found,), holds)


def _dmarc(expression: Mapping[str, Any], facts: Facts, recipient: str) -> Result:
    verdicts = facts.mail.verdicts
    # A policy is for mail that fails: what passes must not meet a rule against it.
    found = verdicts.dmarc_policy.upper() if verdicts.dmarc == "FAIL" else "NONE"
    wanted = tuple(expression["Values"])
    holds = _compared(expression["Operator"], [found], wanted)
    return _result("DMARC", expression, wanted, (found,), holds)


def _boolean(expression: Mapping[str, Any], facts: Facts, recipient: str) -> Result:
    name, found, values = facts.boolean(expression["Evaluate"], recipient)
    holds = found is (expression["Operator"] == "IS_TRUE")
    return _result(name, expression, (), values or (str(found).lower(),), holds)


def _result(
    attribute: str,
    expression: Mapping[str, Any],
    value: tuple[Any, ...],
    found: tuple[Any, ...],
    holds: bool,
    *,
    note: str = "",
) -> Result:
    return Result(
        attribute=attribute,
        operator=expression["Operator"],
        value=value,
        found=found,
        holds=holds,
        note=note,
    )


def _listed(values: Sequence[Any]) -> str:
    text = ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)
    return f"{text[:_LONGEST]}…" if len(text) > _LONGEST else text


_COMPARISONS: Mapping[str, Callable[[str, str], bool]] = {
    "EQUALS": operator.eq,
    "STARTS_WITH": str.startswith,
    "ENDS_WITH": str.endswith,
    "CONTAINS": operator.contains,
}
_NUMBERS: Mapping[str, Callable[[float, float], bool]] = {
    "EQUALS": operator.eq,
    "NOT_EQUALS": operator.ne,
    "LESS_THAN": operator.lt,
    "GREATER_THAN": operator.gt,
    "LESS_THAN_OR_EQUAL": operator.le,
    "GREATER_THAN_OR_EQUAL": operator.ge,
}
_KINDS: Mapping[str, Callable[[Mapping[str, Any], Facts, str], Result]] = {
    "StringExpression": _string,
    "NumberExpression": _number,
    "IpExpression": _ip,
    "Ipv6Expression": _ip,
    "TlsExpression": _tls,
    "VerdictExpression": _verdict,
    "DmarcExpression": _dmarc,
    "BooleanExpression": _boolean,
}
