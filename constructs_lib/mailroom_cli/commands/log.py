"""Show what happened to each message: rules and actions when received, events when sent."""

from __future__ import annotations

import argparse
import contextlib
import gc
from collections.abc import Iterator

from mailroom_cli import local
from mailroom_cli.errors import UsageError

# More than fits a screen, and rendered at once.
_SHOWN = 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "message_id", nargs="?", metavar="ID", help="one message in full: its id, or how it begins"
    )
    parser.add_argument(
        "--last",
        type=_count,
        metavar="N|all",
        help=f"how many messages to show (default: {_SHOWN}; with --json, all)",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="write a JSON array; with --follow, a JSON document on a line for each message",
    )
    parser.add_argument(
        "--follow", action="store_true", help="show messages as they come, until Ctrl-C"
    )
    local.add_state_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Show the journal."""
    local.require()
    if options.follow and options.message_id:
        raise UsageError(
            f"--follow shows every message, not just {options.message_id}",
            remedy="omit --follow or the message id",
        )
    if options.last is not None and (options.follow or options.message_id):
        raise UsageError("--last has no effect with --follow or a message id", remedy="omit --last")
    aws = local.opened(options.state)
    if options.follow:
        from mailroom_cli.follow import follow

        follow(aws, as_json=options.json)
        return 0
    from mailroom_cli import render
    from mailroom_cli.terminal import say_json_array, show

    last = None if options.json else _SHOWN
    if options.last is not None:
        last = options.last or None
    with _without_garbage_collection():
        if options.message_id:
            found = [aws.message(options.message_id)]
        else:
            # One more than is shown tells whether there are others.
            found = aws.messages(last=last and last + 1)
        earlier = last is not None and len(found) > last
        found = found[-last:] if last else found
        if options.json:
            say_json_array(map(render.document, found))
            return 0
    if earlier:
        show(f"the last {last} messages; `mailroom log --last all` shows the earlier ones, too")
    if found:
        show(render.messages(found, full=options.message_id is not None))
    else:
        show("no messages yet: send one with `mailroom send --to ADDRESS --body TEXT`")
    return 0


@contextlib.contextmanager
def _without_garbage_collection() -> Iterator[None]:
    # All that is read is shown: looking for garbage in between takes half of the time.
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _count(value: str) -> int:
    """Return the number; 0 means all."""
    if value == "all":
        return 0
    if not (value.isascii() and value.isdigit() and int(value)):
        raise argparse.ArgumentTypeError(
            f"{value!r} is not a number of messages: pass 1 or more, or all"
        )
    return int(value)
