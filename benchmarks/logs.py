"""What it takes to see what happened to many messages: `mailroom log`, and the list of the page.

The journal has as many messages as asked for, each of them a copy of a real one. No other program
reads it, so the measure is the least that any reader does: decoding its JSON.
"""

from __future__ import annotations

import functools
import os
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks.mails import Account
from benchmarks.measuring import (
    Comparison,
    Cost,
    Costs,
    Growth,
    Report,
    cpu_of,
    in_turns,
    median,
    python,
    ratio,
    repeated,
    table,
)
from mailroom_local import LocalAws

_LAST, _MORE, _JSON = "mailroom log", "mailroom log --last 200", "mailroom log --json"
_SHOWN, _MORE_SHOWN = 50, 200
_BASE = "json.loads of each line"
_SIZES = (100, 1_000, 10_000)
_BARE = "import json, sys\nfor line in open(sys.argv[1], 'rb'): json.loads(line)"


def measure(*, quick: bool = False) -> Report:
    """Compare journals of three sizes, and ask the page for its list."""
    costs: dict[int, Costs] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalAws(state=Path(folder) / "state") as aws,
    ):
        Account(aws).take("call", 1)
        sample = aws.messages()[0].message_id
        assert sample is not None
        copies = _Copies(aws.state.journal, sample)
        for size in _SIZES:
            copies.fill(size)
            costs[size] = in_turns(
                {
                    _LAST: functools.partial(_log, aws),
                    _MORE: functools.partial(_log, aws, "--last", str(_MORE_SHOWN)),
                    _JSON: functools.partial(_log, aws, "--json"),
                    _BASE: functools.partial(python, "-c", _BARE, str(aws.state.journal)),
                },
                2 if quick else 3,
                warm=size == _SIZES[0],
            )
        first, later = _page(aws, rounds=10 if quick else 30)
    most = _SIZES[-1]
    report = Report(
        tables=[table(f"The log of {most:,} messages, whole process", costs[most], _BASE)],
        growth=[
            Growth(
                title="The log, whole process",
                unit="messages",
                sizes=_SIZES,
                costs={
                    name: [median(costs[size][name], "cpu") for size in _SIZES]
                    for name in costs[most]
                },
            )
        ],
        comparisons=[
            Comparison(
                subject="Log",
                what=f"{most:,} messages, {name}",
                peer=_BASE,
                ratio=ratio(costs[most][name], costs[most][_BASE]),
                is_floor=True,
                why=why,
            )
            for name, why in (
                (_LAST, "It imports what shows a table, and draws 50 messages."),
                (_MORE, "It draws 200 messages for the terminal."),
                (_JSON, "It also tells the story of each message, and writes it."),
            )
        ],
    )
    drawn = (median(costs[most][_MORE], "cpu") - median(costs[most][_LAST], "cpu")) / (
        _MORE_SHOWN - _SHOWN
    )
    report.notes.append(
        f"`mailroom log` reads only the end of the journal, and draws {_SHOWN} messages. Each "
        f"message drawn takes {drawn * 1000:.1f} ms of CPU, so `--last all` of {most:,} takes "
        f"about {drawn * most:.0f} s: use `--json`, or the page."
    )
    report.notes.append(
        f"The page's list of {most:,} messages, by HTTP: the first answer, for which the journal "
        f"is read, came after {first.wall:.2f} s ({first.cpu:.2f} s of CPU), each later one after "
        f"{median(later, 'wall') * 1000:.0f} ms, at most "
        f"{max(one.wall for one in later) * 1000:.0f} ms."
    )
    return report


class _Copies:
    """Fills a journal with copies of a message that went through everything."""

    def __init__(self, journal: Path, message_id: str) -> None:
        self._journal = journal
        self._id = message_id
        lines = journal.read_text().splitlines(keepends=True)
        self._lines = "".join(line for line in lines if message_id in line)
        self._raw = journal.parent / "messages" / f"{message_id}.eml"
        self._count = 1

    def fill(self, count: int) -> None:
        """Add copies until there are *count* messages."""
        with self._journal.open("a") as journal:
            for number in range(self._count, count):
                copy = f"{number:06d}{self._id[6:]}"
                journal.write(self._lines.replace(self._id, copy))
                os.link(self._raw, self._raw.with_name(f"{copy}.eml"))
        self._count = count


def _log(aws: LocalAws, *arguments: str) -> Cost:
    return python("-m", "mailroom_cli", "log", "--state", str(aws.state.root), *arguments)


def _page(aws: LocalAws, *, rounds: int) -> tuple[Cost, list[Cost]]:
    """Ask for the list a first time, and again and again."""
    address = f"{aws.server.page}/api/messages"

    def ask() -> bytes:
        with urllib.request.urlopen(address, timeout=60) as answer:
            return bytes(answer.read())

    cpu, wall = cpu_of(aws.server.pid), time.perf_counter()
    ask()
    first = Cost(wall=time.perf_counter() - wall, cpu=cpu_of(aws.server.pid) - cpu)
    later = in_turns(repeated({"list": ask}, 1), rounds, warm=False)["list"]
    return first, later
