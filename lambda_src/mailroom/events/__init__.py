"""Sending events: typed views of what SES publishes about sent mail.

A handler is a plain function for one type::

    from mailroom.events import Bounce

    def on_bounce(event: Bounce) -> None: ...

Importing this module has no effect; Lambda calls `mailroom.entry.events`. `parse` and `records`
read events anywhere, out of whatever delivers them.

The payloads are documented at
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html and, for
the feedback notifications of identities, at
https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
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
