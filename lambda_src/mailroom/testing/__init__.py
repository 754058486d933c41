"""Builders of the payloads that AWS sends, for unit tests of one's own handlers.

No AWS, no network, no boto3::

    from mailroom.testing import received_mail

    def test_spam_is_stopped():
        assert on_mail(received_mail(spam="FAIL")) is Disposition.STOP_RULE_SET

    def test_a_full_mailbox_is_no_reason_to_stop():
        on_bounce(sending_event("Bounce", bounce_type="Transient", bounce_sub_type="MailboxFull"))

    def test_the_old_address_is_dropped():
        assert on_flow(flow_mail(recipients=["old@example.com"])).kinds == ["DROP"]
"""

from __future__ import annotations

from importlib.util import find_spec

from mailroom.testing.events import event_invocation, sending_event, sending_event_payload
from mailroom.testing.receiving import (
    MemoryStore,
    message,
    received_mail,
    received_mail_event,
)

__all__ = [
    "MemoryStore",
    "event_invocation",
    "message",
    "received_mail",
    "received_mail_event",
    "sending_event",
    "sending_event_payload",
]

if find_spec("mailroom.testing.workmail"):
    from mailroom.testing.workmail import MemoryFlow, flow_event, flow_mail

    __all__ += ["MemoryFlow", "flow_event", "flow_mail"]
