"""Forward mail to addresses elsewhere, from a verified sender, and lose nothing on the way.

Settings
    ``MAILROOM_FORWARD_TO``
        JSON list of addresses. More than 50 are served by several messages.
    ``MAILROOM_FORWARD_FROM``
        Verified sender, ``support@example.com`` or ``Support <support@example.com>``. It becomes
        ``From``, and receives SES's bounces unless the identity says otherwise.
    ``MAILROOM_FORWARD_SUBJECT_PREFIX``
        Put before the subject unless the subject has it already. Default: none.
    ``MAILROOM_FORWARD_UNSCANNED``
        ``1`` to forward mail that SES did not scan; see *What is forwarded*. Default: not.
    ``MAILROOM_CONFIGURATION_SET``
        Configuration set to send through. Default: the identity's own, if any.
    ``MAILROOM_RULE``
        The receipt rule's name, part of the loop token.

Permissions
    ``ses:SendRawEmail`` and ``ses:SendEmail`` on the sender's identity and on the configuration
    set (the API call is v2's SendEmail, but SES authorises raw content as SendRawEmail);
    ``s3:GetObject`` on the stored mail, ``kms:Decrypt`` if its bucket has a customer key, and
    ``s3:ListBucket`` on the mark prefix if handled mail is remembered.

What is forwarded
    Spam or virus ``FAIL``: never, under any setting; logged, and left in the mail bucket. Spam
    ``GRAY``: forwarded, as SES did look and a doubt must not cost a customer's mail. Any other
    verdict that is not ``PASS`` means that nobody looked (``DISABLED``, ``PROCESSING_FAILED``,
    absent) or that a virus was neither found nor ruled out: forwarded only with
    ``MAILROOM_FORWARD_UNSCANNED``, otherwise `NotForwarded`, so that it waits in the failure queue.

What is changed
    The header only; the body is copied byte for byte. ``From`` becomes ``Jane Doe via support``
    at the verified sender, because SES sends from verified senders only and DMARC would fail;
    ``Reply-To`` stays, or becomes the original ``From``. Removed is what would no longer be true
    (signatures, ARC, authentication results, ``Return-Path``, ``Sender``), what would steer our
    own sending (``X-SES-*``, ``Errors-To`` and the like, ``Feedback-ID``), ``Bcc``, and repeats of
    fields that SES takes once only. ``Received`` stays, as mail servers count it to end loops.
    SES replaces ``Message-ID`` and ``Date``: the former is kept in ``References``, so that
    answers still find their thread, and both in ``X-Original-*``.

Loops
    Each rule marks what it sends and refuses to forward its own mark, or a delivery report about
    mail that carries it (`NotForwarded`: the forwarding does not work, and somebody must know).
    An automatic reply from one of the very addresses forwarded to is left in the bucket. Reports
    about other mail (null reverse-path) are forwarded like any mail.

Failures
    Too large for SES: a short message with the link to the stored mail goes out instead. Any other
    refusal by SES, throttling, and a missing object propagate: Lambda retries, then the failure
    queue. With over 50 addresses all messages are tried before the first error is raised. A
    repeated delivery forwards twice unless the construct remembers handled mail.

Sources: RFC 5321 §4.4 and §6.3, RFC 5322 §3.6, RFC 7489,
https://docs.aws.amazon.com/ses/latest/dg/header-fields.html,
https://docs.aws.amazon.com/ses/latest/dg/quotas.html
"""

from __future__ import annotations

import json
import os
import re

from mailroom import _runtime
from mailroom.errors import MailroomError, NotConfigured
from mailroom.handlers import _mail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from io import BufferedIOBase

    from mailroom.receiving import ReceivedMail

    Field = tuple[str, bytes]

__all__ = ["MAX_BYTES", "NotForwarded", "on_mail"]

MAX_BYTES = 40 * 1024 * 1024
"""Never tried above this. AWS says 40 MB "after base64 encoding", which may mean 30 MB as it lies
in the bucket; in between we ask SES and believe its answer."""

_MAX_HEADER = 1024 * 1024
_CHUNK = 256 * 1024
_CAME_BACK = "the mail came back: this rule forwarded it before"
_MAX_RECEIVED = 100  # RFC 5321 §6.3: a server takes at least that many before it suspects a loop

_REMOVED = frozenset(
    (
        "authentication-results",
        "bcc",
        "bounces-to",
        "dkim-signature",
        "domainkey-signature",
        "errors-to",
        "feedback-id",
        "from",
        "message-id",
        "received-spf",
        "references",
        "reply-to",
        "resent-bcc",
        "return-path",
        "return-receipt-to",
        "sender",
        "x-original-date",
        "x-original-message-id",
    )
)
_REMOVED_FAMILIES = ("arc-", "x-mailroom-", "x-ses-")

# SES refuses a message that has one of these twice, so a sloppy sender's mail would be lost.
_ONCE = re.compile(
    "accept-?language|archived-at|auto-submitted|comments|content-.*|date|delivered-to"
    "|disposition-notification-.*|importance|in-reply-to|keywords|list-.*|message-context"
    "|mime-version|organization|original-.*|precedence|priority|sensitivity|solicitation|subject"
    "|thread-.*|user-agent|vbr-info"
)
_NAME = re.compile(rb"[!-9;-~]+")
_CONTROLS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_TOO_LARGE = re.compile(
    r"message length|(message|request|payload|entity|content).{0,20}too (large|long)|message size",
    re.IGNORECASE,
)
_NEVER_TOO_LARGE = 10_000_000  # what every version of the API takes; a refusal means another thing


class NotForwarded(MailroomError):
    """The mail must not be forwarded as things stand, and a person should decide."""


class Settings:
    """The environment, read once."""

    __slots__ = ("configuration_set", "prefix", "sender", "sender_name", "to", "token", "unscanned")

    def __init__(self) -> None:
        name, self.sender = _mail.sender_setting("MAILROOM_FORWARD_FROM")
        self.sender_name = name or self.sender.partition("@")[0]
        self.to = _recipients(_runtime.setting("MAILROOM_FORWARD_TO"))
        prefix = os.environ.get("MAILROOM_FORWARD_SUBJECT_PREFIX", "")
        self.prefix = _mail.one_line(prefix, 100)
        self.unscanned = os.environ.get("MAILROOM_FORWARD_UNSCANNED") == "1"
        self.configuration_set = os.environ.get("MAILROOM_CONFIGURATION_SET") or None
        self.token = _mail.loop_token(self.sender, *sorted(self.to))


def _recipients(text: str) -> list[str]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise NotConfigured(f"MAILROOM_FORWARD_TO is no JSON: {error}") from error
    if not isinstance(value, list) or not value:
        raise NotConfigured(f"MAILROOM_FORWARD_TO is {value!r:.80}; it must be a list of addresses")
    for address in value:
        if not isinstance(address, str) or not _mail.is_address(address):
            raise NotConfigured(
                f"MAILROOM_FORWARD_TO names {address!r:.80}; it must be a plain ASCII address"
            )
    return list(dict.fromkeys(value))


def decide(mail: ReceivedMail, settings: Settings) -> str | None:
    """Return ``None`` to forward *mail*, or why to leave it in the bucket; may raise.

    `NotForwarded` is raised where leaving the mail alone would lose it unnoticed.
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
                f"no clear {' and '.join(unscanned)} verdict: let the rule scan, or forward such "
                "mail knowingly (MAILROOM_FORWARD_UNSCANNED=1)"
            )
    if _mail.automatic(mail):
        senders = set(_mail.addresses([mail.source, *mail.from_]))
        if senders & {address.lower() for address in settings.to}:
            return "automatic mail from an address it would be forwarded to"
    return None


def read_header(stream: BufferedIOBase, limit: int = _MAX_HEADER) -> tuple[list[Field] | None, int]:
    """Read the header block and its blank line; return its fields and the bytes read.

    ``None`` instead of fields if it is longer than *limit*. Fields come as ``(lower-case name,
    name and value with folding)``. Only controls are changed, to blanks, since a bare CR ends a
    line for some readers. What is no field at all is kept in ``X-Malformed``: it may be the
    sender's first line of text.
    """
    fields: list[Field] = []
    size = 0
    while line := stream.readline(limit + 1):
        size += len(line)
        if size > limit:
            return None, size
        if line in (b"\r\n", b"\n"):
            break
        text = _CONTROLS.sub(b" ", line.rstrip(b"\r\n"))
        if not text.strip():
            continue  # folding alone; some readers would take it for the end of the header
        name, colon, value = text.partition(b":")
        if text[:1] in (b" ", b"\t") and fields:
            fields[-1] = (fields[-1][0], fields[-1][1] + b"\r\n" + text)
        elif colon and _NAME.fullmatch(name.rstrip()):
            name = name.rstrip()
            fields.append((name.decode("ascii").lower(), name + b":" + value))
        else:
            fields.append(("x-malformed", b"X-Malformed: " + text.strip()))
    return fields, size


def rewrite(fields: Sequence[Field], mail: ReceivedMail, settings: Settings) -> bytes:
    """Return the header block to send, with its blank line, for the *fields* that came."""
    first: dict[str, bytes] = {}
    for name, raw in fields:
        first.setdefault(name, raw.partition(b":")[2].strip())
    kept = []
    seen: set[str] = set()
    for name, raw in fields:
        loop = name == _mail.LOOP_FIELD.lower()
        if name in _REMOVED or (name.startswith(_REMOVED_FAMILIES) and not loop):
            continue
        if name in seen and _ONCE.fullmatch(name):
            continue
        if name == "subject":
            raw = b"Subject: " + _subject(first["subject"], settings.prefix)
        seen.add(name)
        kept.append(raw + b"\r\n")
    added = [
        _mail.field("From", _from(first.get("from", b""), mail, settings)),
        _mail.field(_mail.LOOP_FIELD, settings.token.encode()),
        _mail.field("X-Mailroom-Verdicts", _verdicts(mail)),
    ]
    reply_to = _reply_to(first)
    if reply_to:
        added.append(_mail.field("Reply-To", reply_to))
    message_id = _mail.message_ids(_text(first.get("message-id", b"")))[:1]
    references = _mail.message_ids(_text(first.get("references", b"")), *message_id)
    if references:
        added.append(_mail.field("References", "\r\n ".join(references).encode()))
    if message_id:
        added.append(_mail.field("X-Original-Message-ID", message_id[0].encode()))
    if date := _mail.one_line(_text(first.get("date", b"")), 100):
        added.append(_mail.field("X-Original-Date", _mail.encoded(date)))
    if "subject" not in seen and settings.prefix:
        added.append(_mail.field("Subject", _mail.encoded(settings.prefix)))
    return b"".join((*added, *kept, b"\r\n"))


def announcement(mail: ReceivedMail, settings: Settings, size: int) -> bytes:
    """Return the message that stands in for one that is too large to forward."""
    original = ", ".join(mail.from_) or mail.source
    subject = _mail.one_line(_mail.decoded(mail.subject or ""), 200)
    lines = [
        "A message was too large to forward, and waits in the mail bucket:",
        "",
        f"From:    {_mail.one_line(_mail.decoded(original), 200)}",
        f"Subject: {subject or '(none)'}",
        f"Size:    {size / 1_000_000:.1f} MB",
    ]
    if mail.stored_at:
        bucket, key = mail.stored_at
        lines += ["", console_link(bucket, key, os.environ.get("AWS_REGION", ""))]
        lines += [f"s3://{bucket}/{key}"]
    else:
        lines += ["", f"Message id: {mail.message_id}"]
    from_text = mail.from_[0] if mail.from_ else mail.source
    fields = [
        _mail.field("From", _from(from_text.encode("utf-8", "replace"), mail, settings)),
        _mail.field("Subject", _mail.encoded(f"{settings.prefix} Too large: {subject}".strip())),
        _mail.field("To", ",\r\n ".join(settings.to[: _mail.MAX_RECIPIENTS]).encode()),
        _mail.field("Auto-Submitted", b"auto-generated"),
        _mail.field(_mail.LOOP_FIELD, settings.token.encode()),
    ]
    reply_to = _mail.parse_mailbox((mail.reply_to or mail.from_ or [""])[0])[1]
    if reply_to:
        fields.append(_mail.field("Reply-To", _mail.mailbox("", reply_to)))
    if references := _mail.message_ids(mail.header_message_id):
        fields.append(_mail.field("References", references[0].encode()))
    return _mail.compose(fields, "\n".join(lines) + "\n")


def console_link(bucket: str, key: str, region: str) -> str:
    """Return the address of an object's page in the S3 console."""
    from urllib.parse import quote

    host = f"{region}.console.aws.amazon.com" if region else "console.aws.amazon.com"
    if region.startswith("us-gov-"):
        host = "console.amazonaws-us-gov.com"
    elif region.startswith("cn-"):
        host = f"{region}.console.amazonaws.cn"
    where = f"region={region}&" if region else ""
    return f"https://{host}/s3/object/{quote(bucket)}?{where}prefix={quote(key, safe='')}"


def _from(value: bytes, mail: ReceivedMail, settings: Settings) -> bytes:
    name, address = _mail.parse_mailbox(_text(value))
    if not address:
        address = mail.source if _mail.is_address(mail.source) else ""
    # An @ in a display name looks like an attempt to pass for somebody, to people and to filters.
    shown = _mail.one_line(name or address, 80).replace("@", " at ")
    via = settings.sender_name.replace("@", " at ")
    return _mail.mailbox(f"{shown} via {via}" if shown else via, settings.sender)


def _reply_to(first: dict[str, bytes]) -> bytes:
    for name in ("reply-to", "from"):
        value = first.get(name, b"")
        usable = [one for one in _mail.mailboxes(_text(value)) if _mail.is_address(one[1])]
        # Counted, since Python's parsers differ in whether they report what they cannot read.
        if usable and value.count(b"@") == len(usable) and value.isascii():
            return value
        # Rewritten only where SES would refuse it: for one malformed address it refuses the whole
        # message, and eight-bit names are legal only with SMTPUTF8, which it does not offer.
        if usable:
            return b",\r\n ".join(
                _mail.mailbox(_mail.one_line(shown, 80), address) for shown, address in usable
            )
    return b""


def _subject(value: bytes, prefix: str) -> bytes:
    if not prefix or prefix in _mail.one_line(_mail.decoded(_text(value)), 400):
        return value
    start = _mail.encoded(prefix)
    if start == prefix.encode("utf-8"):
        joined = start + b" " + value
        # 998 is the longest line of RFC 5322 §2.1.1; beyond it SES refuses the message.
        return joined if len(joined) < 900 else start + b"\r\n " + value
    # A reader drops blanks between two encoded words, so ours ends in its own.
    return (_mail.encoded(prefix + " ") + b"\r\n " + value).rstrip()


def _verdicts(mail: ReceivedMail) -> bytes:
    parts = [
        f"{check}={verdict.status or 'NONE'}"
        for check, verdict in (
            ("spam", mail.spam),
            ("virus", mail.virus),
            ("spf", mail.spf),
            ("dkim", mail.dkim),
            ("dmarc", mail.dmarc),
        )
    ]
    return _mail.encoded(_mail.one_line("; ".join(parts), 200))


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _handled_before(mail: ReceivedMail) -> bool:
    try:
        return mail.already_handled
    except NotConfigured:
        return False


def _read(mail: ReceivedMail) -> tuple[list[Field] | None, list[bytes], int]:
    # No body means too large; it is still counted to the end, for the announcement.
    with mail.open() as stream:
        fields, size = read_header(stream)
        body: list[bytes] = []
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if fields is not None and size <= MAX_BYTES:
                body.append(chunk)
            else:
                body.clear()
    if size > MAX_BYTES:
        fields = None
    return fields, body, size


def _send_all(data: bytes, settings: Settings) -> None:
    failures: list[Exception] = []
    for start in range(0, len(settings.to), _mail.MAX_RECIPIENTS):
        batch = settings.to[start : start + _mail.MAX_RECIPIENTS]
        try:
            _mail.send(data, batch, settings.configuration_set)
        except Exception as error:  # raised below: one refused batch must not cost the others
            failures.append(error)
    if failures:
        raise failures[0]


def _refused_for_size(error: Exception, size: int) -> bool:
    if size <= _NEVER_TOO_LARGE:
        return False
    response = getattr(error, "response", None) or {}
    if (response.get("ResponseMetadata") or {}).get("HTTPStatusCode") == 413:
        return True
    return _TOO_LARGE.search((response.get("Error") or {}).get("Message") or "") is not None


def _init() -> Settings:
    settings = Settings()
    # At init, where Lambda gives a whole core, rather than inside the first request.
    _runtime.client("sesv2")
    return settings


_settings = _init() if "MAILROOM_FORWARD_FROM" in os.environ else None


def on_mail(mail: ReceivedMail) -> None:
    """Forward *mail*, or say in the log why not; see the module for what is raised."""
    global _settings
    settings = _settings = _settings or _init()
    reason = decide(mail, settings)
    if reason is None and _handled_before(mail):
        reason = "forwarded before"
    if reason is not None:
        _log(mail, "WARNING", "not forwarded", reason)
        return
    fields, body, size = _read(mail)
    if fields is None:
        _send_all(announcement(mail, settings, size), settings)
        _log(mail, "WARNING", "announced", f"{size} bytes are too many")
        return
    # SES cuts the event's header at 50 KB; the stored one is whole.
    if any(n == _mail.LOOP_FIELD.lower() and settings.token.encode() in raw for n, raw in fields):
        raise NotForwarded(_CAME_BACK)
    if _mail.automatic(mail) and any(settings.token.encode() in chunk for chunk in _windows(body)):
        raise NotForwarded("a report about mail that this rule forwarded: the forwarding fails")
    data = b"".join((rewrite(fields, mail, settings), *body))
    body.clear()  # a second copy of a large mail is what would exceed the function's memory
    try:
        _send_all(data, settings)
    except Exception as error:
        if not _refused_for_size(error, size):
            raise
        _send_all(announcement(mail, settings, size), settings)
        _log(mail, "WARNING", "announced", f"SES refused {size} bytes")


def _windows(body: Sequence[bytes]) -> list[bytes]:
    # Neighbouring chunks overlap, as the token may lie across their border.
    edges = [left[-32:] + body[at + 1][:32] for at, left in enumerate(body[:-1])]
    return [*body, *edges]


def _log(mail: ReceivedMail, level: str, outcome: str, reason: str) -> None:
    _runtime.log(
        level,
        "mailroom.handlers.forward",
        message_id=mail.message_id,
        outcome=outcome,
        reason=reason,
    )
