"""Record that a delivery is delayed, and raise an alert when SES is about to give up.

Settings
    ``MAILROOM_EVENT_TABLE``, ``MAILROOM_EVENT_TTL_DAYS`` (90), ``MAILROOM_ALERT_TOPIC`` (no
    alerts without one), ``MAILROOM_EXPIRY_WARNING_SECONDS`` (7200),
    ``MAILROOM_ALERT_WINDOW_SECONDS`` (3600): delays of the same type and configuration set raise
    one alert within it, because an outage of a provider delays thousands of mails.

Permissions
    ``dynamodb:PutItem`` on the event table; ``sns:Publish`` on the alert topic if there is one.

Metrics
    ``Events`` by ``Type``; ``Delays`` by ``DelayType``; both count recipients.

Failures
    Recording and alerting are both tried before the first error is raised and the record is
    retried. The alert goes out at least once a window, and again only after a failure. Without an
    expiration time there is no alert.

Sources: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from __future__ import annotations

from mailroom.events.reading import address
from mailroom.handlers.events import _alerts, _settings, _table, _text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.events import DeliveryDelay

__all__ = ["decide", "on_event", "sentences"]

_settings.prepare(alerts=True)


def decide(event: DeliveryDelay, warning: int) -> bool:
    """Return whether SES was to give up within *warning* seconds of *event*."""
    end = event.expiration_time
    return end is not None and (end - event.timestamp).total_seconds() <= warning


def sentences(event: DeliveryDelay, window: int) -> list[str]:
    """Return the alert's text, which names only the domains of the recipients."""
    domains = sorted({address(one).rpartition("@")[2] for one in event.recipients})
    at = _text.shown(", ".join(domains[:5]), 200) or "unknown domains"
    end = event.expiration_time
    until = _text.stamp(end) if end is not None else "soon"
    return [
        (
            f"A mail to {len(event.recipients)} recipient(s) at {at} is delayed, and SES gives up "
            f"at {until}. The type of the delay is {_text.shown(event.delay_type, 100)}."
        ),
        (
            "What to do: if it is urgent, reach the recipients in another way. If many mails are "
            "delayed, look at the receiving servers' responses in the event table."
        ),
        f"Further delays of this type are not reported for up to {window} seconds.",
    ]


def on_event(event: DeliveryDelay) -> None:
    """Record *event*, and raise an alert if SES is about to give up."""
    settings = _settings.settings()
    kind = _text.dimension(event.detail.get("delayType"))

    def alert() -> None:
        if decide(event, settings.expiry_warning):
            _alerts.alert(
                event,
                settings,
                f"SES is about to give up delayed mail ({kind})",
                sentences(event, settings.window),
                once_per=("delivery delay", _text.configuration_set(event), kind),
            )

    _settings.each(lambda: _table.record(event, settings), alert)
