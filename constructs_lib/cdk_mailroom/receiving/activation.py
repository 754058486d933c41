"""Makes a rule set the active one, without ever taking mail away from another."""

from __future__ import annotations

from enum import StrEnum

from aws_cdk import CustomResource
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk_mailroom import _provisioning
from cdk_mailroom._reviewed import reviewed_wildcard

__all__ = ["Activation", "ActiveRuleSet"]


class Activation(StrEnum):
    """What to do if another rule set is active: one can be, per account and region."""

    REFUSE = "refuse"
    """Activate ours if none is active; otherwise fail the deployment and name the active set."""
    JOIN = "join"
    """Put our rules first into the active set; activate ours if none is active.

    If that set is deleted, our rules are deleted with it.
    """
    REPLACE = "replace"
    """Activate ours, and on delete activate the set that was active before."""


class ActiveRuleSet(Construct):
    """A custom resource whose existence means that the rule set receives mail.

    On delete it acts only if our set is still active: it activates the set that was active before
    (`Activation.REPLACE`), or none. It never changes a set that is not ours.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, rule_set_name: str, activation: Activation
    ) -> None:
        super().__init__(scope, construct_id)
        resource = CustomResource(
            self,
            "Resource",
            service_token=_provider(self).service_token,
            resource_type="Custom::SesActiveReceiptRuleSet",
            properties={"RuleSetName": rule_set_name, "Mode": str(activation)},
        )
        self.rule_set_name = resource.get_att_string("RuleSetName")
        """The set that rules must be added to; not ours if another was joined."""


def _provider(scope: Construct) -> _provisioning.Provider:
    provider = _provisioning.provider(
        scope, "MailroomActivation", "mailroom.provisioning.activation"
    )
    # Each construct that shares the provider adds it; the policy contains it once.
    provider.function.add_to_role_policy(
        iam.PolicyStatement(
            actions=[
                "ses:DescribeActiveReceiptRuleSet",
                "ses:DescribeReceiptRuleSet",
                "ses:SetActiveReceiptRuleSet",
            ],
            # These three do not support resources (Service Authorization Reference, Amazon SES).
            resources=["*"],
        )
    )
    reviewed_wildcard(provider.function.role, "*", "these SES operations do not support resources")
    return provider
