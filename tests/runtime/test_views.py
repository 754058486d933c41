"""Views compare equal when their data do, and print without personal data."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mailroom._views import Headers, View
from mailroom.events import (
    Mail,
    Recipient,
    SkippedRecord,
    TopicPreferences,
    UnknownEvent,
    parse,
    records,
)
from mailroom.receiving import ReceivedMail, Verdict
from mailroom.testing import MemoryStore

PAYLOADS = Path(__file__).parents[1] / "payloads"
EVENTS = {
    path.stem: json.loads(path.read_text())
    for path in sorted((PAYLOADS / "sending_events").glob("*.json"))
}
RECEIVED = json.loads((PAYLOADS / "received_mail.json").read_text())["Records"][0]["ses"]
PARTS: list[tuple[Callable[[Any], object], Any]] = [
    (ReceivedMail, RECEIVED),
    (Headers, RECEIVED["mail"]["headers"]),
    (Mail, EVENTS["bounce"]["mail"]),
    (Recipient, EVENTS["bounce"]["bounce"]["bouncedRecipients"][0]),
    (TopicPreferences, EVENTS["subscription"]["subscription"]["newTopicPreferences"]),
    *((parse, event) for event in EVENTS.values()),
    (parse, {**EVENTS["bounce"], "eventType": "Novelty"}),
]


def other(raw: Any) -> Any:
    """Return a copy of *raw* with one more entry."""
    changed = copy.deepcopy(raw)
    if isinstance(changed, list):
        changed.append({"name": "X-New", "value": "1"})
    else:
        changed["x-new"] = 1
    return changed


@pytest.mark.parametrize(("make", "raw"), PARTS)
def test_two_views_are_equal_if_and_only_if_their_payloads_are(
    make: Callable[[Any], object], raw: Any
) -> None:
    """A copy of the payload gives an equal view, a changed one another."""
    assert make(raw) == make(copy.deepcopy(raw))
    assert make(raw) != make(other(raw))
    assert (make(raw) == raw) is False


def test_views_of_different_classes_are_different() -> None:
    """Even if their payloads are the same."""
    raw: dict[str, Any] = {"mail": {}}
    views = [View(raw), Mail(raw), Recipient(raw), UnknownEvent(raw), ReceivedMail(raw)]
    for position, view in enumerate(views):
        assert [one == view for one in views] == [at == position for at in range(len(views))]


def test_a_mail_is_the_same_wherever_its_message_is_stored() -> None:
    """And whether its header fields were read before."""
    stored = ReceivedMail(RECEIVED, store=MemoryStore())
    assert stored.headers["Subject"] == "Test Subject"
    assert stored == ReceivedMail(RECEIVED)


def test_skipped_records_compare_by_all_they_hold() -> None:
    """Reason, body and kind."""
    broken = {"Records": [{"body": "{"}]}
    assert list(records(broken)) == list(records(copy.deepcopy(broken)))
    one = SkippedRecord("reason", "body")
    assert one != SkippedRecord("other", "body")
    assert one != SkippedRecord("reason", "other")
    assert one != SkippedRecord("reason", "body", control=True)
    assert (one == "reason") is False


@pytest.mark.parametrize(("make", "raw"), PARTS)
def test_views_of_mutable_payloads_cannot_be_hashed(
    make: Callable[[Any], object], raw: Any
) -> None:
    """So no change of a payload can lose one in a set; verdicts are values, and can."""
    with pytest.raises(TypeError, match="unhashable"):
        hash(make(raw))
    assert hash(Verdict("PASS")) == hash(Verdict("PASS"))


def personal(value: Any) -> Any:
    """Return *value* with an address in place of every text but ids and types."""
    if isinstance(value, dict):
        return {
            name: entry
            if name in ("messageId", "eventType") and isinstance(entry, str)
            else personal(entry)
            for name, entry in value.items()
        }
    if isinstance(value, list):
        return [personal(entry) for entry in value]
    return "Jane <jane@example.com>" if isinstance(value, str) else value


@pytest.mark.parametrize(("make", "raw"), PARTS)
def test_printing_shows_no_personal_data(make: Callable[[Any], object], raw: Any) -> None:
    """Whatever text is an address, none of it is in what a log or a failing test prints."""
    view = make(personal(raw))
    assert type(view).__name__ in repr(view)
    assert "jane" not in repr(view).lower()
    assert repr(view) == str(view)


@pytest.mark.parametrize("name", EVENTS)
def test_printing_an_event_shows_its_type_and_message_id(name: str) -> None:
    """Enough to find it in the event table."""
    event = parse(EVENTS[name])
    assert repr(event) == f"<{type(event).__name__} {event.mail.message_id}>"
    assert repr(event.mail) == f"<Mail {event.mail.message_id}>"


@pytest.mark.parametrize(
    "body", ["jane@example.com", {"from": "jane@example.com"}, b"\xff jane@example.com", None]
)
def test_printing_a_skipped_record_shows_no_personal_data(body: Any) -> None:
    """It shows why there is no event, and nothing of what was received."""
    ((_, skipped),) = records({"Records": [{"body": body}]})
    assert isinstance(skipped, SkippedRecord)
    assert "jane" not in repr(skipped)
    assert skipped.reason in repr(skipped)
