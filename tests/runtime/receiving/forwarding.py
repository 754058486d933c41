"""Mail to forward, and what became of it."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from io import BytesIO
from typing import Any

from mailroom.handlers.receiving import forward
from mailroom.receiving import ReceivedMail
from mailroom.testing import MemoryStore, received_mail, received_mail_event
from runtime.receiving.conftest import Outbox

FROM = "Support <support@example.com>"


def crlf(*lines: str | bytes) -> bytes:
    return b"".join((x.encode() if isinstance(x, str) else x) + b"\r\n" for x in lines)


def plain(*fields: str | bytes, body: bytes = b"Hello\r\n") -> bytes:
    names = b"\n".join(x.encode() if isinstance(x, str) else x for x in fields).lower()
    start = [] if b"from:" in names else ["From: Jane Doe <jane@example.org>"]
    return crlf(*start, *fields) + b"\r\n" + body


def mail_of(data: bytes, **event: Any) -> ReceivedMail:
    event.setdefault("source", "jane@example.org")
    return received_mail(data, **event)


def forwarded(outbox: Outbox, data: bytes, **event: Any) -> EmailMessage:
    forward.on_mail(mail_of(data, **event))
    (raw,) = outbox.raw
    parsed = message_from_bytes(raw, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


class Bucket(MemoryStore):
    """A store that says where it is, as the mail bucket does."""

    bucket = "mail-bucket"
    prefix = "in/"

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data = data

    def open(self, message_id: str) -> BytesIO:
        return BytesIO(self.data)


def stored(data: bytes, event_data: bytes | None = None, **event: Any) -> ReceivedMail:
    raw = received_mail_event(event_data or data, message_id="m/1 ü", **event)["Records"][0]["ses"]
    return ReceivedMail(raw, store=Bucket(data))
