"""What a rule or a statement of a traffic policy decides by: attributes, and their operators.

Each attribute has the operators that Mail Manager has for it, and each operator returns a
condition. A `RuleCondition` is for rules, a `PolicyCondition` for the traffic policy, and an
`AnyCondition` for both. The values of one condition are alternatives.

https://docs.aws.amazon.com/ses/latest/dg/eb-rules.html and
https://docs.aws.amazon.com/ses/latest/dg/eb-filters.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from aws_cdk import aws_ses as ses

from cdk_mailroom._checks import Problems, resolved
from cdk_mailroom.gateway import limits

__all__ = [
    "AnyCondition",
    "Condition",
    "Faults",
    "PolicyCondition",
    "RuleCondition",
    "check_conditions",
]

Faults = tuple[tuple[object, str], ...]
"""Values that are wrong, and what to do about each."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One comparison; made by the operators of an attribute."""

    text: str
    """How it is written in Python, for errors."""
    faults: Faults = ()
    """What is wrong with its values: each value, and what to do."""

    def __bool__(self) -> NoReturn:
        """Refuse: ``a and b``, ``not a`` and ``1 < size < 2`` would lose a condition silently."""
        raise TypeError(
            f"{self.text} is neither true nor false here: list several conditions, such as "
            "when=[size > 1000, size < 2000], and put what must not match into unless=[…]"
        )


@dataclass(frozen=True, kw_only=True)
class RuleCondition(Condition):
    """A condition of a rule."""

    in_rule: ses.CfnMailManagerRuleSet.RuleConditionProperty
    """The same for a rule set."""


@dataclass(frozen=True, kw_only=True)
class PolicyCondition(Condition):
    """A condition of a statement of a traffic policy."""

    in_policy: ses.CfnMailManagerTrafficPolicy.PolicyConditionProperty
    """The same for a traffic policy."""


@dataclass(frozen=True, kw_only=True)
class AnyCondition(RuleCondition, PolicyCondition):
    """A condition that a rule and a traffic policy can have."""

    only_in_rules: str | None = None
    """Why a traffic policy cannot have it with these values."""
    of_addon: bool = False
    """Whether an add-on says it."""
    limits_use: bool = False
    """Whether it names recipients or clients, which nobody can forge."""


def check_conditions(
    problems: Problems, argument: str, conditions: object, kind: type[Condition], most: int
) -> bool:
    """Note what cannot be in a list of conditions; tell whether each can be looked at."""
    if isinstance(conditions, Condition) or not isinstance(conditions, Sequence):
        shown = conditions.text if isinstance(conditions, Condition) else conditions
        problems.add(argument, shown, "pass a list of conditions, even of one")
        return False
    if len(conditions) > most:
        problems.add(f"len({argument})", len(conditions), f"Mail Manager takes {most}")
    good = True
    for position, one in enumerate(conditions):
        name = f"{argument}[{position}]"
        if not isinstance(one, Condition):
            problems.add(name, one, "pass a condition, such as recipient.is_('a@example.com')")
            good = False
        elif not isinstance(one, kind):
            problems.add(name, one.text, _ELSEWHERE[kind])
            good = False
        else:
            for value, remedy in one.faults:
                problems.add(f"{name}, {one.text}", value, remedy)
            if (
                kind is PolicyCondition
                and isinstance(one, AnyCondition)
                and one.only_in_rules is not None
            ):
                problems.add(name, one.text, one.only_in_rules)
    return good


_ELSEWHERE: dict[type[Condition], str] = {
    RuleCondition: "use it in a statement of TrafficPolicy(statements=[…]): rules cannot decide by "
    "it; they have tls.is_true",
    PolicyCondition: "use it in when= or unless= of a rule: a traffic policy decides before the "
    "message is read, by recipient, source_ip, tls_version, address lists and add-ons only",
}


def call(name: str, operator: str, values: Sequence[object]) -> str:
    """Write a condition as it is written in Python."""
    return f"{name}.{operator}({', '.join(map(shown, values))})"


def shown(value: object) -> str:
    """Write a value as it is written in Python, as far as it is known."""
    return repr(value) if resolved(value) else "…"


def string_faults(values: Sequence[object]) -> Faults:
    """Return what is wrong with values that strings are compared with."""
    faults = [count_fault(values)]
    for value in values:
        if not isinstance(value, str):
            faults.append((value, "pass strings, each by itself, not as a list"))
        elif resolved(value) and not 0 < len(value) <= limits.VALUE_CHARACTERS:
            faults.append((value[:80], f"use 1 to {limits.VALUE_CHARACTERS} characters"))
        elif "#{Token[" in value:
            faults.append((value, "pass single values: only CloudFormation knows this list"))
    return tuple(fault for fault in faults if fault)


def member_faults(kind: type[StrEnum], values: Sequence[object]) -> Faults:
    """Return what is wrong with values that are words of *kind*."""
    words = [str(one) for one in kind]
    found = [
        (value, f"use one of {words}, each by itself, not as a list")
        for value in values
        if not isinstance(value, str) or (resolved(value) and value not in words)
    ]
    return tuple(fault for fault in (count_fault(values), *found) if fault)


def count_fault(values: Sequence[object]) -> tuple[object, str] | None:
    """Return what is wrong with the number of *values*."""
    if 0 < len(values) <= limits.VALUES_PER_CONDITION:
        return None
    return len(values), f"pass 1 to {limits.VALUES_PER_CONDITION} values"


def header_faults(name: object) -> Faults:
    """Return what is wrong with the name of a header field."""
    if isinstance(name, str) and (
        not resolved(name) or re.fullmatch(limits.CONDITION_HEADER, name)
    ):
        return ()
    return ((name, "use a name that begins with a capital X and a hyphen, such as 'X-Spam'"),)
