"""What the user's transform may put into a row."""

from __future__ import annotations

import json

from mailroom.errors import InvalidAnswer
from mailroom.lake.rows import is_bigint
from mailroom.lake.schema import PARTITIONS, SCHEMA, TEXT_MAP, TEXTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["extend"]

_FIXED = frozenset(
    (*PARTITIONS, "event_key", "event_id", "ses_type", "event_time", "event_time_ms", "message_id")
)
_COLUMNS = {column.name: column for column in SCHEMA}


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_map(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(name, str) and isinstance(entry, str) for name, entry in value.items()
    )


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


_CHECKS: dict[str, Callable[[object], bool]] = {
    "string": _is_text,
    "bigint": is_bigint,
    "boolean": _is_boolean,
    TEXTS: _is_texts,
    TEXT_MAP: _is_map,
}


def extend(made: dict[str, Any], answer: object) -> None:
    """Put the *answer* of the user's transform into the row *made*; raise `InvalidAnswer`."""
    if not isinstance(answer, dict):
        raise InvalidAnswer(
            f"the transform returned a {type(answer).__name__}: return a dict or None"
        )
    extra: dict[str, str] = {}
    for name, value in answer.items():
        if not isinstance(name, str):
            raise InvalidAnswer(f"the transform returned the key {name!r:.80}: use strings as keys")
        if name in _FIXED:
            raise InvalidAnswer(f"the transform returned {name!r}: this column cannot be replaced")
        column = _COLUMNS.get(name)
        if column is None:
            if value is not None:
                extra[name] = value if isinstance(value, str) else json.dumps(value, default=str)
        elif not (_CHECKS[column.type](value) or (value is None and column.nullable)):
            raise InvalidAnswer(
                f"the transform returned a {type(value).__name__} for {name!r}: return "
                f"{column.type}{' or None' if column.nullable else ''}"
            )
        else:
            made[name] = value
    if extra:
        made["extra"] = {**(made["extra"] or {}), **extra}
