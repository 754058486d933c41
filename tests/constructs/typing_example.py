"""The README's app, and what else users write, as their type checkers see it."""

from __future__ import annotations

from typing import Any, assert_type

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_

from cdk_mailroom import (
    EventPublishing,
    EventType,
    HandledRule,
    InboundMail,
    InboundRule,
    PythonHandler,
    actions,
    handlers,
)


class HelpDesk(cdk.Stack):
    def __init__(self, scope: cdk.App, construct_id: str, **kwargs: Any) -> None:
        super().__init__(scope, construct_id, **kwargs)
        inbound = InboundMail(self, "Inbound", retention="forever")
        support = inbound.add_rule(
            "Support",
            recipients=["support@example.com"],
            handler=PythonHandler("helpdesk", "app:on_mail", memory_size=1024),
            after=[actions.Stop()],
        )
        assert_type(support, HandledRule)
        sales = inbound.add_rule(
            "Sales",
            recipients=["sales@example.com"],
            handler=handlers.Forward(to=["team@example.net"], timeout=cdk.Duration.seconds(30)),
        )
        stored = inbound.add_rule("Stored", recipients=["archive@example.com"])
        assert_type(stored, InboundRule)
        assert_type(stored.function, lambda_.IFunction | None)
        outbound = EventPublishing(self, "Outbound", identities=["example.com"])
        outbound.on(EventType.BOUNCE)
        outbound.on(EventType.COMPLAINT, PythonHandler("helpdesk", "app:on_complaint"))
        outbound.grant_send(support.function)
        outbound.grant_send(sales.function)
