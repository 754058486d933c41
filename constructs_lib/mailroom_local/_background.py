"""Runs work in threads, and lets nothing of it disappear: neither an exception nor what waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from mailroom_local._journal import Journal

CLOSE_SECONDS = 2.0
"""How long a server that stops waits for its work."""


class Background:
    """A pool of threads; an exception in one becomes a problem of its message's story."""

    def __init__(self, journal: Journal, *, name: str, workers: int) -> None:
        self._journal = journal
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=f"mailroom-{name}")
        self._begun: dict[Future[None], str | None] = {}

    def begin(self, message_id: str | None, work: Callable[..., Any], *arguments: Any) -> None:
        """Do something for a message; without an id, the log alone says what went wrong."""
        try:
            begun = self._pool.submit(self._run, message_id, work, arguments)
        except RuntimeError:
            # A message that a client sent while the server stopped: it is accepted already.
            self._dropped(message_id)
            return
        self._begun[begun] = message_id
        begun.add_done_callback(lambda done: self._begun.pop(done, None))

    def close(self, *, by: float | None = None) -> None:
        """Finish what was begun until then; the story of each message that is dropped says so.

        Args:
            by: A reading of :func:`time.monotonic`; by default two seconds from now.
        """
        begun = dict(self._begun)
        left = CLOSE_SECONDS if by is None else max(by - time.monotonic(), 0.0)
        late = wait(begun, timeout=left).not_done
        self._pool.shutdown(wait=False, cancel_futures=True)
        for message_id in {begun[one]: None for one in late}:
            self._dropped(message_id)

    def _dropped(self, message_id: str | None) -> None:
        if message_id is not None:
            error = "not finished, because the local AWS was stopped"
            self._journal.write("problem", message_id=message_id, error=error)
            self._journal.write("finished", message_id=message_id)

    def _run(self, message_id: str | None, work: Callable[..., Any], arguments: Any) -> None:
        with self._journal.guarded(message_id):
            work(*arguments)
