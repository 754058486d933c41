"""Record a complaint, suppress the recipient, and raise an alert.

Not every event of this type is a complaint: ``not-spam`` takes one back, and a subtype such as
``OnAccountSuppressionList`` means that SES held the mail back because of an earlier one. Both are
only recorded.

Settings
    ``MAILROOM_EVENT_TABLE``, ``MAILROOM_EVENT_TTL_DAYS`` (90), ``MAILROOM_SUPPRESS`` (``1``;
    ``0`` only records), ``MAILROOM_ALERT_TOPIC`` (no alerts
    without one).

Permissions
    ``dynamodb:PutItem`` on the event table; ``ses:PutSuppressedDestination`` (on ``*``) unless
    ``MAILROOM_SUPPRESS`` is ``0``; ``sns:Publish`` on the alert topic if there is one.

Metrics
    ``Events`` by ``Type``; ``Complaints`` by ``FeedbackType``: the report's own (``abuse``,
    ``not-spam`` …), else the subtype, such as ``OnAccountSuppressionList``, else ``none``. One for
    each event: the recipients are those who *may* have complained. ``NotSuppressed`` by
    ``Reason``: addresses that SES refused to put on a suppression list.

Failures
    Recording, suppressing and alerting are all tried before the first error is raised and the
    record is retried. Suppressing twice changes nothing; the alert goes out at least once, and
    again only after a failure. If SES refuses to suppress, as it may in the sandbox, that is
    logged, counted and said in the alert, and the record is not retried. A complaint without
    recipients raises `MissingField`.

Sources: https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#complaint-object,
RFC 5965 §7.3, https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_PutSuppressedDestination.html
"""

from __future__ import annotations

from mailroom.errors import MissingField
from mailroom.events.reading import address
from mailroom.handlers.events import _alerts, _settings, _suppression, _table, _text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.events import Complaint

__all__ = ["decide", "on_event"]

_settings.prepare(alerts=True, suppression=True)

_SHOWN = 10


def decide(event: Complaint) -> list[str]:
    """Return the addresses to suppress and alert on; none if this is not a new complaint."""
    if not event.is_complaint or _suppression.held_back(event.complaint_sub_type):
        return []
    if not event.recipients:
        raise MissingField("missing 'complaint.complainedRecipients'")
    return event.recipients


_OUTCOMES = {
    "suppressed": (
        "This function puts them on {whose} suppression list, so they get no more mail."
    ),
    "refused": ("SES refused to put them on {whose} suppression list: see this function's log."),
    "off": "This function is configured to leave {whose} suppression list unchanged.",
}


def sentences(event: Complaint, recipients: list[str], *, outcome: str) -> list[str]:
    """Return the alert's text."""
    tenant = _text.shown(event.mail.tenant)
    who = [_text.shown(address(one)) for one in recipients]
    names = ", ".join(who[:_SHOWN]) + (" and others" if len(who) > _SHOWN else "")
    reason = _text.shown(event.complaint_feedback_type, 50)
    reported = f" The report says: {reason}." if reason else ""
    one = f"{names} complained" if len(who) == 1 else f"One of these may have complained: {names}"
    return [
        f"{one} about a mail from {_text.shown(event.mail.source) or 'this account'}.{reported}",
        _OUTCOMES[outcome].format(whose=f"tenant {tenant}'s" if tenant else "the account's"),
        (
            "What to do: remove them from your lists, and find out why the mail was not wanted. "
            "AWS reviews accounts with a complaint rate of 0.1 % or more."
        ),
    ]


def on_event(event: Complaint) -> None:
    """Record *event*, suppress the recipient, and raise an alert."""
    settings = _settings.settings()
    outcome = "suppressed" if settings.suppress else "off"

    def suppress() -> None:
        nonlocal outcome
        recipients = decide(event)
        if not (recipients and settings.suppress):
            return
        if not _suppression.suppress(recipients, "COMPLAINT", event.mail.tenant):
            outcome = "refused"

    def alert() -> None:
        recipients = decide(event)
        if recipients:
            text = sentences(event, recipients, outcome=outcome)
            _alerts.alert(event, settings, "Complaint about a mail", text)

    _settings.each(lambda: _table.record(event, settings), suppress, alert)
