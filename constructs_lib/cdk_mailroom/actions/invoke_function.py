"""Call a Lambda function that exists already."""

from __future__ import annotations

from enum import StrEnum

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from constructs import Construct

from cdk_mailroom._checks import Problems, check_seconds
from cdk_mailroom._places import check_region
from cdk_mailroom.actions.base import BoundAction, ReceiptAction, ReceiptContext, RuleFacts
from cdk_mailroom.actions.grants import grant_invoke, grant_publish
from cdk_mailroom.actions.settings import SAME_REGION, check_topic
from mailroom.ses import SYNCHRONOUS_SECONDS

__all__ = ["InvocationType", "InvokeFunction", "call"]


class InvocationType(StrEnum):
    """How SES calls a function."""

    EVENT = "Event"
    """Lambda queues the call; SES does not wait."""
    REQUEST_RESPONSE = "RequestResponse"
    """SES waits for the disposition that the function returns."""


class InvokeFunction(ReceiptAction):
    """Call a function that exists already, in any language.

    Grants SES the call; for an imported function a warning says what to grant. For Python code of
    your own prefer `PythonHandler`, which brings typed mail, a dead-letter queue and logs.

    https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-lambda.html
    """

    def __init__(
        self,
        function: lambda_.IFunction,
        *,
        synchronous: bool = False,
        topic: sns.ITopic | None = None,
    ) -> None:
        """Describe the action.

        Args:
            function: The function.
            synchronous: SES waits, 30 s at most, and follows the disposition that the function
                returns. By default Lambda queues the call.
            topic: Gets a notification of each call. Not a FIFO topic. None by default.

        Raises:
            ConfigurationError: The function may run longer than SES waits, or the topic is a FIFO
                topic.
        """
        problems = Problems("actions.InvokeFunction")
        check_topic(problems, topic)
        if synchronous and isinstance(function, lambda_.Function):
            check_seconds(problems, "timeout", function.timeout, range(1, SYNCHRONOUS_SECONDS + 1))
        problems.raise_if_any()
        self.function = function
        self.synchronous = synchronous
        self.topic = topic

    def check_rule(self, problems: Problems, facts: RuleFacts) -> None:
        """Note a function or a topic of another region."""
        check_region(problems, "function", self.function, facts.stack, SAME_REGION)
        check_region(problems, "topic", self.topic, facts.stack, SAME_REGION)

    def bind(self, scope: Construct, context: ReceiptContext) -> BoundAction:
        """Grant SES the call and return the action."""
        # One function may serve several rules; the rule's address tells their permissions apart.
        permission_id = f"AllowSes{context.rule.node.addr[-8:]}"
        dependencies = grant_invoke(scope, context, self.function, permission_id=permission_id)
        if self.topic is not None:
            dependencies += grant_publish(scope, context, self.topic)
        return BoundAction(
            action=call(self.function, synchronous=self.synchronous, topic=self.topic),
            dependencies=dependencies,
            function=self.function,
        )


def call(
    function: lambda_.IFunction, *, synchronous: bool, topic: sns.ITopic | None = None
) -> ses.ReceiptRuleActionConfig:
    """Return the settings of a call to *function*."""
    invocation = InvocationType.REQUEST_RESPONSE if synchronous else InvocationType.EVENT
    return ses.ReceiptRuleActionConfig(
        lambda_action=ses.LambdaActionConfig(
            function_arn=function.function_arn,
            invocation_type=invocation.value,
            topic_arn=None if topic is None else topic.topic_arn,
        )
    )
