"""Send each mail to an SQS queue."""

from __future__ import annotations

from typing import Unpack

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from cdk_mailroom._checks import Problems
from cdk_mailroom._queues import grant_send
from cdk_mailroom.actions.base import RuleContext, RuleFacts
from cdk_mailroom.functions import FunctionOptions
from cdk_mailroom.handlers._hand_on import TEXT_BYTES, HandOn, check_place, check_target

__all__ = ["ToQueue"]


class ToQueue(HandOn):
    """Send each mail to an SQS queue, as one JSON event.

    In a FIFO queue, the mails of one conversation keep their order, and a repeated delivery is
    dropped. Grants sending to this queue, and the use of its key. The code is
    ``mailroom.handlers.receiving.to_queue``; the event is in docs/handing-on.md.
    """

    def __init__(
        self,
        queue: sqs.IQueue,
        *,
        text_bytes: int = TEXT_BYTES,
        **options: Unpack[FunctionOptions],
    ) -> None:
        """Describe the handing on.

        Args:
            queue: The queue, standard or FIFO, in the rule's region.
            text_bytes: How much of the mail's text is in the event, 0 to 200000; 64 KiB by default.
            **options: See `FunctionOptions`. Memory is 1024 MiB by default.

        Raises:
            ConfigurationError: An argument is out of bounds.
        """
        self._queue = queue
        super().__init__("to_queue", text_bytes=text_bytes, **options)

    def check(self, problems: Problems) -> None:
        """Note everything that is wrong with the arguments."""
        remedy = "sqs.Queue.from_queue_arn(…)"
        check_target(problems, "queue", self._queue, "queue_arn", remedy)
        super().check(problems)

    def check_rule(self, problems: Problems, facts: RuleFacts) -> None:
        """Note what of the rule does not fit."""
        super().check_rule(problems, facts)
        check_place(problems, "queue", self._queue, facts)

    def configure(self, function: lambda_.Function, context: RuleContext) -> None:
        """Grant the sending, and set the queue."""
        grant_send(function, self._queue)
        self.set_up(function, {"MAILROOM_QUEUE": self._queue.queue_url})
