"""Put the message into an index of Amazon Q Business."""

from __future__ import annotations

import re

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom._checks import Problems, resolved
from cdk_mailroom._reviewed import reviewed_wildcard
from cdk_mailroom.gateway.actions.base import (
    Action,
    BoundGatewayAction,
    GatewayAction,
    GatewayContext,
    OnFailure,
    check_on_failure,
)

__all__ = ["DeliverToQBusiness"]

_Rules = ses.CfnMailManagerRuleSet


class DeliverToQBusiness(GatewayAction):
    """Put the message into an index of Amazon Q Business, where it can be asked for.

    Grants the role writing to this index, and the use of its customer key.

    https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_DeliverToQBusinessAction.html
    """

    def __init__(
        self,
        *,
        application_id: str,
        index_id: str,
        encryption_key: kms.IKey | None = None,
        on_failure: OnFailure | str = OnFailure.CONTINUE,
    ) -> None:
        """Describe the action.

        Args:
            application_id: The application, 36 characters.
            index_id: The index of it, 36 characters.
            encryption_key: The customer key of the application, if it has one.
            on_failure: What happens when the message cannot be written; see `OnFailure`.

        Raises:
            ConfigurationError: An id is not one.
        """
        problems = Problems("gateway.actions.DeliverToQBusiness")
        check_on_failure(problems, on_failure)
        for argument, value in (("application_id", application_id), ("index_id", index_id)):
            if resolved(value) and not (
                isinstance(value, str) and re.fullmatch(r"[a-z0-9-]{36}", value)
            ):
                problems.add(argument, value, "use 36 lower-case letters, digits and hyphens")
        problems.raise_if_any()
        self.application_id = application_id
        self.index_id = index_id
        self.encryption_key = encryption_key
        self.on_failure = on_failure

    def bind(self, scope: Construct, context: GatewayContext) -> BoundGatewayAction:
        """Grant the role the writing, and return the action."""
        role, stack, key = context.role, context.stack, self.encryption_key
        iam.Grant.add_to_principal(
            grantee=role,
            actions=["qbusiness:BatchPutDocument"],
            resource_arns=[
                stack.format_arn(
                    service="qbusiness",
                    resource="application",
                    resource_name=f"{self.application_id}/index/{self.index_id}",
                )
            ],
        )
        if key is not None:
            via = {"kms:ViaService": f"qbusiness.{stack.region}.amazonaws.com"}
            iam.Grant.add_to_principal(
                grantee=role,
                actions=["kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*"],
                resource_arns=[key.key_arn],
                conditions={"StringEquals": {**via, "kms:CallerAccount": stack.account}},
            )
            reviewed_wildcard(
                role, "Action::kms:GenerateDataKey*", "AWS asks for this form in its own policy"
            )
        return BoundGatewayAction(
            action=Action(
                deliver_to_q_business=_Rules.DeliverToQBusinessActionProperty(
                    application_id=self.application_id,
                    index_id=self.index_id,
                    role_arn=role.role_arn,
                    action_failure_policy=str(self.on_failure),
                )
            )
        )
