"""Builders of the payloads that AWS sends, for unit tests of your own handlers.

They need no AWS, no network and no boto3::

    from mailroom.testing import received_mail, sending_event

    def test_spam_is_stopped():
        assert on_mail(received_mail(spam="FAIL")) is Disposition.STOP_RULE_SET

    def test_a_full_mailbox_does_not_unsubscribe():
        on_bounce(sending_event("Bounce", bounce_type="Transient", bounce_sub_type="MailboxFull"))
"""

from __future__ import annotations

from importlib.util import find_spec

from mailroom.testing.arrivals import bucket_event, handed_on_event, notification_event
from mailroom.testing.conversation import automatic_message, reply_message
from mailroom.testing.events import event_invocation, sending_event, sending_event_payload
from mailroom.testing.gateway import gateway_mail, gateway_mail_event
from mailroom.testing.lake import MemoryLake
from mailroom.testing.receiving import MemoryStore, message, received_mail, received_mail_event

__all__ = [
    "MemoryLake",
    "MemoryStore",
    "automatic_message",
    "bucket_event",
    "event_invocation",
    "gateway_mail",
    "gateway_mail_event",
    "handed_on_event",
    "message",
    "notification_event",
    "received_mail",
    "received_mail_event",
    "reply_message",
    "sending_event",
    "sending_event_payload",
]

if find_spec("mailroom.testing.workmail"):
    from mailroom.testing.workmail import MemoryFlow as MemoryFlow
    from mailroom.testing.workmail import flow_event as flow_event
    from mailroom.testing.workmail import flow_mail as flow_mail

    __all__ += ["MemoryFlow", "flow_event", "flow_mail"]
