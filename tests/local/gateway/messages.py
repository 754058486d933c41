"""Messages that no client has sent."""

from datetime import UTC, datetime
from typing import Any

from mailroom_local.gateway.message import Client, Message
from mailroom_local.receiving.message import verdicts_of


def message(raw: bytes = b"Subject: Hello\r\n\r\nHi\r\n", **fields: Any) -> Message:
    return Message(
        **{
            "message_id": "m" * 40,
            "raw": raw,
            "client": Client(address="203.0.113.9", name="mx.example.net"),
            "mail_from": "jane@example.net",
            "rcpt_tos": ("support@example.com",),
            "recipients": ["support@example.com"],
            "received_at": datetime(2026, 11, 27, tzinfo=UTC),
            "host": "inp-1.mail-manager-smtp.us-east-1.amazonaws.com",
            "verdicts": verdicts_of(raw),
            **fields,
        }
    )
