"""The text of a query: its parameters and days, and values as SQL literals."""

from __future__ import annotations

import re

from mailroom.errors import InvalidQuery

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["execution_parameters", "literal", "parameter_names", "with_days"]

# What is in comments and quotes is found first, so that a question mark there is only text.
_PARTS = re.compile(
    r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\""
    r"|(?P<days>\bcurrent_date\s*-\s*interval\s*'\d+'\s*day\b)|(?P<mark>\?)",
    re.IGNORECASE | re.DOTALL,
)
_COMPARED = re.compile(r"(\w+)\"?\s*(?:=|<>|!=|<=|>=|<|>|\bLIKE)\s*$", re.IGNORECASE)
_NEAR = 300  # characters before a question mark in which its column is
_DAYS = range(1, 36_501)
# https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html
_LONGEST = 1024


def parameter_names(sql: str) -> list[str]:
    """Return the names of the parameters of *sql*, one for each question mark.

    SQL does not name them. In ``message_id = ?`` it is ``message_id``; where a parameter is not
    compared with a column, or the column is compared twice, it is its number, from 1.
    """
    names = []
    for found in _PARTS.finditer(sql):
        if found["mark"]:
            column = _COMPARED.search(sql, max(found.start() - _NEAR, 0), found.start())
            names.append(column[1].lower() if column else "")
    return [
        name if name and names.count(name) == 1 else str(number)
        for number, name in enumerate(names, start=1)
    ]


def execution_parameters(sql: str, given: Mapping[str, object] | Sequence[object]) -> list[str]:
    """Return the parameters of *sql* in Athena's spelling, in the order of its question marks.

    Args:
        sql: The query.
        given: The values, by name or number, or in order.

    Raises:
        InvalidQuery: Values are missing, unknown, or cannot be a parameter.
    """
    names = parameter_names(sql)
    if isinstance(given, str | bytes):
        raise InvalidQuery(f"parameters is {given!r}: pass a mapping or a list of values")
    items = getattr(given or {}, "items", None)
    if items is None:
        if len(given) != len(names):
            raise InvalidQuery(
                f"parameters has {len(given)} values: pass {len(names)}{_listed(names)}"
            )
        return [literal(value, name) for name, value in zip(names, given, strict=True)]
    values: dict[str, object] = {str(name).lower(): value for name, value in items()}
    found = []
    missing = []
    for number, name in enumerate(names, start=1):
        key = name if name in values else str(number)
        if key in values:
            found.append(literal(values.pop(key), name))
        else:
            missing.append(name)
    if missing:
        raise InvalidQuery(f"no value for the parameter {', '.join(missing)}: pass one")
    if values:
        raise InvalidQuery(
            f"{', '.join(values)} is not a parameter of the query: it has "
            + (", ".join(names) or "none")
        )
    return found


def with_days(sql: str, days: int) -> str:
    """Return *sql* over the last *days* days instead of its own number of them.

    Raises:
        InvalidQuery: It is not a number of days, or the query has no ``current_date - INTERVAL
            '30' DAY`` to replace.
    """
    if type(days) is not int or days not in _DAYS:
        raise InvalidQuery(f"days is {days!r}: pass a whole number from 1 to {_DAYS[-1]}")
    count = 0

    def replaced(found: re.Match[str]) -> str:
        nonlocal count
        if not found["days"]:
            return found[0]
        count += 1
        return re.sub(r"'\d+'", f"'{days}'", found["days"])

    changed = _PARTS.sub(replaced, sql)
    if not count:
        raise InvalidQuery(
            f"days is {days}, but the query has no current_date - INTERVAL '30' DAY to change: "
            "omit days, or write that into the query"
        )
    return changed


def literal(value: object, name: str) -> str:
    """Return *value* as a literal of Athena's SQL.

    Athena evaluates an execution parameter, so text without quotes would be SQL. Times are written
    as the lake has them: text in UTC, with milliseconds.

    Args:
        value: Text, a number, a truth value, a date, or a time with its zone.
        name: The parameter's name, for errors.

    Raises:
        InvalidQuery: It cannot be a parameter.
    """
    from datetime import UTC, date, datetime
    from decimal import Decimal
    from math import isfinite

    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float | Decimal):
        if not isfinite(value):
            raise InvalidQuery(f"the parameter {name} is {value}: pass a finite number")
        return f"{value:f}" if isinstance(value, Decimal) else f"{value:.17E}"
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise InvalidQuery(f"the parameter {name} is {value}: pass a time with its time zone")
        value = value.astimezone(UTC).isoformat(timespec="milliseconds")[:23] + "Z"
    elif isinstance(value, date):
        value = value.isoformat()
    if not isinstance(value, str):
        raise InvalidQuery(
            f"the parameter {name} is {value!r}: pass text, a number, a bool, a date or a datetime"
        )
    text = "'" + value.replace("'", "''") + "'"
    if len(text) > _LONGEST:
        raise InvalidQuery(
            f"the parameter {name} has {len(text)} characters with its quotes: Athena takes "
            f"{_LONGEST}"
        )
    return text


def _listed(names: Sequence[str]) -> str:
    return f", for {', '.join(names)}" if names else ""
