"""Header fields, as SES reports them to functions and in events."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from mailroom import mime
from mailroom.mime import addresses, words

Headers = Sequence[tuple[str, str]]

_BLANK_LINE = re.compile(rb"(?:\A|\n)\r?\n")


def header_block(raw: bytes) -> bytes:
    """The header of a message, with the blank line that ends it."""
    blank = _BLANK_LINE.search(raw)
    return raw[: blank.end()] if blank else raw


def read_headers(raw: bytes) -> list[tuple[str, str]]:
    """The header fields of a message, unfolded, encoded words not decoded."""
    # Only the header is read, by the reader that handlers have, too.
    fields = mime.parse(header_block(raw)).fields
    return [(name, re.sub(r"[\r\n]+(?=[ \t])", "", value)) for name, value in fields]


def header_of(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    """The first header field of that name."""
    for found, value in headers:
        if found.lower() == name.lower():
            return value.strip()
    return None


def described(headers: Headers, *, max_bytes: int) -> tuple[list[dict[str, str]], bool]:
    """The ``headers`` of an event, and whether fields beyond the limit are cut."""
    kept: list[dict[str, str]] = []
    size = 0
    for name, value in headers:
        size += len(f"{name}: {value}\r\n".encode("utf-8", "surrogateescape"))
        if size > max_bytes:
            return kept, True
        kept.append({"name": name, "value": printable(value)})
    return kept, False


def decode(value: str) -> str:
    """A header's text with its encoded words decoded."""
    return words.decode(value)


def printable(value: str) -> str:
    """A header's text as JSON can carry it."""
    # Bytes of no known charset are surrogates here, which JSON cannot carry. So are other halves of
    # pairs, which stand for no byte.
    try:
        data = value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        data = value.encode("utf-8", "replace")
    return data.decode("utf-8", "replace")


def addressed(raw: bytes) -> list[str]:
    """The recipients that a message's own header names."""
    named = [value for name, value in read_headers(raw) if name.lower() in ("to", "cc", "bcc")]
    return [address for _, address in mailboxes(named)]


def mailboxes(values: Iterable[str]) -> list[tuple[str, str]]:
    """The display name and address of every mailbox in address fields, however they are written."""
    found = [one for value in values for one in addresses.parse(value).mailboxes]
    return [one for one in found if one[1]]


def address_of(value: str) -> str:
    """The bare address of one mailbox, with or without a display name; empty if there is none."""
    found = mailboxes([value])
    return found[0][1] if found else ""


def shown_mailboxes(value: str) -> list[str]:
    """The mailboxes of an address field as ``commonHeaders`` has them."""
    return [
        f"{_quoted(display)} <{address}>" if display else address
        for display, address in mailboxes([value])
    ]


def _quoted(display: str) -> str:
    return display if re.fullmatch(r"[^\"(),.:;<>@\[\]\\]+", display) else f'"{display}"'


def timestamp(moment: datetime) -> str:
    """A moment as SES writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def subject_of(raw: bytes) -> str:
    """The subject for the journal: the first one, decoded."""
    return decode(header_of(read_headers(raw), "subject") or "")
