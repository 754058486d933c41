"""Attributes that are text, or true or false, each with the operators of Mail Manager."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from aws_cdk import aws_ses as ses

from cdk_mailroom._checks import resolved
from cdk_mailroom.gateway._expressions import (
    Addresses,
    address_list_arn,
    boolean_in_policy,
    boolean_in_rule,
    list_faults,
    list_in_rule,
    string_in_policy,
    string_in_rule,
)
from cdk_mailroom.gateway.conditions import (
    AnyCondition,
    Faults,
    RuleCondition,
    call,
    string_faults,
)

__all__ = [
    "AddressAttribute",
    "Analysis",
    "AnalysisBoolean",
    "AnalysisString",
    "BooleanAttribute",
    "RecipientAttribute",
    "StringAttribute",
]

_Rules = ses.CfnMailManagerRuleSet
_Policy = ses.CfnMailManagerTrafficPolicy

C = TypeVar("C")
# A whole label is before the last one.
_END_OF_A_DOMAIN = re.compile(r"[@.][^@.]+\.[^@.]+$")


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
            in_rule=string_in_rule(self._evaluate, operator, values),
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
            faults=list_faults(addresses),
            in_rule=list_in_rule(self._attribute, operator, addresses),
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
            limits_use=_limits_use(operator, values),
            in_rule=string_in_rule(
                _Rules.RuleStringToEvaluateProperty(attribute="RECIPIENT"), operator, values
            ),
            in_policy=string_in_policy(
                _Policy.IngressStringToEvaluateProperty(attribute="RECIPIENT"), operator, values
            ),
        )

    def _listed(self, method: str, operator: str, addresses: Addresses) -> AnyCondition:
        return AnyCondition(
            text=f"recipient.{method}(…)",
            faults=list_faults(addresses),
            limits_use=operator == "IS_TRUE",
            in_rule=list_in_rule("RECIPIENT", operator, addresses),
            in_policy=boolean_in_policy(
                _Policy.IngressBooleanToEvaluateProperty(
                    is_in_address_list=_Policy.IngressIsInAddressListProperty(
                        attribute="RECIPIENT", address_lists=[address_list_arn(addresses)]
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
            of_addon=True,
            in_rule=string_in_rule(
                _Rules.RuleStringToEvaluateProperty(analysis=analysis.in_rule), operator, values
            ),
            in_policy=string_in_policy(
                _Policy.IngressStringToEvaluateProperty(analysis=analysis.in_policy),
                operator,
                values,
            ),
        )


class BooleanOperators(ABC, Generic[C]):
    """The operators of what is true or false."""

    @property
    def is_true(self) -> C:
        """It is true."""
        return self._compare("is_true", "IS_TRUE")

    @property
    def is_false(self) -> C:
        """It is false."""
        return self._compare("is_false", "IS_FALSE")

    @abstractmethod
    def _compare(self, method: str, operator: str) -> C: ...


class BooleanAttribute(BooleanOperators[RuleCondition]):
    """Something that is true or false."""

    def __init__(self, name: str, attribute: str) -> None:
        self._name = name
        self._attribute = attribute

    def _compare(self, method: str, operator: str) -> RuleCondition:
        return RuleCondition(
            text=f"{self._name}.{method}",
            in_rule=boolean_in_rule(
                _Rules.RuleBooleanToEvaluateProperty(attribute=self._attribute), operator
            ),
        )


class AnalysisBoolean(BooleanOperators[AnyCondition]):
    """A result of an add-on that is true or false."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def _compare(self, method: str, operator: str) -> AnyCondition:
        analysis = self._analysis
        return AnyCondition(
            text=f"{analysis.text}.{method}",
            faults=analysis.faults,
            only_in_rules=analysis.only_in_rules,
            of_addon=True,
            in_rule=boolean_in_rule(
                _Rules.RuleBooleanToEvaluateProperty(analysis=analysis.in_rule), operator
            ),
            in_policy=boolean_in_policy(
                _Policy.IngressBooleanToEvaluateProperty(analysis=analysis.in_policy), operator
            ),
        )


def _limits_use(operator: str, values: Sequence[object]) -> bool:
    """Tell whether a comparison names addresses or domains, not just ``.com``."""
    if operator != "ENDS_WITH":
        return operator == "EQUALS"
    return all(
        not isinstance(value, str) or not resolved(value) or _END_OF_A_DOMAIN.search(value)
        for value in values
    )


def _incomplete(operator: str, values: Sequence[str]) -> Faults:
    """Return values that no recipient can be."""
    if operator not in ("EQUALS", "NOT_EQUALS"):
        return ()
    return tuple(
        (value, "write a whole address, or compare its end: recipient.ends_with('@example.com')")
        for value in values
        if isinstance(value, str) and resolved(value) and "@" not in value
    )
