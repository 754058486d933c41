"""Publish the message to a topic."""

from __future__ import annotations

from enum import StrEnum

from aws_cdk import aws_iam as iam
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from constructs import Construct

from cdk_mailroom._checks import Problems
from cdk_mailroom._reviewed import reviewed_wildcard
from cdk_mailroom.actions.settings import check_topic
from cdk_mailroom.gateway.actions.base import (
    Action,
    BoundGatewayAction,
    GatewayAction,
    GatewayContext,
    OnFailure,
    check_on_failure,
)

__all__ = ["Payload", "Publish"]

_Rules = ses.CfnMailManagerRuleSet


class Payload(StrEnum):
    """What a notification has of the message."""

    CONTENT = "CONTENT"
    """All of it; the fields of its header in the notification are cut off at 20 KB."""
    HEADERS = "HEADERS"
    """The fields of its header, up to 100 KB, and no content."""


class Publish(GatewayAction):
    """Publish the message to a topic. What the notification looks like is not documented.

    Grants the role publishing to this topic, and the use of its customer key.

    https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_SnsAction.html
    """

    def __init__(
        self,
        topic: sns.ITopic,
        *,
        payload: Payload | str = Payload.CONTENT,
        base64: bool = False,
        on_failure: OnFailure | str = OnFailure.CONTINUE,
    ) -> None:
        """Describe the action.

        Args:
            topic: The topic; not a FIFO topic.
            payload: What the notification has of the message; see `Payload`.
            base64: Encode the content as Base64, which keeps every byte. UTF-8 by default.
            on_failure: What happens when the topic cannot be reached; see `OnFailure`.

        Raises:
            ConfigurationError: The topic is a FIFO topic, or the payload is not one.
        """
        problems = Problems("gateway.actions.Publish")
        check_on_failure(problems, on_failure)
        check_topic(problems, topic)
        if payload not in list(Payload):
            problems.add("payload", payload, f"use one of {[str(one) for one in Payload]}")
        problems.raise_if_any()
        self.topic = topic
        self.payload = payload
        self.base64 = base64
        self.on_failure = on_failure

    def bind(self, scope: Construct, context: GatewayContext) -> BoundGatewayAction:
        """Grant the role the publishing, and return the action."""
        role, key = context.role, self.topic.master_key
        iam.Grant.add_to_principal(
            grantee=role, actions=["sns:Publish"], resource_arns=[self.topic.topic_arn]
        )
        if key is not None:
            # AWS's page has all but Decrypt, which SNS itself asks of who publishes.
            key.grant(role, "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*")
            reviewed_wildcard(
                role, "Action::kms:GenerateDataKey*", "AWS asks for this form in its own policy"
            )
        return BoundGatewayAction(
            action=Action(
                publish_to_sns=_Rules.SnsActionProperty(
                    role_arn=role.role_arn,
                    topic_arn=self.topic.topic_arn,
                    encoding="BASE64" if self.base64 else "UTF-8",
                    payload_type=str(self.payload),
                    action_failure_policy=str(self.on_failure),
                )
            )
        )
