"""The preferences of contacts, without a server."""

from typing import Any

import pytest

from mailroom_local.sending import contacts

DEFAULTS = [
    {"TopicName": "News", "SubscriptionStatus": "OPT_IN"},
    {"TopicName": "Ads", "SubscriptionStatus": "OPT_OUT"},
]


def contact(everything: bool = False, **preferences: str) -> dict[str, Any]:
    """A contact of a list with the topics News and Ads."""
    said = [{"TopicName": name, "SubscriptionStatus": preferences[name]} for name in preferences]
    return {
        "TopicPreferences": said,
        "TopicDefaultPreferences": DEFAULTS,
        "UnsubscribeAll": everything,
    }


@pytest.mark.parametrize(
    ("who", "topic", "wanted"),
    [
        (contact(), "News", True),
        (contact(), "Ads", False),
        (contact(), None, True),
        (contact(Ads="OPT_IN"), "Ads", True),
        (contact(News="OPT_OUT"), "News", False),
        (contact(News="OPT_OUT"), None, True),
        (contact(everything=True, News="OPT_IN"), "News", False),
        (contact(everything=True), None, False),
    ],
)
def test_a_preference_beats_the_default_and_unsubscribing_beats_both(
    who: dict[str, Any], topic: str | None, wanted: bool
) -> None:
    """A list without a topic is wanted until everything is unsubscribed."""
    assert contacts.wants(who, topic) is wanted


def test_defaults_come_from_the_topics() -> None:
    """For those who have expressed nothing."""
    topics = [
        {"TopicName": each["TopicName"], "DefaultSubscriptionStatus": each["SubscriptionStatus"]}
        for each in DEFAULTS
    ]
    assert contacts.defaults({"Topics": topics}) == DEFAULTS
    assert contacts.defaults({}) == []


def test_unsubscribing_from_a_topic_keeps_the_others() -> None:
    """And without a topic it is the whole list."""
    after = contacts.unsubscribed(contact(Ads="OPT_IN"), "News")
    assert after["TopicPreferences"] == [
        {"TopicName": "Ads", "SubscriptionStatus": "OPT_IN"},
        {"TopicName": "News", "SubscriptionStatus": "OPT_OUT"},
    ]
    assert after["UnsubscribeAll"] is False
    assert contacts.unsubscribed(contact(), None) == {
        "TopicPreferences": [],
        "UnsubscribeAll": True,
    }
    assert contacts.unsubscribed(contact(everything=True), "News")["UnsubscribeAll"] is True


def test_an_event_has_the_preference_of_every_topic() -> None:
    """In its own spelling."""
    assert contacts.published(contact(Ads="OPT_IN")) == {
        "unsubscribeAll": False,
        "topicSubscriptionStatus": [
            {"topicName": "News", "subscriptionStatus": "OptIn"},
            {"topicName": "Ads", "subscriptionStatus": "OptIn"},
        ],
    }
