"""Attributes that are compared with numbers, ranges, and Mail Manager's words."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Sequence

from aws_cdk import aws_ses as ses

from cdk_mailroom._checks import resolved
from cdk_mailroom.gateway._expressions import texts
from cdk_mailroom.gateway.conditions import (
    AnyCondition,
    Faults,
    PolicyCondition,
    RuleCondition,
    call,
    count_fault,
    member_faults,
    shown,
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
    "DmarcAttribute",
    "IpAttribute",
    "NumberAttribute",
    "TlsVersionAttribute",
    "VerdictAttribute",
]

_Rules = ses.CfnMailManagerRuleSet
_Policy = ses.CfnMailManagerTrafficPolicy


# Nobody has more: what is wider is the internet.
_LIMITING = {4: 8, 6: 16}


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
        number = not isinstance(value, bool) and isinstance(value, int | float)
        # NaN, too, is what the CDK takes for a token.
        good = number and math.isfinite(value) and (not resolved(value) or 0 <= value == int(value))
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
        limits_use = operator == "CIDR_MATCHES"
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
                limits_use &= network.prefixlen >= _LIMITING[network.version]
        return AnyCondition(
            text=call("source_ip", method, ranges),
            faults=tuple(faults),
            limits_use=limits_use,
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
            text=call(self._name, method, texts(verdicts)),
            faults=(*self._faults, *member_faults(Verdict, verdicts)),
            in_rule=_Rules.RuleConditionProperty(
                verdict_expression=_Rules.RuleVerdictExpressionProperty(
                    evaluate=self._evaluate, operator=operator, values=texts(verdicts)
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
            text=call("dmarc_policy", method, texts(policies)),
            faults=member_faults(DmarcPolicy, policies),
            in_rule=_Rules.RuleConditionProperty(
                dmarc_expression=_Rules.RuleDmarcExpressionProperty(
                    operator=operator, values=texts(policies)
                )
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
            text=call("tls_version", method, texts([version])),
            faults=member_faults(TlsVersion, [version]),
            in_policy=_Policy.PolicyConditionProperty(
                tls_expression=_Policy.IngressTlsProtocolExpressionProperty(
                    evaluate=_Policy.IngressTlsProtocolToEvaluateProperty(attribute="TLS_PROTOCOL"),
                    operator=operator,
                    value=str(version),
                )
            ),
        )
