"""Record an event of any type, even of one that AWS adds later.

It runs before a function of yours that handles a type without the bundled behaviour, which records
as well. Until the event is recorded your function is not called.

Settings
    ``MAILROOM_EVENT_TABLE``, ``MAILROOM_EVENT_TTL_DAYS`` (90).

Permissions
    ``dynamodb:PutItem`` on the event table.

Metrics
    ``Events`` by ``Type``, and those of the type's bundled behaviour, except ``NotSuppressed``.

Failures
    What DynamoDB refuses after boto3's five attempts propagates, and the record is retried. An
    event without a message id or a time cannot be recorded: it raises, and ends in the
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
