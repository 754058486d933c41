"""Work that waits for its next try, and says so if the server stops before."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Lock, Timer

from mailroom_local._journal import Journal

_MINUTES = (1, 2, 4, 8, 15, 30, 60)
_SCALE = "MAILROOM_GATEWAY_MINUTE_SECONDS"


def minute_seconds() -> float:
    """How many seconds a minute of ``RetryTimeMinutes`` takes here: a rehearsal need not wait."""
    return float(os.environ.get(_SCALE, "1"))


def pause(failures: int, *, passed: float, allowed: float) -> float | None:
    """The minutes until the next try after so many failures; ``None`` if the time is over."""
    minutes = _MINUTES[min(failures, len(_MINUTES)) - 1]
    return float(minutes) if passed + minutes <= allowed else None


class Waiting:
    """Messages whose next try comes later."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = Lock()
        self._timers: dict[str, Timer] = {}
        self._closed = False

    def later(self, message_id: str, seconds: float, work: Callable[[], object]) -> None:
        """Do something for a message after some seconds."""

        def due() -> None:
            # With the lock, so that a server that stops finds it either waiting or begun.
            with self._lock:
                if self._timers.pop(message_id, None) is not None:
                    work()

        timer = Timer(seconds, due)
        timer.daemon = True
        with self._lock:
            if self._closed:
                self._stopped(message_id)
                return
            self._timers[message_id] = timer
        timer.start()

    def close(self) -> None:
        """Wait no longer; the story of each message says that it was not finished."""
        with self._lock:
            self._closed = True
            timers, self._timers = self._timers, {}
        for message_id, timer in timers.items():
            timer.cancel()
            self._stopped(message_id)

    def _stopped(self, message_id: str) -> None:
        error = "not finished: a function was to be called again when the local AWS was stopped"
        self._journal.write("problem", message_id=message_id, error=error)
        self._journal.write("finished", message_id=message_id)
