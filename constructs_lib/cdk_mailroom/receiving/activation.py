"""Makes a rule set the active one, without ever taking mail away from somebody else."""

from __future__ import annotations

from enum import StrEnum

from aws_cdk import CustomResource
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk_mailroom import _provisioning
from cdk_mailroom._reviewed import reviewed_wildcard

__all__ = ["Activation", "ActiveRuleSet"]


class Activation(StrEnum):
    """What to do about the one rule set that can be active in an account and region."""

    REFUSE = "refuse"
    """Activate ours if none is active; else fail the deployment, naming the set in the way."""
    JOIN = "join"
    """Put our rules first into the set that is active, whoever's it is; activate ours if none is.

    If the set's owner deletes it, our rules go with it.
    """
    REPLACE = "replace"
    """Activate ours, remember the set that was active, and activate that again on delete."""


class ActiveRuleSet(Construct):
    """A custom resource whose existence means that the rule set receives mail.

    On delete it acts only if our set is still the active one: it activates what was there before
    (`Activation.REPLACE`), or none. It never touches a set that is not ours.
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
        """The set that rules must go into; another than ours if it was joined."""


def _provider(scope: Construct) -> _provisioning.Provider:
    provider = _provisioning.provider(
        scope, "MailroomActivation", "mailroom.provisioning.activation"
    )
    # Stated by each that shares the provider; in the policy it stands once.
    provider.function.add_to_role_policy(
        iam.PolicyStatement(
            actions=[
                "ses:DescribeActiveReceiptRuleSet",
                "ses:DescribeReceiptRuleSet",
                "ses:SetActiveReceiptRuleSet",
            ],
            # These three know no resource (Service Authorization Reference, Amazon SES).
            resources=["*"],
        )
    )
    reviewed_wildcard(provider.function.role, "*", "these SES operations know no resource")
    return provider
