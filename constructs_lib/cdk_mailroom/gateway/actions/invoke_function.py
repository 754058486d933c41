"""Call a Lambda function: one that exists already, or that of a handler."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom._checks import Problems, check_unit
from cdk_mailroom.actions.base import RuleFacts
from cdk_mailroom.gateway import limits
from cdk_mailroom.gateway.actions.base import (
    Action,
    BoundGatewayAction,
    GatewayAction,
    GatewayContext,
    OnFailure,
    check_on_failure,
)
from cdk_mailroom.handlers.python_handler import PythonHandler

__all__ = ["CallHandler", "InvokeFunction", "check_retry", "longest_retry"]

_Rules = ses.CfnMailManagerRuleSet


class InvokeFunction(GatewayAction):
    """Call a function that exists already, in any language.

    Grants the role the call; no permission of the function itself is needed. For Python code of
    your own prefer `PythonHandler`, which brings typed mail, a dead-letter queue and logs. AWS says
    that the function gets the same event as from a receipt rule.

    https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_InvokeLambdaAction.html
    """

    def __init__(
        self,
        function: lambda_.IFunction,
        *,
        synchronous: bool = False,
        retry: Duration | None = None,
        on_failure: OnFailure | str = OnFailure.CONTINUE,
    ) -> None:
        """Describe the action.

        Args:
            function: The function.
            synchronous: Mail Manager waits for the disposition that the function returns. By
                default Lambda queues the call.
            retry: How long a failed call is repeated: whole minutes, 36 hours at most, which is
                the default.
            on_failure: What happens when the function cannot be called; see `OnFailure`.

        Raises:
            ConfigurationError: The time is out of bounds.
        """
        problems = Problems("gateway.actions.InvokeFunction")
        check_on_failure(problems, on_failure)
        check_retry(problems, retry)
        problems.raise_if_any()
        self.function = function
        self.synchronous = synchronous
        self.retry = retry
        self.on_failure = on_failure

    def bind(self, scope: Construct, context: GatewayContext) -> BoundGatewayAction:
        """Grant the role the call, and return the action."""
        return _call(
            context.role,
            self.function,
            synchronous=self.synchronous,
            retry=self.retry or longest_retry(),
            on_failure=self.on_failure,
        )


class CallHandler(GatewayAction):
    """Makes the function of a `PythonHandler`, and calls it."""

    def __init__(self, handler: PythonHandler) -> None:
        self._handler = handler

    def check_rule(self, problems: Problems, facts: RuleFacts) -> None:
        """Note what of the rule does not fit the handler."""
        self._handler.check_rule(problems, facts)

    def bind(self, scope: Construct, context: GatewayContext) -> BoundGatewayAction:
        """Create the function, grant the role the call, and return the action."""
        function, alarms = self._handler.create_for(scope, context)
        return _call(
            context.role,
            function,
            synchronous=self._handler.synchronous,
            retry=context.retry,
            on_failure=context.on_failure,
            alarms=alarms,
        )


def _call(
    role: iam.Role,
    function: lambda_.IFunction,
    *,
    synchronous: bool,
    retry: Duration,
    on_failure: OnFailure | str,
    alarms: Sequence[cloudwatch.Alarm] = (),
) -> BoundGatewayAction:
    iam.Grant.add_to_principal(
        grantee=role, actions=["lambda:InvokeFunction"], resource_arns=[function.function_arn]
    )
    return BoundGatewayAction(
        action=Action(
            invoke_lambda=_Rules.InvokeLambdaActionProperty(
                function_arn=function.function_arn,
                invocation_type="REQUEST_RESPONSE" if synchronous else "EVENT",
                role_arn=role.role_arn,
                retry_time_minutes=retry.to_minutes(),
                action_failure_policy=str(on_failure),
            )
        ),
        function=function,
        failure_alarms=alarms,
    )


def longest_retry() -> Duration:
    """Return how long a failed call is repeated by default: as long as Mail Manager can."""
    return Duration.minutes(limits.RETRY_MINUTES[-1])


def check_retry(problems: Problems, retry: Duration | None) -> None:
    """Check how long a failed call is repeated."""
    if retry is None:
        return
    if not isinstance(retry, Duration):
        problems.add("retry", retry, "pass a Duration of whole minutes, such as Duration.hours(4)")
    elif retry.is_unresolved():
        check_unit(problems, "retry", retry.to_minutes, "Duration.minutes(…)")
    else:
        minutes = retry.to_minutes(integral=False)
        if minutes % 1 or minutes > limits.RETRY_MINUTES[-1]:
            problems.add("retry", f"{minutes:g} minutes", "pass whole minutes, 36 hours at most")
