"""The ``mailroom`` command."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn, Protocol

from mailroom_local.commands import down, log, replay, send, trace, up, workmail
from mailroom_local.errors import DeployFailed, MailroomError
from mailroom_local.terminal import say

_INTERRUPTED = 130
_TERMINATED = 143


class _Command(Protocol):
    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, options: argparse.Namespace) -> int: ...


# A further subcommand is a module in `commands` and a line here.
_COMMANDS: dict[str, _Command] = {
    "up": up,
    "send": send,
    "log": log,
    "trace": trace,
    "replay": replay,
    "workmail": workmail,
    "down": down,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; the exit status is 0, 1 for what can be put right, 2 for wrong usage."""
    options = _parser().parse_args(arguments)
    command = _COMMANDS[options.command]
    # As an exception SIGTERM takes the same way out as Ctrl-C, through every `finally`.
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return command.run(options)
    except MailroomError as error:
        if isinstance(error, DeployFailed):
            say(error.output, stream=sys.stderr)
        say(f"mailroom: {error}", stream=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has had enough.
        sys.stderr.close()
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mailroom", description="Rehearse a mail app on this machine."
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in _COMMANDS.items():
        description = command.__doc__ or ""
        summary = description[:1].lower() + description[1:].rstrip().rstrip(".")
        subparser = subparsers.add_parser(name, help=summary, description=description)
        subparser.add_argument(
            "--state",
            metavar="DIR",
            help="the state directory (default: $MAILROOM_STATE, or .mailroom here)",
        )
        command.add_arguments(subparser)
    return parser


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(_TERMINATED)
