"""Record that a mail was opened, and whether by a machine.

See `mailroom.events.reading.automated` for how that is decided.

Settings
    ``MAILROOM_EVENT_TABLE``, ``MAILROOM_EVENT_TTL_DAYS`` (90).

Permissions
    ``dynamodb:PutItem`` on the event table.

Metrics
    ``Events`` by ``Type``; ``Opens`` by ``Automated`` (``yes``, ``no``, ``unknown``). One for each
    event: SES does not say which of several recipients it was.

Failures
    As in `mailroom.handlers.events.record`.

Sources: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from __future__ import annotations

from mailroom.handlers.events import _settings, _table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.events import Open

__all__ = ["on_event"]

_settings.prepare()


def on_event(event: Open) -> None:
    """Record *event*."""
    _table.record(event, _settings.settings())
