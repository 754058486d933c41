"""What the workers found, as tables."""

from __future__ import annotations

from collections import Counter
from typing import Any

from proof.result import Result, Table

__all__ = ["described"]

_OUTCOMES = ("handled", "failed", "dead-lettered", "skipped", "unhandled", "lost")
_MILLI = 1_000
_ALIKE = 40
"""Faults whose texts begin with as many equal letters are of one kind."""


def described(
    results: list[dict[str, Any]], *, records: int, messages: int, seed: int, only: str | None
) -> Result:
    """Return the result of all *results* of workers."""
    died = [one for one in results if "died" in one]
    whole = [one for one in results if "died" not in one]
    outcomes = Table(
        title="What became of the mutated inputs",
        columns=["function", "input", "inputs", *_OUTCOMES],
        numeric=len(_OUTCOMES) + 1,
    )
    times = Table(
        title="CPU time of one input, and memory of its process",
        columns=[
            "function",
            "input",
            "p50 ms",
            "p99 ms",
            "worst ms",
            "worst input",
            "most MB",
            "grew by MB for",
        ],
        numeric=6,
    )
    totals: Counter[str] = Counter()
    lost = len(died)
    for name, what in dict.fromkeys((one["name"], one["what"]) for one in whole):
        mine = [one for one in whole if (one["name"], one["what"]) == (name, what)]
        counts: Counter[str] = Counter()
        for one in mine:
            counts.update(one["outcomes"])
        totals[what] += counts.total()
        lost += counts["lost"]
        cells = [f"{counts[outcome]:,}" for outcome in _OUTCOMES]
        outcomes.rows.append([name, what, f"{counts.total():,}", *cells])
        times.rows.append([name, what, *_times(mine, name, what)])
    faults = [(one, index, text) for one in whole for index, text in one["faults"]]
    judged = f"{totals['records']:,} mutated records and {totals['messages']:,} mutated messages"
    notes = [f"{judged} were judged, seed {seed}; the good records among them are not counted"]
    notes.append("the worst time of an input in a batch is that of its batch, an upper bound")
    notes += [text for one in whole for text in one["shown"]]
    notes += [f"{one['what']}/{one['name']}: lost its process: {one['died']}" for one in died]
    notes += _kinds(faults)
    enough = only is not None or (totals["records"] >= records and totals["messages"] >= messages)
    if not enough:
        notes.append(f"that is less than the {records:,} and {messages:,} that were asked for")
    return Result(
        part="torture",
        claim=f"{lost} of {judged} are lost",
        command="make torture",
        holds=not (lost or faults or died) and enough,
        tables=[outcomes, times],
        notes=notes,
    )


def _kinds(faults: list[tuple[dict[str, Any], int | None, str]]) -> list[str]:
    """Return one line for each kind of fault and function, with the first input that shows it."""
    kinds: dict[str, list[str]] = {}
    for one, index, text in faults:
        place = f"{one['what']}/{one['name']}"
        kinds.setdefault(f"{place} {text[:_ALIKE]}", []).append(f"{place}:{index}: {text}")
    return [f"{found[0]} ({len(found)} such)" for found in kinds.values()]


def _times(mine: list[dict[str, Any]], name: str, what: str) -> list[str]:
    counts: Counter[int] = Counter()
    for one in mine:
        counts.update({int(bucket): count for bucket, count in one["counts"].items()})
    worst = max((tuple(pair) for one in mine for pair in one["worst"]), default=(0.0, 0))
    peak = max(one["peak_kib"] for one in mine)
    growth = max((tuple(pair) for one in mine for pair in one["memory"]), default=(0, 0))
    return [
        f"{_percentile(counts, 0.50) * _MILLI:.2f}",
        f"{_percentile(counts, 0.99) * _MILLI:.2f}",
        f"{worst[0] * _MILLI:.1f}",
        f"{what}/{name}:{worst[1]}",
        f"{peak / 1024:.0f}",
        f"{growth[0] / 1024:.0f} ({growth[1]})",
    ]


def _percentile(counts: Counter[int], part: float) -> float:
    """Return the time below which *part* of the inputs are, to a twentieth of a decade."""
    wanted, seen = counts.total() * part, 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= wanted:
            return float(10.0 ** ((bucket + 1) / 20))
    return 0.0
