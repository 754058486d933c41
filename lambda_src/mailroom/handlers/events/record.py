"""Record an event of any type, also of one that AWS adds later: its items, and nothing else.

The behaviour of each type records by itself; this module is for types without one.

Settings
    ``MAILROOM_EVENT_TABLE``, ``MAILROOM_EVENT_TTL_DAYS`` (90).

Permissions
    ``dynamodb:PutItem`` on the event table.

Metrics
    ``Events`` by ``Type``.

Failures
    Whatever DynamoDB refuses, after boto3's five attempts, propagates: the record comes again.
    An event without message id or time cannot be recorded and raises; so it ends in the
    dead-letter queue.

Sources: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from __future__ import annotations

from mailroom.handlers.events import _settings, _table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.events import SendingEvent

__all__ = ["on_event"]

_settings.prepare()


def on_event(event: SendingEvent) -> None:
    """Record *event*."""
    _table.record(event, _settings.settings())
