"""The fields of a header block."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Field = tuple[str, str]  # name, and raw value with its folding

__all__ = ["FIELD", "MAX_FIELDS", "Field", "fields"]

MAX_FIELDS = 30_000
"""Fields of one header that are given out; what follows belongs to the value of the last."""

# RFC 5322 allows "=" and quotes in names; here they are the rest of a parameter at the margin.
FIELD = re.compile(rb"^([!#-9;<>-~]+)[ \t]*:", re.MULTILINE)
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
    name = b""
    value = count = 0
    for found in FIELD.finditer(data, begin, end):
        if name and name.lower().startswith(only):
            yield (
                names.setdefault(name, name.decode("ascii")),
                _value(data, value, found.start(), limit),
            )
            count += 1
        name, value = found[1], found.end()
        if count >= MAX_FIELDS - 1:
            break
    if name and name.lower().startswith(only):
        yield names.setdefault(name, name.decode("ascii")), _value(data, value, end, limit)


def _value(data: bytes, begin: int, end: int, limit: int | None) -> str:
    # Moved rather than stripped: a field may be as long as the message.
    while begin < end and data[end - 1] in _BLANK:
        end -= 1
    while begin < end and data[begin] in _BLANK:
        begin += 1
    end = end if limit is None else min(end, begin + limit)
    return str(memoryview(data)[begin:end], "ascii", "surrogateescape")
