"""The message that recipients get: without the fields meant for SES, with links and pixel."""

from __future__ import annotations

import re
from email.utils import format_datetime

from mailroom_local.mail.headers import header_of
from mailroom_local.sending import tracking
from mailroom_local.sending.message import SentMessage
from mailroom_local.sending.rewriting import rewrite
from mailroom_local.sending.tracking import Link

# What SES removes from a message before a recipient gets it.
_STRIPPED = frozenset({"bcc", "message-id", "return-path"})
_STRIPPED_PREFIX = "x-ses-"
_FIELD = re.compile(rb"[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*(?:\r?\n|$)")


def deliver(outgoing: SentMessage, *, endpoint: str) -> tuple[bytes, list[Link]]:
    """The message that recipients get, and the links that now lead through the endpoint.

    SES removes its own headers and ``Bcc``, sets ``Message-ID``, and ``Date`` if it is missing.
    """
    raw, links = outgoing.raw, list[Link]()
    if outgoing.track_opens or outgoing.track_clicks or outgoing.list_management:
        raw, links = rewrite(outgoing, endpoint)
    added = [("Message-ID", f"<{outgoing.message_id}@email.amazonses.com>")]
    if header_of(outgoing.headers, "Date") is None:
        added.append(("Date", format_datetime(outgoing.sent_at)))
    stripped = set(_STRIPPED)
    if outgoing.list_management:
        url = tracking.unsubscribe_url(endpoint, outgoing.message_id)
        added += [
            ("List-Unsubscribe", f"<{url}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ]
        stripped |= {"list-unsubscribe", "list-unsubscribe-post"}
    top = "".join(f"{name}: {value}\r\n" for name, value in added).encode()
    return top + _without(raw, stripped), links


def _without(raw: bytes, names: set[str]) -> bytes:
    """The message without these header fields, otherwise byte for byte."""
    kept, position = [], 0
    while position < len(raw):
        match = _FIELD.match(raw, position)
        assert match is not None
        if match[0] in (b"\r\n", b"\n", b""):
            break
        name = match[0].partition(b":")[0].strip().decode("ascii", "replace").lower()
        if name not in names and not name.startswith(_STRIPPED_PREFIX):
            kept.append(match[0])
        position = match.end()
    return b"".join(kept) + raw[position:]
