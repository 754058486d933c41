"""Mail that checks send, to addresses at which nobody is bothered, and what becomes of it."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from conformance.place import Place

SIMULATOR = "simulator.amazonses.com"
SUCCESS = f"success@{SIMULATOR}"


def sender(place: Place) -> str:
    """The address that mail is sent from."""
    return f"conformance@{place.domain}"


def simple(*, html: str | None = None) -> dict[str, Any]:
    """The content of a message, as both APIs take it."""
    body = {"Html": {"Data": html}} if html else {"Text": {"Data": "Hi"}}
    return {"Subject": {"Data": "Subject"}, "Body": body}


def raw(place: Place, *fields: str, to: str = SUCCESS, body: str = "Hi") -> bytes:
    """A message with these header fields after From, To and Subject."""
    lines = (f"From: {sender(place)}", f"To: {to}", "Subject: Subject", *fields, "", body, "")
    return "\r\n".join(lines).encode()


def send_raw(place: Place, content: bytes, *, to: str = SUCCESS, **fields: Any) -> str:
    """Send a raw message by API v1, and return its id."""
    answer = place.client("ses").send_raw_email(
        Source=sender(place), Destinations=[to], RawMessage={"Data": content}, **fields
    )
    return str(answer["MessageId"])


def with_attachment(place: Place, name: str, content: bytes) -> bytes:
    """A message with an attachment."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender(place), SUCCESS, "Subject"
    message.set_content("Hi\n")
    message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes(policy=SMTP)
