"""Record that SES accepted a mail.

Settings
    ``MAILROOM_EVENT_TABLE``, ``MAILROOM_EVENT_TTL_DAYS`` (90).

Permissions
    ``dynamodb:PutItem`` on the event table.

Metrics
    ``Events`` by ``Type``, one for each recipient: the base of bounce and complaint rates.

Failures
    As in `mailroom.handlers.events.record`.

Sources: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from __future__ import annotations

from mailroom.handlers.events import _settings, _table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.events import Send

__all__ = ["on_event"]

_settings.prepare()


def on_event(event: Send) -> None:
    """Record *event*."""
    _table.record(event, _settings.settings())
