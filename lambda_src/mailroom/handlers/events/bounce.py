"""Record a bounce, and send no more to addresses that do not exist.

Permanent
    Each bounced recipient goes on the account's suppression list with the reason ``BOUNCE``, so
    that nobody's reputation suffers from a second try. Not where SES itself held the mail back:
    the address is on its list or on the account's already (``Suppressed``,
    ``OnAccountSuppressionList``), or works and merely unsubscribed (``UnsubscribedRecipient``).
Transient
    Counted: a full mailbox is no reason never to write again.
Undetermined, and types that AWS adds later
    Recorded.

Settings
    ``MAILROOM_EVENT_TABLE``, ``MAILROOM_EVENT_TTL_DAYS`` (90), ``MAILROOM_SUPPRESS`` (``1``;
    ``0`` = only record).

Permissions
    ``dynamodb:PutItem`` on the event table; ``ses:PutSuppressedDestination`` (on ``*``, as the
    action knows no resource) unless ``MAILROOM_SUPPRESS`` is ``0``.

Metrics
    ``Events`` by ``Type``; ``Bounces`` by ``BounceType`` and ``BounceSubType``; both count
    recipients.

Failures
    Recording and suppressing are both tried, then the first error is raised and the record comes
    again; suppressing twice changes nothing. A permanent bounce that names nobody raises
    `MissingField`: somebody must look at it.

Sources: https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#bounce-types,
https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_PutSuppressedDestination.html
"""

from __future__ import annotations

from mailroom.errors import MissingField
from mailroom.handlers.events import _settings, _suppression, _table, _text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.events import Bounce

__all__ = ["HELD_BACK", "decide", "on_event"]

HELD_BACK = frozenset(("OnAccountSuppressionList", "Suppressed", "UnsubscribedRecipient"))
"""Subtypes of mail that SES never tried to deliver, so that nothing is known of the address."""

_settings.prepare(suppression=True)


def decide(event: Bounce) -> list[str]:
    """Return the addresses to suppress; raises `MissingField` if it cannot be known."""
    if event.bounce_type != "Permanent" or event.bounce_sub_type in HELD_BACK:
        return []
    if not event.recipients:
        raise MissingField("missing 'bounce.bouncedRecipients' of a permanent bounce")
    return event.recipients


def on_event(event: Bounce) -> None:
    """Record *event*, and suppress who bounced for good."""
    settings = _settings.settings()

    def record() -> None:
        detail = event.detail
        bounces = _table.measure(
            "Bounces",
            BounceType=_text.dimension(detail.get("bounceType")),
            BounceSubType=_text.dimension(detail.get("bounceSubType")),
        )
        _table.record(event, settings, bounces)

    def suppress() -> None:
        recipients = decide(event)
        if recipients and settings.suppress:
            _suppression.suppress(recipients, "BOUNCE")

    _settings.each(record, suppress)
