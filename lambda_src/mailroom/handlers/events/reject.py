"""Record that SES rejected a mail because of a virus, and raise an alert.

Settings
    ``MAILROOM_EVENT_TABLE``, ``MAILROOM_EVENT_TTL_DAYS`` (90), ``MAILROOM_ALERT_TOPIC`` (no
    alerts without one).

Permissions
    ``dynamodb:PutItem`` on the event table; ``sns:Publish`` on the alert topic if there is one.

Metrics
    ``Events`` by ``Type``; ``Rejects``, one for each mail.

Failures
    Recording and alerting are both tried before the first error is raised and the record is
    retried. The alert goes out at least once, and again only after a failure.

Sources: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from __future__ import annotations

from mailroom.handlers.events import _alerts, _settings, _table, _text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.events import Reject

__all__ = ["on_event", "sentences"]

_settings.prepare(alerts=True)


def sentences(event: Reject) -> list[str]:
    """Return the alert's text."""
    sender = _text.shown(event.mail.source) or "this account"
    reason = _text.shown(event.reason) or "not given"
    return [
        f"SES rejected a mail from {sender} and did not deliver it. Reason: {reason}.",
        (
            "What to do: SES rejects mail that contains a virus. Find out what was attached, and "
            "whether someone unauthorised sends with this identity."
        ),
    ]


def on_event(event: Reject) -> None:
    """Record *event*, and raise an alert."""
    settings = _settings.settings()
    _settings.each(
        lambda: _table.record(event, settings),
        lambda: _alerts.alert(event, settings, "SES rejected a mail", sentences(event)),
    )
