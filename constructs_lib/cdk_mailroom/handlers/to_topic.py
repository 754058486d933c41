"""Publish each mail to an SNS topic."""

from __future__ import annotations

from typing import Unpack

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns

from cdk_mailroom._checks import Problems
from cdk_mailroom.actions.base import RuleContext, RuleFacts
from cdk_mailroom.functions import FunctionOptions
from cdk_mailroom.handlers._hand_on import TEXT_BYTES, HandOn, check_place, check_target

__all__ = ["ToTopic"]


class ToTopic(HandOn):
    """Publish each mail to an SNS topic, as one JSON event.

    The rule's name is the message attribute ``rule``, which subscriptions can filter by. In a FIFO
    topic, the mails of one conversation keep their order, and a repeated delivery is dropped.
    Grants publishing to this topic, and the use of its key. The code is
    ``mailroom.handlers.receiving.to_topic``; the event is in docs/handing-on.md.
    """

    def __init__(
        self,
        topic: sns.ITopic,
        *,
        text_bytes: int = TEXT_BYTES,
        **options: Unpack[FunctionOptions],
    ) -> None:
        """Describe the handing on.

        Args:
            topic: The topic, standard or FIFO, in the rule's region.
            text_bytes: How much of the mail's text is in the event, 0 to 200000; 64 KiB by default.
            **options: See `FunctionOptions`. Memory is 1024 MiB by default.

        Raises:
            ConfigurationError: An argument is out of bounds.
        """
        self._topic = topic
        super().__init__("to_topic", text_bytes=text_bytes, **options)

    def check(self, problems: Problems) -> None:
        """Note everything that is wrong with the arguments."""
        remedy = "sns.Topic.from_topic_arn(…)"
        check_target(problems, "topic", self._topic, "topic_arn", remedy)
        super().check(problems)

    def check_rule(self, problems: Problems, facts: RuleFacts) -> None:
        """Note what of the rule does not fit."""
        super().check_rule(problems, facts)
        check_place(problems, "topic", self._topic, facts)

    def configure(self, function: lambda_.Function, context: RuleContext) -> None:
        """Grant the publishing, and set the topic."""
        iam.Grant.add_to_principal(
            grantee=function, actions=["sns:Publish"], resource_arns=[self._topic.topic_arn]
        )
        # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
        if self._topic.master_key is not None:
            self._topic.master_key.grant(function, "kms:Decrypt", "kms:GenerateDataKey")
        self.set_up(function, {"MAILROOM_TOPIC": self._topic.topic_arn})
