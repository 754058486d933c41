"""The tree of a message: which bytes are which part (RFC 2046), in one pass over its lines.

A part is a range of the message, nothing is copied. The innermost open multipart whose boundary a
line has is the one that the line belongs to, so that multiparts that reuse a boundary, and those
that are never closed, come apart as in mail programs.
"""

from __future__ import annotations

import re

from mailroom.mime.headers import FIELD, OTHER
from mailroom.mime.parameters import MOST
from mailroom.mime.parts import Part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MAX_DEPTH", "MAX_PARTS", "parse"]

MAX_DEPTH = 100
"""Multiparts and attached messages inside one another; what is deeper is one unread part."""
MAX_PARTS = 1500
"""Parts of a message; the last one holds all that follows."""

_DASHES = re.compile(rb"^--", re.MULTILINE)
_END = re.compile(rb"^(?:(\r?\n)|--)", re.MULTILINE)
_AS_IT_IS = re.compile(rb"^[ \t]*(?:content-[a-z-]+[ \t]*:|--|begin[ \t])", re.M | re.I)
_JOINED = re.compile(rb"=[ \t]*\r?\n[ \t]*(?:content-[a-z-]+[ \t]*:|--|begin[ \t])", re.I)
_UNCLOSED = "the closing boundary of a multipart is missing"
_ASIDE = 3  # lines of a header that may be a boundary without the blank line before it


def parse(data: bytes) -> Part:
    """Return the message *data* as a part; never raises."""
    root = Part(data, 0, len(data), "text/plain")
    budget = [MAX_PARTS]
    waiting = [(root, 0)]
    while waiting:
        message, depth = waiting.pop()
        for part, inside in _Scan(message, depth, budget).run():
            # A message that is encoded although RFC 2046 §5.2.1 forbids it: mail programs open it.
            content, _ = part.content()
            # Some do not decode it: these see a field, or a boundary, that the content hides.
            found = _AS_IT_IS if part.encoding != "quoted-printable" else _JOINED
            if found.search(part.data, part.body, part.end):
                part.note("an attached message is encoded, and may be read as it is")
            attached = Part(content, 0, len(content), "text/plain")
            part.children = [attached]
            waiting.append((attached, inside + 1))
    return root


class _Scan:
    """One pass over the bytes of *message*.

    ``open`` are the parts that have children, from the outside in; ``levels`` tells by a boundary
    which of them have it.
    """

    def __init__(self, message: Part, depth: int, budget: list[int]) -> None:
        self.message = message
        self.data = message.data
        self.depth = depth
        self.budget = budget
        self.open: list[tuple[Part, list[bytes]]] = []
        self.levels: dict[bytes, list[int]] = {}
        self.encoded: list[tuple[Part, int]] = []

    def run(self) -> Iterator[tuple[Part, int]]:
        """Read all parts; yield those that are encoded messages, and how deep they are."""
        place = self._begin(self.message, self.message.start)
        last = self.message
        end = len(self.data)
        while (found := self._delimiter(place)) is not None:
            line, after, level, closes = found
            self._close(last, line, level)
            multipart = self.open[level][0]
            if closes:
                multipart.closed = True
                self._pop()
                last, place = multipart, after
                continue
            self.budget[0] -= 1
            default = "message/rfc822" if multipart.content_type.endswith("/digest") else ""
            part = Part(self.data, after, end, default or "text/plain")
            multipart.children.append(part)
            last = part
            if self.budget[0] <= 0:
                part.note(f"the message has more than {MAX_PARTS} parts; this holds the rest")
                part.body = self._header(part, after)
                break
            place = self._begin(part, after)
            last = self._innermost(part)
        self._close(last, end, 0)
        while self.open:
            multipart = self.open[-1][0]
            if multipart.content_type.startswith("multipart/"):
                if multipart.children:
                    multipart.note(_UNCLOSED, unread=False)
                else:
                    multipart.note("a multipart has no parts: its boundary is nowhere in it")
            self._pop()
        yield from self.encoded

    def _innermost(self, part: Part) -> Part:
        while part.children:
            part = part.children[-1]
        return part

    def _begin(self, part: Part, place: int) -> int:
        """Read the header of *part*, and of messages attached in it; return where to go on."""
        while True:
            part.body = place = self._header(part, place)
            if part.cut:
                part.note(f"a field has more than {MOST} bytes; the rest of it is not read")
            kind = part.content_type
            if kind.startswith("multipart/"):
                boundaries = part.boundaries
                if not boundaries:
                    part.note("a multipart has no boundary")
                elif self._enter(part):
                    self._push(part, boundaries)
                return place
            if not kind.startswith("message/") or kind == "message/delivery-status":
                return place
            if part.encoding in ("base64", "quoted-printable", "uuencode"):
                if self._enter(part):
                    self.encoded.append((part, self.depth + len(self.open)))
                return place
            if not self._enter(part):
                return place
            self._push(part, [])
            attached = Part(self.data, place, len(self.data), "text/plain")
            part.children.append(attached)
            part = attached

    def _enter(self, part: Part) -> bool:
        if self.depth + len(self.open) < MAX_DEPTH:
            return True
        part.note(f"parts are nested more than {MAX_DEPTH} deep; this one is not opened")
        return False

    def _push(self, part: Part, boundaries: list[bytes]) -> None:
        for boundary in boundaries:
            self.levels.setdefault(boundary, []).append(len(self.open))
        self.open.append((part, boundaries))

    def _pop(self) -> None:
        _, boundaries = self.open.pop()
        for boundary in boundaries:
            levels = self.levels[boundary]
            levels.pop()
            if not levels:
                del self.levels[boundary]

    def _close(self, last: Part, line: int, level: int) -> None:
        """End every part inside of *level* before the *line* of its boundary."""
        end = line
        if line < len(self.data):
            # The line end before a boundary belongs to the boundary (RFC 2046 §5.1.1).
            end -= self.data[line - 1 : line] == b"\n"
            end -= self.data[end - 1 : end] == b"\r" and end < line
        if last is not (self.open[level][0] if self.open else None):
            last.finish(end)
        while len(self.open) > level + 1:
            part = self.open[-1][0]
            part.finish(end)
            if part.content_type.startswith("multipart/") and not part.closed:
                part.note(_UNCLOSED, unread=False)
            self._pop()

    def _header(self, part: Part, begin: int) -> int:
        """Find the end of the header at *begin*; set its range, and return where the body is."""
        data, aside = self.data, _ASIDE
        stop = len(data)
        for found in _END.finditer(data, begin):
            place = found.start()
            if found[1]:
                if place == begin or FIELD.search(data, begin, place):
                    part.header = begin, place
                    return found.end()
                # Not one field: this is the body of a part without a header.
                return begin
            if self._named(place) or (aside > 0 and self._own(begin, place)):
                stop = place
                break
            aside -= 1
        # There is no blank line. What is neither a field nor indented begins the body.
        if not FIELD.match(data, begin, stop):
            return begin
        other = OTHER.search(data, begin, stop)
        part.header = begin, other.start() if other else stop
        return part.header[1]

    def _own(self, begin: int, place: int) -> bool:
        """Whether the line at *place* is a boundary that the header from *begin* declares."""
        so_far = Part(self.data, begin, place, "text/plain")
        so_far.header = begin, place
        return so_far.content_type.startswith("multipart/") and (
            self._line(place) in so_far.boundaries
        )

    def _line(self, place: int) -> bytes:
        """Return the line at *place* without its dashes and end."""
        after = self.data.find(b"\n", place)
        return self.data[place + 2 : len(self.data) if after < 0 else after].rstrip(b" \t\r")

    def _named(self, place: int) -> tuple[int, bool] | None:
        """Return level and kind of the boundary in the line at *place*; ``None`` if it has none."""
        if not self.levels:
            return None
        line = self._line(place)
        levels = self.levels.get(line)
        if levels:
            return levels[-1], False
        if line.endswith(b"--"):
            levels = self.levels.get(line[:-2].rstrip(b" \t"))
            if levels:
                return levels[-1], True
        return None

    def _delimiter(self, place: int) -> tuple[int, int, int, bool] | None:
        """Find the next boundary from *place*: its line, where it ends, its level, and its kind."""
        if not self.levels:
            return None
        for found in _DASHES.finditer(self.data, place):
            named = self._named(found.start())
            if named is not None:
                after = self.data.find(b"\n", found.start()) + 1 or len(self.data)
                return found.start(), after, *named
        return None
