"""Record a delivery, and measure how long it took.

Settings
    ``MAILROOM_EVENT_TABLE``, ``MAILROOM_EVENT_TTL_DAYS`` (90).

Permissions
    ``dynamodb:PutItem`` on the event table.

Metrics
    ``Events`` by ``Type``, one for each recipient; ``DeliveryLatency`` in milliseconds, one for
    each event, from when SES accepted the mail to when the receiving server did.

Failures
    As in `mailroom.handlers.events.record`. A latency that is missing, or not a number of
    milliseconds within 30 days, is not measured; the delivery is counted nonetheless.

Sources: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from __future__ import annotations

from mailroom.handlers.events import _settings, _table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.events import Delivery

__all__ = ["latency", "on_event"]

_MAX_LATENCY = 30 * 86_400_000

_settings.prepare()


def latency(event: Delivery) -> int | None:
    """Return how many milliseconds the delivery took; ``None`` if unknown."""
    value = event.detail.get("processingTimeMillis")
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_LATENCY:
        return None
    return value


def on_event(event: Delivery) -> None:
    """Record *event* with its latency."""
    taken = latency(event)
    measures = []
    if taken is not None:
        measures.append(_table.measure("DeliveryLatency", taken, "Milliseconds"))
    _table.record(event, _settings.settings(), *measures)
