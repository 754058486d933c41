"""Shows messages as they come; on a terminal, those in progress live."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import RenderableType
from rich.live import Live

from mailroom_cli import render
from mailroom_cli.terminal import can_redraw, console_of, say_json, show

if TYPE_CHECKING:
    from mailroom_local.control import LocalAws, MessageRecord

_POLL_SECONDS = 0.5
# How long a function that was invoked asynchronously is waited for, with its retries. After that,
# the message is shown, and again when the function has ended.
_HANDLER_SECONDS = 10.0
# How long the functions that handle the first events of a sent message are waited for.
_EVENT_SECONDS = 3.0


def follow(
    aws: LocalAws,
    *,
    while_: Callable[[], bool] = lambda: True,
    as_json: bool = False,
    sleep: Callable[[float], None] = time.sleep,
    notices: Callable[[], Iterable[RenderableType]] = tuple,
) -> None:
    """Show each message of the journal once it is settled, and again when it has news.

    Args:
        aws: The local AWS, or what is left of one: its journal.
        while_: When to go on. Default: until Ctrl-C.
        as_json: Whether to write each message as a line of JSON instead.
        sleep: Waits for so many seconds.
        notices: Returns what else to show. Default: nothing.
    """
    screen = _Screen(as_json=as_json)
    shown: set[tuple[str, str, int, int]] = set()
    with contextlib.closing(screen):
        while while_():
            fresh = [message for message in _read(aws, shown) if _key(message) not in shown]
            settled = [message for message in fresh if _is_settled(message)]
            screen.tell(notices())
            screen.update(settled, [message for message in fresh if message not in settled])
            shown.update(map(_key, settled))
            sleep(_POLL_SECONDS)


def _read(aws: LocalAws, shown: set[tuple[str, str, int, int]]) -> list[MessageRecord]:
    found = aws.messages(handlers=False)
    if all(_key(message) in shown for message in found):
        return found
    # Only now, as it asks about every queue. The server may be gone: the journal is not.
    with contextlib.suppress(BotoCoreError, ClientError):
        return aws.messages()
    return found


def _is_settled(message: MessageRecord) -> bool:
    pending = any(action.pending for action in message.actions)
    since = (datetime.now(UTC) - message.at).total_seconds() - (message.ms or 0.0) / 1000
    unhandled = any(event.destinations and not event.handlers for event in message.events)
    return (
        message.finished
        and not (pending and since < _HANDLER_SECONDS)
        and not (unhandled and since < _EVENT_SECONDS)
    )


def _key(message: MessageRecord) -> tuple[str, str, int, int]:
    # A message is shown again when, for example, somebody opens it, or a function is called again.
    return (
        message.at.isoformat(),
        message.message_id or "",
        len(message.events),
        len(message.outcomes),
    )


class _Screen:
    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._console = console_of()
        self._live: Live | None = None

    def tell(self, notices: Iterable[RenderableType]) -> None:
        for notice in notices:
            show(notice, on=self._console)

    def update(self, settled: list[MessageRecord], in_progress: list[MessageRecord]) -> None:
        if self._as_json:
            for message in settled:
                say_json(render.document(message), indent=None)
            return
        # First, because a live display is redrawn unchanged below what is written above it.
        if in_progress and can_redraw(self._console):
            self._draw(in_progress)
        else:
            self.close()
        if settled:
            show(render.messages(settled), on=self._console)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _draw(self, in_progress: list[MessageRecord]) -> None:
        if self._live is None:
            self._live = Live(
                console=self._console,
                transient=True,
                auto_refresh=False,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        self._live.update(render.messages(in_progress), refresh=True)
