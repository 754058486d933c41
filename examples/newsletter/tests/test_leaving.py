"""Tests of what the newsletter logs when readers unsubscribe."""

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
    """Return a contact's preferences: unsubscribed from everything, or a status for each topic."""
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
    ids=["one topic", "everything", "resubscribed", "unchanged", "unsubscribed before"],
)
def test_topics_left_are_those_that_the_reader_was_subscribed_to(
    leaving: ModuleType, old: dict[str, Any], new: dict[str, Any], left: list[str]
) -> None:
    event = sending_event("Subscription", old_topic_preferences=old, new_topic_preferences=new)
    assert leaving.topics_left(event) == left


def test_the_log_does_not_contain_the_address(
    leaving: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says how the reader unsubscribed and from what; the address is in the event table."""
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


def test_resubscribing_is_not_logged(
    leaving: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    leaving.on_subscription(
        sending_event(
            "Subscription",
            old_topic_preferences=preferences(Weekly="OptOut"),
            new_topic_preferences=preferences(Weekly="OptIn"),
        )
    )
    assert capsys.readouterr().out == ""
