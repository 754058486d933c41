"""Builders of what WorkMail sends to the function of an email flow rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from email import policy
from email.message import EmailMessage
from io import BytesIO
from typing import Any

from mailroom.workmail import FlowMail, MessageNotFound

__all__ = ["MemoryFlow", "flow_event", "flow_mail"]


class MemoryFlow:
    """Stands in for WorkMail's message flow.

    Attributes:
        messages: The bytes of each message, by its id.
        replaced: How often a message was replaced.
    """

    def __init__(self, messages: Mapping[str, bytes] | None = None) -> None:
        self.messages = dict(messages or {})
        self.replaced = 0

    def open(self, message_id: str) -> BytesIO:
        """Return the message's bytes as a stream, or raise `MessageNotFound`.

        Args:
            message_id: WorkMail's id of the message.
        """
        try:
            return BytesIO(self.messages[message_id])
        except KeyError:
            raise MessageNotFound(f"this test has no message {message_id!r} in flow") from None

    def replace(self, message_id: str, content: bytes) -> None:
        """Put *content* in the message's place.

        Args:
            message_id: WorkMail's id of the message.
            content: The bytes of the new message.
        """
        self.messages[message_id] = content
        self.replaced += 1


def flow_event(
    *,
    recipients: Sequence[str] = ("recipient1@example.com", "recipient2@example.com"),
    source: str = "from@example.com",
    sender: str | None = "sender@example.com",
    subject: str | None = "Hello",
    direction: str = "INBOUND",
    truncated: bool = False,
) -> dict[str, Any]:
    """Return the event with which WorkMail invokes a function.

    A *sender* or *subject* of ``None`` is left out altogether, as WorkMail does at times.

    Args:
        recipients: The envelope recipients.
        source: The envelope sender.
        sender: The address of ``Sender`` or ``From``.
        subject: The subject.
        direction: ``INBOUND`` or ``OUTBOUND``.
        truncated: Whether *recipients* are not all.
    """
    event: dict[str, Any] = {
        "summaryVersion": "2018-10-10",
        "envelope": {
            "mailFrom": {"address": source},
            "recipients": [{"address": address} for address in recipients],
        },
        "messageId": "00000000-0000-0000-0000-000000000000",
        "invocationId": "00000000000000000000000000000000",
        "flowDirection": direction,
        "truncated": truncated,
    }
    if sender is not None:
        event["sender"] = {"address": sender}
    if subject is not None:
        event["subject"] = subject
    return event


def flow_mail(content: EmailMessage | bytes | None = None, **event: Any) -> FlowMail:
    """Return what a function of a flow rule is called with; *content* is in a `MemoryFlow`.

    Without *content* it may not be read, as with ``read_mail=False``. Takes the keyword arguments
    of `flow_event`. What the function put in the message's place is read back by `FlowMail.read`.

    Args:
        content: The message, if the function may read it.
        **event: The arguments of `flow_event`.
    """
    raw = flow_event(**event)
    if content is None:
        return FlowMail(raw)
    data = content if isinstance(content, bytes) else content.as_bytes(policy=policy.SMTP)
    return FlowMail(raw, flow=MemoryFlow({raw["messageId"]: data}))
