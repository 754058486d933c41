"""Runs work in threads, and lets no exception of it disappear."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mailroom_local._journal import Journal


class Background:
    """A pool of threads; an exception in one becomes a problem of its message's story."""

    def __init__(self, journal: Journal, *, name: str, workers: int) -> None:
        self._journal = journal
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=f"mailroom-{name}")

    def begin(self, message_id: str | None, work: Callable[..., Any], *arguments: Any) -> None:
        """Do something for a message; without an id, the log alone says what went wrong."""
        self._pool.submit(self._run, message_id, work, arguments)

    def close(self) -> None:
        """Drop queued work, and wait for work in progress."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, message_id: str | None, work: Callable[..., Any], arguments: Any) -> None:
        with self._journal.guarded(message_id):
            work(*arguments)
