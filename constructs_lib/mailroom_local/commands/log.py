"""Show what happened to each message: rules and actions when received, events when sent."""

from __future__ import annotations

import argparse
import sys
import time

from mailroom_local import render
from mailroom_local.errors import MailroomError, NotRunning
from mailroom_local.journal import MessageRecord
from mailroom_local.local import LocalAws
from mailroom_local.terminal import coloured, say

_FOLLOW_SECONDS = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("message_id", nargs="?", help="one message, by the beginning of its id")
    parser.add_argument("--json", action="store_true", help="as a JSON document")
    parser.add_argument("--follow", action="store_true", help="wait for more, until Ctrl-C")


def run(options: argparse.Namespace) -> int:
    """Print the journal."""
    if options.follow and (options.message_id or options.json):
        raise MailroomError(
            "--follow shows every message as a table",
            remedy="leave out --follow, or the message id and --json",
        )
    aws = _journal_of(options.state)
    if options.follow:
        _follow(aws)
        return 0
    messages = [aws.message(options.message_id)] if options.message_id else aws.messages()
    if options.json:
        say(render.as_json(messages))
    elif messages:
        full = options.message_id is not None
        say(render.table(messages, colour=coloured(sys.stdout), full=full))
    else:
        say("no messages yet: send one with `mailroom send --to ADDRESS --body TEXT`")
    return 0


def _journal_of(state: str | None) -> LocalAws:
    """The running local AWS; or only its journal, which stays readable when it has ended."""
    try:
        return LocalAws.attach(state=state)
    except NotRunning:
        ended = LocalAws(state=state)
        if not ended.state.journal.exists():
            raise
        return ended


def _follow(aws: LocalAws) -> None:
    shown: set[tuple[str, str, int]] = set()
    while True:
        fresh = [
            message for message in aws.messages() if message.finished and _key(message) not in shown
        ]
        if fresh:
            say(render.table(fresh, colour=coloured(sys.stdout)))
            shown.update(_key(message) for message in fresh)
        time.sleep(_FOLLOW_SECONDS)


def _key(message: MessageRecord) -> tuple[str, str, int]:
    # A message that was sent is shown once more when somebody opens it.
    return message.at.isoformat(), message.message_id or "", len(message.events)
