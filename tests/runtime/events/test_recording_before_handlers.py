"""The event is in the table before a function of the user's is called, and once only."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mailroom.entry.events import handler
from mailroom.testing import event_invocation
from runtime.events.event_aws import SAMPLES, Aws, metrics, named, sample

RECORD = "mailroom.handlers.events.record:on_event"
FEEDBACK = Path(__file__).parents[2] / "payloads" / "identity_feedback.json"

Deliver = Callable[..., list[dict[str, str]]]


class Desk:
    """The user's function: what it was called with, and whether it fails."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.failing = False

    def on_event(self, event: Any) -> None:
        self.seen.append(event.type)
        if self.failing:
            raise ValueError("the user's own")


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk()
    monkeypatch.setitem(sys.modules, "desk", SimpleNamespace(on_event=made.on_event))
    return made


def chained(monkeypatch: pytest.MonkeyPatch, kind: str, *specs: str) -> Deliver:
    """Return what delivers payloads of this type to these functions; it returns the failures."""
    monkeypatch.setenv("MAILROOM_HANDLERS", json.dumps({kind: list(specs)}))

    def deliver(*payloads: Any) -> list[dict[str, str]]:
        answer = handler(event_invocation(list(payloads), "sqs"))
        assert answer is not None
        found: list[dict[str, str]] = answer["batchItemFailures"]
        return found

    return deliver


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_recorded_and_counted_does_not_depend_on_who_handles_it(
    aws: Aws, desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: Any, name: str
) -> None:
    kind = SAMPLES[name]["eventType"]
    assert not chained(monkeypatch, kind, RECORD, "desk:on_event")(sample(name))
    items, counted = aws.items, metrics(capsys.readouterr().out)
    assert (len(items), desk.seen) == (1, [kind])
    aws.start_again()
    assert not chained(monkeypatch, kind, f"mailroom.handlers.events.{name}:on_event")(sample(name))
    assert aws.items == items
    assert metrics(capsys.readouterr().out) == counted


def test_a_function_that_fails_leaves_its_event_recorded_once(
    aws: Aws, desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """However often it is retried."""
    deliver = chained(monkeypatch, "Bounce", RECORD, "desk:on_event")
    desk.failing = True
    assert [len(deliver(sample("bounce"))) for _ in range(3)] == [1, 1, 1]
    desk.failing = False
    assert not deliver(sample("bounce"))
    assert (len(aws.items), len(desk.seen)) == (1, 4)
    assert len(named(metrics(capsys.readouterr().out), "Bounces")) == 1


def test_a_function_waits_until_the_event_is_recorded(
    aws: Aws, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that is throttled fails the record; the retry runs both."""
    deliver = chained(monkeypatch, "Open", RECORD, "desk:on_event")
    aws.failing["PutItem"] = 1
    assert len(deliver(sample("open"))) == 1
    assert (aws.items, desk.seen) == ([], [])
    assert not deliver(sample("open"))
    assert (len(aws.items), desk.seen) == (1, ["Open"])


def test_a_function_before_the_bundled_behaviour_changes_neither_items_nor_metrics(
    aws: Aws, desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    bundled = "mailroom.handlers.events.bounce:on_event"
    deliver = chained(monkeypatch, "Bounce", RECORD, "desk:on_event", bundled)
    desk.failing = True
    assert len(deliver(sample("bounce"))) == 1
    assert (len(aws.items), aws.suppressed) == (1, {})
    desk.failing = False
    assert not deliver(sample("bounce"))
    assert len(aws.items) == len(aws.suppressed) == 1
    assert len(named(metrics(capsys.readouterr().out), "Bounces")) == 1


def test_the_feedback_of_an_identity_is_recorded(
    aws: Aws, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As AWS was recorded to publish it: ``notificationType``, and no tags."""
    feedback = json.loads(FEEDBACK.read_text())
    assert not chained(monkeypatch, "Delivery", RECORD, "desk:on_event")(feedback)
    assert desk.seen == ["Delivery"]
    [item] = aws.items
    assert item["recipient"] == feedback["delivery"]["recipients"][0]
