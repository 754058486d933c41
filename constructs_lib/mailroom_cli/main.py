"""Parses the command line, runs one command and turns its outcome into an exit status."""

from __future__ import annotations

import argparse
import os
import pkgutil
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from types import FrameType
from typing import NoReturn, Protocol, cast

from mailroom import __version__
from mailroom_cli import commands
from mailroom_cli.errors import reported

_INTERRUPTED = 130
_TERMINATED = 143


class _Command(Protocol):
    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, options: argparse.Namespace) -> int: ...


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand.

    Args:
        arguments: The command line without the program's name. Default: this process's own.

    Returns:
        0 if all went well, 1 if the command failed, 2 for wrong arguments or something missing
        that the command needs, 130 after Ctrl-C, 143 after SIGTERM.
    """
    found = _commands()
    options = _parser(found).parse_args(arguments)
    # A terminal or log that cannot show a character gets its escape, never a traceback.
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
    # Raised as an exception, SIGTERM runs every `finally`, as Ctrl-C does.
    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        return found[options.command].run(options)
    except reported() as error:
        return _report(error)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has read enough. What is still buffered must go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    finally:
        signal.signal(signal.SIGTERM, previous)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line, which the reference is made from."""
    return _parser(_commands())


def _commands() -> dict[str, _Command]:
    return {
        module.name: cast("_Command", import_module(f"{commands.__name__}.{module.name}"))
        for module in pkgutil.iter_modules(commands.__path__)
    }


def _parser(found: dict[str, _Command]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mailroom",
        description="Rehearse a mail app on a local AWS, and look after one in a real account.",
        epilog="`mailroom COMMAND --help` describes a command.",
    )
    parser.add_argument("--version", action="version", version=f"mailroom {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in found.items():
        description = command.__doc__ or ""
        summary = description[:1].lower() + description[1:].rstrip().rstrip(".")
        command.add_arguments(subparsers.add_parser(name, help=summary, description=description))
    return parser


def _report(error: Exception) -> int:
    from mailroom_cli.terminal import show

    # The end of a failed child process's output, if it ran one.
    if output := getattr(error, "output", None):
        show(str(output), stream=sys.stderr)
    show(f"mailroom: {error}", stream=sys.stderr)
    return int(getattr(error, "status", 1))


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(_TERMINATED)
