"""The kinds of attributes, each with the operators that Mail Manager has for it."""

from __future__ import annotations

import ipaddress
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from aws_cdk import aws_ses as ses

from cdk_mailroom._checks import resolved
from cdk_mailroom.gateway.conditions import (
    AnyCondition,
    Faults,
    PolicyCondition,
    RuleCondition,
    call,
    count_fault,
    member_faults,
    shown,
    string_faults,
)
from cdk_mailroom.gateway.words import (
    DmarcPolicy,
    DmarcPolicyWord,
    TlsVersion,
    TlsVersionWord,
    Verdict,
    VerdictWord,
)

__all__ = [
    "AddressAttribute",
    "Addresses",
    "Analysis",
    "AnalysisBoolean",
    "AnalysisString",
    "BooleanAttribute",
    "DmarcAttribute",
    "IpAttribute",
    "NumberAttribute",
    "RecipientAttribute",
    "StringAttribute",
    "TlsVersionAttribute",
    "VerdictAttribute",
]

_Rules = ses.CfnMailManagerRuleSet
_Policy = ses.CfnMailManagerTrafficPolicy

C = TypeVar("C", bound=RuleCondition)


class Addresses(Protocol):
    """An `AddressList`."""

    @property
    def address_list_arn(self) -> str:
        """Its ARN."""


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """One result of an add-on."""

    text: str
    """How it is written in Python."""
    analyzer: str
    """The ARN of the add-on's instance."""
    field: str
    """The name of the result."""
    faults: Faults
    """What is wrong with the name."""
    only_in_rules: str | None
    """Why a traffic policy cannot have it, if it cannot."""

    @property
    def in_rule(self) -> ses.CfnMailManagerRuleSet.AnalysisProperty:
        """The same for a rule set."""
        return _Rules.AnalysisProperty(analyzer=self.analyzer, result_field=self.field)

    @property
    def in_policy(self) -> ses.CfnMailManagerTrafficPolicy.IngressAnalysisProperty:
        """The same for a traffic policy."""
        return _Policy.IngressAnalysisProperty(analyzer=self.analyzer, result_field=self.field)


class StringOperators(ABC, Generic[C]):
    """The operators of text. Whether upper and lower case are the same is not documented."""

    def is_(self, *values: str) -> C:
        """It is one of *values*."""
        return self._compare("is_", "EQUALS", values)

    def is_not(self, *values: str) -> C:
        """It is none of *values*."""
        return self._compare("is_not", "NOT_EQUALS", values)

    def starts_with(self, *values: str) -> C:
        """It begins with one of *values*."""
        return self._compare("starts_with", "STARTS_WITH", values)

    def ends_with(self, *values: str) -> C:
        """It ends with one of *values*."""
        return self._compare("ends_with", "ENDS_WITH", values)

    def contains(self, *values: str) -> C:
        """One of *values* is in it."""
        return self._compare("contains", "CONTAINS", values)

    @abstractmethod
    def _compare(self, method: str, operator: str, values: Sequence[str]) -> C: ...


class StringAttribute(StringOperators[RuleCondition]):
    """Text."""

    def __init__(
        self,
        name: str,
        evaluate: ses.CfnMailManagerRuleSet.RuleStringToEvaluateProperty,
        faults: Faults = (),
    ) -> None:
        self._name = name
        self._evaluate = evaluate
        self._faults = faults

    def _compare(self, method: str, operator: str, values: Sequence[str]) -> RuleCondition:
        return RuleCondition(
            text=call(self._name, method, values),
            faults=(*self._faults, *string_faults(values)),
            in_rule=_string_in_rule(self._evaluate, operator, values),
        )


class AddressAttribute(StringAttribute):
    """An address, which can be looked up in an `AddressList`."""

    def __init__(self, name: str, attribute: str) -> None:
        super().__init__(name, _Rules.RuleStringToEvaluateProperty(attribute=attribute))
        self._attribute = attribute

    def in_list(self, addresses: Addresses) -> RuleCondition:
        """It is in the address list."""
        return self._listed("in_list", "IS_TRUE", addresses)

    def not_in_list(self, addresses: Addresses) -> RuleCondition:
        """It is not in the address list."""
        return self._listed("not_in_list", "IS_FALSE", addresses)

    def _listed(self, method: str, operator: str, addresses: Addresses) -> RuleCondition:
        return RuleCondition(
            text=f"{self._name}.{method}(…)",
            faults=_list_faults(addresses),
            in_rule=_list_in_rule(self._attribute, operator, addresses),
        )


class RecipientAttribute(StringOperators[AnyCondition]):
    """The envelope recipient. Each of a message is decided on by itself."""

    def in_list(self, addresses: Addresses) -> AnyCondition:
        """It is in the address list."""
        return self._listed("in_list", "IS_TRUE", addresses)

    def not_in_list(self, addresses: Addresses) -> AnyCondition:
        """It is not in the address list."""
        return self._listed("not_in_list", "IS_FALSE", addresses)

    def _compare(self, method: str, operator: str, values: Sequence[str]) -> AnyCondition:
        return AnyCondition(
            text=call("recipient", method, values),
            faults=(*string_faults(values), *_incomplete(operator, values)),
            in_rule=_string_in_rule(
                _Rules.RuleStringToEvaluateProperty(attribute="RECIPIENT"), operator, values
            ),
            in_policy=_string_in_policy(
                _Policy.IngressStringToEvaluateProperty(attribute="RECIPIENT"), operator, values
            ),
        )

    def _listed(self, method: str, operator: str, addresses: Addresses) -> AnyCondition:
        return AnyCondition(
            text=f"recipient.{method}(…)",
            faults=_list_faults(addresses),
            in_rule=_list_in_rule("RECIPIENT", operator, addresses),
            in_policy=_boolean_in_policy(
                _Policy.IngressBooleanToEvaluateProperty(
                    is_in_address_list=_Policy.IngressIsInAddressListProperty(
                        attribute="RECIPIENT", address_lists=[_arn(addresses)]
                    )
                ),
                operator,
            ),
        )


class AnalysisString(StringOperators[AnyCondition]):
    """A result of an add-on that is text."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def _compare(self, method: str, operator: str, values: Sequence[str]) -> AnyCondition:
        analysis = self._analysis
        return AnyCondition(
            text=call(analysis.text, method, values),
            faults=(*analysis.faults, *string_faults(values)),
            only_in_rules=analysis.only_in_rules,
            in_rule=_string_in_rule(
                _Rules.RuleStringToEvaluateProperty(analysis=analysis.in_rule), operator, values
            ),
            in_policy=_string_in_policy(
                _Policy.IngressStringToEvaluateProperty(analysis=analysis.in_policy),
                operator,
                values,
            ),
        )


class NumberAttribute:
    """A number: ``size > 1_000_000``, or the same as a method."""

    def __init__(self, name: str, attribute: str) -> None:
        self._name = name
        self._attribute = attribute

    def __gt__(self, value: int) -> RuleCondition:
        """It is more than *value*."""
        return self._compare(">", "GREATER_THAN", value)

    def __ge__(self, value: int) -> RuleCondition:
        """It is *value* or more."""
        return self._compare(">=", "GREATER_THAN_OR_EQUAL", value)

    def __lt__(self, value: int) -> RuleCondition:
        """It is less than *value*."""
        return self._compare("<", "LESS_THAN", value)

    def __le__(self, value: int) -> RuleCondition:
        """It is *value* or less."""
        return self._compare("<=", "LESS_THAN_OR_EQUAL", value)

    def is_(self, value: int) -> RuleCondition:
        """It is *value*."""
        return self._compare("is", "EQUALS", value)

    def is_not(self, value: int) -> RuleCondition:
        """It is not *value*."""
        return self._compare("is not", "NOT_EQUALS", value)

    def _compare(self, sign: str, operator: str, value: int) -> RuleCondition:
        whole = not isinstance(value, bool) and isinstance(value, int | float)
        good = whole and (not resolved(value) or (value >= 0 and value == int(value)))
        return RuleCondition(
            text=f"{self._name} {sign} {shown(value)}",
            faults=() if good else ((value, "pass a whole number, 0 or more"),),
            in_rule=_Rules.RuleConditionProperty(
                number_expression=_Rules.RuleNumberExpressionProperty(
                    evaluate=_Rules.RuleNumberToEvaluateProperty(attribute=self._attribute),
                    operator=operator,
                    value=value if good else 0,
                )
            ),
        )


class IpAttribute:
    """An IP address."""

    def in_range(self, *ranges: str) -> AnyCondition:
        """It is in one of *ranges*, each an address or a range in CIDR notation."""
        return self._compare("in_range", "CIDR_MATCHES", ranges)

    def not_in_range(self, *ranges: str) -> AnyCondition:
        """It is in none of *ranges*."""
        return self._compare("not_in_range", "NOT_CIDR_MATCHES", ranges)

    def _compare(self, method: str, operator: str, ranges: Sequence[str]) -> AnyCondition:
        faults: list[tuple[object, str]] = []
        written: list[str] = []
        versions: set[int] = set()
        fault = count_fault(ranges)
        if fault is not None:
            faults.append(fault)
        for one in ranges:
            if isinstance(one, str) and not resolved(one):
                written.append(one)
                continue
            try:
                network = ipaddress.ip_network(one if isinstance(one, str) else "")
            except ValueError:
                faults.append((one, "write an address or a range, such as '203.0.113.0/24'"))
            else:
                # Mail Manager takes ranges only.
                written.append(str(network))
                versions.add(network.version)
        return AnyCondition(
            text=call("source_ip", method, ranges),
            faults=tuple(faults),
            in_rule=_Rules.RuleConditionProperty(
                ip_expression=_Rules.RuleIpExpressionProperty(
                    evaluate=_Rules.RuleIpToEvaluateProperty(attribute="SOURCE_IP"),
                    operator=operator,
                    values=written,
                )
            ),
            in_policy=_ranges_in_policy(operator, written, version=max(versions, default=4)),
            only_in_rules=(
                "write one condition for the IPv4 ranges and one for the IPv6 ranges, and put "
                "them into two statements: a traffic policy has an attribute for each"
                if len(versions) > 1
                else None
            ),
        )


def _ranges_in_policy(
    operator: str, ranges: list[str], *, version: int
) -> ses.CfnMailManagerTrafficPolicy.PolicyConditionProperty:
    if version == 6:
        return _Policy.PolicyConditionProperty(
            ipv6_expression=_Policy.IngressIpv6ExpressionProperty(
                evaluate=_Policy.IngressIpv6ToEvaluateProperty(attribute="SENDER_IPV6"),
                operator=operator,
                values=ranges,
            )
        )
    return _Policy.PolicyConditionProperty(
        ip_expression=_Policy.IngressIpv4ExpressionProperty(
            evaluate=_Policy.IngressIpToEvaluateProperty(attribute="SENDER_IP"),
            operator=operator,
            values=ranges,
        )
    )


class VerdictAttribute:
    """What a check says of the message."""

    def __init__(
        self,
        name: str,
        evaluate: ses.CfnMailManagerRuleSet.RuleVerdictToEvaluateProperty,
        faults: Faults = (),
    ) -> None:
        self._name = name
        self._evaluate = evaluate
        self._faults = faults

    def is_(self, *verdicts: VerdictWord) -> RuleCondition:
        """It is one of *verdicts*: PASS, FAIL, GRAY, PROCESSING_FAILED."""
        return self._compare("is_", "EQUALS", verdicts)

    def is_not(self, *verdicts: VerdictWord) -> RuleCondition:
        """It is none of *verdicts*."""
        return self._compare("is_not", "NOT_EQUALS", verdicts)

    def _compare(
        self, method: str, operator: str, verdicts: Sequence[VerdictWord]
    ) -> RuleCondition:
        return RuleCondition(
            text=call(self._name, method, _texts(verdicts)),
            faults=(*self._faults, *member_faults(Verdict, verdicts)),
            in_rule=_Rules.RuleConditionProperty(
                verdict_expression=_Rules.RuleVerdictExpressionProperty(
                    evaluate=self._evaluate, operator=operator, values=_texts(verdicts)
                )
            ),
        )


class DmarcAttribute:
    """The DMARC policy of the author's domain. What it is for mail that passes is not known."""

    def is_(self, *policies: DmarcPolicyWord) -> RuleCondition:
        """It is one of *policies*: NONE, QUARANTINE, REJECT."""
        return self._compare("is_", "EQUALS", policies)

    def is_not(self, *policies: DmarcPolicyWord) -> RuleCondition:
        """It is none of *policies*."""
        return self._compare("is_not", "NOT_EQUALS", policies)

    def _compare(
        self, method: str, operator: str, policies: Sequence[DmarcPolicyWord]
    ) -> RuleCondition:
        return RuleCondition(
            text=call("dmarc_policy", method, _texts(policies)),
            faults=member_faults(DmarcPolicy, policies),
            in_rule=_Rules.RuleConditionProperty(
                dmarc_expression=_Rules.RuleDmarcExpressionProperty(
                    operator=operator, values=_texts(policies)
                )
            ),
        )


class BooleanOperators(ABC, Generic[C]):
    """The operators of what is so or not."""

    @property
    def is_true(self) -> C:
        """It is so."""
        return self._compare("is_true", "IS_TRUE")

    @property
    def is_false(self) -> C:
        """It is not so."""
        return self._compare("is_false", "IS_FALSE")

    @abstractmethod
    def _compare(self, method: str, operator: str) -> C: ...


class BooleanAttribute(BooleanOperators[RuleCondition]):
    """Something that is so or not."""

    def __init__(self, name: str, attribute: str) -> None:
        self._name = name
        self._attribute = attribute

    def _compare(self, method: str, operator: str) -> RuleCondition:
        return RuleCondition(
            text=f"{self._name}.{method}",
            in_rule=_boolean_in_rule(
                _Rules.RuleBooleanToEvaluateProperty(attribute=self._attribute), operator
            ),
        )


class AnalysisBoolean(BooleanOperators[AnyCondition]):
    """A result of an add-on that is so or not."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def _compare(self, method: str, operator: str) -> AnyCondition:
        analysis = self._analysis
        return AnyCondition(
            text=f"{analysis.text}.{method}",
            faults=analysis.faults,
            only_in_rules=analysis.only_in_rules,
            in_rule=_boolean_in_rule(
                _Rules.RuleBooleanToEvaluateProperty(analysis=analysis.in_rule), operator
            ),
            in_policy=_boolean_in_policy(
                _Policy.IngressBooleanToEvaluateProperty(analysis=analysis.in_policy), operator
            ),
        )


class TlsVersionAttribute:
    """The version of TLS that the client uses; for statements of the traffic policy."""

    def at_least(self, version: TlsVersionWord) -> PolicyCondition:
        """It is *version* or later. Only for statements that allow."""
        return self._compare("at_least", "MINIMUM_TLS_VERSION", version)

    def is_(self, version: TlsVersionWord) -> PolicyCondition:
        """It is *version*."""
        return self._compare("is_", "IS", version)

    def _compare(self, method: str, operator: str, version: TlsVersionWord) -> PolicyCondition:
        return PolicyCondition(
            text=call("tls_version", method, _texts([version])),
            faults=member_faults(TlsVersion, [version]),
            in_policy=_Policy.PolicyConditionProperty(
                tls_expression=_Policy.IngressTlsProtocolExpressionProperty(
                    evaluate=_Policy.IngressTlsProtocolToEvaluateProperty(attribute="TLS_PROTOCOL"),
                    operator=operator,
                    value=str(version),
                )
            ),
        )


def _string_in_rule(
    evaluate: ses.CfnMailManagerRuleSet.RuleStringToEvaluateProperty,
    operator: str,
    values: Sequence[str],
) -> ses.CfnMailManagerRuleSet.RuleConditionProperty:
    return _Rules.RuleConditionProperty(
        string_expression=_Rules.RuleStringExpressionProperty(
            evaluate=evaluate, operator=operator, values=_texts(values)
        )
    )


def _string_in_policy(
    evaluate: ses.CfnMailManagerTrafficPolicy.IngressStringToEvaluateProperty,
    operator: str,
    values: Sequence[str],
) -> ses.CfnMailManagerTrafficPolicy.PolicyConditionProperty:
    return _Policy.PolicyConditionProperty(
        string_expression=_Policy.IngressStringExpressionProperty(
            evaluate=evaluate, operator=operator, values=_texts(values)
        )
    )


def _boolean_in_rule(
    evaluate: ses.CfnMailManagerRuleSet.RuleBooleanToEvaluateProperty, operator: str
) -> ses.CfnMailManagerRuleSet.RuleConditionProperty:
    return _Rules.RuleConditionProperty(
        boolean_expression=_Rules.RuleBooleanExpressionProperty(
            evaluate=evaluate, operator=operator
        )
    )


def _boolean_in_policy(
    evaluate: ses.CfnMailManagerTrafficPolicy.IngressBooleanToEvaluateProperty, operator: str
) -> ses.CfnMailManagerTrafficPolicy.PolicyConditionProperty:
    return _Policy.PolicyConditionProperty(
        boolean_expression=_Policy.IngressBooleanExpressionProperty(
            evaluate=evaluate, operator=operator
        )
    )


def _list_in_rule(
    attribute: str, operator: str, addresses: Addresses
) -> ses.CfnMailManagerRuleSet.RuleConditionProperty:
    return _boolean_in_rule(
        _Rules.RuleBooleanToEvaluateProperty(
            is_in_address_list=_Rules.RuleIsInAddressListProperty(
                attribute=attribute, address_lists=[_arn(addresses)]
            )
        ),
        operator,
    )


def _list_faults(addresses: object) -> Faults:
    if isinstance(getattr(addresses, "address_list_arn", None), str):
        return ()
    return ((addresses, "pass an AddressList"),)


def _incomplete(operator: str, values: Sequence[str]) -> Faults:
    """Return values that no recipient can be."""
    if operator not in ("EQUALS", "NOT_EQUALS"):
        return ()
    return tuple(
        (value, "write a whole address, or compare its end: recipient.ends_with('@example.com')")
        for value in values
        if isinstance(value, str) and resolved(value) and "@" not in value
    )


def _arn(addresses: Addresses) -> str:
    return getattr(addresses, "address_list_arn", "")


def _texts(values: Sequence[Any]) -> list[str]:
    return [str(value) for value in values]
