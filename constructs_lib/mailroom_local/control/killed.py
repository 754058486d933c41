"""Keeps what a server that was killed had accepted, when the next one starts with an empty account.

Who sent that mail was told 250, so nobody else has it any more.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator

from mailroom_local._journal import Journal
from mailroom_local.control import journal
from mailroom_local.control.journal import MessageRecord
from mailroom_local.control.state import State

_NOT_FINISHED = "not finished, because the local AWS was killed"
_EVENTS = "its events may not have been handled, because the local AWS was killed"


def keep(state: State) -> None:
    """Move the messages of a killed server to a directory of their own, and warn.

    Only if some were not finished; an earlier directory makes way. The queues of the account are
    gone with the server, and so is what waited in them.
    """
    # A server that stops takes back where it listens.
    if state.server() is None:
        return
    unfinished = dict(_unfinished(journal.read(state.journal)))
    if not unfinished:
        return
    aside = State(state.root.with_name(f"{state.root.name}-killed"))
    aside.remove()
    aside.create()
    for path in (state.journal, state.journal.parent / "messages"):
        if path.exists():
            shutil.move(path, aside.root / path.name)
    kept = Journal(aside.journal)
    for message_id, error in unfinished.items():
        kept.write("problem", message_id=message_id, error=error)
        kept.write("finished", message_id=message_id)
    warnings.warn(
        f"the last local AWS was killed: {len(unfinished)} messages may not have been handled; "
        f"`mailroom log --state {aside.root}` shows them",
        stacklevel=3,
    )


def _unfinished(messages: list[MessageRecord]) -> Iterator[tuple[str, str]]:
    """Yield the id of each message that may not have been handled, and what to say of it."""
    for message in messages:
        if message.message_id is None:
            continue
        if not message.finished or any(action.pending for action in message.actions):
            yield message.message_id, _NOT_FINISHED
        elif any(event.destinations and not event.handlers for event in message.events):
            # Whether a function was to handle them, only the account knew.
            yield message.message_id, _EVENTS
