"""Record that a recipient changed their subscriptions, and raise an alert.

Settings
    ``MAILROOM_EVENT_TABLE``, ``MAILROOM_EVENT_TTL_DAYS`` (90), ``MAILROOM_ALERT_TOPIC`` (no
    alerts without one).

Permissions
    ``dynamodb:PutItem`` on the event table; ``sns:Publish`` on the alert topic if there is one.

Metrics
    ``Events`` by ``Type``; ``Unsubscribes`` by ``ContactList``: one for each event that
    unsubscribes from something.

Failures
    Recording and alerting are both tried before the first error is raised and the record is
    retried. The alert goes out at least once, and again only after a failure. Preferences that
    cannot be read raise an error after the event was recorded.

`changes` is for your own function, which can run after this one.

Sources: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html,
https://docs.aws.amazon.com/ses/latest/dg/sending-email-subscription-management.html
"""

from __future__ import annotations

from mailroom.errors import MissingField
from mailroom.handlers.events import _alerts, _settings, _table, _text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.events import Subscription

__all__ = ["ALL", "changes", "on_event", "sentences"]

ALL = "*"
"""In `changes`: the whole list."""

_settings.prepare(alerts=True)

_SHOWN = 20


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


def sentences(event: Subscription) -> list[str]:
    """Return the alert's text, which does not name the recipient."""
    contact_list = _text.shown(event.contact_list, 100)
    how = _text.shown(event.source, 50)
    found = changes(event)
    lines = []
    for topic, status in list(found.items())[:_SHOWN]:
        what = "everything" if topic == ALL else f"the topic '{_text.shown(topic, 100)}'"
        lines.append(f"- {what}: {_WORDS.get(status) or _text.shown(status, 50)}")
    if len(found) > _SHOWN:
        lines.append(f"- and {len(found) - _SHOWN} more")
    return [
        f"A recipient changed their subscriptions to the contact list '{contact_list}'"
        + (f" (by {how})." if how else "."),
        *(lines or ["Nothing has changed."]),
        (
            "What to do: nothing in SES, which respects it in mail sent with this contact list. "
            "Update any other place where you keep subscriptions."
        ),
    ]


_WORDS = {"OptIn": "subscribed", "OptOut": "unsubscribed", "Removed": "no longer listed"}


def on_event(event: Subscription) -> None:
    """Record *event*, and raise an alert with what changed."""
    settings = _settings.settings()

    def record() -> None:
        measures = []
        if _wants_less(event):
            name = _text.dimension(event.detail.get("contactList"))
            measures.append(_table.measure("Unsubscribes", ContactList=name))
        _table.record(event, settings, *measures)

    def alert() -> None:
        _alerts.alert(event, settings, "A recipient changed their subscriptions", sentences(event))

    _settings.each(record, alert)


def _wants_less(event: Subscription) -> bool:
    try:
        return "OptOut" in changes(event).values()
    except MissingField:  # raised by the next step
        return False
