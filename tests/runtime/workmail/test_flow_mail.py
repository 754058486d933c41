"""What the view of the event says."""

from __future__ import annotations

import time

import pytest

from mailroom.errors import MissingField, NotConfigured
from mailroom.workmail import Direction, FlowMail, OutOfTime
from runtime.workmail.flow_events import MemoryFlow, documented, flow_event, flow_mail

CONTENT = b"Subject: Hi\r\n\r\nHello\r\n"


def test_every_documented_field_is_read():
    """In AWS's own sample."""
    mail = FlowMail(documented())
    assert mail.summary_version == "2018-10-10"
    assert mail.source == "from@example.com"
    assert mail.recipients == ["recipient1@example.com", "recipient2@example.com"]
    assert mail.sender == "sender@example.com"
    assert mail.subject == "Hello From Amazon WorkMail!"
    assert mail.message_id == "00000000-0000-0000-0000-000000000000"
    assert mail.invocation_id == "0" * 32
    assert mail.direction is not None
    assert mail.direction == Direction.INBOUND
    assert mail.truncated is False
    assert repr(mail) == f"<FlowMail {mail.message_id}>"


def test_views_are_equal_if_their_events_are():
    """However they are read, and whatever was answered; a subclass is another view."""

    class Other(FlowMail):
        __slots__ = ()

    mail = flow_mail()
    mail.answer()
    assert mail == FlowMail(flow_event(), deadline=1.0)
    assert mail != FlowMail(flow_event(subject="another"))
    assert mail != Other(flow_event())
    assert mail != flow_event()
    with pytest.raises(TypeError, match="unhashable"):
        hash(mail)


def test_another_version_of_the_format_is_read_too():
    """Two have been seen."""
    assert FlowMail({**documented(), "summaryVersion": "2019-07-28"}).recipients


def test_optional_fields_may_be_absent():
    """The sender is at times; a bounce has no envelope sender."""
    event = flow_event(sender=None, subject=None, source="")
    mail = FlowMail(event)
    assert (mail.sender, mail.subject, mail.source) == (None, None, "")
    del event["envelope"]["mailFrom"]
    assert mail.source == ""


@pytest.mark.parametrize("value", ["true", 1, None, "false"])
def test_truncated_must_be_a_boolean(value):
    """The text "false" is not true."""
    assert not FlowMail({**documented(), "truncated": value}).truncated


@pytest.mark.parametrize(
    ("key", "attribute"),
    [
        ("messageId", "message_id"),
        ("invocationId", "invocation_id"),
        ("flowDirection", "direction"),
        ("envelope", "recipients"),
    ],
)
def test_the_error_names_a_missing_field(key, attribute):
    """Only if it is asked for."""
    event = documented()
    del event[key]
    mail = FlowMail(event)
    with pytest.raises(MissingField, match=f"missing '{key}'"):
        getattr(mail, attribute)


@pytest.mark.parametrize("one", ["a@b.example", {}, {"address": 3}, None])
def test_the_error_names_a_malformed_recipient(one):
    """Rather than left out, and so given to the fallback."""
    event = documented()
    event["envelope"]["recipients"].append(one)
    with pytest.raises(MissingField, match=r"recipients\[2\]\.address"):
        _ = FlowMail(event).recipients


def test_a_message_is_read():
    """Parsed, from the message flow."""
    mail = flow_mail(b"Subject: Hi\r\n\r\nHello\r\n")
    assert mail.read()["Subject"] == "Hi"


def test_reading_must_be_granted():
    """And the error says where."""
    with pytest.raises(NotConfigured, match="read_mail=True"):
        flow_mail().read()


@pytest.mark.parametrize(
    "use", [FlowMail.open, FlowMail.read, lambda mail: mail.replace(CONTENT), FlowMail.check_time]
)
def test_no_work_starts_after_the_deadline(use):
    """The answer would come too late, so the content is neither read nor replaced."""
    flow = MemoryFlow({documented()["messageId"]: CONTENT})
    late = FlowMail(documented(), flow=flow, deadline=time.monotonic() - 1)
    with pytest.raises(OutOfTime, match="15 s"):
        use(late)
    assert flow.replaced == 0
    use(FlowMail(documented(), flow=flow, deadline=time.monotonic() + 60))
