"""The event table: what an item holds, what it never holds, and that each is written once."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mailroom.entry.events import handler
from mailroom.errors import MalformedEvent, MissingField, NotConfigured
from mailroom.events import parse
from mailroom.handlers.events import _settings, _table, record
from mailroom.testing import event_invocation, sending_event, sending_event_payload
from runtime.events.event_aws import (
    ENVELOPES,
    ONE_EACH,
    SAMPLES,
    Aws,
    metrics,
    named,
    new_process,
    sample,
    size,
)

THREE = ["a@example.com", "b@example.com", "c@example.com"]


def deliver(payloads: Any, envelope: str = "sqs") -> None:
    """Give *payloads* to the bundled behaviours; none may fail."""
    assert handler(event_invocation(payloads, envelope)) in (None, {"batchItemFailures": []})


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_every_sample_through_every_envelope_is_recorded(aws: Aws, envelope: str) -> None:
    """By the bundled behaviour of its type, with the same items whatever it came in."""
    if envelope in ONE_EACH:
        for raw in SAMPLES.values():
            deliver(raw, envelope)
    else:
        deliver(list(SAMPLES.values()), envelope)
    assert {item["type"] for item in aws.items} == {raw["eventType"] for raw in SAMPLES.values()}
    assert aws.suppressed == {"recipient@example.com": "COMPLAINT"}
    assert len(aws.alerts) == 5
    table = aws.items
    new_process()
    deliver(list(SAMPLES.values()))
    assert aws.items == table


def test_an_item_holds_what_a_trace_shows(aws: Aws) -> None:
    """Keys, who, when, from whom, by which configuration set, with which tags, and the detail."""
    deliver(sample("bounce"))
    (item,) = aws.items
    message_id = SAMPLES["bounce"]["mail"]["messageId"]
    assert item.pop("at").startswith("2017-08-05T00:41:02.669Z#Bounce#")
    assert json.loads(item.pop("tags")) == {
        "ses:source-ip": ["192.0.2.0"],
        "ses:from-domain": ["example.com"],
        "ses:caller-identity": ["ses_user"],
    }
    assert json.loads(item.pop("detail")) == SAMPLES["bounce"]["bounce"]
    assert item == {
        "message_id": message_id,
        "type": "Bounce",
        "timestamp": "2017-08-05T00:41:02.669Z",
        "recipient": "recipient@example.com",
        "source": "Sender Name <sender@example.com>",
        "configuration_set": "ConfigSet",
        "expires_at": str(1501893662 + 90 * 86400),
    }


def test_each_recipient_has_an_item_with_their_own_part(aws: Aws) -> None:
    """Addresses in lower case and without names; no item mentions other recipients."""
    deliver(sending_event_payload("Bounce", recipients=["A Name <A@Example.com>", *THREE[1:]]))
    assert [item["recipient"] for item in sorted(aws.items, key=lambda i: i["recipient"])] == THREE
    for item in aws.items:
        (own,) = json.loads(item["detail"])["bouncedRecipients"]
        assert item["recipient"] in own["emailAddress"].lower()
        assert sum(address in json.dumps(item).lower() for address in THREE) == 1


def test_a_list_with_addresses_and_others_shows_no_other_recipient(aws: Aws) -> None:
    """Whatever AWS may add to an event."""
    raw = sending_event_payload("Bounce", recipients=THREE[:1])
    raw["bounce"]["similar"] = [{"emailAddress": THREE[1]}, {"count": 5}, "text"]
    (item,) = _table.items(parse(raw), _settings.settings())
    assert THREE[1] not in json.dumps(item)


@pytest.mark.parametrize(
    ("around", "stored"),
    [
        (lambda deep: {"a": deep}, {"a": {"a": {"a": {"a": "..."}}}}),
        (lambda deep: {"a": [deep]}, {"a": [{"a": ["..."]}]}),
    ],
)
def test_a_detail_is_stored_to_a_depth_of_five(
    aws: Aws, around: Callable[[Any], Any], stored: Any
) -> None:
    """What is below would be read by nobody, and could end the function."""
    deep: Any = {"end": 1}
    for _ in range(400):
        deep = around(deep)
    deliver(sending_event_payload("Novelty", part=deep))
    (item,) = aws.items
    assert json.loads(item["detail"])["part"] == stored


def test_the_story_of_a_message_and_of_a_recipient_are_one_query_each(aws: Aws) -> None:
    """By the message's id, and by the index; both in the order of time."""
    deliver(
        [
            sending_event_payload("Delivery", timestamp="2026-01-02T03:05:00.000Z"),
            sending_event_payload("Send"),
            sending_event_payload("Open", timestamp="2026-01-03T03:05:00.000Z"),
        ]
    )
    types = [item["type"] for item in aws.items]
    assert types == ["Send", "Delivery", "Open"]
    assert {item["recipient"] for item in aws.items} == {"recipient@example.com"}


def test_an_event_without_recipients_is_recorded(aws: Aws) -> None:
    """The index refuses an empty key, so the attribute is left out."""
    record.on_event(sending_event("Send", recipients=[]))
    (item,) = aws.items
    assert "recipient" not in item


def test_a_type_that_aws_adds_later_is_recorded(aws: Aws) -> None:
    """With its own part, without headers, subject or content should it carry them."""
    secret = {"subject": "SECRET", "Headers": ["SECRET"], "part": {"body": "SECRET", "a": 1}}
    deliver(sending_event_payload("Reply", timestamp="2026-05-06T07:08:09.5Z", **secret))
    (item,) = aws.items
    assert item["at"].startswith("2026-05-06T07:08:09.500Z#Reply#")
    assert json.loads(item["detail"]) == {"timestamp": "2026-05-06T07:08:09.5Z", "part": {"a": 1}}


def test_a_links_parameters_are_not_stored(aws: Aws) -> None:
    """They often are the recipient's own key; clicks on two of them are still two."""
    deliver([sending_event_payload("Click", link=f"https://a.example/x?token={n}#f") for n in "12"])
    assert [json.loads(item["detail"])["link"] for item in aws.items] == ["https://a.example/x"] * 2


@pytest.mark.parametrize("name", SAMPLES)
def test_content_subject_and_headers_are_not_stored(aws: Aws, name: str) -> None:
    """Whatever SES sends along."""
    raw = sample(name)
    raw["mail"]["headers"] = [{"name": "X-SECRET", "value": "SECRET"}]
    raw["mail"]["commonHeaders"] = {"subject": "SECRET", "from": ["SECRET"], "to": ["SECRET"]}
    deliver(raw)
    assert "SECRET" not in json.dumps(aws.items)
    assert "SECRET" not in json.dumps(aws.alerts)


def test_duplicates_and_any_order_leave_the_same_table(aws: Aws) -> None:
    """Any order of two stories, each event up to three times, in whichever envelope."""
    payloads = [
        sending_event_payload(
            kind,
            message_id=message_id,
            recipients=THREE[:2],
            **({"feedback_id": message_id} if kind in ("Bounce", "Complaint") else {}),
        )
        for message_id in ("m1", "m2")
        for kind in ("Send", "Delivery", "Bounce", "Complaint", "Open", "Rendering Failure")
    ]
    deliver(payloads)
    table, claims, suppressed = aws.items, aws.claims, set(aws.suppressed)
    # Open and Send name no recipient, so they count for all recipients of the mail.
    assert len(table) == len(payloads) * 2
    chance = random.Random(7)
    for _ in range(6):
        aws.start_again()
        again = [payload for payload in payloads for _ in range(chance.randint(1, 3))]
        chance.shuffle(again)
        for start in range(0, len(again), 5):
            batch = again[start : start + 5]
            deliver(batch, chance.choice(["sqs", "sqs-sns", "sqs-eventbridge", "firehose"]))
            new_process()
        assert aws.items == table
        assert set(aws.suppressed) == suppressed
        # Who made a window's claim depends on the order; that it is made and done does not.
        assert [(c["message_id"], c["at"], c["sent"]) for c in aws.claims] == [
            (c["message_id"], c["at"], c["sent"]) for c in claims
        ]
        assert len(aws.alerts) == len(claims) == 3


def test_a_duplicate_is_not_counted(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    """Metrics stand for new items alone."""
    for expected in (2, 0):
        deliver(sending_event_payload("Delivery", recipients=THREE[:2]))
        found = metrics(capsys.readouterr().out)
        assert sum(line["Events"] for line in named(found, "Events")) == expected
        assert len(named(found, "DeliveryLatency")) == bool(expected)


@pytest.mark.parametrize("kind", ["Send", "Delivery", "Bounce", "DeliveryDelay"])
def test_events_about_recipients_count_recipients(
    aws: Aws, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    """As SES's own rates do."""
    deliver(sending_event_payload(kind, recipients=THREE))
    (line,) = named(metrics(capsys.readouterr().out), "Events")
    assert line == {"Events": 3, "Type": kind, "ConfigurationSet": "ConfigSet"}


@pytest.mark.parametrize("kind", ["Open", "Click", "Complaint", "Subscription", "Reject", "New"])
def test_an_event_about_one_of_several_recipients_counts_once(
    aws: Aws, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    """SES does not say which of them it was."""
    deliver(sending_event_payload(kind, recipients=THREE, configuration_set=None))
    (line,) = named(metrics(capsys.readouterr().out), "Events")
    assert line == {"Events": 1, "Type": kind, "ConfigurationSet": "none"}


def test_recipients_recorded_before_a_failure_are_counted(
    aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    """They will not be new again; the others are counted when they are written."""
    event = sending_event("Send", recipients=THREE)
    aws.fail_at = 2
    with pytest.raises(ClientError):
        record.on_event(event)
    record.on_event(event)
    counts = [line["Events"] for line in metrics(capsys.readouterr().out)]
    assert counts == [1, 2]
    assert len(aws.items) == 3


HUGE = "ä😀\ud800\u202e\x00" * 200


def huge() -> dict[str, Any]:
    """Return an event that is too large wherever it may be."""
    return sending_event_payload(
        "Bounce",
        recipients=[f"{HUGE[:200]}@example.com"],
        source=HUGE,
        configuration_set=HUGE,
        message_id="ä" * 256,
        tags={f"{n}{HUGE[:300]}": [HUGE] * 3 for n in range(50)},
        **{f"field{n}": {"deep": [{"er": [{"still": [HUGE]}]}], "n": 10**3000} for n in range(50)},
    )


def test_an_item_is_never_larger_than_its_bound(aws: Aws) -> None:
    """Everything is cut, and what DynamoDB cannot store is replaced."""
    deliver(huge())
    (item,) = aws.items
    assert size(item) <= _table.MAX_ITEM_BYTES
    assert json.loads(item["tags"])
    assert json.loads(item["detail"])
    assert aws.suppressed


def test_an_ordinary_item_costs_one_write_unit(aws: Aws) -> None:
    """Under a kilobyte, for each of AWS's samples."""
    deliver(list(SAMPLES.values()))
    assert max(map(size, aws.items)) < 1000


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (sending_event_payload("Send", message_id=""), MalformedEvent),
        (sending_event_payload("Send", message_id="x" * 513), MalformedEvent),
        (sending_event_payload("Send", sent_at="yesterday"), MissingField),
        (sending_event_payload("Send", recipients=[f"{n}@a" for n in range(501)]), MalformedEvent),
        ({"eventType": "Send"}, MissingField),
        ({"eventType": "New", "mail": {"messageId": "x"}}, MissingField),
    ],
)
def test_an_event_that_cannot_be_recorded_fails(
    aws: Aws, payload: Any, error: type[Exception]
) -> None:
    """It is retried, and ends up in the dead-letter queue, where it raises an alarm."""
    with pytest.raises(error):
        handler(event_invocation(payload, "bare"))
    assert aws.items == []


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("MAILROOM_EVENT_TABLE", "", "MAILROOM_EVENT_TABLE is not set"),
        ("MAILROOM_EVENT_TTL_DAYS", "ninety", "'ninety': set it to a whole number above 0"),
        ("MAILROOM_EVENT_TTL_DAYS", "0", "whole number above 0"),
        ("MAILROOM_ALERT_WINDOW_SECONDS", "-5", "whole number above 0"),
        ("MAILROOM_EXPIRY_WARNING_SECONDS", "²", "whole number above 0"),
        ("MAILROOM_SUPPRESS", "yes", "set it to '0' or '1'"),
    ],
)
def test_the_error_names_a_wrong_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, text: str
) -> None:
    """With its name, its value and what is allowed."""
    monkeypatch.setenv(name, value)
    with pytest.raises(NotConfigured, match=text):
        record.on_event(sending_event("Send"))
    if value:
        with pytest.raises(NotConfigured, match=text):
            _settings.prepare()


def test_the_time_to_live_is_counted_from_the_event(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a duplicate, however late, would have the same."""
    monkeypatch.setenv("MAILROOM_EVENT_TTL_DAYS", "7")
    record.on_event(sending_event("Open", timestamp="2026-01-02T00:00:00.999+01:00"))
    (item,) = aws.items
    assert item["timestamp"] == "2026-01-01T23:00:00.999Z"
    assert item["expires_at"] == str(1767308400 + 7 * 86400)
