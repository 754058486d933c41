"""Put each mail on an EventBridge bus."""

from __future__ import annotations

from typing import Unpack

from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from cdk_mailroom._checks import Problems
from cdk_mailroom.actions.base import RuleContext, RuleFacts
from cdk_mailroom.functions import FunctionOptions
from cdk_mailroom.handlers._hand_on import TEXT_BYTES, HandOn, check_place, check_target

__all__ = ["ToEventBus"]


class ToEventBus(HandOn):
    """Put each mail on an EventBridge bus, as the detail of one event.

    Its source is ``cdk-mailroom`` and its detail type ``Mail Received``. Grants putting events on
    this bus. The code is ``mailroom.handlers.receiving.to_event_bus``; the event is in
    docs/handing-on.md.
    """

    def __init__(
        self,
        bus: events.IEventBus,
        *,
        text_bytes: int = TEXT_BYTES,
        **options: Unpack[FunctionOptions],
    ) -> None:
        """Describe the handing on.

        Args:
            bus: The bus, in the rule's region.
            text_bytes: How much of the mail's text is in the event, 0 to 200000; 64 KiB by default.
            **options: See `FunctionOptions`. Memory is 1024 MiB by default.

        Raises:
            ConfigurationError: An argument is out of bounds.
        """
        self._bus = bus
        super().__init__("to_event_bus", text_bytes=text_bytes, **options)

    def check(self, problems: Problems) -> None:
        """Note everything that is wrong with the arguments."""
        remedy = "events.EventBus.from_event_bus_name(…)"
        check_target(problems, "bus", self._bus, "event_bus_arn", remedy)
        super().check(problems)

    def check_rule(self, problems: Problems, facts: RuleFacts) -> None:
        """Note what of the rule does not fit."""
        super().check_rule(problems, facts)
        check_place(problems, "bus", self._bus, facts)

    def configure(self, function: lambda_.Function, context: RuleContext) -> None:
        """Grant putting events on the bus, and set it."""
        arn = self._bus.event_bus_arn
        iam.Grant.add_to_principal(
            grantee=function, actions=["events:PutEvents"], resource_arns=[arn]
        )
        # The ARN, as the name of a bus of another account would be one of this account.
        self.set_up(function, {"MAILROOM_BUS": arn})
