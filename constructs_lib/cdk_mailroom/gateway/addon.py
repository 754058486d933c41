"""Add-ons: what other companies say of a message, at their price and on their terms."""

from __future__ import annotations

import re
from enum import StrEnum

from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom._checks import Problems, resolved
from cdk_mailroom._construct import MailConstruct
from cdk_mailroom._siblings import siblings
from cdk_mailroom.gateway import limits
from cdk_mailroom.gateway.conditions import Faults, shown
from cdk_mailroom.gateway.measures import VerdictAttribute
from cdk_mailroom.gateway.operators import Analysis, AnalysisBoolean, AnalysisString

__all__ = ["Addon", "AddonName", "AddonSubscription"]

_Rules = ses.CfnMailManagerRuleSet


class AddonName(StrEnum):
    """The add-ons, with their prices for 1,000 messages in July 2026."""

    ABUSIX_MAIL_INTELLIGENCE = "ABUSIX_MAIL_INTELLIGENCE"
    """Lists of addresses that send spam; $0.125. For traffic policies."""
    SPAMHAUS_DBL = "SPAMHAUS_DBL"
    """A list of domains that send spam; $0.125. For traffic policies."""
    TRENDMICRO_VSAPI = "TRENDMICRO_VSAPI"
    """Looks for viruses; $0.1875. For rules."""
    VADE_ADVANCED_EMAIL_SECURITY = "VADE_ADVANCED_EMAIL_SECURITY"
    """Looks for spam, phishing and malware; $0.415. For rules."""


_PRICES = {
    AddonName.ABUSIX_MAIL_INTELLIGENCE: "0.125",
    AddonName.SPAMHAUS_DBL: "0.125",
    AddonName.TRENDMICRO_VSAPI: "0.1875",
    AddonName.VADE_ADVANCED_EMAIL_SECURITY: "0.415",
}
_IN_POLICIES = (AddonName.ABUSIX_MAIL_INTELLIGENCE, AddonName.SPAMHAUS_DBL)


class Addon:
    """An add-on that is subscribed to already: conditions on what it says."""

    def __init__(self, addon_instance_arn: str, name: AddonName | str) -> None:
        """Describe the add-on.

        Args:
            addon_instance_arn: The ARN of its instance.
            name: Which it is; see `AddonName`.

        Raises:
            ConfigurationError: The name is not one of `AddonName`.
        """
        problems = Problems("gateway.Addon")
        _check_name(problems, name)
        problems.raise_if_any()
        self._arn = addon_instance_arn
        self._name = name

    @property
    def addon_instance_arn(self) -> str:
        """The ARN of its instance."""
        return self._arn

    def boolean(self, field: str) -> AnalysisBoolean:
        """Return a true-or-false result, such as ``isListed`` or ``isPassed``.

        Args:
            field: The name of the result.
        """
        return AnalysisBoolean(self._analysis("boolean", field))

    def string(self, field: str) -> AnalysisString:
        """Return a text result; the console of SES shows their names.

        Args:
            field: The name of the result.
        """
        return AnalysisString(self._analysis("string", field))

    def verdict(self, field: str) -> VerdictAttribute:
        """Return a result that is a verdict; for rules only.

        Args:
            field: The name of the result.
        """
        analysis = self._analysis("verdict", field)
        return VerdictAttribute(
            analysis.text,
            _Rules.RuleVerdictToEvaluateProperty(analysis=analysis.in_rule),
            analysis.faults,
        )

    def _analysis(self, kind: str, field: str) -> Analysis:
        return Analysis(
            text=f"addon.{kind}({shown(field)})",
            analyzer=self._arn,
            field=str(field),
            faults=_faults(field),
            only_in_rules=(
                None
                if self._name in _IN_POLICIES
                else f"use it in a rule: {self._name} looks at messages, which come after the "
                "traffic policy has decided"
            ),
        )


class AddonSubscription(MailConstruct):
    """Subscribes to an add-on, which accepts its terms and its price.

    There is one subscription to each add-on in an account and region. It can be ended only when no
    condition uses it any more.

    https://docs.aws.amazon.com/ses/latest/dg/eb-addons.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: AddonName | str,
        accept_terms_and_price: bool = False,
    ) -> None:
        """Subscribe.

        Args:
            scope: The construct or stack that this belongs to.
            construct_id: Its id there.
            name: The add-on; see `AddonName` for what each is and costs.
            accept_terms_and_price: ``True``, once somebody who may has read both in the console of
                SES, under Email Add Ons.

        Raises:
            ConfigurationError: The name is not one of `AddonName`, the terms were not accepted, or
                the app subscribes already.
        """
        problems = Problems(scope, construct_id)
        if _check_name(problems, name) and accept_terms_and_price is not True:
            problems.add(
                "accept_terms_and_price",
                accept_terms_and_price,
                f"read the terms of {name} in the console of SES, Email Add Ons, and pass True to "
                f"accept them and the price: ${_PRICES[AddonName(name)]} for 1,000 messages in "
                "July 2026",
            )
        for other in siblings(scope, ses.CfnMailManagerAddonSubscription):
            if other.addon_name == name:
                path = other.node.path.removesuffix("/Subscription")
                problems.add(
                    "name",
                    str(name),
                    f"use {path}, which subscribes to it: there is one subscription in an account "
                    "and region",
                )
        problems.raise_if_any()
        super().__init__(scope, construct_id)
        subscription = ses.CfnMailManagerAddonSubscription(
            self, "Subscription", addon_name=str(name)
        )
        instance = ses.CfnMailManagerAddonInstance(
            self, "Instance", addon_subscription_id=subscription.attr_addon_subscription_id
        )
        self._addon = Addon(instance.attr_addon_instance_arn, name)

    @property
    def addon(self) -> Addon:
        """The add-on, for conditions."""
        return self._addon

    @property
    def addon_instance_arn(self) -> str:
        """The ARN of its instance."""
        return self._addon.addon_instance_arn

    def boolean(self, field: str) -> AnalysisBoolean:
        """Return a true-or-false result, such as ``isListed`` or ``isPassed``.

        Args:
            field: The name of the result.
        """
        return self._addon.boolean(field)

    def string(self, field: str) -> AnalysisString:
        """Return a text result; the console of SES shows their names.

        Args:
            field: The name of the result.
        """
        return self._addon.string(field)

    def verdict(self, field: str) -> VerdictAttribute:
        """Return a result that is a verdict; for rules only.

        Args:
            field: The name of the result.
        """
        return self._addon.verdict(field)


def _check_name(problems: Problems, name: object) -> bool:
    if name in list(AddonName):
        return True
    problems.add("name", name, f"use one of {[str(one) for one in AddonName]}")
    return False


def _faults(field: object) -> Faults:
    if isinstance(field, str) and (not resolved(field) or re.fullmatch(limits.RESULT_FIELD, field)):
        return ()
    return ((field, "use up to 250 letters, digits, spaces and '_'"),)
