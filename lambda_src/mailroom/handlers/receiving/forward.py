"""Forward mail to other addresses from a verified sender.

Settings
    ``MAILROOM_FORWARD_TO``
        JSON list of addresses. More than 50 take several messages.
    ``MAILROOM_FORWARD_FROM``
        Verified sender, ``support@example.com`` or ``Support <support@example.com>``. It becomes
        ``From``, and receives SES's bounces unless the identity is configured otherwise.
    ``MAILROOM_FORWARD_SUBJECT_PREFIX``
        Added before the subject unless the subject has it already. Default: none.
    ``MAILROOM_FORWARD_UNSCANNED``
        ``1`` to forward mail that SES did not scan; see *What is forwarded*. Default: it is not.
    ``MAILROOM_CONFIGURATION_SET``
        Configuration set to send through. Default: the identity's own, if any.
    ``MAILROOM_RULE``
        The receipt rule's name, part of the loop token.

Permissions
    ``ses:SendRawEmail`` and ``ses:SendEmail`` on the sender's identity and on the configuration
    set (the API call is v2's SendEmail, but SES authorises raw content as SendRawEmail);
    ``s3:GetObject`` on the stored mail; ``s3:PutObject`` on the mark prefix, and
    ``s3:ListBucket`` for it; ``kms:Decrypt`` and ``kms:GenerateDataKey`` if the bucket has a
    customer key.

What is forwarded
    Mail with spam or virus ``FAIL`` never is: it is logged, and stays in the mail bucket. Mail
    with spam ``GRAY`` is, because a doubt must not cost a customer's mail. Any other verdict than
    ``PASS`` means that the mail was not scanned (``DISABLED``, ``PROCESSING_FAILED``, absent), or
    that a virus was neither found nor ruled out: it is forwarded only with
    ``MAILROOM_FORWARD_UNSCANNED``, and otherwise raises `NotForwarded`, so that it waits in the
    failure queue. Mail Manager has neither verdict, so behind it mail is forwarded only with
    ``MAILROOM_FORWARD_UNSCANNED``: let an add-on of the rule or of the traffic policy scan it.

What is changed
    Only the header, unless the body has a line that SES refuses for its length: the part with such
    a line gets another transfer encoding. Otherwise the body is copied byte for byte. ``From``
    becomes ``Jane Doe via support`` with the verified sender's address, because SES sends from
    verified senders only and DMARC would fail. ``Reply-To`` stays, or becomes the original
    ``From``. Removed are fields that would no longer be true (signatures, ARC, authentication
    results, ``Return-Path``, ``Sender``) or would control our own sending (``X-SES-*``,
    ``Errors-To`` and the like, ``Feedback-ID``), ``Bcc``, and repeats of fields that SES accepts
    only once. ``Received`` stays, because mail
    servers count it to end loops. SES replaces ``Message-ID`` and ``Date``: the former is kept in
    ``References``, so that replies stay in their thread, and both in ``X-Original-*``. Fields that
    SES refuses are mended: addresses that it cannot read leave (``X-Original-To`` and the like
    have the text), eight-bit text and words in unknown charsets become UTF-8, long lines are
    folded.

Loops
    Each rule marks what it sends. Mail with its own mark, or a delivery report about such mail,
    raises `NotForwarded`, because the forwarding does not work and someone has to fix it. An
    automatic reply from one of the addresses that mail is forwarded to stays in the bucket.
    Reports about other mail are forwarded like any mail.

Failures
    If SES refuses the mail for good (its content, its size, an address or identity that is not
    verified), or signed content has lines that are too long, a short message with the reason and
    a link to the stored mail is sent instead. If that is refused as well, and after any other
    refusal, throttling, or with a missing object, the error propagates, so that Lambda retries and
    then uses the failure queue. With over 50 addresses, all messages are tried before the first
    error is raised.

    No message is sent twice: a mark in the mail bucket is written before each call. If SES's answer
    was lost, or the process died meanwhile, `OutcomeUnknown` is raised, in Lambda's retries too,
    so that the invocation ends in the failure queue. The marks need ``MAILROOM_MARK_PREFIX``
    (``remember_handled=True``); without it nothing is forwarded.

Sources: RFC 5321 §4.4 and §6.3, RFC 5322 §3.6, RFC 7489,
https://docs.aws.amazon.com/ses/latest/dg/header-fields.html,
https://docs.aws.amazon.com/ses/latest/dg/quotas.html
"""

from __future__ import annotations

import json
import os

from mailroom import _runtime
from mailroom.errors import MailroomError, NotSent
from mailroom.handlers import _mail
from mailroom.handlers.receiving._forward_settings import Settings
from mailroom.handlers.receiving._mending import Unmendable, mend
from mailroom.handlers.receiving._rewriting import read_header, rewrite, via
from mailroom.receiving.once import send_once
from mailroom.ses import RECIPIENTS_PER_MESSAGE, SENT_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailroom.handlers.receiving._rewriting import Field
    from mailroom.receiving import ReceivedMail

__all__ = ["NotForwarded", "on_mail"]

_CHUNK = 256 * 1024
_CAME_BACK = "the mail came back: this rule forwarded it before"
_MAX_RECEIVED = 100  # RFC 5321 §6.3: a server accepts at least this many


class NotForwarded(MailroomError):
    """The mail is not forwarded, and a person must decide what to do with it."""


def decide(mail: ReceivedMail, settings: Settings) -> str | None:
    """Return ``None`` to forward *mail*, or why it stays in the bucket.

    Raises `NotForwarded` if the mail would otherwise be lost unnoticed.
    """
    for check, verdict in (("spam", mail.spam), ("virus", mail.virus)):
        if verdict.failed:
            return f"{check} check failed"
    if any(settings.token in value for value in mail.headers.get_all(_mail.LOOP_FIELD)):
        raise NotForwarded(_CAME_BACK)
    if len(mail.headers.get_all("Received")) > _MAX_RECEIVED:
        raise NotForwarded(f"more than {_MAX_RECEIVED} Received fields: the mail is in a loop")
    if not settings.unscanned:
        unscanned = [] if mail.spam.passed or mail.spam.status == "GRAY" else ["spam"]
        unscanned += [] if mail.virus.passed else ["virus"]
        if unscanned:
            raise NotForwarded(
                f"no {' and '.join(unscanned)} verdict: let the rule scan mail, or, as with Mail "
                "Manager, which does not scan, allow it to be forwarded unscanned "
                "(MAILROOM_FORWARD_UNSCANNED=1)"
            )
    if _mail.automatic(mail):
        senders = set(_mail.addresses([mail.source, *mail.from_]))
        if senders & {address.lower() for address in settings.to}:
            return "automatic mail from an address that it would be forwarded to"
    return None


def announcement(mail: ReceivedMail, settings: Settings, size: int, reason: str) -> bytes:
    """Return the message to send instead of one that SES does not send, for *reason*."""
    original = ", ".join(mail.from_) or mail.source
    subject = _mail.one_line(_mail.decoded(mail.subject or ""), 200)
    lines = [
        "A message could not be forwarded. It is in the mail bucket:",
        "",
        f"From:    {_mail.one_line(_mail.decoded(original), 200)}",
        f"Subject: {subject or '(none)'}",
        f"Size:    {size / 1_000_000:.1f} MB",
        f"Reason:  {_mail.one_line(reason, 500)}",
    ]
    if mail.stored_at:
        bucket, key = mail.stored_at
        lines += ["", _console_link(bucket, key, os.environ.get("AWS_REGION", ""))]
        lines += [f"s3://{bucket}/{key}"]
    else:
        lines += ["", f"Message id: {mail.message_id}"]
    from_text = mail.from_[0] if mail.from_ else mail.source
    fields = [
        _mail.field("From", via(from_text.encode("utf-8", "replace"), mail, settings)),
        _mail.field(
            "Subject", _mail.encoded(f"{settings.prefix} Not forwarded: {subject}".strip())
        ),
        _mail.field("To", ",\r\n ".join(settings.to[:RECIPIENTS_PER_MESSAGE]).encode()),
        _mail.field("Auto-Submitted", b"auto-generated"),
        _mail.field(_mail.LOOP_FIELD, settings.token.encode()),
    ]
    reply_to = _mail.parse_mailbox((mail.reply_to or mail.from_ or [""])[0])[1]
    if reply_to:
        fields.append(_mail.field("Reply-To", _mail.mailbox("", reply_to)))
    if references := _mail.message_ids(mail.header_message_id):
        fields.append(_mail.field("References", references[0].encode()))
    return _mail.compose(fields, "\n".join(lines) + "\n")


def _console_link(bucket: str, key: str, region: str) -> str:
    from urllib.parse import quote

    where = f"region={region}&" if region else ""
    path = f"/s3/object/{quote(bucket)}?{where}prefix={quote(key, safe='')}"
    return f"https://{_runtime.console(region)}{path}"


def _read(mail: ReceivedMail) -> tuple[list[Field] | None, list[bytes], int]:
    # No fields means too large: beyond 40 MB SES is not tried at all. Its limit applies "after
    # base64 encoding", which may mean 30 MB as stored; in between, SES's answer decides.
    with mail.open() as stream:
        fields, size = read_header(stream)
        body: list[bytes] = []
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if fields is not None and size <= SENT_BYTES:
                body.append(chunk)
            else:
                body.clear()
    if size > SENT_BYTES:
        fields = None
    return fields, body, size


def _send_all(
    mail: ReceivedMail, settings: Settings, size: int, data: bytes | None, reason: str = ""
) -> None:
    """Send *data* to everyone, or an announcement with *reason* if there is none.

    Whom SES refuses to send *data* to gets the announcement.
    """
    failures: list[Exception] = []
    for start in range(0, len(settings.to), RECIPIENTS_PER_MESSAGE):
        batch = settings.to[start : start + RECIPIENTS_PER_MESSAGE]
        try:
            why = reason if data is None else _forward(mail, settings, data, batch)
            if why:
                _send(
                    mail, settings, "announcement", announcement(mail, settings, size, why), batch
                )
                _log(mail, "WARNING", "announced", why)
        except Exception as error:  # raised below, after the other batches were tried
            failures.append(error)
    if failures:
        raise failures[0]


def _forward(
    mail: ReceivedMail, settings: Settings, data: bytes, batch: Sequence[str]
) -> str | None:
    """Send *data* to *batch*; return SES's reason if it would refuse it again."""
    try:
        _send(mail, settings, "mail", data, batch)
    except NotSent as error:
        if error.code not in _mail.REFUSED_FOR_GOOD:
            raise
        return f"SES refused it: {error.code}: {error.reason}"
    return None


def _send(
    mail: ReceivedMail, settings: Settings, what: str, data: bytes, batch: Sequence[str]
) -> None:
    from hashlib import sha256

    # Of the addresses rather than the batch's number, because a new deployment may change the list.
    name = f"{what}-{sha256(json.dumps(list(batch)).encode()).hexdigest()[:16]}"
    send_once(mail, name, lambda: _mail.send(data, batch, settings.configuration_set))


def _init() -> Settings:
    settings = Settings()
    # Made during init, when Lambda gives a whole core.
    _mail.ses()
    return settings


_settings = _init() if "MAILROOM_FORWARD_FROM" in os.environ else None


def on_mail(mail: ReceivedMail) -> None:
    """Forward *mail*, or log why not; errors are listed in the module's docstring."""
    global _settings
    settings = _settings = _settings or _init()
    reason = decide(mail, settings)
    if reason is None and mail.already_handled:
        reason = "forwarded before"
    if reason is not None:
        _log(mail, "WARNING", "not forwarded", reason)
        return
    fields, body, size = _read(mail)
    if fields is None:
        _send_all(mail, settings, size, None, "the mail or its header is too large for SES")
        return
    # SES cuts the event's header at 50 KB; the stored one is whole.
    if any(n == _mail.LOOP_FIELD.lower() and settings.token.encode() in raw for n, raw in fields):
        raise NotForwarded(_CAME_BACK)
    if _mail.automatic(mail) and any(settings.token.encode() in chunk for chunk in _windows(body)):
        raise NotForwarded(
            "a delivery report about mail that this rule forwarded: forwarding fails"
        )
    try:
        fields, body = mend(fields, body)
    except Unmendable as error:
        _send_all(mail, settings, size, None, str(error))
        return
    data = b"".join((rewrite(fields, mail, settings), *body))
    body.clear()  # a second copy of a large mail would exceed the function's memory
    _send_all(mail, settings, size, data)


def _windows(body: Sequence[bytes]) -> list[bytes]:
    # Adjacent chunks overlap, because the token may cross their border.
    edges = [left[-32:] + body[at + 1][:32] for at, left in enumerate(body[:-1])]
    return [*body, *edges]


def _log(mail: ReceivedMail, level: str, outcome: str, reason: str) -> None:
    _runtime.log(
        level,
        "mailroom.handlers.receiving.forward",
        message_id=mail.message_id,
        outcome=outcome,
        reason=reason,
    )
