"""The processes in which functions run: writes every call for a mail or an event to the journal.

CloudWatch Logs is not enough for that: ministack keeps no import error there, and answers a
request for log events with 10,000 of them at most.
"""

from __future__ import annotations

import fcntl
import secrets
import sys
import termios
import time
from typing import Any

from mailroom_local import _calls
from mailroom_local._emulator import internals
from mailroom_local._emulator.query import trace_root
from mailroom_local._emulator.warming import never_started
from mailroom_local._journal import Journal, elapsed_ms

_original_invoke: Any = internals.workers.Worker.invoke
_DRAIN = "_drain_stderr_bounded"
_original_drain: Any = getattr(internals.workers.Worker, _DRAIN)
_READING_SECONDS = 5
_DIED = "Worker process died"


def install(journal: Journal) -> None:
    """Write calls to this journal. Idempotent."""

    def invoke(self: Any, event: Any, *arguments: Any, **context: Any) -> dict[str, Any]:
        started = time.perf_counter()
        # AWS gives every invocation one, whether the function is traced or not.
        context["trace_id"] = context.get("trace_id") or _new_trace_id()
        response = _response(self, event, *arguments, **context)
        if response.get("error") == _DIED and self in never_started:
            # It was still ending, and never saw the event: the next one says what is wrong.
            never_started.discard(self)
            self.kill()
            response = _response(self, event, *arguments, **context)
        answer = _calls.Answer(
            log=response.get("log", ""),
            error=None if response.get("status") == "ok" else str(response.get("error")),
            trace=response.get("trace", ""),
            result=response.get("result"),
            ms=elapsed_ms(started),
            trace_id=trace_root(context["trace_id"]),
        )
        with journal.guarded(None):
            for call in _calls.of_invocation(event, answer, configuration=self.config):
                journal.write("call", **call)
        return response

    internals.workers.Worker.invoke = invoke
    setattr(internals.workers.Worker, _DRAIN, printed)


def printed(self: Any, **_: Any) -> str:
    """What a process printed until it answered: it is in the pipe then, or has been read from it.

    ministack waits 50 ms for the thread that reads the pipe, which is not enough on a busy machine.
    """
    deadline = time.monotonic() + _READING_SECONDS
    pipe = getattr(self._proc, "stderr", None)
    while pipe is not None and _unread(pipe) and time.monotonic() < deadline:
        time.sleep(0.001)
    return str(_original_drain(self))


def _unread(pipe: Any) -> int:
    try:
        size = fcntl.ioctl(pipe.fileno(), termios.FIONREAD, bytes(4))
    except (OSError, ValueError):  # the process has ended
        return 0
    return int.from_bytes(size, sys.byteorder)


def _new_trace_id() -> str:
    root = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    return f"Root={root};Parent={secrets.token_hex(8)};Sampled=0"


def _response(self: Any, *arguments: Any, **context: Any) -> dict[str, Any]:
    try:
        found: dict[str, Any] = _original_invoke(self, *arguments, **context)
    except Exception as error:
        # The module cannot be imported. On AWS, the log has the error and what was printed.
        found = {"error": str(error), "log": self._drain_stderr_bounded()}
        self.kill()
    return found
