"""Comparisons in the form that rule sets and traffic policies have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from aws_cdk import aws_ses as ses

from cdk_mailroom.gateway.conditions import Faults

__all__ = [
    "Addresses",
    "address_list_arn",
    "boolean_in_policy",
    "boolean_in_rule",
    "list_faults",
    "list_in_rule",
    "string_in_policy",
    "string_in_rule",
    "texts",
]

_Rules = ses.CfnMailManagerRuleSet
_Policy = ses.CfnMailManagerTrafficPolicy


class Addresses(Protocol):
    """An `AddressList`."""

    @property
    def address_list_arn(self) -> str:
        """Its ARN."""


def string_in_rule(
    evaluate: ses.CfnMailManagerRuleSet.RuleStringToEvaluateProperty,
    operator: str,
    values: Sequence[str],
) -> ses.CfnMailManagerRuleSet.RuleConditionProperty:
    """Return a comparison of text, for a rule set."""
    return _Rules.RuleConditionProperty(
        string_expression=_Rules.RuleStringExpressionProperty(
            evaluate=evaluate, operator=operator, values=texts(values)
        )
    )


def string_in_policy(
    evaluate: ses.CfnMailManagerTrafficPolicy.IngressStringToEvaluateProperty,
    operator: str,
    values: Sequence[str],
) -> ses.CfnMailManagerTrafficPolicy.PolicyConditionProperty:
    """Return a comparison of text, for a traffic policy."""
    return _Policy.PolicyConditionProperty(
        string_expression=_Policy.IngressStringExpressionProperty(
            evaluate=evaluate, operator=operator, values=texts(values)
        )
    )


def boolean_in_rule(
    evaluate: ses.CfnMailManagerRuleSet.RuleBooleanToEvaluateProperty, operator: str
) -> ses.CfnMailManagerRuleSet.RuleConditionProperty:
    """Return a true-or-false comparison, for a rule set."""
    return _Rules.RuleConditionProperty(
        boolean_expression=_Rules.RuleBooleanExpressionProperty(
            evaluate=evaluate, operator=operator
        )
    )


def boolean_in_policy(
    evaluate: ses.CfnMailManagerTrafficPolicy.IngressBooleanToEvaluateProperty, operator: str
) -> ses.CfnMailManagerTrafficPolicy.PolicyConditionProperty:
    """Return a true-or-false comparison, for a traffic policy."""
    return _Policy.PolicyConditionProperty(
        boolean_expression=_Policy.IngressBooleanExpressionProperty(
            evaluate=evaluate, operator=operator
        )
    )


def list_in_rule(
    attribute: str, operator: str, addresses: Addresses
) -> ses.CfnMailManagerRuleSet.RuleConditionProperty:
    """Return whether an address is in a list, for a rule set."""
    return boolean_in_rule(
        _Rules.RuleBooleanToEvaluateProperty(
            is_in_address_list=_Rules.RuleIsInAddressListProperty(
                attribute=attribute, address_lists=[address_list_arn(addresses)]
            )
        ),
        operator,
    )


def list_faults(addresses: object) -> Faults:
    """Return what is wrong with an address list."""
    if isinstance(getattr(addresses, "address_list_arn", None), str):
        return ()
    return ((addresses, "pass an AddressList"),)


def address_list_arn(addresses: Addresses) -> str:
    """Return the ARN of an address list, empty if it is none."""
    return getattr(addresses, "address_list_arn", "")


def texts(values: Sequence[Any]) -> list[str]:
    """Return *values* as they are written in a template."""
    return [str(value) for value in values]
