"""Your own Python function as the handler of a receipt rule, or of a gateway's rule."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Unpack

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from cdk_mailroom import _alarms
from cdk_mailroom._asked import bucket_key, bucket_name
from cdk_mailroom._checks import Problems
from cdk_mailroom._objects import grant_read, objects_arn
from cdk_mailroom._queues import grant_send
from cdk_mailroom._reviewed import reviewed_wildcard
from cdk_mailroom.actions.base import (
    BoundAction,
    ReceiptAction,
    ReceiptContext,
    RuleContext,
    RuleFacts,
    StoredMail,
)
from cdk_mailroom.actions.grants import grant_invoke
from cdk_mailroom.actions.invoke_function import call
from cdk_mailroom.functions import FunctionOptions, PythonFunction
from mailroom.ses import SYNCHRONOUS_SECONDS, EventType

__all__ = ["OnError", "PythonHandler"]


class OnError(StrEnum):
    """How SES is answered when a synchronous handler fails, or does not end in time."""

    CONTINUE = "continue"
    """Run the rule's next action: the mail takes its way as if there were no handler."""
    STOP_RULE = "stop_rule"
    """Run no further action of this rule; the next matching rule runs."""
    STOP_RULE_SET = "stop_rule_set"
    """Run nothing further."""
    RAISE = "raise"
    """Let the call fail. AWS does not document what SES does then."""


class PythonHandler(PythonFunction, ReceiptAction):
    """Your own function: ``PythonHandler("helpdesk", "app:on_mail")``.

    Creates a Lambda function with its role and log group. The folder's contents and the runtime
    become one zip; the function is looked up at synth by parsing, so a typo is an error there
    and not at the first mail. SES may call it for this rule only. What it fails to handle goes
    to the rule's dead-letter queue: sent by Lambda after two retries if it is asynchronous, by the
    runtime at once if it is synchronous.

    A synchronous function must end three seconds before its timeout, or when three quarters of a
    short one are over: then the runtime ends it, and answers by *on_error*. With ``stop_rule`` and
    ``stop_rule_set`` it runs in a child process, so that the runtime answers even if it is killed,
    for example because its memory is exhausted. Two alarms go off if the runtime's own process was
    killed, and if the dead-letter queue could not be reached.
    """

    needs_mail: ClassVar[bool] = False
    """Whether the code is useless without the stored message, as the event has no body."""

    def __init__(
        self,
        folder: str | Path | None,
        handler: str,
        *,
        synchronous: bool = False,
        on_error: OnError | str | None = None,
        read_mail: bool = True,
        remember_handled: bool = False,
        **options: Unpack[FunctionOptions],
    ) -> None:
        """Describe the function.

        Args:
            folder: Its contents are at the top of the function's code; hidden files and bytecode
                are left out. ``None`` if the code comes in a layer, or with the runtime.
            handler: ``module:function``, a plain function of one argument, the ``ReceivedMail``.
            synchronous: SES waits, 30 s at most, for the disposition that the function returns. How
                long a gateway waits is not documented; the same limit is kept.
                https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-lambda.html
            on_error: The answer to SES if a synchronous function fails; ``continue`` by default.
            read_mail: Grant reading this rule's stored messages. Without it the function sees
                header fields only, and starts without boto3.
            remember_handled: Write an object for each mail that was handled, which
                ``mail.already_handled`` looks up.
            **options: See `FunctionOptions`. The timeout is 60 s by default, or 25 s if
                synchronous.

        Raises:
            ConfigurationError: The function cannot be found, or a limit is exceeded.
            TypeError: An option is unknown.
        """
        self._synchronous = synchronous
        self._on_error = on_error
        self._read_mail = read_mail
        self._remember_handled = remember_handled
        super().__init__(folder, handler, **options)

    @property
    def synchronous(self) -> bool:
        """Whether SES waits for the function."""
        return self._synchronous

    @property
    def read_mail(self) -> bool:
        """Whether the function may read the stored messages."""
        return self._read_mail

    @property
    def remember_handled(self) -> bool:
        """Whether the function keeps a mark for each mail that it handled."""
        return self._remember_handled

    @property
    def default_seconds(self) -> int:
        """60, or 25 if SES waits for the function."""
        return 25 if self._synchronous else super().default_seconds

    @property
    def longest_seconds(self) -> int:
        """As long as SES waits, if it does."""
        return SYNCHRONOUS_SECONDS if self._synchronous else super().longest_seconds

    def configure(self, function: lambda_.Function, context: RuleContext) -> None:
        """Grant and set what the code needs; called once for each rule. Does nothing here.

        Args:
            function: The function that runs the code.
            context: The rule that calls it.
        """

    def check(self, problems: Problems) -> None:
        """Note everything that is wrong with the arguments."""
        super().check(problems)
        if self._on_error is not None and not self._synchronous:
            problems.add(
                "on_error",
                str(self._on_error),
                "set synchronous=True as well, or omit it: SES does not wait for an asynchronous "
                "function, and Lambda retries it",
            )
        if self._on_error is not None and self._on_error not in list(OnError):
            problems.add(
                "on_error", self._on_error, f"use one of {[str(item) for item in OnError]}"
            )
        if self._remember_handled and not self._read_mail:
            problems.add(
                "remember_handled", True, "set read_mail=True: the marks are in the mail bucket"
            )

    def check_for_events(self, problems: Problems) -> None:
        """Note what has an effect on received mail only, where this handles something else.

        Args:
            problems: Takes what is found.
        """
        if self._synchronous:
            problems.add("synchronous", True, "omit it: nothing waits for the result")
        if self._remember_handled:
            problems.add("remember_handled", True, "omit it: it applies to received mail only")
        if type(self).configure is not PythonHandler.configure:
            problems.add(
                "handler",
                type(self).__name__,
                "pass a PythonHandler and grant to the resulting function: configure() is called "
                "for rules only",
            )

    def check_events(self, problems: Problems, given: str, types: Sequence[EventType]) -> None:
        """Note that the function expects something else than events of *types*.

        Args:
            problems: Takes what is found.
            given: The argument that named the types, for the error.
            types: The event types that it is called with.
        """
        names = [kind.replace(" ", "") for kind in types]
        self.check_argument(problems, given, names, base="SendingEvent")

    def check_rule(self, problems: Problems, facts: RuleFacts) -> None:
        """Note what of the rule does not fit."""
        self.check_argument(problems, f"a {facts.kind}", ["ReceivedMail"])
        stored = facts.stored
        if stored is None and self.needs_mail:
            problems.add("store", False, "omit it: this handler reads the stored message")
        elif stored is None and self._remember_handled:
            problems.add(
                "remember_handled", True, "let the rule store its mail: the marks are kept there"
            )
        if self._read_mail and stored is not None and stored.client_side_key is not None:
            problems.add(
                "client_side_key",
                stored.client_side_key.node.path,
                "encrypt the bucket with the key instead, or set read_mail=False: with it SES "
                "encrypts the message before storing it, and no Python client can read that",
            )

    def bind(self, scope: Construct, context: ReceiptContext) -> BoundAction:
        """Create the function, grant what it needs, let SES call it, and return the call."""
        function, alarms = self.create_for(scope, context)
        return BoundAction(
            action=call(function, synchronous=self._synchronous),
            dependencies=grant_invoke(scope, context, function),
            function=function,
            failure_alarms=alarms,
        )

    def create_for(
        self, scope: Construct, context: RuleContext
    ) -> tuple[lambda_.Function, list[cloudwatch.Alarm]]:
        """Create the function for one rule and grant what it needs; nothing may call it yet.

        Args:
            scope: The construct below which resources are created.
            context: The rule, and what permissions and alarms need to know of it.

        Returns:
            The function, and the alarms on failures that leave nothing on the dead-letter queue.
        """
        variables = {"MAILROOM_HANDLER": self.handler, "MAILROOM_RULE": context.rule_id}
        queue = context.dead_letter_queue
        if self._synchronous:
            variables["MAILROOM_ON_ERROR"] = str(self._on_error or OnError.CONTINUE)
            variables["MAILROOM_FAILURE_QUEUE"] = queue.queue_url
            # An event that cannot be read does not say so, and Mail Manager's may not.
            variables["MAILROOM_SYNCHRONOUS"] = "1"
        stored = context.stored if self._read_mail else None
        if stored is not None:
            variables["MAILROOM_BUCKET"] = bucket_name(stored.bucket)
            variables["MAILROOM_PREFIX"] = stored.prefix
        function = self.create(
            scope,
            entry="mailroom.entry.receiving",
            specs=[self.handler],
            description=f"Handles the mail of the {context.kind} {context.rule_id}",
            environment=variables,
            dead_letter_queue=None if self._synchronous else queue,
        )
        alarms: list[cloudwatch.Alarm] = []
        if self._synchronous:
            grant_send(function, queue)
            alarms = _alarms.failure_alarms(
                scope,
                function,
                what=f"The function of the {context.kind} {context.rule_id}",
                topic=context.alert_topic,
            )
        if stored is not None:
            grant_read(function, stored.bucket, stored.prefix)
            if self._remember_handled:
                self._grant_marks(function, stored, context.rule_id)
        self.configure(function, context)
        return function, alarms

    def _grant_marks(self, function: lambda_.Function, stored: StoredMail, rule_id: str) -> None:
        # Two functions of one rule, or two stacks with one bucket, must not take each other's marks
        # for their own.
        prefix = f"handled/{rule_id}-{function.node.addr[-8:]}/"
        function.add_environment("MAILROOM_MARK_PREFIX", prefix)
        marks = objects_arn(stored.bucket, prefix)
        reviewed_wildcard(function.role, marks, "one mark a message, below the rule's own prefix")
        function.add_to_role_policy(
            iam.PolicyStatement(actions=["s3:PutObject"], resources=[marks])
        )
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[stored.bucket.bucket_arn],
                conditions={"StringLike": {"s3:prefix": f"{prefix}*"}},
            )
        )
        key = bucket_key(stored.bucket)
        if key is not None:
            key.grant(function, "kms:GenerateDataKey")
