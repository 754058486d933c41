"""Puts tracking into the HTML of a message; every other part stays as it is, byte for byte."""

from __future__ import annotations

import re
from binascii import b2a_base64, b2a_qp
from collections.abc import Iterator

from mailroom import mime
from mailroom.mime import charsets, headers
from mailroom.mime.parts import Part
from mailroom_local.sending import tracking
from mailroom_local.sending.message import SentMessage
from mailroom_local.sending.tracking import Link

UNSUBSCRIBE_PLACEHOLDER = "{{amazonSESUnsubscribeUrl}}"

# A change inside of these would break a signature, or somebody else's message.
_CLOSED = ("multipart/signed", "multipart/encrypted")
_PLAIN = ("7bit", "8bit", "binary")
_LINE_BYTES = 998
_CHARSET = re.compile(rb"""(charset\s*=\s*)("[^"]*"|[^\s;"]+)""", re.IGNORECASE)

_Edit = tuple[int, int, bytes]  # from where to where, and what is there then


def rewrite(outgoing: SentMessage, endpoint: str) -> tuple[bytes, list[Link]]:
    """The message with tracking, and the links that now lead through the endpoint."""
    writer = _Writer(outgoing, endpoint)
    edits: list[_Edit] = []
    for part in _bodies(mime.parse(outgoing.raw)):
        before, wrong = part.text()
        if wrong is None:
            after = writer.text(before, html=part.content_type == "text/html")
            if after != before:
                edits += _edits(part, after)
    pieces, place = [], 0
    for start, end, new in sorted(edits):
        pieces += [outgoing.raw[place:start], new]
        place = end
    return b"".join([*pieces, outgoing.raw[place:]]), writer.links


class _Writer:
    """Changes the texts of one message; its links are numbered through all of them."""

    def __init__(self, outgoing: SentMessage, endpoint: str) -> None:
        self._outgoing = outgoing
        self._endpoint = endpoint
        self._pixel_placed = False
        self.links: list[Link] = []

    def text(self, text: str, *, html: bool) -> str:
        outgoing = self._outgoing
        if outgoing.list_management:
            url = tracking.unsubscribe_url(self._endpoint, outgoing.message_id)
            text = text.replace(UNSUBSCRIBE_PLACEHOLDER, url)
        if not html:
            return text
        if outgoing.track_clicks:
            first = len(self.links)
            text, found = tracking.rewrite_links(
                text,
                lambda number: tracking.click_url(
                    self._endpoint, outgoing.message_id, first + number
                ),
            )
            self.links += found
        if outgoing.track_opens and not self._pixel_placed:
            url = tracking.open_url(self._endpoint, outgoing.message_id)
            text, self._pixel_placed = tracking.add_pixel(text, url), True
        return tracking.without_placeholder(text)


def _bodies(message: Part) -> Iterator[Part]:
    """The texts that a mail program shows as the message."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        kind = part.content_type
        if part.children:
            if kind not in _CLOSED and not part.is_message:
                waiting.extend(reversed(part.children))
        elif _is_body(part):
            yield part


def _is_body(part: Part) -> bool:
    return (
        part.content_type in ("text/plain", "text/html")
        and part.encoding in ("base64", "quoted-printable", *_PLAIN)
        and part.disposition.main in ("", "inline")
        and part.name is None
    )


def _edits(part: Part, text: str) -> Iterator[_Edit]:
    """What makes this the text of a part, in its own charset and encoding if they can hold it."""
    label = part.charset
    codec = charsets.codec(label) if label else "ascii"
    try:
        content, charset = text.encode(codec or "utf-8"), None if codec else b"utf-8"
    except UnicodeEncodeError:
        content, charset = text.encode("utf-8", "replace"), b"utf-8"
    encoding = part.encoding
    if encoding in _PLAIN and not _fits(content, encoding):
        encoding = "quoted-printable"
    yield from _fields(part, charset, encoding)
    yield part.body, part.end, _encoded(content, encoding)


def _fits(content: bytes, encoding: str) -> bool:
    lines = content.split(b"\n")
    return all(len(line) <= _LINE_BYTES for line in lines) and (
        encoding != "7bit" or content.isascii()
    )


def _fields(part: Part, charset: bytes | None, encoding: str) -> Iterator[_Edit]:
    changed = encoding != part.encoding
    field = b"Content-Transfer-Encoding: " + encoding.encode() + b"\r\n"
    kind = b"Content-Type: " + part.content_type.encode() + b'; charset="utf-8"\r\n'
    for name, start, _, end in headers.ranges(part.data, *part.header):
        if name.lower() == b"content-transfer-encoding" and changed:
            yield start, end, field
            field = b""
        elif name.lower() == b"content-type" and charset:
            whole, found = _CHARSET.subn(rb'\1"' + charset + b'"', part.data[start:end])
            yield start, end, whole if found else kind
            kind = b""
    added = (field if changed else b"") + (kind if charset else b"")
    if added:
        blank = b"\r\n" if part.body == part.header[1] else b""
        yield part.header[1], part.header[1], added + blank


def _encoded(content: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        lines = [
            b2a_base64(content[start : start + 57], newline=False)
            for start in range(0, len(content), 57)
        ]
        return b"\r\n".join(lines)
    if encoding == "quoted-printable":
        lines = re.split(rb"\r?\n", content)
        return b"\r\n".join(b2a_qp(line, istext=False).replace(b"=\n", b"=\r\n") for line in lines)
    return content
