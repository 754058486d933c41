"""The typed views: AWS's samples round-trip, and errors name the path."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from mailroom import events
from mailroom._views import Headers
from mailroom.errors import MalformedEvent, MissingField
from mailroom.events import (
    Bounce,
    Click,
    Complaint,
    Delivery,
    EventType,
    RenderingFailure,
    SendingEvent,
    UnknownEvent,
    parse,
)
from mailroom.testing import sending_event
from runtime.events.event_aws import SAMPLES, sample

CLASSES = {
    "bounce": "Bounce",
    "click": "Click",
    "complaint": "Complaint",
    "delivery": "Delivery",
    "delivery_delay": "DeliveryDelay",
    "open": "Open",
    "reject": "Reject",
    "rendering_failure": "RenderingFailure",
    "send": "Send",
    "subscription": "Subscription",
}


def snake(name: str) -> str:
    """Return SES's *name* as an attribute is named."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def same(given: Any, value: Any) -> bool:
    """Return whether an attribute *given* says what the JSON *value* says."""
    if isinstance(given, datetime):
        return given.tzinfo is UTC and given == datetime.fromisoformat(value)
    if isinstance(given, Headers):
        return list(given.items()) == [(field["name"], field["value"]) for field in value]
    if isinstance(given, events.TopicPreferences):
        topics = value["topicSubscriptionStatus"]
        return (
            given.raw is value
            and given.unsubscribe_all is value["unsubscribeAll"]
            and given.topic_subscription_status
            == {topic["topicName"]: topic["subscriptionStatus"] for topic in topics}
        )
    if isinstance(given, list) and given and isinstance(given[0], events.Recipient):
        return all(
            same(getattr(one, snake(name)), field)
            for one, entry in zip(given, value, strict=True)
            for name, field in entry.items()
        )
    return bool(given == value)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("form", [str, bytes, dict])
def test_every_documented_field_is_an_attribute(name: str, form: type) -> None:
    """Snake-cased names, values as they stand, and the mapping itself as ``raw``."""
    raw = sample(name)
    text = json.dumps(raw)
    payload: Any = {str: text, bytes: text.encode(), dict: raw}[form]
    event = parse(payload)
    assert type(event).__name__ == CLASSES[name]
    assert event.raw == raw
    assert form is not dict or event.raw is raw
    assert event.type == raw["eventType"] == EventType(event.type)
    checked = set(raw) - {"eventType", "mail", event.DETAIL}
    assert not checked, "a sample has a part that no attribute stands for"
    for field, value in event.raw["mail"].items():
        assert same(getattr(event.mail, snake(field)), value), field
    assert event.mail.subject == raw["mail"].get("commonHeaders", {}).get("subject")
    for field, value in event.detail.items():
        assert same(getattr(event, snake(field)), value), field


@pytest.mark.parametrize("name", SAMPLES)
def test_every_event_has_recipients_a_time_and_a_key(name: str) -> None:
    """Recipients, an aware time, the configuration set, and a key that a copy has as well."""
    event = parse(sample(name))
    address = "sender@example.com" if name == "reject" else "recipient@example.com"
    assert event.recipients == [address]
    assert event.timestamp.tzinfo is UTC
    assert event.mail.configuration_set == "ConfigSet"
    assert event.mail.tags["ses:configuration-set"] == ["ConfigSet"]
    assert parse(json.dumps(sample(name), sort_keys=True)).key == event.key
    assert event.mail.message_id in repr(event)
    assert "example.com" not in repr(event)


def test_no_two_samples_have_the_same_key() -> None:
    """Keys differ by type and message."""
    assert len({parse(raw).key for raw in SAMPLES.values()}) == len(SAMPLES)


@pytest.mark.parametrize(("kind", "cls"), [("Bounce", Bounce), ("Complaint", Complaint)])
def test_feedback_of_an_identity_is_the_same_class(kind: str, cls: type[SendingEvent]) -> None:
    """``notificationType`` instead of ``eventType``, and no tags; the key is the same."""
    event = sending_event(kind, feedback=True)
    assert type(event) is cls
    assert event.type == kind
    assert event.mail.tags == {}
    assert event.mail.configuration_set is None
    assert event.key == sending_event(kind).key


def test_fields_that_only_feedback_has_are_read() -> None:
    """The fields that AWS documents for identities alone."""
    event = sending_event("Delivery", feedback=True, remote_mta_ip="127.0.2.0")
    event.raw["mail"].update(sourceIp="192.0.2.1", callerIdentity="role")  # type: ignore[index]
    assert isinstance(event, Delivery)
    assert event.remote_mta_ip == "127.0.2.0"
    assert (event.mail.source_ip, event.mail.caller_identity) == ("192.0.2.1", "role")


def test_a_type_that_aws_adds_later_is_an_event() -> None:
    """Its own part is the only object besides the mail; two of them never share a key."""
    event = sending_event("Reply", timestamp="2026-05-06T07:08:09.123Z", sentiment="kind")
    other = sending_event("Reply", timestamp="2026-05-06T07:08:09.123Z", sentiment="unkind")
    assert type(event) is UnknownEvent
    assert event.detail["sentiment"] == "kind"
    assert event.timestamp == datetime(2026, 5, 6, 7, 8, 9, 123000, tzinfo=UTC)
    assert event.key != other.key
    odd = sending_event("Reply", timestamp=5)
    assert odd.timestamp == odd.mail.timestamp
    assert parse({**odd.raw, "more": {}}).detail == {}


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ("{", "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a JSON object, but list"),
        ("{}", "neither|no text"),
        ({"eventType": 5}, "is a string"),
        ({"eventType": ["Bounce"]}, "is a string"),
    ],
)
def test_anything_that_is_not_an_event_is_malformed(payload: Any, text: str) -> None:
    """One exception, whatever is wrong."""
    with pytest.raises(MalformedEvent, match=text):
        parse(payload)


@pytest.mark.parametrize(
    ("kind", "changes", "attribute", "path"),
    [
        ("Bounce", {"bounce_type": None}, "bounce_type", "bounce.bounceType"),
        ("Bounce", {"feedback_id": 5}, "key", "bounce.feedbackId"),
        ("Bounce", {"bounced_recipients": "a"}, "recipients", "bounce.bouncedRecipients"),
        ("Bounce", {"bounced_recipients": ["a"]}, "recipients", "bounce.bouncedRecipients"),
        ("Bounce", {"bounced_recipients": [{}]}, "recipients", "emailAddress"),
        ("Bounce", {"bounced_recipients": [{"emailAddress": 5}]}, "recipients", "emailAddress"),
        ("Delivery", {"processing_time_millis": "5"}, "processing_time_millis", "processingTime"),
        ("DeliveryDelay", {"timestamp": "soon"}, "timestamp", "deliveryDelay.timestamp"),
        ("Subscription", {"new_topic_preferences": []}, "new_topic_preferences", "newTopicPref"),
        ("Rendering Failure", {"template_name": None}, "template_name", "failure.templateName"),
    ],
)
def test_the_error_names_the_path_of_a_wrong_field(
    kind: str, changes: dict[str, Any], attribute: str, path: str
) -> None:
    """Only the field that is asked for raises."""
    with pytest.raises(MissingField, match=re.escape(path)):
        getattr(sending_event(kind, **changes), attribute)


@pytest.mark.parametrize(
    ("field", "attribute"),
    [
        ("messageId", "message_id"),
        ("source", "source"),
        ("sourceArn", "source_arn"),
        ("destination", "destination"),
    ],
)
def test_a_wrong_field_of_the_mail_is_named_by_its_path(field: str, attribute: str) -> None:
    """Those that are read on a short way as well."""
    event = sending_event("Send")
    event.raw["mail"][field] = 5  # type: ignore[index]
    with pytest.raises(MissingField, match=re.escape(f"mail.{field}")):
        getattr(event.mail, attribute)


def test_topics_that_are_not_objects_raise_an_error() -> None:
    """Preferences come from outside as well."""
    event = sending_event("Subscription", new_topic_preferences={"topicSubscriptionStatus": ["a"]})
    with pytest.raises(MissingField, match="topicSubscriptionStatus"):
        _ = event.new_topic_preferences.topic_subscription_status  # type: ignore[attr-defined]


@pytest.mark.parametrize("value", ["ConfigSet", [], [5], None, {}])
def test_a_configuration_set_is_a_string_in_a_list(value: Any) -> None:
    """Anything else is none at all, never a letter of it."""
    event = sending_event("Send", tags={"ses:configuration-set": ["x"]})
    event.raw["mail"]["tags"]["ses:configuration-set"] = value
    assert event.mail.configuration_set is None


def test_clicks_on_two_links_at_once_have_different_keys() -> None:
    """The key contains the link."""
    first, second = sending_event("Click", link="a"), sending_event("Click", link="b")
    assert first.key != second.key
    assert isinstance(first, Click)


@pytest.mark.parametrize(
    ("text", "attribute"),
    [
        ("Attribute 'name' is not present in the rendering data.", "name"),
        ("Attribute 'a.b' is not present", "a.b"),
        ("Something else about Attribute 'name'", None),
        ("", None),
    ],
)
def test_the_missing_attribute_is_read_from_the_message(text: str, attribute: str | None) -> None:
    """AWS's own wording, and nothing that merely resembles it."""
    event = sending_event("Rendering Failure", error_message=text)
    assert isinstance(event, RenderingFailure)
    assert event.missing_attribute == attribute


@pytest.mark.parametrize(("kind", "wanted"), [("abuse", True), ("not-spam", False), (None, True)])
def test_not_spam_is_not_a_complaint(kind: str | None, wanted: bool) -> None:
    """Some providers report that a mail was taken out of the spam folder."""
    event = sending_event("Complaint", complaint_feedback_type=kind)
    assert isinstance(event, Complaint)
    assert event.is_complaint is wanted
