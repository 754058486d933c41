"""Show what happened to each message: rules and actions when received, events when sent."""

from __future__ import annotations

import argparse

from mailroom_cli import local
from mailroom_cli.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "message_id", nargs="?", metavar="ID", help="one message in full: its id, or how it begins"
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
    from mailroom_cli import render
    from mailroom_cli.follow import follow
    from mailroom_cli.terminal import say_json, show

    aws = local.opened(options.state)
    if options.follow:
        follow(aws, as_json=options.json)
        return 0
    found = [aws.message(options.message_id)] if options.message_id else aws.messages()
    if options.json:
        say_json([render.document(message) for message in found])
    elif found:
        show(render.messages(found, full=options.message_id is not None))
    else:
        show("no messages yet: send one with `mailroom send --to ADDRESS --body TEXT`")
    return 0
