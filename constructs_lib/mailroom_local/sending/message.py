"""A message that SES has accepted for sending."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from mailroom.ses import DELIVERY_SECONDS
from mailroom_local.mail.content import EICAR, contains
from mailroom_local.mail.headers import (
    address_of,
    decode,
    header_of,
    mailboxes,
    read_headers,
    shown_mailboxes,
)
from mailroom_local.sending.outcomes import Outcome

# Header fields with addresses, by their names in ``commonHeaders``.
_ADDRESSES = {"from": "from", "to": "to", "cc": "cc", "reply-to": "replyTo"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailingList:
    """The contact list of a message, and its topic."""

    contact_list: str
    topic: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrendered:
    """A template that failed to render, and why."""

    template: str
    message: str


@dataclass(frozen=True, kw_only=True)
class SentMessage:
    """An accepted message, with everything that its events contain.

    ``raw`` is the message as submitted; ``withheld`` maps the recipients to whom SES does not even
    try to send to their outcome.
    """

    message_id: str
    operation: str
    sent_at: datetime
    source: str
    source_arn: str
    recipients: tuple[str, ...]
    raw: bytes
    account: str
    region: str
    caller: str
    source_ip: str
    trace: str | None = None
    bounce_of: str | None = None
    configuration_set: str | None = None
    tenant: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    withheld: Mapping[str, Outcome] = field(default_factory=dict)
    list_management: MailingList | None = None
    unrendered: Unrendered | None = None
    max_delivery_seconds: int = DELIVERY_SECONDS[-1]
    track_opens: bool = False
    track_clicks: bool = False

    @cached_property
    def headers(self) -> list[tuple[str, str]]:
        """The header fields as they were submitted, SES's own included."""
        return read_headers(self.raw)

    @property
    def source_address(self) -> str:
        """The bare address of the sender."""
        return address_of(self.source)

    @property
    def from_domain(self) -> str:
        """The domain of the ``From`` field; empty without one, whatever the call said."""
        found = mailboxes([header_of(self.headers, "From") or ""])
        return found[0][1].rpartition("@")[2] if found else ""

    @property
    def rejected(self) -> bool:
        """Whether SES finds a virus in it."""
        return contains(self.raw, EICAR)

    @cached_property
    def common_headers(self) -> dict[str, Any]:
        """The ``commonHeaders`` of its events."""
        found: dict[str, Any] = {}
        for name, value in self.headers:
            key = name.lower()
            if key in _ADDRESSES:
                found.setdefault(_ADDRESSES[key], shown_mailboxes(value))
            elif key in ("date", "subject"):
                found[key] = decode(value)
        return {**found, "messageId": self.message_id}


def new_message_id(moment: datetime) -> str:
    """An id like those of SES for sent messages."""
    return f"0100{int(moment.timestamp() * 1000):012x}-{uuid.uuid4()}-000000"
