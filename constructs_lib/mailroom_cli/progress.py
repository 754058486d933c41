"""Shows that long work goes on: live on a terminal, in plain lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TextIO

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from mailroom_cli.terminal import can_redraw, console_of, show, text

_PLAIN_SECONDS = 5.0
_REFRESHES_PER_SECOND = 10


class Steps:
    """The steps of long work, each with its elapsed seconds.

    Args:
        stream: Where to. Default: standard error, so that standard output can be piped.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Callable[[str], None]]:
        """Show a step while the context is open, and how long it took, whether it failed or not.

        Args:
            title: What is being done.

        Yields:
            A function that takes the step's latest detail, such as a line of a child's output.
        """
        console = console_of(self._stream)
        live = can_redraw(console)
        started = time.monotonic()
        latest = ""

        def report(detail: str) -> None:
            nonlocal latest
            latest = detail

        def elapsed() -> float:
            return time.monotonic() - started

        if live:
            spinner = Spinner("dots")
            row: contextlib.AbstractContextManager[object] = _live(
                console, lambda: _row(spinner, title, elapsed(), latest)
            )
        else:
            show(f"{title} ...", stream=self._stream)
            row = contextlib.nullcontext()
        sign, ending = "✗", "failed after"
        try:
            with row:
                yield report
            sign, ending = "✓", "done in"
        finally:
            mark = text(f"{sign} ", "green" if sign == "✓" else "red") if live else Text()
            line = text(f"{title}: {ending} {elapsed():.1f} s")
            show(Text.assemble(mark, line), stream=self._stream)


class Meter:
    """How far a replay is: a bar with rate and remaining time, or a line every few seconds.

    Args:
        stream: Where to. Default: standard error.
        clock: Seconds, as of `time.monotonic`.
    """

    def __init__(
        self, stream: TextIO | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._started = self._shown = clock()
        console = console_of(self._stream)
        self._bar: Progress | None = None
        if can_redraw(console):
            self._bar = Progress(
                BarColumn(bar_width=24),
                TextColumn("{task.description}", markup=False),
                console=console,
                refresh_per_second=_REFRESHES_PER_SECOND,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._task = self._bar.add_task("", total=1.0)

    def show(self, count: int, share: float, *, last: bool = False) -> None:
        """Show progress.

        Args:
            count: The events so far.
            share: Which part of everything they are, from 0 to 1.
            last: Whether this is the end.
        """
        now = self._clock()
        seconds = now - self._started
        rate = count / seconds if seconds > 0 else 0.0
        line = f"{count:,} event{'' if count == 1 else 's'}  {rate:,.0f}/s"
        if 0 < share < 1 and not last:
            line += f"  {share:4.0%}  {_duration(seconds * (1 - share) / share)} left"
        if self._bar is not None:
            self._bar.start()
            self._bar.update(self._task, completed=share, description=line)
            if last:
                self._bar.stop()
        elif last or now - self._shown >= _PLAIN_SECONDS:
            self._shown = now
            show(line, stream=self._stream)


def _live(console: Console, render: Callable[[], RenderableType]) -> Live:
    return Live(
        console=console,
        get_renderable=render,
        refresh_per_second=_REFRESHES_PER_SECOND,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )


def _row(spinner: Spinner, title: str, seconds: float, detail: str) -> Table:
    row = Table.grid(padding=(0, 1))
    row.add_column(no_wrap=True)
    row.add_column(no_wrap=True, overflow="ellipsis")
    line = Text.assemble(text(f"{title} {seconds:5.1f} s"), text(f"  {detail}", "dim"))
    row.add_row(spinner, line)
    return row


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
