"""Mutations of JSON: of its structure, and of its text."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

__all__ = ["Sample", "damaged_text", "mutated"]

Path = tuple[Any, ...]

_DEEP = (60, 400, 980, 3_000, 30_000)
_WRONG: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    float("nan"),
    float("inf"),
    2**63,
    -(10**30),
    "",
    " ",
    "\0",
    "\ud800",
    "\udfff\ud800x",
    "\r\nBcc: a@example.net\r\n",
    "\u202e\u2028\ufeff",
    "x" * 2_000,
    "\U0001f4e7" * 300,
    "=?utf-8?b?" + "A" * 300,
    "<" * 500,
    "a@b" * 200,
    "@",
    '"" <>',
    "2026-13-45T99:99:99.000Z",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59.999-23:59",
    "2026-11-27",
    "20261127T101112Z",
    "1764237600000",
    "Open",
    "Rendering Failure",
    "Permanent",
    "Received",
    "PASS",
    [],
    {},
    [None],
    [[]],
    [{}],
    ["a@example.com", 1],
    [{"emailAddress": "a@example.com"}, None],
    {"": None},
    {"status": "FAIL"},
    {"name": "From", "value": "x"},
)
_HUGE: tuple[Any, ...] = (
    "y" * 100_000,
    ["a@example.com"] * 2_000,
    {f"k{number}": number for number in range(1_000)},
    [{"name": "X", "value": "y"}] * 1_000,
)
_TOKENS = (
    "NaN",
    "-Infinity",
    "1e999",
    "-0",
    "9" * 400,
    "9" * 5_000,
    "0.1e-400",
    '"\\ud800"',
    '"\\u0000"',
    '"\\udc00\\ud800"',
    "'x'",
    "undefined",
    "01",
    "/**/1",
    '{"a":1,"a":{"a":[]}}',
    '""',
    "",
)
_DUPLICATES = (
    '"eventType":"Open",',
    '"mail":null,',
    '"mail":{},',
    '"messageId":1,',
    '"messageId":"another",',
    '"notificationType":"Received",',
    '"Records":[],',
    '"timestamp":"x",',
)
_SCALAR = re.compile(r'(?<=:)(?:"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|true|false|null)')


class Sample:
    """One payload, with what mutating it quickly needs."""

    def __init__(self, payload: Any) -> None:
        self.payload = payload
        self.text = json.dumps(payload, separators=(",", ":"))
        self.paths = list(_paths(payload))
        self.scalars = [found.span() for found in _SCALAR.finditer(self.text)]
        self.objects = [found.end() for found in re.finditer(r"\{", self.text)]


def _paths(value: Any, path: Path = ()) -> Any:
    if path:
        yield path
    if isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _paths(inner, (*path, key))


def mutated(random: Random, sample: Sample) -> Any:
    """Return a copy of the sample's payload with one to three changes of its structure."""
    value = sample.payload
    for _ in range(1 if random.random() < 0.6 else random.randint(2, 3)):
        path = sample.paths[int(random.random() * len(sample.paths))]
        value = _changed(random, value, path)
    return value


def _changed(random: Random, value: Any, path: Path) -> Any:
    """Return *value* with what is at *path* changed; only what is on the path is copied."""
    key, rest = path[0], path[1:]
    if isinstance(value, dict) and key in value:
        copy: Any = dict(value)
    elif isinstance(value, list) and isinstance(key, int) and key < len(value):
        copy = list(value)
    else:  # an earlier change has taken it away
        return value
    if rest:
        copy[key] = _changed(random, copy[key], rest)
        return copy
    choice = random.random()
    if choice < 0.25:
        del copy[key]
    elif choice < 0.75:
        copy[key] = _WRONG[int(random.random() * len(_WRONG))]
    elif choice < 0.80:
        copy[key] = [copy[key]]
    elif choice < 0.85:
        copy[key] = {"value": copy[key]}
    elif choice < 0.90:
        copy[key] = [copy[key]] * random.randint(2, 60)
    elif choice < 0.905:
        copy[key] = _HUGE[int(random.random() * len(_HUGE))]
    elif isinstance(copy, dict):
        renamed = str(key)
        new = random.choice((renamed.upper(), renamed + " ", renamed[:-1], "\0" + renamed, ""))
        copy[new] = copy.pop(key)
    else:
        copy.append(copy[key])
    return copy


def damaged_text(random: Random, sample: Sample, *, deepest: int = _DEEP[-1]) -> str:
    """Return the sample's text with one change, after which it need not be JSON.

    Args:
        random: The random numbers.
        sample: What is changed.
        deepest: How deep it may be nested. An event itself is not nested so deeply that Lambda's
            own JSON cannot write it again.
    """
    text = sample.text
    choice = random.random()
    if choice < 0.40:
        start, end = random.choice(sample.scalars)
        return text[:start] + random.choice(_TOKENS) + text[end:]
    if choice < 0.50:
        start, end = random.choice(sample.scalars)
        depth = min(random.choice(_DEEP) if random.random() < 0.2 else 60, deepest)
        opening, closing = random.choice((("[", "]"), ('{"a":', "}")))
        closed = closing * depth if random.random() < 0.8 else ""
        return text[:start] + opening * depth + "1" + closed + text[end:]
    if choice < 0.65:
        place = random.choice(sample.objects)
        return text[:place] + random.choice(_DUPLICATES) + text[place:]
    place = int(random.random() * len(text))
    if choice < 0.78:
        return text[:place]
    if choice < 0.90:
        return (
            text[:place]
            + chr(random.choice((0, 9, 34, 92, 123, 125, 0xD800, 0x1F4E7)))
            + text[place + 1 :]
        )
    if choice < 0.95:
        return random.choice(("\ufeff", " ", "\n\n", "\0", ")]}',")) + text
    return text + random.choice(("}", "\n", text, "\0", ",", "x" * 50))
