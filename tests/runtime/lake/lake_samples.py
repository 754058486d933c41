"""AWS's samples, odd values, and what a row must be."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from mailroom import lake
from mailroom.entry import lake as entry
from mailroom.testing import event_invocation

SAMPLES: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parents[2] / "payloads/sending_events").glob("*.json"))
}


def sample(name: str) -> dict[str, Any]:
    """Return a copy of AWS's sample *name*."""
    copy: dict[str, Any] = json.loads(json.dumps(SAMPLES[name]))
    return copy


def invoke(
    payloads: Sequence[Mapping[str, Any] | str],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the answers to *payloads*, and the lines that were printed."""
    output = io.StringIO()
    with redirect_stdout(output):
        answer = entry.handler(event_invocation(payloads, "firehose"))
    lines = [json.loads(line) for line in output.getvalue().splitlines()]
    return json.loads(json.dumps(answer))["records"], lines


def line(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of an answer, which must be one line of JSON."""
    text = base64.b64decode(answer["data"], validate=True).decode()
    assert text.endswith("\n")
    assert text.count("\n") == 1
    found: dict[str, Any] = json.loads(text)
    return found


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _map(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())


IS: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "bigint": lambda value: type(value) is int and -(2**63) <= value < 2**63,
    "boolean": lambda value: isinstance(value, bool),
    "array<string>": _texts,
    "map<string,string>": _map,
}


def assert_fits(made: Mapping[str, Any]) -> None:
    """Assert that *made* has the schema's columns, in order, each of its type."""
    assert list(made) == [column.name for column in lake.SCHEMA]
    for column in lake.SCHEMA:
        value = made[column.name]
        if value is None:
            assert column.nullable, column
        else:
            assert IS[column.type](value), (column, value)
