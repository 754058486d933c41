"""Child processes that end with the step that started them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import Thread, current_thread, main_thread
from types import TracebackType
from typing import Any, Self

_GRACE_SECONDS = 5.0
_POLL_SECONDS = 0.05
_TAIL_LINES = 40


class Child:
    """A command in its own process group, whose output goes to a log and to ``on_line``.

    The end of the context ends the whole group.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        log: Path,
        on_line: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._on_line = on_line
        self._log = log
        self._start = partial(
            subprocess.Popen,
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
            errors="replace",
        )

    def __enter__(self) -> Self:
        self._reader = Thread(target=self._read, daemon=True)
        started = False
        try:
            with interrupted_afterwards():
                self._process = self._start()
                started = True
                self._reader.start()
        except BaseException:
            if started:
                stop_group(self._process)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        stop_group(self._process)

    def wait(self, *, seconds: float) -> int | None:
        """The exit status, or ``None`` if the command has not ended in time."""
        deadline = time.monotonic() + seconds
        # Many short waits, so that a signal is handled at once.
        while time.monotonic() < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = self._process.wait(_POLL_SECONDS)
                self._reader.join(_GRACE_SECONDS)
                return status
        return None

    def _read(self) -> None:
        output = self._process.stdout
        assert output is not None
        with self._log.open("a") as log:
            for line in output:
                log.write(line)
                if text := line.rstrip():
                    self.tail.append(text)
                    self._on_line(text)


@contextlib.contextmanager
def interrupted_afterwards() -> Iterator[None]:
    """Handle Ctrl-C and SIGTERM after the block: a process is known once its start has returned."""
    came: list[int] = []
    handlers: dict[int, Any] = {}
    if current_thread() is main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            # What is ignored stays so: the process that is started inherits it.
            if callable(handler := signal.getsignal(number)):
                handlers[number] = handler
                signal.signal(number, lambda came_in, frame: came.append(came_in))
    try:
        yield
    finally:
        for restored, handler in handlers.items():
            signal.signal(restored, handler)
    if came:
        signal.raise_signal(came[0])


def runs(pid: int) -> bool:
    """Return whether a process runs; one that has ended may wait long for PID 1 to notice it."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):  # somebody else's has its number now
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return not Path("/proc/self").exists()  # macOS has none


def stop_group(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """End the leader of a process group, and everything that it started."""
    if process.poll() is None:
        _signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
    # Children may have outlived the leader.
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()


def _signal_group(leader: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)
