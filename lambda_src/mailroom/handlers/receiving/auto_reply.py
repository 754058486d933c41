"""Reply to a person's mail once with a fixed text, as RFC 3834 describes it.

Settings
    ``MAILROOM_REPLY_FROM``
        Verified sender, ``support@example.com`` or ``Support <support@example.com>``.
    ``MAILROOM_REPLY_TEXT``
        The reply's text, sent unchanged; nothing of the mail is quoted or filled in.
    ``MAILROOM_REPLY_HTML``
        The same as HTML. Default: text only.
    ``MAILROOM_REPLY_SUBJECT``
        Default: ``Auto: `` and the mail's subject (RFC 3834 §3.1.5).
    ``MAILROOM_REPLY_WINDOW_SECONDS``
        How long a sender gets no second reply. Default: 604800, seven days.
    ``MAILROOM_REPLY_TABLE``
        DynamoDB table: partition key ``id`` (S), time to live on ``expires_at`` (N, seconds).
    ``MAILROOM_CONFIGURATION_SET``
        Configuration set to send through. Default: the identity's own, if any.
    ``MAILROOM_RULE``
        The receipt rule's name; with the sender it identifies the responder.

Permissions
    ``dynamodb:PutItem`` and ``dynamodb:DeleteItem`` on the table, ``kms:Decrypt`` if it has a
    customer key; ``ses:SendRawEmail`` and ``ses:SendEmail`` on the sender's identity and on the
    configuration set. The stored mail is not read.

What gets no reply
    Automatic mail, mailing lists, senders that ask for none (``X-Auto-Response-Suppress``), role
    senders such as ``mailer-daemon``, our own mail, mail with none of our recipients in ``To`` or
    ``Cc`` (blind copies, RFC 3834 §2), and mail that fails the spam, virus or DMARC check, or SPF
    without passing DMARC: the reply goes to the envelope sender, and would be spam to a forged
    one. Mail whose header SES cut, or left out, gets none either, because the missing part may
    forbid it. Nor does mail whose event lacks the envelope recipients, or the SPF verdict without
    passing DMARC: what was not checked has not passed. These are logged as warnings. Spam and virus
    verdicts may be absent, since Mail Manager has none: there the sender's authentication decides.

Failures
    Before it sends, the function claims the sender in the table with a conditional write, so that
    two simultaneous deliveries make one reply. What SES refuses for good (the content, an address
    or identity that is not verified) is logged, and the claim released. After throttling, and any
    other refusal, the claim is released and `NotSent` propagates, so that Lambda retries. If SES's
    answer was lost, or the process died meanwhile, the claim stays: `OutcomeUnknown` is raised, in
    Lambda's retries too, so that the invocation ends in the failure queue, and this sender gets no
    reply for one window: RFC 3834 prefers too few replies to too many. The table holds hashes,
    never an address.

Sources: RFC 3834, RFC 5322 §3.6.4,
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
"""

from __future__ import annotations

import os
import re
import time

from mailroom import _runtime
from mailroom.errors import MissingField, NotConfigured, NotSent, OutcomeUnknown
from mailroom.handlers import _mail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mailroom.receiving import ReceivedMail

__all__ = ["on_mail"]

NO_RECIPIENTS = "the event has no envelope recipients"
HEADER_CUT = "the event has not all of the header"
NO_VERDICT = "the event has no SPF verdict, and DMARC did not pass"
_UNREADABLE = (NO_RECIPIENTS, HEADER_CUT, NO_VERDICT)

_BATV = re.compile(r"prvs=[^=@]+=")


class Settings:
    """The environment, read once."""

    __slots__ = (
        "configuration_set",
        "html",
        "name",
        "sender",
        "subject",
        "table",
        "text",
        "token",
        "window",
    )

    def __init__(self) -> None:
        self.name, self.sender = _mail.sender_setting("MAILROOM_REPLY_FROM")
        self.text = _runtime.setting("MAILROOM_REPLY_TEXT")
        self.html = os.environ.get("MAILROOM_REPLY_HTML") or None
        self.subject = _mail.one_line(os.environ.get("MAILROOM_REPLY_SUBJECT", ""), 200) or None
        self.table = _runtime.setting("MAILROOM_REPLY_TABLE")
        window = os.environ.get("MAILROOM_REPLY_WINDOW_SECONDS") or "604800"
        if not (window.isascii() and window.isdigit() and int(window) > 0):
            raise NotConfigured(
                f"MAILROOM_REPLY_WINDOW_SECONDS is {window!r}: set it to a whole number above 0"
            )
        self.window = int(window)
        self.configuration_set = os.environ.get("MAILROOM_CONFIGURATION_SET") or None
        self.token = _mail.loop_token(self.sender)


def decide(mail: ReceivedMail, settings: Settings) -> str | None:
    """Return ``None`` to reply to *mail*, or why not."""
    from mailroom.mime import automatic

    headers = mail.headers
    try:
        ours = {address.lower() for address in mail.recipients}
    except MissingField:
        return NO_RECIPIENTS
    why = automatic.reason(headers, mail.source, ours={*ours, settings.sender.lower()})
    if settings.token in headers.get_all(_mail.LOOP_FIELD):
        why = automatic.LOOP
    if why is not None:
        return f"automatic mail: {why}"
    if mail.headers_truncated:
        return HEADER_CUT
    if not _mail.is_address(mail.source):
        return "envelope sender that SES cannot send to"
    if automatic.unattended(mail.source):
        return "envelope sender that nobody reads"
    if mail.spam.failed or mail.virus.failed or mail.dmarc.failed:
        return "failed a check"
    if not mail.dmarc.passed:
        if mail.spf.failed:
            return "envelope sender not authenticated"
        if mail.spf.status is None:
            return NO_VERDICT
    fields = ("To", "Cc", "Resent-To", "Resent-Cc")
    if not ours & set(_mail.addresses(one for name in fields for one in headers.get_all(name))):
        return "none of our recipients in To or Cc"
    return None


def claim_id(mail: ReceivedMail, settings: Settings) -> str:
    """Return the key under which the responder remembers the sender of *mail*."""
    from hashlib import sha256

    # BATV changes the address every day, which must not make it a new sender.
    sender = _BATV.sub("", mail.source.lower())
    return sha256(f"{settings.token}\n{sender}".encode()).hexdigest()


def reply(mail: ReceivedMail, settings: Settings) -> bytes:
    """Return the reply to *mail*."""
    original = _mail.one_line(_mail.decoded(mail.subject or ""), 200)
    subject = settings.subject or f"Auto: {original}".rstrip()
    fields = [
        _mail.field("From", _mail.mailbox(settings.name, settings.sender)),
        _mail.field("To", _mail.mailbox("", mail.source)),
        _mail.field("Subject", _mail.encoded(subject)),
        _mail.field("Auto-Submitted", b"auto-replied"),
        # Older responders respect only this field, and Exchange the next.
        _mail.field("Precedence", b"bulk"),
        _mail.field("X-Auto-Response-Suppress", b"All"),
        _mail.field(_mail.LOOP_FIELD, settings.token.encode()),
    ]
    message_id = _mail.message_ids(mail.header_message_id)[:1]
    if message_id:
        earlier = mail.headers.get("References") or mail.headers.get("In-Reply-To")
        references = _mail.message_ids(earlier, *message_id)
        fields.append(_mail.field("In-Reply-To", message_id[0].encode()))
        fields.append(_mail.field("References", "\r\n ".join(references).encode()))
    return _mail.compose(fields, settings.text, settings.html)


def _claim(key: str, mail: ReceivedMail, settings: Settings) -> bool:
    now = int(time.time())
    client = _runtime.client("dynamodb")
    try:
        client.put_item(
            TableName=settings.table,
            Item=_item(key, mail, settings),
            # DynamoDB deletes expired items within days, not at once.
            ConditionExpression="attribute_not_exists(id) OR expires_at <= :now",
            ExpressionAttributeValues={":now": {"N": str(now)}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except client.exceptions.ConditionalCheckFailedException as error:
        claim = error.response.get("Item") or {}
        if claim.get("message_id", {}).get("S") == mail.message_id and "sent" not in claim:
            raise OutcomeUnknown(
                "an earlier try to reply to this mail is still under way, or its outcome is "
                "unknown: look for the reply's Send event before you reply"
            ) from error
        return False
    return True


def _item(key: str, mail: ReceivedMail, settings: Settings) -> dict[str, dict[str, str]]:
    return {
        "id": {"S": key},
        "expires_at": {"N": str(int(time.time()) + settings.window)},
        "message_id": {"S": mail.message_id},
    }


def _settle(key: str, mail: ReceivedMail, settings: Settings) -> None:
    """Record in the claim that the reply was sent."""
    _runtime.client("dynamodb").put_item(
        TableName=settings.table,
        Item={**_item(key, mail, settings), "sent": {"S": "1"}},
        **_mine(mail),
    )


def _release(key: str, mail: ReceivedMail, settings: Settings) -> None:
    _runtime.client("dynamodb").delete_item(
        TableName=settings.table, Key={"id": {"S": key}}, **_mine(mail)
    )


def _mine(mail: ReceivedMail) -> dict[str, Any]:
    # After a long pause, another delivery may have taken the claim over.
    return {
        "ConditionExpression": "message_id = :mine AND attribute_not_exists(sent)",
        "ExpressionAttributeValues": {":mine": {"S": mail.message_id}},
    }


def _init() -> Settings:
    settings = Settings()
    # Made during init, when Lambda gives a whole core.
    _runtime.client("dynamodb")
    _mail.ses()
    return settings


_settings = _init() if "MAILROOM_REPLY_FROM" in os.environ else None


def on_mail(mail: ReceivedMail) -> None:
    """Reply to *mail*, or log why not; errors are listed in the module's docstring."""
    global _settings
    settings = _settings = _settings or _init()
    reason = decide(mail, settings)
    if reason is not None:
        _log(mail, "WARNING" if reason in _UNREADABLE else "INFO", "no reply", reason)
        return
    # Made before the claim, so that only the sending can fail after it.
    data = reply(mail, settings)
    key = claim_id(mail, settings)
    if not _claim(key, mail, settings):
        _log(mail, "INFO", "no reply", "replied to this sender before")
        return
    try:
        _mail.send(data, [mail.source], settings.configuration_set)
    except NotSent as error:
        try:
            _release(key, mail, settings)
        except Exception as failure:  # the refusal is what matters; the claim expires
            _log(
                mail,
                "ERROR",
                "claim kept",
                f"{type(failure).__name__} at {_runtime.where(failure)}",
            )
        if error.code not in _mail.REFUSED_FOR_GOOD:
            raise
        _log(mail, "WARNING", "no reply", f"refused by SES: {error.code}: {error.reason}")
        return
    _settle(key, mail, settings)


def _log(mail: ReceivedMail, level: str, outcome: str, reason: str) -> None:
    _runtime.log(
        level,
        "mailroom.handlers.receiving.auto_reply",
        message_id=mail.message_id,
        outcome=outcome,
        reason=reason,
    )
