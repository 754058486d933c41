"""The answer to a query: rows with Python's types, what it read, and what that costs."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

__all__ = ["DOLLARS_PER_TERABYTE", "LEAST_BILLED", "Answer", "column_names", "price", "typed"]

# Athena, SQL queries, us-east-1 in November 2026; some regions cost more. Rounded up to a megabyte,
# 10 MB at least; definitions (DDL) and failed queries are free. https://aws.amazon.com/athena/pricing/
DOLLARS_PER_TERABYTE = 5.0
LEAST_BILLED = 10 * 1024**2
_MEGABYTE, _TERABYTE = 1024**2, 1024**4


def price(bytes_read: int) -> float:
    """Return what Athena charges for a query that read so many bytes, in US dollars."""
    megabytes = -(-max(bytes_read, LEAST_BILLED) // _MEGABYTE)
    return megabytes * _MEGABYTE / _TERABYTE * DOLLARS_PER_TERABYTE


class Answer:
    """The answer to a query.

    Args:
        rows: The rows, each a value by column name.
        columns: Athena's type of each column, in order.
        bytes_read: The bytes that the query read.
        billed: Whether Athena charges for such a statement; not for definitions, such as a view's.
        milliseconds: How long it took.
        query_id: Athena's id of the query.
        truncated: Whether there were more rows.
    """

    __slots__ = (
        *("billed", "bytes_read", "columns", "milliseconds", "query_id", "rows", "truncated"),
    )

    def __init__(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        columns: Mapping[str, str] | None = None,
        bytes_read: int = 0,
        billed: bool = True,
        milliseconds: int = 0,
        query_id: str = "",
        truncated: bool = False,
    ) -> None:
        self.rows: list[dict[str, Any]] = [dict(row) for row in rows]
        """The rows: numbers, truth values, dates and times as Python has them, ``None`` for NULL.

        Arrays and maps are text as Athena writes them: ``[a, b]`` and ``{k=v}``.
        """
        self.columns: dict[str, str] = dict(columns or {})
        """Athena's type of each column, in order."""
        self.bytes_read = bytes_read
        """The bytes that the query read."""
        self.billed = billed
        """Whether Athena charges for such a statement."""
        self.milliseconds = milliseconds
        """How long it took."""
        self.query_id = query_id
        """Athena's id of the query."""
        self.truncated = truncated
        """Whether there were more rows than were asked for."""

    @property
    def price(self) -> float:
        """What Athena charges, in US dollars, at the price of us-east-1."""
        return price(self.bytes_read) if self.billed else 0.0

    def __repr__(self) -> str:
        return f"<Answer {len(self.rows)} rows, {self.bytes_read} bytes read>"


def column_names(names: Sequence[str]) -> list[str]:
    """Return *names* without duplicates: the second ``count`` becomes ``count_2``."""
    found: list[str] = []
    for name in names:
        number, unique = 1, name
        while unique in found:
            number += 1
            unique = f"{name}_{number}"
        found.append(unique)
    return found


def typed(text: str | None, kind: str) -> Any:
    """Return a value of Athena's type *kind* as Python has it; text where Python has no such type.

    Args:
        text: The value as Athena writes it; ``None`` for NULL.
        kind: The column's type.
    """
    if text is None:
        return None
    convert = _CONVERTERS.get(kind.partition("(")[0].lower())
    if convert is None:
        return text
    try:
        return convert(text)
    except (ArithmeticError, ValueError):
        return text


def _decimal(text: str) -> Any:
    from decimal import Decimal

    return Decimal(text)


def _date(text: str) -> Any:
    from datetime import date

    return date.fromisoformat(text)


def _timestamp(text: str) -> Any:
    from datetime import UTC, datetime

    moment = datetime.fromisoformat(text.removesuffix(" UTC"))
    return moment.replace(tzinfo=UTC) if text.endswith(" UTC") else moment


_CONVERTERS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("tinyint", "smallint", "integer", "int", "bigint"), int),
    **dict.fromkeys(("float", "real", "double"), float),
    "boolean": "true".__eq__,
    "decimal": _decimal,
    "date": _date,
    "timestamp": _timestamp,
    "timestamp with time zone": _timestamp,
}
