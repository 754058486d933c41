"""What the newsletter notes of readers who leave."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mailroom.testing import sending_event

FOLDER = Path(__file__).parents[1] / "functions" / "leaving"


@pytest.fixture
def leaving(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The handler's module as Lambda imports it."""
    monkeypatch.syspath_prepend(FOLDER)
    yield importlib.import_module("leaving")
    sys.modules.pop("leaving", None)


def preferences(*, everything: bool = False, **topics: str) -> dict[str, Any]:
    """Return what a reader wants: no mail at all, or each topic by itself."""
    return {
        "unsubscribeAll": everything,
        "topicSubscriptionStatus": [
            {"topicName": name, "subscriptionStatus": status} for name, status in topics.items()
        ],
    }


@pytest.mark.parametrize(
    ("old", "new", "left"),
    [
        (preferences(Weekly="OptIn"), preferences(Weekly="OptOut"), ["Weekly"]),
        (
            preferences(Weekly="OptIn", Extra="OptIn", Old="OptOut"),
            preferences(everything=True, Weekly="OptIn", Extra="OptIn", Old="OptOut"),
            ["Extra", "Weekly"],
        ),
        (preferences(Weekly="OptOut"), preferences(Weekly="OptIn"), []),
        (preferences(Weekly="OptIn"), preferences(Weekly="OptIn"), []),
        (
            preferences(everything=True, Weekly="OptIn"),
            preferences(everything=True, Weekly="OptOut"),
            [],
        ),
    ],
    ids=["one topic", "everything", "comes back", "unchanged", "had left before"],
)
def test_topics_that_a_reader_leaves(
    leaving: ModuleType, old: dict[str, Any], new: dict[str, Any], left: list[str]
) -> None:
    """Those that were wanted before, and are not any more."""
    event = sending_event("Subscription", old_topic_preferences=old, new_topic_preferences=new)
    assert leaving.topics_left(event) == left


def test_leaving_is_noted_without_saying_who(
    leaving: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """How they left and what; the address is in the event table, not in a log."""
    leaving.on_subscription(
        sending_event(
            "Subscription",
            recipients=["ada@example.net"],
            old_topic_preferences=preferences(Weekly="OptIn"),
            new_topic_preferences=preferences(Weekly="OptOut"),
        )
    )
    assert json.loads(capsys.readouterr().out) == {
        "event": "reader left",
        "how": "UnsubscribeHeader",
        "topics": ["Weekly"],
    }


def test_nothing_is_noted_of_who_stays(
    leaving: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody who comes back is no news here."""
    leaving.on_subscription(
        sending_event(
            "Subscription",
            old_topic_preferences=preferences(Weekly="OptOut"),
            new_topic_preferences=preferences(Weekly="OptIn"),
        )
    )
    assert capsys.readouterr().out == ""
