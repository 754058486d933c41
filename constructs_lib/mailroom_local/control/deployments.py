"""Writes deployments to the journal, for the page that shows how they end."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from mailroom_local._journal import Journal, elapsed_ms
from mailroom_local.control.errors import DeployFailed, MailroomError

_OUTPUT_LINES = 12


@contextlib.contextmanager
def recorded(journal: Path, what: str) -> Iterator[None]:
    """Record that a deployment of *what* has started, and how it ends."""
    written = Journal(journal)
    started = time.perf_counter()
    written.write("deployment", state="started", text=f"deploying {what}", ms=None)
    try:
        yield
    except BaseException as error:
        ended(written, "failed", described(error), started=started)
        raise
    ended(written, "succeeded", f"deployed {what}", started=started)


def ended(journal: Journal, state: str, text: str, *, started: float) -> None:
    """Record the end of a deployment that began at a reading of :func:`time.perf_counter`."""
    journal.write("deployment", state=state, text=text, ms=elapsed_ms(started))


def described(error: BaseException) -> str:
    """The error, below the last lines of the CDK CLI if that failed."""
    if not isinstance(error, MailroomError):
        return f"{type(error).__name__}: {error}"
    lines = [str(error)]
    if isinstance(error, DeployFailed):
        lines[:0] = error.output.splitlines()[-_OUTPUT_LINES:]
    return "\n".join(lines)
