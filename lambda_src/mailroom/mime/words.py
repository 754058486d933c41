"""Header text: raw eight-bit bytes and encoded words (RFC 2047), also where they are forbidden."""

from __future__ import annotations

import re

from mailroom.mime import charsets, transfer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["decode", "one_line", "shown", "text"]

_WORD = re.compile(r"=\?([^?\s()<>@,;:\"]{1,100})\?([bBqQ])\?")
_HEX = re.compile(rb"=([0-9A-Fa-f]{2})")
# What str.splitlines takes for the end of a line: none may come out of an encoded word.
_BREAKS = re.compile("[\r\n\x00\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029]+")
_SURROGATES = re.compile("[\ud800-\udfff]")


def text(value: str) -> str:
    """Return *value*, in which surrogates stand for bytes beyond ASCII, as text."""
    if value.isascii():
        return value
    if not _SURROGATES.search(value):
        return value
    try:
        return charsets.decode(value.encode("utf-8", "surrogateescape"), None)[0]
    except UnicodeEncodeError:  # surrogates that stand for no byte
        return _SURROGATES.sub("?", value)


def one_line(value: str) -> str:
    """Return *value* without anything that a reader may take for the end of a line."""
    return _BREAKS.sub(" ", value) if _BREAKS.search(value) else value


def shown(value: str, limit: int) -> str:
    """Return *value* as one line of at most *limit* visible characters.

    Control characters, line separators, bidirectional overrides and lone surrogates become
    spaces, and several spaces one.
    """
    from unicodedata import category

    # Bounded first, because a sender may make it as long as they like.
    text = value[: limit * 8]
    visible = "".join(" " if category(char)[0] in "CZ" else char for char in text)
    return " ".join(visible.split())[:limit].rstrip()


def decode(value: str) -> str:
    """Return *value* as one line of text, with its encoded words decoded."""
    value = text(value)
    if "=?" not in value:
        return one_line(value)
    from itertools import groupby

    found: list[str] = []
    # Joined before they are decoded: senders split characters between two words.
    for charset, pieces in groupby(_pieces(value), key=lambda piece: piece[0]):
        raw = b"".join(one for _, one in pieces)
        found.append(raw.decode() if charset is None else charsets.decode(raw, charset)[0])
    return one_line("".join(found))


def _pieces(value: str) -> Iterator[tuple[str | None, bytes]]:
    """Yield ``(charset, bytes)`` of each encoded word, and ``(None, UTF-8)`` of what is between."""
    place = 0
    after_word = False
    while (start := _WORD.search(value, place)) is not None:
        end = value.find("?=", start.end())
        if end < 0:
            break
        between = value[place : start.start()]
        # White space between two words is not part of the text (RFC 2047 §6.2).
        if between.strip() or not after_word:
            yield None, between.encode()
        raw = value[start.end() : end].encode()
        if start[2] in "bB":
            raw, _ = transfer.decode(raw, "base64")
        else:
            raw = _HEX.sub(_byte, raw.replace(b"_", b" "))
        yield start[1].partition("*")[0].lower(), raw
        after_word = True
        place = end + 2
    yield None, value[place:].encode()


def _byte(found: re.Match[bytes]) -> bytes:
    return bytes((int(found[1], 16),))
