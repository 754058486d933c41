"""The builders for users' own tests give exactly what AWS documents."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mailroom import testing
from mailroom.events import Bounce, Delivery, Subscription, records
from mailroom.testing import event_invocation, sending_event, sending_event_payload
from runtime.events.event_aws import ENVELOPES, SAMPLES


def shape(value: Any, *path: str) -> Any:
    """Reduce *value* to keys and types; of tags and header fields, whose names vary, to one."""
    if isinstance(value, dict):
        if path[-1:] == ("tags",):
            return sorted({json.dumps(shape(inner)) for inner in value.values()})
        return {key: shape(inner, *path, key) for key, inner in value.items()}
    if isinstance(value, list):
        return sorted({json.dumps(shape(inner), sort_keys=True) for inner in value})
    return type(value).__name__


# Fields that SES added after AWS published these samples.
ADDED = {"Click": "isBotEvent", "Delivery": "remoteMtaIp", "Open": "isBotEvent"}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_payload_has_exactly_the_documented_shape(name: str) -> None:
    """Same keys, same types, at every depth."""
    kind = SAMPLES[name]["eventType"]
    payload = sending_event_payload(kind)
    if kind in ADDED:
        assert payload[kind.lower()].pop(ADDED[kind])
    assert shape(payload) == shape(SAMPLES[name])


def test_a_payload_is_json() -> None:
    """Nothing in it would be changed on its way."""
    for raw in SAMPLES.values():
        built = sending_event_payload(raw["eventType"], tags={"campaign": ("a",)})
        assert json.loads(json.dumps(built)) == built


def test_fields_are_changed_by_either_name_and_removed_with_none() -> None:
    """In snake_case, as the attributes are called, or as SES spells them."""
    event = sending_event(
        "Bounce", bounce_type="Transient", bounceSubType="MailboxFull", reporting_mta=None
    )
    assert isinstance(event, Bounce)
    assert (event.bounce_type, event.bounce_sub_type) == ("Transient", "MailboxFull")
    assert "reportingMTA" not in event.detail


def test_recipients_are_those_of_mail_and_event() -> None:
    """One argument, as in most events they are the same."""
    event = sending_event("Delivery", recipients=["a@example.com", "b@example.com"])
    assert isinstance(event, Delivery)
    assert event.recipients == event.mail.destination == ["a@example.com", "b@example.com"]


def test_two_payloads_share_nothing() -> None:
    """A test that changes one leaves the next alone."""
    sending_event_payload("Subscription")["subscription"]["newTopicPreferences"].clear()
    assert sending_event_payload("Subscription")["subscription"]["newTopicPreferences"]


def test_tags_and_the_configuration_set_are_lists() -> None:
    """As SES has them; without a configuration set, there is none."""
    mail = sending_event("Send", configuration_set=None, tags={"campaign": ["a", "b"]}).mail
    assert mail.tags == {"campaign": ["a", "b"]}
    assert mail.configuration_set is None


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_an_invocation_is_json_that_carries_the_event(envelope: str) -> None:
    """One payload need not be put into a list."""
    invocation = event_invocation(sending_event_payload("Send"), envelope)
    assert json.loads(json.dumps(invocation)) == invocation
    assert len(list(records(invocation))) == 1


def test_events_on_the_bus_have_the_documented_form() -> None:
    """Rules match on source and detail type."""
    found = event_invocation(sending_event_payload("DeliveryDelay"), "eventbridge")
    assert (found["source"], found["detail-type"]) == ("aws.ses", "Email Delivery Delayed")


@pytest.mark.parametrize(
    ("payloads", "envelope", "text"),
    [
        ([{}, {}], "bare", "exactly one"),
        (["text"], "eventbridge", "exactly one"),
        ([{}], "kinesis", "'kinesis': use one of sqs, sqs-sns"),
    ],
)
def test_an_unknown_invocation_type_is_refused(payloads: Any, envelope: str, text: str) -> None:
    """With what is possible."""
    with pytest.raises(ValueError, match=text):
        event_invocation(payloads, envelope)


def test_the_builders_are_exported() -> None:
    """By name, sorted as everywhere."""
    assert {"sending_event", "sending_event_payload", "event_invocation"} <= set(testing.__all__)


def test_a_subscription_unsubscribes_from_everything_by_default() -> None:
    """What was wanted before and what is wanted now differ, so a handler has something to do."""
    event = sending_event("Subscription")
    assert isinstance(event, Subscription)
    assert not event.old_topic_preferences.unsubscribe_all
    assert event.new_topic_preferences.unsubscribe_all
