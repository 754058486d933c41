"""Publish the message to a topic."""

from __future__ import annotations

from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from aws_cdk.aws_ses_actions import EmailEncoding
from constructs import Construct

from cdk_mailroom._checks import Problems
from cdk_mailroom._places import check_region
from cdk_mailroom.actions.base import BoundAction, ReceiptAction, ReceiptContext, RuleFacts
from cdk_mailroom.actions.grants import grant_publish
from cdk_mailroom.actions.settings import SAME_REGION, check_topic

__all__ = ["Sns"]


class Sns(ReceiptAction):
    """Publish the whole message to a topic: mail of up to 150 KB; SES bounces what is larger.

    Grants SES the publishing, and the use of the topic's customer key.

    https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-sns.html
    """

    def __init__(self, *, topic: sns.ITopic, encoding: EmailEncoding | None = None) -> None:
        """Describe the action.

        Args:
            topic: The topic; not a FIFO topic.
            encoding: Of the message, UTF-8 by default. Bytes that are not UTF-8 are lost then, so
                Base64 is right for anything but plain text.

        Raises:
            ConfigurationError: The topic is a FIFO topic.
        """
        problems = Problems("actions.Sns")
        check_topic(problems, topic)
        problems.raise_if_any()
        self.topic = topic
        self.encoding = encoding

    def check_rule(self, problems: Problems, facts: RuleFacts) -> None:
        """Note a topic of another region."""
        check_region(problems, "topic", self.topic, facts.stack, SAME_REGION)

    def bind(self, scope: Construct, context: ReceiptContext) -> BoundAction:
        """Grant the publishing and return the action."""
        return BoundAction(
            action=ses.ReceiptRuleActionConfig(
                sns_action=ses.SNSActionConfig(
                    topic_arn=self.topic.topic_arn,
                    encoding="Base64" if self.encoding is EmailEncoding.BASE64 else "UTF-8",
                )
            ),
            dependencies=grant_publish(scope, context, self.topic),
        )
