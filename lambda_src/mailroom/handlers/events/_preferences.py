"""What a change of a recipient's subscriptions says."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.events import Subscription

__all__ = ["ALL", "changes"]

ALL = "*"
"""In `changes`: the whole list."""


def changes(event: Subscription) -> dict[str, str]:
    """Return what changed: topics, and `ALL`, each with ``OptIn`` or ``OptOut``.

    A topic that the new preferences lack is ``Removed``. `ALL` with ``OptOut`` means that the
    recipient unsubscribed from the whole list, whatever the topics say.

    Args:
        event: The event.

    Raises:
        MissingField: The preferences cannot be read.
    """
    new, old = event.new_topic_preferences, event.old_topic_preferences
    found: dict[str, str] = {}
    if new.unsubscribe_all != old.unsubscribe_all:
        found[ALL] = "OptOut" if new.unsubscribe_all else "OptIn"
    now, before = new.topic_subscription_status, old.topic_subscription_status
    found |= {topic: status for topic, status in now.items() if before.get(topic) != status}
    return found | {topic: "Removed" for topic in before if topic not in now}
