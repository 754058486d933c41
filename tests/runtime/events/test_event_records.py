"""Every envelope gives the same events; what is none of SES's comes out as it went in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mailroom.errors import UnknownInvocation
from mailroom.events import Bounce, SkippedRecord, UnknownEvent, records
from mailroom.ses import VALIDATION_TEXT
from mailroom.testing import event_invocation, sending_event_payload
from runtime.events.event_aws import ENVELOPES, ONE_EACH, SAMPLES, sample

SEVERAL = [envelope for envelope in ENVELOPES if envelope not in ONE_EACH]
RAW_TEXT = [envelope for envelope in SEVERAL if "eventbridge" not in envelope]


@pytest.mark.parametrize("envelope", ENVELOPES)
@pytest.mark.parametrize("name", SAMPLES)
def test_every_envelope_gives_the_event(name: str, envelope: str) -> None:
    """The mapping is the one that SES published, whatever it travelled in."""
    ((_, event),) = records(event_invocation(sample(name), envelope))
    assert not isinstance(event, SkippedRecord)
    assert event.raw == sample(name)


@pytest.mark.parametrize("envelope", SEVERAL)
def test_records_have_their_ids_in_their_order(envelope: str) -> None:
    """The ids are those that a partial answer names."""
    found = list(records(event_invocation(list(SAMPLES.values()), envelope)))
    assert [record_id for record_id, _ in found] == [f"record-{n}" for n in range(10)]
    assert [event.raw for _, event in found] == list(SAMPLES.values())  # type: ignore[union-attr]


def test_an_event_that_went_from_the_bus_to_a_topic_is_found() -> None:
    """EventBridge → SNS → SQS is two envelopes in each other."""
    bus = event_invocation(sample("open"), "eventbridge")
    ((_, event),) = records(event_invocation(bus, "sqs-sns"))
    assert event.raw == sample("open")  # type: ignore[union-attr]


@pytest.mark.parametrize("envelope", RAW_TEXT)
@pytest.mark.parametrize(
    "text", [VALIDATION_TEXT, VALIDATION_TEXT.rstrip("."), VALIDATION_TEXT + " \n"]
)
def test_ses_validation_text_is_a_control_message(envelope: str, text: str) -> None:
    """With and without the final stop, raw and wrapped."""
    ((_, found),) = records(event_invocation(text, envelope))
    assert isinstance(found, SkippedRecord)
    assert found.control


@pytest.mark.parametrize("envelope", RAW_TEXT)
def test_the_greeting_of_an_identity_is_a_control_message(envelope: str) -> None:
    """An identity's topic gets JSON instead, with a type but without a mail."""
    greeting = {
        "notificationType": "AmazonSnsSubscriptionSucceeded",
        "message": "You have successfully subscribed your Amazon SNS topic 'arn:aws:sns:…' to …",
    }
    ((_, found),) = records(event_invocation(greeting, envelope))
    assert isinstance(found, SkippedRecord)
    assert found.control


@pytest.mark.parametrize("envelope", RAW_TEXT)
@pytest.mark.parametrize("text", ["", "hello", "null", "[1]", '{"a": 1}', f"x {VALIDATION_TEXT}"])
def test_other_text_is_skipped_unchanged(envelope: str, text: str) -> None:
    """It is not a control message, and people will look at its body."""
    ((_, found),) = records(event_invocation(text, envelope))
    assert isinstance(found, SkippedRecord)
    assert not found.control
    assert found.body in (text, f"{text}\n".encode())
    assert found.reason in repr(found)


def test_a_broken_record_does_not_affect_the_others() -> None:
    """Each is decoded by itself."""
    found = [event for _, event in records(event_invocation([sample("open"), "{", sample("send")]))]
    assert [isinstance(event, SkippedRecord) for event in found] == [False, True, False]


@pytest.mark.parametrize(
    "record",
    [
        None,
        5,
        {},
        {"messageId": "id", "eventSource": "aws:sqs"},
        {"messageId": "id", "body": None},
        {"messageId": "id", "body": 5},
        {"Sns": {"MessageId": "id"}},
        {"Sns": "text"},
        {"s3": {}},
    ],
)
def test_a_record_of_another_kind_is_skipped(record: Any) -> None:
    """Not raised, as the others of its batch are not to blame."""
    first, second = records({"Records": [record, {"messageId": "x", "body": "{}"}]})
    assert isinstance(first[1], SkippedRecord)
    assert first[0] in ("0", "id")
    assert second[0] == "x"


@pytest.mark.parametrize("data", [None, "ä", "a", 5])
def test_data_that_is_not_base64_is_skipped(data: Any) -> None:
    """Firehose names the record by its id."""
    ((record_id, found),) = records({"records": [{"recordId": "r", "data": data}]})
    assert (record_id, isinstance(found, SkippedRecord)) == ("r", True)
    ((_, found),) = records({"records": ["text"]})
    assert isinstance(found, SkippedRecord)


@pytest.mark.parametrize("event", [None, [], "text", {}, {"Records": 5}, {1: 2, "a": 3}])
def test_an_invocation_without_events_is_refused(event: Any) -> None:
    """A scheduled event, for example, is a mistake."""
    with pytest.raises(UnknownInvocation, match="expected an invocation with events"):
        list(records(event))


@pytest.mark.parametrize(
    ("event", "name"),
    [
        ({"id": "e-1", "detail": sample("bounce")}, "e-1"),
        (
            {"Type": "Notification", "MessageId": "m-1", "Message": json.dumps(sample("bounce"))},
            "m-1",
        ),
        (sample("bounce"), "0"),
    ],
    ids=["EventBridge", "SNS", "bare"],
)
def test_an_event_without_a_list_is_named_by_what_brought_it(event: Any, name: str) -> None:
    """EventBridge's id, the message id of SNS, or its place."""
    ((found, _),) = records(event)
    assert found == name


def test_an_unknown_type_passes_through() -> None:
    """Also the one that announces received mail."""
    found = list(records(event_invocation([sending_event_payload("Received", feedback=True)])))
    assert isinstance(found[0][1], UnknownEvent)


def test_a_notification_may_hold_a_mapping() -> None:
    """Some forwarders decode the message for us."""
    body = json.dumps({"Type": "Notification", "Message": sample("bounce")})
    ((_, event),) = records({"Records": [{"messageId": "x", "body": body}]})
    assert isinstance(event, Bounce)
