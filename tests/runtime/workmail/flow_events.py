"""Shared by the tests of WorkMail's flow, in addition to the builders of `mailroom.testing`."""

from __future__ import annotations

import json
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from mailroom.testing import MemoryFlow, flow_event, flow_mail
from mailroom.workmail import FlowMail

__all__ = [
    "PAYLOADS",
    "MemoryFlow",
    "content_of",
    "documented",
    "fixed",
    "flow_event",
    "flow_mail",
]

PAYLOADS = Path(__file__).parents[2] / "payloads"


def documented() -> dict[str, Any]:
    """Return AWS's own sample."""
    return json.loads((PAYLOADS / "workmail_flow.json").read_text())


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
