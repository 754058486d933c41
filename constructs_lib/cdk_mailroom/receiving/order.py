"""Puts rules into the order in which they were added."""

from __future__ import annotations

from aws_cdk import CustomResource
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom._construct import MailConstruct
from cdk_mailroom._provisioning import SERVICE_TIMEOUT
from cdk_mailroom._reviewed import reviewed_wildcard
from cdk_mailroom.receiving._provider import later, provider_of_rules

__all__ = ["RuleOrder"]


class RuleOrder(MailConstruct):
    """A custom resource that reads the rules' real order after they have changed, and corrects it.

    CloudFormation places a rule when it is created. That it moves a rule later, when only ``After``
    changes, is not documented, and the API's UpdateReceiptRule does not.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        rule_set_name: str,
        after: ses.IReceiptRule | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._names: list[str] = []
        provider = provider_of_rules(self)
        provider.function.add_to_role_policy(
            iam.PolicyStatement(
                # These do not support resources (Service Authorization Reference, Amazon SES).
                actions=["ses:DescribeReceiptRuleSet", "ses:SetReceiptRulePosition"],
                resources=["*"],
            )
        )
        reviewed_wildcard(
            provider.function.role, "*", "these SES operations do not support resources"
        )
        properties = {"RuleSetName": rule_set_name, "Rules": later(lambda: self._names)}
        if after is not None:
            properties["After"] = after.receipt_rule_name
        CustomResource(
            self,
            "Resource",
            service_token=provider.service_token,
            service_timeout=SERVICE_TIMEOUT,
            resource_type="Custom::SesReceiptRuleOrder",
            properties=properties,
        )

    def append(self, rule: ses.IReceiptRule) -> None:
        """Let *rule* run after those that were appended before."""
        # Each name is a reference, so that this comes after all rules.
        self._names.append(rule.receipt_rule_name)
