"""Show what happened to a sent message, from an event table; to a received one, its story."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from mailroom_cli import account
from mailroom_cli.errors import CommandError
from mailroom_cli.event_table import OUTPUT, TAG, find, read

if TYPE_CHECKING:
    from mailroom_local.control import LocalAws, MessageRecord


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "message_id",
        metavar="ID",
        help="the message id that SES gave it; on the local AWS, how it begins is enough",
    )
    parser.add_argument(
        "--table",
        metavar="NAME",
        help=f"the event table (default: the only one that a stack output *{OUTPUT}* or the tag "
        f"{TAG} points to)",
    )
    parser.add_argument("--json", action="store_true", help="write JSON")
    account.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Show the timeline; the status is 1 when the table has no event of the message."""
    chosen = account.resolve(options)
    from mailroom_cli import render, timeline
    from mailroom_cli.terminal import say_json, show

    message_id = options.message_id
    if chosen.local is not None:
        known = _known(chosen.local, message_id)
        if known is not None and not known.outgoing:
            # What decided about it is in the journal; nothing of it is in an event table.
            if options.json:
                say_json(render.document(known))
            else:
                show(render.messages([known], full=True))
            return 0
        message_id = known.message_id if known is not None else message_id
    table = options.table
    with account.calls("cannot read the event table"):
        if table is None:
            table, reason = find(chosen)
            show(f"reading {table} ({reason})", stream=sys.stderr)
        found = timeline.entries(read(chosen.client("dynamodb"), table, message_id))
    if not found:
        raise CommandError(
            f"{table} has no event of the message {message_id}",
            remedy="check the id; events arrive a few seconds after the message was sent, and only "
            "if it was sent with a configuration set",
        )
    if options.json:
        say_json(timeline.document(message_id, found))
    else:
        show(render.story(message_id, found))
    return 0


def _known(aws: LocalAws, beginning: str) -> MessageRecord | None:
    """The message whose id begins so, if the journal has one."""
    found = {
        message.message_id: message
        for message in aws.messages()
        if message.message_id and message.message_id.startswith(beginning)
    }
    if len(found) > 1:
        raise CommandError(
            f"{len(found)} messages have an id that begins with {beginning!r}",
            remedy="pass more of it; `mailroom log` lists the messages",
        )
    return next(iter(found.values()), None)
