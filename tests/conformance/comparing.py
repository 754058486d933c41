"""What differs between two observations, in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

# What differs from run to run, wherever it stands.
_RUN_DEPENDENT = (
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}-\d{6}\b", "<message id>"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uuid>"),
    (r"\b[0-9a-z]{40}\b", "<message id>"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?", "<time>"),
)


def masked(value: Any, names: Mapping[str, str]) -> Any:
    """The value with what depends on the run replaced; `names` maps texts to their masks."""
    if isinstance(value, dict):
        return {masked(key, names): masked(each, names) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [masked(each, names) for each in value]
    if isinstance(value, str):
        for text, mask in names.items():
            value = value.replace(text, mask)
        for pattern, mask in _RUN_DEPENDENT:
            value = re.sub(pattern, mask, value)
        return value
    json.dumps(value)
    return value


def differences(
    before: Any, now: Any, *, part: bool = False, was: str = "recorded", path: str = ""
) -> list[str]:
    """One sentence for each difference; with `part`, keys that `before` lacks do not count."""
    return list(_different(before, now, part, was, path))


def _different(before: Any, now: Any, part: bool, was: str, path: str) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        for key in [*before, *(key for key in now if key not in before)]:
            inner = f"{path} > {key}" if path else str(key)
            if key not in now:
                yield f"{inner}: {was} {shown(before[key])}, now absent"
            elif key in before:
                yield from _different(before[key], now[key], part, was, inner)
            elif not part:
                yield f"{inner}: now {shown(now[key])}, not {was}"
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for number, (one, other) in enumerate(zip(before, now, strict=True), 1):
            yield from _different(
                one, other, part, was, f"{path} > {number}" if path else f"{number}"
            )
    elif before != now or type(before) is not type(now):
        yield f"{path or 'the result'}: {was} {shown(before)}, now {shown(now)}"


def shown(value: Any, *, limit: int = 400) -> str:
    """The value for a reader, without brackets and quotes where it needs none."""
    text = _shown(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_shown(each)}" for key, each in value.items()) or "nothing"
    if isinstance(value, list):
        return ", ".join(_shown(each) for each in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "nothing"
    if value == "":
        return "an empty text"
    return str(value)
