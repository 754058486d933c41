"""Record that SES took a mail; the first line of its story.

Settings
    ``MAILROOM_EVENT_TABLE``, ``MAILROOM_EVENT_TTL_DAYS`` (90).

Permissions
    ``dynamodb:PutItem`` on the event table.

Metrics
    ``Events`` by ``Type``, one for each recipient: what bounces and complaints are a share of.

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
