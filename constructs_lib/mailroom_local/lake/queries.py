"""How Athena decides: the text of queries and views, and of results."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Functions of Trino that DuckDB has by another name.
MACROS = (
    "approx_distinct(value) AS approx_count_distinct(value)",
    "approx_percentile(value, part) AS approx_quantile(value, part)",
    "arbitrary(value) AS any_value(value)",
    "array_join(list, delimiter) AS array_to_string(list, delimiter)",
    "element_at(container, key) AS container[key]",
    "from_iso8601_timestamp(text) AS CAST(text AS TIMESTAMPTZ)",
    "from_unixtime(seconds) AS to_timestamp(seconds)",
    "json_extract_scalar(document, path) AS json_extract_string(document, path)",
    "map_agg(key, value) AS map(list(key), list(value))",
    "regexp_like(text, pattern) AS regexp_matches(text, pattern)",
    "to_unixtime(moment) AS epoch(moment)",
)


def with_parameters(sql: str, values: Sequence[str]) -> str:
    """The statement with its execution parameters instead of question marks.

    Raises ValueError if there are more or fewer.
    """
    waiting = list(values)
    pieces = []
    for piece in re.findall(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|.", sql, re.DOTALL):
        if piece == "?":
            if not waiting:
                raise ValueError("more question marks than execution parameters")
            piece = waiting.pop(0)
        pieces.append(piece)
    if waiting:
        raise ValueError("more execution parameters than question marks")
    return "".join(pieces)


_VIEW = re.compile(
    r"(?:\s|--[^\n]*\n)*CREATE\s+(?P<replace>OR\s+REPLACE\s+)?VIEW\s+"
    r"(?:\"?(?P<database>\w+)\"?\.)?\"?(?P<name>\w+)\"?\s+AS\s+(?P<query>.*?);?\s*",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewView:
    """A view that a statement creates."""

    database: str | None
    name: str
    query: str
    replace: bool


def new_view(sql: str) -> NewView | None:
    """The view that a statement creates, if it does."""
    found = _VIEW.fullmatch(sql)
    if found is None:
        return None
    database = found["database"]
    return NewView(
        database=database.lower() if database else None,
        name=found["name"].lower(),
        query=found["query"],
        replace=bool(found["replace"]),
    )


def view_text(query: str) -> str:
    """A view's query as Athena stores it in Glue."""
    document = json.dumps({"originalSql": query})
    return f"/* Presto View: {base64.b64encode(document.encode()).decode()} */"


def view_query(table: Mapping[str, Any]) -> str | None:
    """The query of a table that is a view."""
    found = re.fullmatch(
        r"/\* Presto View: (\S+) \*/", str(table.get("ViewOriginalText") or "").strip()
    )
    if found is None:
        return None
    return str(json.loads(base64.b64decode(found[1]))["originalSql"])


def shown(value: Any) -> Any:
    """A value as Athena writes it into a result."""
    if isinstance(value, list):
        return "[" + ", ".join("null" if each is None else str(shown(each)) for each in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}={shown(each)}" for key, each in value.items()) + "}"
    return value
