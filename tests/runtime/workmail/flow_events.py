"""Builders of WorkMail's events, and a message flow in memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from typing import Any

from mailroom.workmail import FlowMail, MessageNotFound

PAYLOADS = Path(__file__).parents[2] / "payloads"


class MemoryFlow:
    """Stands in for `MessageFlow`: message ids to bytes."""

    def __init__(self, messages: dict[str, bytes] | None = None) -> None:
        self.messages = dict(messages or {})
        self.replaced = 0

    def open(self, message_id: str) -> BytesIO:
        try:
            return BytesIO(self.messages[message_id])
        except KeyError:
            raise MessageNotFound("not in this test") from None

    def replace(self, message_id: str, content: bytes) -> None:
        self.messages[message_id] = content
        self.replaced += 1


def documented() -> dict[str, Any]:
    """Return AWS's own sample."""
    return json.loads((PAYLOADS / "workmail_flow.json").read_text())


def flow_event(
    *,
    recipients: Sequence[str] = ("recipient1@example.com", "recipient2@example.com"),
    source: str = "from@example.com",
    sender: str | None = "sender@example.com",
    subject: str | None = "Hello",
    direction: str = "INBOUND",
    truncated: bool = False,
) -> dict[str, Any]:
    """Return the event with which WorkMail invokes a function."""
    event = documented()
    event["envelope"] = {
        "mailFrom": {"address": source},
        "recipients": [{"address": address} for address in recipients],
    }
    for key, value in (("sender", sender and {"address": sender}), ("subject", subject)):
        event.pop(key)
        if value is not None:
            event[key] = value
    event["flowDirection"] = direction
    event["truncated"] = truncated
    return event


def flow_mail(content: bytes | None = None, **fields: Any) -> FlowMail:
    """Return a mail in flow, with *content* in a `MemoryFlow`."""
    event = flow_event(**fields)
    flow = None if content is None else MemoryFlow({event["messageId"]: content})
    return FlowMail(event, flow=flow)


def content_of(mail: FlowMail) -> bytes:
    """Return what the message is now."""
    with mail.open() as stream:
        return stream.read()


def fixed(message: EmailMessage) -> bytes:
    """Return *message* as bytes, with boundaries that are the same each time."""
    for number, part in enumerate(message.walk()):
        if part.is_multipart() and part.get_content_maintype() == "multipart":
            part.set_boundary(f"part-{number}")
    return message.as_bytes()
