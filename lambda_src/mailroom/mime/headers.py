"""The fields of a header block."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FIELD", "MAX_FIELDS", "OTHER", "Field", "fields", "ranges"]

Field = tuple[str, str]
"""Name, and raw value with its folding."""

MAX_FIELDS = 30_000
"""Fields of one header that are given out; what follows belongs to the value of the last."""

# RFC 5322 allows "=" and quotes in names; here they are the rest of a parameter at the margin.
FIELD = re.compile(rb"^([!#-9;<>-~]+)[ \t]*:", re.MULTILINE)
OTHER = re.compile(rb"^(?![!#-9;<>-~]+[ \t]*:|[ \t])", re.MULTILINE)
"""Where a line begins that is neither a field nor indented."""
_BLANK = b" \t\r\n"


def fields(
    data: bytes, begin: int, end: int, *, only: bytes = b"", limit: int | None = None
) -> Iterator[Field]:
    """Yield the fields in *data* from *begin* to *end*; all of them, or those named ``only…``.

    With *limit*, values are cut after so many bytes. A line that is neither a field nor indented
    continues the field above it, as some programs fold parameters at the margin. Bytes beyond ASCII
    are surrogates, as in the ``email`` package.
    """
    names: dict[bytes, str] = {}
    for name, _, value, after in ranges(data, begin, end):
        if name.lower().startswith(only):
            yield names.setdefault(name, name.decode("ascii")), _value(data, value, after, limit)


def ranges(data: bytes, begin: int, end: int) -> Iterator[tuple[bytes, int, int, int]]:
    """Yield each field's name, and where it, its value, and what follows it begin."""
    last: tuple[bytes, int, int] | None = None
    for number, found in enumerate(FIELD.finditer(data, begin, end), start=1):
        if last is not None:
            yield *last, found.start()
        last = found[1], found.start(), found.end()
        if number == MAX_FIELDS:
            break
    if last is not None:
        yield *last, end


def _value(data: bytes, begin: int, end: int, limit: int | None) -> str:
    # Moved rather than stripped: a field may be as long as the message.
    while begin < end and data[end - 1] in _BLANK:
        end -= 1
    while begin < end and data[begin] in _BLANK:
        begin += 1
    end = end if limit is None else min(end, begin + limit)
    return str(memoryview(data)[begin:end], "ascii", "surrogateescape")
