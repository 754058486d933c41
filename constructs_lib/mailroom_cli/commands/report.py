"""Draw a report of the event lake: bounces, latency, engagement, and what to fix first."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailroom_cli import account, lakes
from mailroom_cli.errors import CommandError

if TYPE_CHECKING:
    from mailroom.lake import Answer, Lake

_INTERRUPTED = 130
_DAYS = 30
_FILE = "report.svg"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--days",
        type=_count,
        default=_DAYS,
        metavar="N",
        help=f"report on the last N days and today (default: {_DAYS})",
    )
    parser.add_argument(
        "--output",
        "-o",
        type=Path,
        default=Path(_FILE),
        metavar="FILE",
        help=f"the picture to write (default: {_FILE})",
    )
    parser.add_argument(
        "--tag",
        metavar="NAME",
        help="show opens and clicks by this tag (default: that of most of the mail)",
    )
    lakes.add_arguments(parser)
    account.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Write the picture; the status is 130 after Ctrl-C."""
    chosen = account.resolve(options)
    local = chosen.local is not None
    from mailroom_cli import answers, report
    from mailroom_cli.progress import Steps
    from mailroom_cli.terminal import show

    days = f"the last {options.days} day{'' if options.days == 1 else 's'}"
    with account.calls("cannot query the lake"), lakes.failures():
        lake = lakes.find(chosen, workgroup=options.workgroup, stack=options.stack)
        try:
            with Steps().step("the report") as progress:
                source = _Asking(lake, options, progress)
                facts = report.collect(source, tag=options.tag)
        except KeyboardInterrupt:
            show("stopped the query", stream=sys.stderr)
            return _INTERRUPTED
    if not facts.days:
        raise CommandError(
            f"the lake has no sent mail in {days}",
            remedy="pass more --days; events arrive a few minutes after they happened",
        )
    picture = report.draw(facts, note=f"Made by mailroom report from {days} of the event lake.")
    try:
        options.output.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise CommandError(
            f"cannot write {options.output}: {error.strerror}", remedy="pass another --output"
        ) from error
    show(f"wrote {options.output}")
    cost = answers.cost(source.answers, local=local)
    show(f"{len(source.answers)} queries; {cost}", stream=sys.stderr)
    return 0


class _Asking:
    """A `mailroom_cli.report.Source` that keeps the answers, for what they cost."""

    def __init__(
        self, lake: Lake, options: argparse.Namespace, progress: Callable[[str], None]
    ) -> None:
        self.answers: list[Answer] = []
        self._lake = lake
        self._options = options
        self._progress = progress

    def saved(self, name: str, *parameters: str) -> list[dict[str, Any]]:
        self._progress(name)
        return self._kept(self._lake.query(name, parameters=parameters, **self._limits))

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return self._kept(self._lake.query(sql=sql, **self._limits))

    @property
    def _limits(self) -> dict[str, Any]:
        return {"days": self._options.days, "timeout": self._options.timeout}

    def _kept(self, answer: Answer) -> list[dict[str, Any]]:
        self.answers.append(answer)
        return answer.rows


def _count(value: str) -> int:
    if not (value.isascii() and value.isdigit() and int(value)):
        raise argparse.ArgumentTypeError(f"{value!r} is not a count: pass a whole number above 0")
    return int(value)
