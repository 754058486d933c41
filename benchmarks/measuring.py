"""Measures candidates in turns, and compares them round by round.

Every candidate takes its turn in every round, and who begins changes from round to round, so that
a busy machine slows all alike. A ratio is that of two figures of the same round.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from proof.result import Table

ROOT = Path(__file__).resolve().parent.parent
SOURCES = os.pathsep.join(map(str, (ROOT, ROOT / "constructs_lib", ROOT / "lambda_src")))
_TICKS = os.sysconf("SC_CLK_TCK")

T = TypeVar("T")
Measure = Literal["wall", "cpu", "memory"]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one piece of work took: seconds by the clock and of CPU, and bytes at most."""

    wall: float
    cpu: float = 0.0
    memory: float = 0.0


Costs = dict[str, list[Cost]]
"""The cost of each candidate in each round."""


@dataclass(frozen=True)
class Spread:
    """The median of several figures, the smallest and the largest."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Spread:
        return cls(statistics.median(figures), min(figures), max(figures))


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Ours against a peer: how many times as much ours takes."""

    subject: str
    what: str
    peer: str
    ratio: Spread
    by: Measure = "cpu"
    is_floor: bool = False
    """Whether the peer does only a part of the work, so that nobody could take less."""
    limit: float | None = None
    """What the ratio must not exceed."""
    why: str = ""
    """Why ours takes more, if it does."""

    @property
    def within(self) -> bool:
        """Whether the ratio is within its limit."""
        return self.limit is None or self.ratio.median <= self.limit


@dataclass
class Report:
    """What one subject found."""

    tables: list[Table] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    growth: list[Growth] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Growth:
    """How the cost of each candidate grows with the work."""

    title: str
    unit: str
    sizes: tuple[int, ...]
    costs: dict[str, list[float]]
    """Of each candidate, the median of each size: seconds, or bytes."""
    by: Measure = "cpu"

    def table(self) -> Table:
        """Return the figures, and what each more of the unit costs."""
        span = self.sizes[-1] - self.sizes[0]
        return Table(
            title=f"{self.title}, as the work grows ({_NAMES[self.by]})",
            columns=["", *(f"{size:,} {self.unit}" for size in self.sizes), "each more"],
            rows=[
                [
                    name,
                    *(shown(one, self.by) for one in found),
                    shown(max(0.0, found[-1] - found[0]) / span, self.by),
                ]
                for name, found in self.costs.items()
            ],
            numeric=len(self.sizes) + 1,
        )


_NAMES = {"wall": "clock", "cpu": "CPU", "memory": "memory"}


def in_turns(
    work: Mapping[str, Callable[[], T]], rounds: int, *, warm: bool = True
) -> dict[str, list[T]]:
    """Measure each candidate in each round; with *warm*, a first round is not counted."""
    names = list(work)
    costs: dict[str, list[T]] = {name: [] for name in names}
    for number in range(-1 if warm else 0, rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            cost = work[name]()
            if number >= 0:
                costs[name].append(cost)
    return costs


def repeated(
    work: Mapping[str, Callable[[], object]], repeats: int
) -> dict[str, Callable[[], Cost]]:
    """Return what measures each piece of work in this process, *repeats* times in a row."""

    def measuring(do: Callable[[], object]) -> Callable[[], Cost]:
        def measure() -> Cost:
            cpu, wall = time.process_time(), time.perf_counter()
            for _ in range(repeats):
                do()
            taken = time.perf_counter() - wall
            return Cost(wall=taken / repeats, cpu=(time.process_time() - cpu) / repeats)

        return measure

    return {name: measuring(do) for name, do in work.items()}


def process(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    *,
    cwd: Path | None = None,
) -> Cost:
    """Run a program to its end; CPU time is that of all its processes."""
    started = time.perf_counter()
    child = subprocess.Popen(
        command, env=environment, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert child.stderr is not None
    complaint = child.stderr.read()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stderr.close()
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)[:200]} failed:\n{complaint.decode()}")
    return Cost(wall=time.perf_counter() - started, cpu=used.ru_utime + used.ru_stime)


def python(*arguments: str, **environment: str) -> Cost:
    """Run this Python with the sources of the repository."""
    return process([sys.executable, *arguments], {**environ(), **environment})


def environ() -> dict[str, str]:
    """The environment of a program that imports the sources of the repository."""
    found = {name: value for name, value in os.environ.items() if not name.startswith("MAILROOM_")}
    # A function's modules are compiled once, and not at each cold start.
    found.pop("PYTHONDONTWRITEBYTECODE", None)
    rest = found.get("PYTHONPATH", "")
    return {**found, "PYTHONPATH": os.pathsep.join([SOURCES, rest]).rstrip(os.pathsep)}


def cpu_of(process_id: int) -> float:
    """The CPU seconds of a process, of those that it started, and of those that have ended."""
    try:
        text = Path(f"/proc/{process_id}/stat").read_text()
        children = [
            int(child)
            for task in Path(f"/proc/{process_id}/task").glob("*/children")
            for child in task.read_text().split()
        ]
    except OSError:  # it has ended meanwhile
        return 0.0
    fields = text.rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS + sum(map(cpu_of, children))


def figures(costs: Sequence[Cost], by: Measure) -> list[float]:
    """One measure of each round."""
    return [getattr(cost, by) for cost in costs]


def median(costs: Sequence[Cost], by: Measure) -> float:
    return statistics.median(figures(costs, by))


def ratio(ours: Sequence[Cost], peer: Sequence[Cost], by: Measure = "cpu") -> Spread:
    """How many times as much ours takes, round by round."""
    pairs = zip(figures(ours, by), figures(peer, by), strict=True)
    # Memory that cannot be told from none, and CPU below a tick, count as the least there is.
    least = {"wall": 1e-9, "cpu": 1e-9, "memory": 4096.0}[by]
    return Spread.of([max(a, least) / max(b, least) for a, b in pairs])


def table(title: str, costs: Costs, base: str, *, memory: bool = False) -> Table:
    """The medians of each candidate, and the ratio to *base* with its spread."""
    rounds = len(costs[base])
    rows = []
    for name, found in costs.items():
        by_cpu = ratio(found, costs[base])
        row = [
            name,
            shown(median(found, "wall"), "wall"),
            shown(median(found, "cpu"), "cpu"),
            f"{ratio(found, costs[base], 'wall').median:.2f}",
            f"{by_cpu.median:.2f}",
            f"{by_cpu.least:.2f} to {by_cpu.most:.2f}",
        ]
        rows.append([*row, shown(median(found, "memory"), "memory")] if memory else row)
    return Table(
        title=f"{title}: median of {rounds} rounds, and ratio to {base}",
        columns=["", "clock", "CPU", "ratio by clock", "by CPU", "least to most"]
        + (["memory"] if memory else []),
        rows=rows,
        numeric=6 if memory else 5,
    )


def shown(figure: float, by: Measure) -> str:
    """A figure with its unit: of time, or of memory."""
    if by == "memory":
        return f"{figure / 1e6:,.1f} MB" if figure >= 1e5 else f"{figure / 1e3:,.1f} KB"
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "µs")):
        if figure * factor >= 1 or unit == "µs":
            value = figure * factor
            return f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"
    raise AssertionError
