"""Compares what the local AWS says with what AWS was recorded to say."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

RECORDED = Path(__file__).parents[2] / "payloads" / "recorded"
# Each difference that is meant, by file and path, with its reason; under "*" what SES has added to
# any payload since it was recorded.
ACCEPTED = json.loads((RECORDED / "differences.json").read_text())


@pytest.fixture(scope="session")
def record() -> Any:
    """Read the data of a recorded file."""

    def read(name: str) -> Any:
        return json.loads((RECORDED / f"{name}.json").read_text())["data"]

    return read


@pytest.fixture(scope="session")
def compare() -> Any:
    """Compare names and types at every depth, and the words in ``exactly``.

    What differs must be listed with its reason, and what is listed must differ.
    """

    def compared(name: str, recorded: Any, ours: Any, *, exactly: tuple[str, ...] = ()) -> None:
        newer = tuple(ACCEPTED["*"])
        found = set(_different(recorded, ours, "", exactly))
        assert {path for path in found if not path.endswith(newer)} == set(ACCEPTED.get(name, {}))

    return compared


def _different(recorded: Any, ours: Any, path: str, exactly: tuple[str, ...]) -> Iterator[str]:
    if isinstance(recorded, dict) and isinstance(ours, dict):
        for key in sorted((recorded.keys() | ours.keys()) - {"ResponseMetadata"}):
            if path.endswith(".tags") and not key.startswith("ses:"):
                continue  # of the sender's choice
            if key not in recorded:
                yield f"{path}.{key} added"
            elif key not in ours:
                yield f"{path}.{key} missing"
            else:
                yield from _different(recorded[key], ours[key], f"{path}.{key}", exactly)
    elif path.endswith(".headers"):
        names = [[header["name"] for header in each] for each in (recorded, ours)]
        if names[0] != names[1]:
            yield f"{path} {', '.join(names[1])}"
    elif isinstance(recorded, list) and isinstance(ours, list):
        if bool(recorded) != bool(ours):
            yield f"{path} {'empty' if recorded else 'not empty'}"
        elif recorded:
            yield from _different(recorded[0], ours[0], f"{path}[]", exactly)
    elif path.rpartition(".")[2] in exactly:
        if recorded != ours:
            yield f"{path} {ours!r}"
    elif not _masked(recorded) and _type(recorded) != _type(ours):
        yield f"{path} is {_type(ours)}"


def _masked(value: Any) -> bool:
    """Whether the recorder put a word in place of a number or a moment."""
    if isinstance(value, dict):
        return "__class__" in value
    return isinstance(value, str) and (
        value in ("date", "timestamp", "processing-time", "sent-last24-hours")
        or value.startswith("<")
    )


def _type(value: Any) -> str:
    return "null" if value is None else type(value).__name__
