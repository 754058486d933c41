"""Record that a link in a mail was followed, and whether by a machine.

See `mailroom.events.reading.automated` for how that is decided.

Settings
    ``MAILROOM_EVENT_TABLE``, ``MAILROOM_EVENT_TTL_DAYS`` (90).

Permissions
    ``dynamodb:PutItem`` on the event table.

Metrics
    ``Events`` by ``Type``; ``Clicks`` by ``Automated`` (``yes``, ``no``, ``unknown``). One for
    each event: SES does not say which of several recipients it was.

Failures
    As in `mailroom.handlers.events.record`.

Sources: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from __future__ import annotations

from mailroom.handlers.events import _settings, _table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.events import Click

__all__ = ["on_event"]

_settings.prepare()


def on_event(event: Click) -> None:
    """Record *event*; its item has the link without its query and fragment."""
    _table.record(event, _settings.settings())
