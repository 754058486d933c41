"""Follow what functions print."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from mailroom_cli import account
from mailroom_cli.errors import CommandError

if TYPE_CHECKING:
    from mailroom_cli.functions import Log, Printed

_POLL_SECONDS = 0.5
# A request for each function, each time.
_POLL_SECONDS_AWS = 2.0
_HISTORY_SECONDS_AWS = 600
_COLOURS = ("cyan", "green", "magenta", "blue", "yellow", "bright_cyan", "bright_magenta")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "function",
        nargs="?",
        metavar="FUNCTION",
        help="a part of the name of the functions to follow (default: every function of the app)",
    )
    parser.add_argument(
        "--lines",
        "-n",
        type=_count,
        default=10,
        metavar="N",
        help="how many lines of the past to begin with (default: 10)",
    )
    parser.add_argument("--no-follow", action="store_true", help="end after the lines of the past")
    parser.add_argument("--json", action="store_true", help="write a JSON document for each line")
    account.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Show lines until Ctrl-C."""
    chosen = account.resolve(options)
    from mailroom_cli import functions

    with account.calls("cannot read the functions' logs"):
        logs = functions.find(chosen, options.function)
        if chosen.local is None:
            for log in logs:
                log.begin(int(time.time() - _HISTORY_SECONDS_AWS) * 1000)
        screen = Screen(logs, as_json=options.json)
        past = _new(logs, keep=screen.worth)
        screen.show(past[max(len(past) - options.lines, 0) :])
        if not options.no_follow:
            pause = _POLL_SECONDS if chosen.local else _POLL_SECONDS_AWS
            follow(logs, screen, pause=pause, while_=lambda: _runs(chosen))
            raise CommandError("the local AWS has ended", remedy="`mailroom up` starts one")
    return 0


def follow(logs: list[Log], screen: Screen, *, pause: float, while_: Callable[[], bool]) -> None:
    """Show what is new, again and again.

    Args:
        logs: The functions' logs.
        screen: Shows it.
        pause: The seconds between two looks.
        while_: When to go on.
    """
    while while_():
        screen.show(_new(logs, keep=screen.worth))
        time.sleep(pause)


class Screen:
    """Writes lines, each with the name of its function in the function's colour.

    Args:
        logs: The functions' logs.
        as_json: Whether to write JSON instead.
    """

    def __init__(self, logs: list[Log], *, as_json: bool) -> None:
        from mailroom_cli.names import short_name

        self._as_json = as_json
        self._names = {
            (log.where, log.function): f"{log.where}  {short_name(log.function)}".strip()
            for log in logs
        }
        self._width = max(map(len, self._names.values()))
        self._colours = {
            name: _COLOURS[place % len(_COLOURS)] for place, name in enumerate(self._names.values())
        }

    def worth(self, printed: Printed) -> bool:
        """Return whether a line is for people: Lambda's own lines and metrics are not."""
        from mailroom_cli.printed import line

        return self._as_json or line(printed.message) is not None

    def show(self, found: list[Printed]) -> None:
        """Write lines."""
        from rich.text import Text

        from mailroom_cli.printed import line
        from mailroom_cli.terminal import say_json, show, text

        for one in found:
            if self._as_json:
                document = {
                    "function": one.function,
                    **({"environment": one.where} if one.where else {}),
                    "at": one.at.isoformat(),
                    "message": one.message,
                }
                say_json(document, indent=None)
                continue
            said = line(one.message)
            name = self._names[one.where, one.function]
            show(
                Text.assemble(
                    text(one.at.astimezone().strftime("%H:%M:%S  "), "dim"),
                    text(name.ljust(self._width), self._colours[name]),
                    text("  "),
                    said or Text(),
                ),
                whole_lines=True,
            )


def _new(logs: list[Log], *, keep: Callable[[Printed], bool]) -> list[Printed]:
    found = [printed for log in logs for printed in log.read() if keep(printed)]
    return sorted(found, key=lambda printed: printed.at)


def _runs(chosen: account.Account) -> bool:
    return chosen.local is None or chosen.local.running


def _count(value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise argparse.ArgumentTypeError(f"{value!r} is not a number of lines: pass 0 or more")
    return int(value)
