"""The answer to a query as a table, as CSV and as JSON's types, and what it cost."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mailroom.lake.answers import DOLLARS_PER_TERABYTE
from mailroom_cli.terminal import text, visible

if TYPE_CHECKING:
    from mailroom.lake import Answer, SavedQuery

_GAP = 2
# Text wraps below this width only if there is no other way.
_TEXT_WIDTH = 14
_NULL_STYLE = "dim"
_UNITS = ("bytes", "KB", "MB", "GB", "TB")


def saved(queries: Mapping[str, SavedQuery]) -> RenderableType:
    """Return the saved queries, with their parameters and what they answer."""
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("query", no_wrap=True)
    table.add_column("parameters")
    table.add_column("answers", overflow="fold")
    for query in queries.values():
        table.add_row(
            text(query.name, "cyan"),
            text(", ".join(query.parameters)),
            text(query.description.partition(". ")[0]),
        )
    return table


def table(answer: Answer, width: int) -> RenderableType:
    """Return the rows as a table, or one below the other where a table would be too wide.

    Args:
        answer: The answer.
        width: The width of the terminal.
    """
    names = list(answer.columns or (answer.rows[0] if answer.rows else ()))
    cells = [[_cell(row[name]) for row in answer.rows] for name in names]
    numeric = [
        any(row[name] is not None for row in answer.rows)
        and all(_is_number(row[name]) for row in answer.rows if row[name] is not None)
        for name in names
    ]
    longest = [max((cell.cell_len for cell in column), default=0) for column in cells]
    headers = [visible(name) for name in names]
    natural = [max(len(name), size) for name, size in zip(headers, longest, strict=True)]
    gaps = len(names) - 1
    if sum(natural) + _GAP * gaps <= width:
        return _grid(headers, cells, numeric, natural, gap=_GAP)
    headers = [name.replace("_", "_\n") for name in headers]
    least = [
        max(*(len(part) for part in header.split("\n")), size if number else min(size, _TEXT_WIDTH))
        for header, size, number in zip(headers, longest, numeric, strict=True)
    ]
    for gap in (_GAP, 1):
        if sum(least) + gap * gaps <= width:
            return _grid(headers, cells, numeric, least, gap=gap)
    return _records(names, cells)


def csv_lines(answer: Answer, *, harmless: bool) -> str:
    """Return the rows as CSV with a header; NULL is an empty field.

    Args:
        answer: The answer.
        harmless: Whether to show control characters as escapes, for a terminal.
    """
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    names = list(answer.columns or (answer.rows[0] if answer.rows else ()))
    for row in (names, *([row[name] for name in names] for row in answer.rows)):
        fields = ["" if value is None else _written(value) for value in row]
        writer.writerow([visible(field) for field in fields] if harmless else fields)
    return target.getvalue().removesuffix("\n")


def document(name: str | None, answer: Answer, *, local: bool) -> dict[str, Any]:
    """Return an answer in JSON's types, for programs.

    Args:
        name: The saved query, if it was one.
        answer: The answer.
        local: Whether the local AWS gave it, which costs nothing.
    """
    return {
        "query": name,
        "columns": answer.columns,
        "rows": [{column: _plain(value) for column, value in row.items()} for row in answer.rows],
        "truncated": answer.truncated,
        "bytes_read": answer.bytes_read,
        "price_usd": 0.0 if local else answer.price,
        "milliseconds": answer.milliseconds,
        "query_id": answer.query_id,
    }


def cost(answers: Sequence[Answer], *, local: bool) -> str:
    """Return a line about what queries read, and what that costs.

    Args:
        answers: Their answers.
        local: Whether the local AWS gave them.
    """
    read = size(sum(answer.bytes_read for answer in answers))
    if local:
        return f"{read} read by the local AWS, which reads whole tables and costs nothing"
    dollars = sum(answer.price for answer in answers)
    return (
        f"{read} read, about ${dollars:.{2 if dollars >= 1 else 5}f} at "
        f"${DOLLARS_PER_TERABYTE:g} per TB and at least 10 MB a query"
    )


def size(count: int) -> str:
    """Return a number of bytes in a unit that suits it: ``21.4 KB``."""
    number = float(count)
    for unit in _UNITS[:-1]:
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} {_UNITS[-1]}"


def _grid(
    headers: Sequence[str],
    cells: Sequence[Sequence[Text]],
    numeric: Sequence[bool],
    widths: Sequence[int],
    *,
    gap: int,
) -> RenderableType:
    grid = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="bold")
    for header, number, width in zip(headers, numeric, widths, strict=True):
        grid.add_column(
            Text(header),
            justify="right" if number else "left",
            vertical="top",
            min_width=width,
            overflow="fold",
        )
    for row in zip(*cells, strict=True):
        grid.add_row(*row)
    return grid


def _records(names: Sequence[str], cells: Sequence[Sequence[Text]]) -> RenderableType:
    parts: list[RenderableType] = []
    for number, row in enumerate(zip(*cells, strict=True), start=1):
        record = Table.grid(padding=(0, _GAP, 0, 0))
        record.add_column(overflow="fold")
        record.add_column(overflow="fold")
        for name, cell in zip(names, row, strict=True):
            if cell.style != _NULL_STYLE:
                record.add_row(text(name, "cyan"), cell)
        parts += [text(f"row {number}", "bold"), record]
    return Group(*parts)


def _cell(value: Any) -> Text:
    return text("-", _NULL_STYLE) if value is None else text(_written(value))


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        # JSON has no infinity, and no value that is not a number.
        return value if math.isfinite(value) else str(value)
    return value if value is None or isinstance(value, str | int) else str(value)
