"""Handle sending events: typed views of what SES publishes about sent mail.

The user writes a plain function for a type::

    def on_bounce(event: Bounce) -> None: ...

Importing this module has no effect; `mailroom.entry.events` is what Lambda calls.
"""

from __future__ import annotations

from mailroom.events.parsing import SkippedRecord, parse, records
from mailroom.events.types import (
    Bounce,
    Click,
    Complaint,
    Delivery,
    DeliveryDelay,
    Open,
    Reject,
    RenderingFailure,
    Send,
    Subscription,
    UnknownEvent,
)
from mailroom.events.views import Mail, Recipient, SendingEvent, TopicPreferences
from mailroom.ses import EventType

__all__ = [
    "Bounce",
    "Click",
    "Complaint",
    "Delivery",
    "DeliveryDelay",
    "EventType",
    "Mail",
    "Open",
    "Recipient",
    "Reject",
    "RenderingFailure",
    "Send",
    "SendingEvent",
    "SkippedRecord",
    "Subscription",
    "TopicPreferences",
    "UnknownEvent",
    "parse",
    "records",
]
