"""Deliver the message to the mailboxes of an Amazon WorkMail organization."""

from __future__ import annotations

import re

from aws_cdk import aws_iam as iam
from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom._checks import Problems, resolved
from cdk_mailroom.gateway.actions.base import (
    Action,
    BoundGatewayAction,
    GatewayAction,
    GatewayContext,
    OnFailure,
    check_on_failure,
)

__all__ = ["DeliverToWorkMail"]

_Rules = ses.CfnMailManagerRuleSet


class DeliverToWorkMail(GatewayAction):
    """Deliver the message to the mailboxes of a WorkMail organization.

    WorkMail ends on 2027-03-31. Grants the role the delivery to this organization.

    https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_DeliverToMailboxAction.html
    """

    def __init__(
        self, organization_arn: str, *, on_failure: OnFailure | str = OnFailure.CONTINUE
    ) -> None:
        """Describe the action.

        Args:
            organization_arn: The ARN of the organization, not of a mailbox.
            on_failure: What happens when the message cannot be delivered; see `OnFailure`.

        Raises:
            ConfigurationError: It is not the ARN of an organization.
        """
        problems = Problems("gateway.actions.DeliverToWorkMail")
        check_on_failure(problems, on_failure)
        if resolved(organization_arn) and not (
            isinstance(organization_arn, str)
            and re.fullmatch(
                r"arn:[^:]+:workmail:[^:]+:\d{12}:organization/[^/]+", organization_arn
            )
        ):
            problems.add(
                "organization_arn",
                organization_arn,
                "pass 'arn:aws:workmail:REGION:ACCOUNT:organization/m-…'",
            )
        problems.raise_if_any()
        self.organization_arn = organization_arn
        self.on_failure = on_failure

    def bind(self, scope: Construct, context: GatewayContext) -> BoundGatewayAction:
        """Grant the role the delivery, and return the action."""
        iam.Grant.add_to_principal(
            grantee=context.role,
            actions=["workmail:DeliverToMailbox"],
            resource_arns=[self.organization_arn],
        )
        return BoundGatewayAction(
            action=Action(
                deliver_to_mailbox=_Rules.DeliverToMailboxActionProperty(
                    mailbox_arn=self.organization_arn,
                    role_arn=context.role.role_arn,
                    action_failure_policy=str(self.on_failure),
                )
            )
        )
