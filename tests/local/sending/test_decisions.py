"""How SES decides on a message that is sent, without a server."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

import pytest

from mailroom.ses import EventType
from mailroom_local._ses_error import SesError
from mailroom_local.events.payloads import wanted
from mailroom_local.mail.content import EICAR
from mailroom_local.mail.headers import addressed
from mailroom_local.sending.compose import Content, compose
from mailroom_local.sending.decisions import (
    checked_tags,
    list_management_of_header,
    reached,
    story,
)
from mailroom_local.sending.message import MailingList, SentMessage, Unrendered
from mailroom_local.sending.outcomes import ON_ACCOUNT_LIST


def outgoing(**fields: Any) -> SentMessage:
    """An accepted message to three addresses."""
    known: dict[str, Any] = {
        "message_id": "id",
        "operation": "SendEmail",
        "sent_at": datetime(2026, 11, 20, tzinfo=UTC),
        "source": "a@example.com",
        "source_arn": "arn",
        "recipients": ("Good@x.org", "Held@x.org", "bounce@simulator.amazonses.com"),
        "raw": b"Subject: Hi\r\n\r\nHello\r\n",
        "account": "0",
        "region": "us-east-1",
        "caller": "someone",
        "source_ip": "127.0.0.1",
        "withheld": {"held@x.org": ON_ACCOUNT_LIST},
    }
    return SentMessage(**{**known, **fields})


def test_a_message_made_of_parts_has_the_fields_that_were_given() -> None:
    """Those without addresses are left out, as an empty one would be malformed."""
    raw = compose(
        Content(subject="Hi", text="Hello"),
        source="Shop <a@example.com>",
        to=["b@example.com", "c@example.com"],
        cc=[],
    )
    message = message_from_bytes(raw, policy=policy.default)
    assert message["From"] == "Shop <a@example.com>"
    assert message["To"] == "b@example.com, c@example.com"
    assert message["Subject"] == "Hi"
    assert "Cc" not in message
    assert "Reply-To" not in message


@pytest.mark.parametrize(
    ("name", "value", "answer"),
    [
        (
            "a:b",
            "x",
            "Invalid tag name <a:b>: only alphanumeric ASCII characters, '_',  '-' are allowed.",
        ),
        (
            "a:b",
            "c:d",
            "Invalid tag name <a:b>: only alphanumeric ASCII characters, '_',  '-' are allowed.",
        ),
        (
            "a",
            "c:d",
            (
                "Invalid tag value <c:d>: only alphanumeric ASCII characters, '_',  '-' , '.', '@' "
                "are allowed."
            ),
        ),
        ("n" * 256, "x", "Tag name cannot exceed 255 characters."),
        ("a", "v" * 256, "Tag value cannot exceed 255 characters."),
        ("", "x", "The tag name must be specified."),
        ("a", "", "The tag value must be specified."),
    ],
)
def test_tags_are_refused_in_the_words_of_ses(name: str, value: str, answer: str) -> None:
    """As recorded from AWS: of a tag with two faults, the name is reported."""
    with pytest.raises(SesError) as caught:
        checked_tags([{"Name": name, "Value": value}])
    assert caught.value.message == answer


def test_each_recipient_has_its_own_story() -> None:
    """After the message is sent; what is withheld bounces without a delivery."""
    told = [(outcome.kind, recipient) for outcome, recipient in story(outgoing())]
    assert told == [
        (EventType.SEND, None),
        (EventType.DELIVERY, "Good@x.org"),
        (EventType.BOUNCE, "Held@x.org"),
        (EventType.BOUNCE, "bounce@simulator.amazonses.com"),
    ]
    assert reached(outgoing()) == ["Good@x.org"]


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"raw": b"Subject: Hi\r\n\r\n" + EICAR}, EventType.REJECT),
        ({"unrendered": Unrendered(template="t", message="m")}, EventType.RENDERING_FAILURE),
    ],
)
def test_an_unsent_message_reaches_no_one(fields: dict[str, Any], kind: EventType) -> None:
    """A virus and a template that fails to render are the whole story."""
    assert [outcome.kind for outcome, _ in story(outgoing(**fields))] == [kind]
    assert reached(outgoing(**fields)) == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("contactListName=News; topic=Weekly", MailingList(contact_list="News", topic="Weekly")),
        ("News;topicName= Weekly ", MailingList(contact_list="News", topic="Weekly")),
        ("News", MailingList(contact_list="News")),
        ("", None),
        (None, None),
    ],
)
def test_a_header_names_the_list_and_perhaps_the_topic(
    value: str | None, expected: MailingList | None
) -> None:
    """With or without the names of its parts."""
    assert list_management_of_header(value) == expected


def test_a_message_addresses_its_recipients_itself() -> None:
    """In To, Cc and Bcc; not in other fields."""
    raw = b"To: A <a@x.org>, b@x.org\r\nCC: c@x.org\r\nBcc: d@x.org\r\nReply-To: e@x.org\r\n\r\n"
    assert addressed(raw) == ["a@x.org", "b@x.org", "c@x.org", "d@x.org"]


def test_enabled_destinations_get_the_types_that_they_match() -> None:
    """By the spelling of API v2."""
    types = ["BOUNCE", "RENDERING_FAILURE"]
    good = {"Name": "good", "Enabled": True, "MatchingEventTypes": types}
    disabled = {**good, "Enabled": False}
    other = {**good, "MatchingEventTypes": ["DELIVERY"]}
    for kind in (EventType.BOUNCE, EventType.RENDERING_FAILURE):
        assert wanted([disabled, good, other], kind) == [good]
    assert wanted([good], EventType.SEND) == []
