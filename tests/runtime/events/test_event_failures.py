"""Nothing is lost: throttling, and a function that is killed between any two steps."""

from __future__ import annotations

from typing import Any

import pytest

from mailroom.entry import events
from mailroom.entry.events import handler
from mailroom.testing import event_invocation, sending_event_payload
from runtime.events.event_aws import SAMPLES, Aws, Killed, metrics, named, new_process, sample

TWO = ["a@example.com", "b@example.com"]
STORIES = {
    name: sending_event_payload(
        raw["eventType"],
        recipients=TWO,
        # So that the delay raises an alert too.
        **({"expiration_time": "2026-01-02T03:05:00.000Z"} if name == "delivery_delay" else {}),
    )
    for name, raw in SAMPLES.items()
}
TOLD = {"complaint", "delivery_delay", "reject", "rendering_failure", "subscription"}
STEPS = {
    "bounce": ["PutItem", "PutItem"] + ["PutSuppressedDestination"] * 2,
    "complaint": ["PutItem", "PutItem"]
    + ["PutSuppressedDestination"] * 2
    + ["PutItem", "Publish", "PutItem"],
}


# One of each sequence of calls, which the first test below establishes for every type.
SEQUENCES = ["bounce", "complaint", "delivery", "rendering_failure"]


def deliver(name: str) -> list[str]:
    """Give the story's event to its behaviour; return the ids that failed."""
    answer = handler(event_invocation(STORIES[name]))
    assert answer is not None
    return [entry["itemIdentifier"] for entry in answer["batchItemFailures"]]


def _gone(error: BaseException) -> Exception:
    if isinstance(error, Exception):
        return error
    raise error


def end_state(aws: Aws) -> Any:
    """Return all that is stored, except the number of alerts."""
    return aws.items, aws.claims, dict(aws.suppressed), set(aws.alerts)


@pytest.mark.parametrize("name", STORIES)
def test_a_behaviour_makes_these_calls(aws: Aws, name: str) -> None:
    """One write a recipient, one call for each to suppress, three for an alert; no others."""
    assert deliver(name) == []
    alert = ["PutItem", "Publish", "PutItem"] if name in TOLD else []
    assert aws.calls == STEPS.get(name, ["PutItem", "PutItem", *alert])
    assert len(aws.alerts) == (name in TOLD)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("name", SEQUENCES)
def test_a_function_that_is_killed_leaves_the_rest_to_the_next(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, name: str, moment: str
) -> None:
    """Before or after any of its calls: the record comes again, and the end is the same."""
    # A process that is gone answers nothing.
    monkeypatch.setattr(events, "survivable", _gone)
    assert deliver(name) == []
    wanted, calls = end_state(aws), len(aws.calls)
    for number in range(1, calls + 1):
        aws.start_again()
        aws.kill_at = (number, moment)
        with pytest.raises(Killed):
            deliver(name)
        aws.kill_at = None
        new_process()
        assert deliver(name) == []
        assert end_state(aws) == wanted, number
        assert len(aws.alerts) in (1, 2) if name in TOLD else not aws.alerts
        # A third delivery, which SQS may make, raises no further alert.
        told = len(aws.alerts)
        new_process()
        assert deliver(name) == []
        assert len(aws.alerts) == told


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("name", SEQUENCES)
def test_a_call_that_is_throttled_fails_the_record(aws: Aws, name: str, warm: bool) -> None:
    """Whichever of them; it comes again, to this process or another, and the end is the same."""
    assert deliver(name) == []
    wanted, calls = end_state(aws), len(aws.calls)
    for number in range(1, calls + 1):
        aws.start_again()
        aws.fail_at = number
        assert deliver(name) == ["record-0"]
        aws.fail_at = 0
        aws.failing.clear()
        if not warm:
            new_process()
        assert deliver(name) == []
        assert end_state(aws) == wanted, number


@pytest.mark.parametrize(
    ("operation", "names"),
    [
        ("PutItem", STORIES),
        ("PutSuppressedDestination", ["bounce", "complaint"]),
        ("Publish", sorted(TOLD)),
    ],
)
def test_an_outage_loses_nothing(aws: Aws, operation: str, names: list[str]) -> None:
    """Every record fails as long as it lasts; what does not need the service is done meanwhile."""
    for name in names:
        aws.start_again()
        assert deliver(name) == []
        wanted = end_state(aws)
        aws.start_again()
        aws.failing = {operation: 10**6}
        for _ in range(3):
            assert deliver(name) == ["record-0"]
        if operation != "PutItem":
            assert aws.items == wanted[0]
        if operation != "PutSuppressedDestination":
            assert aws.suppressed == wanted[2]
        aws.failing.clear()
        assert deliver(name) == []
        assert end_state(aws) == wanted


def test_an_alert_that_failed_is_raised_by_the_next_event_of_its_window(aws: Aws) -> None:
    """Whichever comes first, in the same batch or later, and then no more."""
    first = sending_event_payload("Rendering Failure", message_id="m1")
    other = sending_event_payload("Rendering Failure", message_id="m2")
    aws.failing = {"Publish": 1}
    answer = handler(event_invocation([first, other]))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "record-0"}]}
    ((_, text),) = aws.alerts
    assert "Message id: m2\n" in text
    for payload in (other, first, other, first):
        assert handler(event_invocation(payload)) == {"batchItemFailures": []}
    assert len(aws.alerts) == 1


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_function_killed_around_its_alert_does_not_silence_the_window(
    aws: Aws, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it wrote before publishing does not say that anything was published."""
    monkeypatch.setattr(events, "survivable", _gone)
    at = 3 if moment == "before" else 2  # the calls: the event's item, the alert's item, publishing
    aws.kill_at = (at, moment)
    with pytest.raises(Killed):
        handler(event_invocation(sending_event_payload("Rendering Failure", message_id="m1")))
    aws.kill_at = None
    assert (len(aws.claims), aws.alerts) == (1, [])
    new_process()
    for number in (2, 3):
        other = sending_event_payload("Rendering Failure", message_id=f"m{number}")
        assert handler(event_invocation(other)) == {"batchItemFailures": []}
    ((_, text),) = aws.alerts
    assert "Message id: m2\n" in text


def test_a_failed_record_does_not_affect_the_others(aws: Aws) -> None:
    """The events around it are recorded, suppressed and alerted on."""
    aws.fail_at = 2
    answer = handler(event_invocation([sample("send"), sample("open"), sample("complaint")]))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "record-1"}]}
    assert [item["type"] for item in aws.items] == ["Send", "Complaint"]
    assert len(aws.alerts) == 1


def test_a_retry_counts_only_what_was_not_counted_yet(
    aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    """A step after the recording that fails does not count the event twice."""
    aws.failing = {"PutSuppressedDestination": 3}
    assert deliver("bounce") == ["record-0"]
    assert deliver("bounce") == ["record-0"]
    assert deliver("bounce") == []
    found = metrics(capsys.readouterr().out)
    assert [line["Bounces"] for line in named(found, "Bounces")] == [2]
