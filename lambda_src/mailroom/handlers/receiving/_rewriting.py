"""The header of a mail that is sent on: reads the received one, and writes the one to send."""

from __future__ import annotations

import re

from mailroom.handlers import _mail
from mailroom.handlers.receiving import _mending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from io import BufferedIOBase

    from mailroom.handlers.receiving._forward_settings import Settings
    from mailroom.receiving import ReceivedMail

    Field = tuple[str, bytes]

__all__ = ["read_header", "resent", "rewrite", "via"]

_MAX_HEADER = 1024 * 1024

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
# Its author sends it again, so who wrote it and who answers stays.
_REMOVED_WHEN_RESENT = _REMOVED - {"from", "reply-to"}
_REMOVED_FAMILIES = ("arc-", "x-mailroom-", "x-ses-")

# SES refuses a message with one of these twice, so a careless sender's mail would be lost.
_ONCE = re.compile(
    "accept-?language|archived-at|auto-submitted|comments|content-.*|date|delivered-to"
    "|disposition-notification-.*|importance|in-reply-to|keywords|list-.*|message-context"
    "|mime-version|organization|original-.*|precedence|priority|sensitivity|solicitation|subject"
    "|thread-.*|user-agent|vbr-info"
)
_NAME = re.compile(rb"[!-9;-~]+")
_PARAMETER = re.compile(rb"[A-Za-z0-9*-]{1,60}[ \t]*=")
_CONTROLS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


def read_header(stream: BufferedIOBase, limit: int = _MAX_HEADER) -> tuple[list[Field] | None, int]:
    """Read the header block and its blank line; return its fields and the number of bytes read.

    Fields are ``(lower-case name, name and value with folding)``; ``None`` instead if the block is
    longer than *limit*. Control characters become spaces, because a bare CR ends a line for some
    readers. A parameter at the margin belongs to the field above it. Any other line that is not a
    field is kept in ``X-Malformed``: it may be the sender's text.
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
            continue  # only folding, which some readers take for the end of the header
        name, colon, value = text.partition(b":")
        if fields and (text[:1] in (b" ", b"\t") or _PARAMETER.match(text)):
            text = text if text[:1] in (b" ", b"\t") else b" " + text
            fields[-1] = (fields[-1][0], fields[-1][1] + b"\r\n" + text)
        elif colon and _NAME.fullmatch(name.rstrip()):
            name = name.rstrip()
            fields.append((name.decode("ascii").lower(), name + b":" + value))
        else:
            fields.append(("x-malformed", b"X-Malformed: " + text.strip()))
    return fields, size


def rewrite(fields: Sequence[Field], mail: ReceivedMail, settings: Settings) -> bytes:
    """Return the header block to send, with its blank line, for the *fields* that were received."""
    first = _first(fields)
    kept = _kept(fields, _REMOVED, settings.prefix)
    added = [
        _mail.field("From", via(first.get("from", b""), mail, settings)),
        _mail.field(_mail.LOOP_FIELD, settings.token.encode()),
        _mail.field("X-Mailroom-Verdicts", _verdicts(mail)),
    ]
    reply_to = _reply_to(first)
    if reply_to:
        added.append(_mail.field("Reply-To", reply_to))
    added += _originals(first)
    if "subject" not in first and settings.prefix:
        added.append(_mail.field("Subject", _mail.encoded(settings.prefix)))
    return b"".join((*added, *kept, b"\r\n"))


def resent(fields: Sequence[Field], token: str) -> bytes:
    """Return the header block of a copy that its own author sends, with its blank line."""
    added = [_mail.field(_mail.LOOP_FIELD, token.encode()), *_originals(_first(fields))]
    return b"".join((*added, *_kept(fields, _REMOVED_WHEN_RESENT, ""), b"\r\n"))


def _first(fields: Sequence[Field]) -> dict[str, bytes]:
    first: dict[str, bytes] = {}
    for name, raw in fields:
        first.setdefault(name, raw.partition(b":")[2].strip())
    return first


def _kept(fields: Sequence[Field], removed: frozenset[str], prefix: str) -> list[bytes]:
    kept = []
    seen: set[str] = set()
    for name, raw in fields:
        loop = name == _mail.LOOP_FIELD.lower()
        if name in removed or (name.startswith(_REMOVED_FAMILIES) and not loop):
            continue
        if name in seen and (name in _mending.ADDRESS_FIELDS or _ONCE.fullmatch(name)):
            continue
        seen.add(name)
        if name in _mending.ADDRESS_FIELDS:
            kept += _recipients(name, [value for other, value in fields if other == name])
            continue
        raw = _mending.field(name, raw)
        if name == "subject":
            raw = b"Subject: " + _subject(raw.partition(b":")[2].strip(), prefix)
        kept.append(raw + b"\r\n")
    return kept


def _originals(first: Mapping[str, bytes]) -> list[bytes]:
    """Return the fields that keep what SES replaces."""
    found = []
    message_id = _mail.message_ids(_text(first.get("message-id", b"")))[:1]
    references = _mail.message_ids(_text(first.get("references", b"")), *message_id)
    if references:
        found.append(_mail.field("References", "\r\n ".join(references).encode()))
    if message_id:
        found.append(_mail.field("X-Original-Message-ID", message_id[0].encode()))
    if date := _mail.one_line(_text(first.get("date", b"")), 100):
        found.append(_mail.field("X-Original-Date", _mail.encoded(date)))
    return found


def via(value: bytes, mail: ReceivedMail, settings: Settings) -> bytes:
    """Return the ``From`` to send, ``Jane Doe via support``, for the *value* that was received."""
    name, address = _mail.parse_mailbox(_text(value))
    if not address:
        address = mail.source if _mail.is_address(mail.source) else ""
    # An @ in a display name looks like impersonation, to people and to filters.
    shown = _mail.one_line(name or address, 80).replace("@", " at ")
    via = settings.sender_name.replace("@", " at ")
    return _mail.mailbox(f"{shown} via {via}" if shown else via, settings.sender)


def _recipients(name: str, found: Sequence[bytes]) -> list[bytes]:
    title = found[0].partition(b":")[0]
    values = [raw.partition(b":")[2].strip() for raw in found]
    mended = _mending.addresses(values)
    lines = [title + b": " + mended + b"\r\n"] if mended else []
    shown = _mail.one_line(_mail.decoded(_text(b", ".join(values)[:4_000])), 500)
    if shown and mended != values[0]:
        # What SES would refuse, such as an address without a domain, may still tell a reader much.
        lines.append(_mail.field(f"X-Original-{title.decode()}", _mail.encoded(shown)))
    return lines


def _reply_to(first: dict[str, bytes]) -> bytes:
    for name in ("reply-to", "from"):
        if found := _mending.addresses([first.get(name, b"")]):
            return found
    return b""


def _subject(value: bytes, prefix: str) -> bytes:
    if not prefix or prefix in _mail.one_line(_mail.decoded(_text(value)), 400):
        return value
    start = _mail.encoded(prefix)
    if start == prefix.encode("utf-8"):
        joined = start + b" " + value
        # SES refuses lines longer than the 998 characters of RFC 5322 §2.1.1.
        return joined if len(joined.partition(b"\r\n")[0]) < 900 else start + b"\r\n " + value
    # Readers drop spaces between two encoded words, so ours ends in one of its own.
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
