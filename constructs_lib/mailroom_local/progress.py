"""Shows that long work goes on: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from threading import Event, Thread
from typing import Protocol, TextIO

Report = Callable[[str], None]

_REFRESH_SECONDS = 0.1
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class Progress(Protocol):
    """Where the steps of long work are shown."""

    def step(self, title: str) -> contextlib.AbstractContextManager[Report]:
        """Show a step while the context is open; the value takes its latest detail."""
        ...


class Silent:
    """Shows nothing."""

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Report]:
        """Do nothing around the step."""
        yield lambda detail: None


class Terminal:
    """Shows each step with its elapsed seconds; live when the stream is a terminal."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Report]:
        """Write the step's line, and its duration when it ends, well or not."""
        started = time.monotonic()
        latest = [""]
        done = Event()
        painter = None
        if self._stream.isatty():
            painter = Thread(target=self._paint, args=(title, started, latest, done), daemon=True)
            painter.start()
        else:
            self._line(f"{title} ...")

        def report(detail: str) -> None:
            latest[0] = detail

        mark = "failed after"
        try:
            yield report
            mark = "done in"
        finally:
            done.set()
            if painter is not None:
                painter.join()
                self._stream.write("\r\x1b[2K")
            seconds = time.monotonic() - started
            sign = "✓" if mark == "done in" else "✗"
            ending = f"{mark} {seconds:.1f} s"
            self._line(f"{sign} {title}: {ending}" if painter is not None else f"{title}: {ending}")

    def _line(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()

    def _paint(self, title: str, started: float, latest: list[str], done: Event) -> None:
        for turn in range(sys.maxsize):
            if done.wait(_REFRESH_SECONDS):
                return
            line = f"{_FRAMES[turn % len(_FRAMES)]} {title} {time.monotonic() - started:5.1f} s"
            width = shutil.get_terminal_size().columns - 1
            # What a child prints may hold escape sequences; they would break the one line.
            detail = "".join(letter for letter in latest[0] if letter.isprintable())
            text = f"{line}  {detail}"[:width]
            self._stream.write(f"\r\x1b[2K{text}")
            self._stream.flush()
