"""What a type checker knows of WorkMail's types."""

from typing import assert_type

import aws_cdk as cdk

from cdk_mailroom import EmailFlowRule, Fallback, FlowDirection, FlowHandler, Synchronous
from mailroom.testing import flow_mail
from mailroom.workmail import Answer, FlowMail

ORGANIZATION = "m-0123456789abcdef0123456789abcdef"


def on_flow(mail: FlowMail) -> Answer | None:
    assert_type(mail.subject, str | None)
    return mail.answer().drop() if mail.recipients else None


def check_builder() -> None:
    assert_type(flow_mail(), FlowMail)


def flow(stack: cdk.Stack) -> None:
    EmailFlowRule(
        stack,
        "Flow",
        organization_id=ORGANIZATION,
        direction=FlowDirection.OUTBOUND,
        handler=FlowHandler("app", "app:on_flow", replaces=True, memory_size=2048),
        mode=Synchronous(timeout=cdk.Duration.minutes(30), fallback=Fallback.BOUNCE),
    )
