"""Log how a reader unsubscribed, and from which topics."""

from __future__ import annotations

import json

from mailroom.events import Subscription


def on_subscription(event: Subscription) -> None:
    left = topics_left(event)
    if left:
        print(json.dumps({"event": "reader left", "how": event.source, "topics": left}))


def topics_left(event: Subscription) -> list[str]:
    """Return the topics that the reader was subscribed to before, but no longer is."""
    if event.old_topic_preferences.unsubscribe_all:
        return []
    before = event.old_topic_preferences.topic_subscription_status
    after = event.new_topic_preferences
    return sorted(
        topic
        for topic, status in before.items()
        if status == "OptIn"
        and (after.unsubscribe_all or after.topic_subscription_status.get(topic) == "OptOut")
    )
