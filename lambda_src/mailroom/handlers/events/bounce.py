"""Record a bounce, and suppress addresses that do not exist.

Permanent
    Each bounced recipient is put on a suppression list with the reason ``BOUNCE``, so that no
    second attempt harms the sender's reputation: on the tenant's own if the mail was sent through
    a tenant, else on the account's. Not if SES itself held the mail back
    (`mailroom.ses.HELD_BACK`, and any subtype that speaks of suppression): the address is on
    another list already, SES only expects it not to work, or it works and has unsubscribed.
Transient, undetermined, and types that AWS adds later
    Recorded only: a full mailbox, for example, may be emptied.

Settings
    ``MAILROOM_EVENT_TABLE``, ``MAILROOM_EVENT_TTL_DAYS`` (90), ``MAILROOM_SUPPRESS`` (``1``;
    ``0`` only records).

Permissions
    ``dynamodb:PutItem`` on the event table; ``ses:PutSuppressedDestination`` (on ``*``, because
    the action has no resource) unless ``MAILROOM_SUPPRESS`` is ``0``.

Metrics
    ``Events`` by ``Type``; ``Bounces`` by ``BounceType`` and ``BounceSubType``; both count
    recipients. ``NotSuppressed`` by ``Reason``: addresses that SES refused to put on the list.

Failures
    Recording and suppressing are both tried before the first error is raised and the record is
    retried; suppressing twice changes nothing. If SES refuses to suppress, as it may in the
    sandbox, that is logged and counted, and the record is not retried. A permanent bounce without
    recipients raises `MissingField`, because a person must look at it.

Sources: https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#bounce-types,
https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_PutSuppressedDestination.html
"""

from __future__ import annotations

from mailroom.errors import MissingField
from mailroom.handlers.events import _settings, _suppression, _table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.events import Bounce

__all__ = ["decide", "on_event"]

_settings.prepare(suppression=True)


def decide(event: Bounce) -> list[str]:
    """Return the addresses to suppress; raise `MissingField` if none are named."""
    if event.bounce_type != "Permanent" or _suppression.held_back(event.bounce_sub_type):
        return []
    if not event.recipients:
        raise MissingField("missing 'bounce.bouncedRecipients' of a permanent bounce")
    return event.recipients


def on_event(event: Bounce) -> None:
    """Record *event*, and suppress recipients that bounced permanently."""
    settings = _settings.settings()

    def suppress() -> None:
        recipients = decide(event)
        if recipients and settings.suppress:
            _suppression.suppress(recipients, "BOUNCE", event.mail.tenant)

    _settings.each(lambda: _table.record(event, settings), suppress)
