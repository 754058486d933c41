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

from mailroom.handlers.events import _alerts, _settings, _table, _text
from mailroom.handlers.events._preferences import ALL, changes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.events import Subscription

__all__ = ["ALL", "changes", "on_event", "sentences"]

_settings.prepare(alerts=True)

_SHOWN = 20


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

    def alert() -> None:
        _alerts.alert(event, settings, "A recipient changed their subscriptions", sentences(event))

    _settings.each(lambda: _table.record(event, settings), alert)
