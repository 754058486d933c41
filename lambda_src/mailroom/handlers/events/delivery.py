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

__all__ = ["on_event"]

_settings.prepare()


def on_event(event: Delivery) -> None:
    """Record *event*."""
    _table.record(event, _settings.settings())
