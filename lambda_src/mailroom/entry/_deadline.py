"""Ends the user's code in time to answer whoever called the function."""

from __future__ import annotations

import sys
import time

from mailroom.errors import DeadlineReached, OutOfTime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Any

__all__ = ["answer_due", "deadline", "initialised", "time_until"]

_AGAIN = 0.5
_SOON = 0.001
_LONGEST_INIT = 10.0

_loaded = time.monotonic()
_init_seconds = 0.0


class deadline:  # noqa: N801 (used like contextlib's lower-case context managers)
    """Raises inside the block when *seconds* are over, and `OutOfTime` from the block.

    What is raised inside, `DeadlineReached`, is not an `Exception`, so that ``except Exception``
    in the user's code does not stop it. A bare ``except``, a ``finally`` that waits, or a
    ``__del__`` may: so it is raised again every half second, and then at the next line too, which
    is in the ``except`` or ``finally`` that stopped it. A block that swallowed it and then ended
    normally raises `OutOfTime` as well. The traceback ends where the block was when time was up.

    Blocks may be nested; the signal handler and the timer that were there before are restored. In
    another thread than the main one a deadline has no effect, because Python runs signal handlers
    in the main thread only. It cannot interrupt C code that never returns to the interpreter.

    Args:
        seconds: How long the block may run; ``None`` means without limit.
        reason: The text of the `OutOfTime`.
    """

    __slots__ = (
        "_armed",
        "_at",
        "_before",
        "_frame",
        "_outer_at",
        "_outer_interval",
        "_reached",
        "_traced",
        "reason",
    )

    def __init__(self, seconds: float | None, reason: str) -> None:
        self._at = None if seconds is None else time.monotonic() + seconds
        self.reason = reason
        self._armed = False
        self._reached: TracebackType | None = None
        self._before: Any = None
        self._frame: FrameType | None = None
        self._traced: Any = None
        self._outer_at: float | None = None
        self._outer_interval = 0.0

    def __enter__(self) -> None:
        if self._at is None:
            return
        import signal

        seconds = self._at - time.monotonic()
        if seconds <= 0:
            raise OutOfTime(self.reason)
        try:
            self._before = signal.signal(signal.SIGALRM, self._ring)
        except ValueError:  # not the main thread
            return
        self._armed = True
        self._frame = _frame_of_block()
        outer, self._outer_interval = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
        if outer:
            self._outer_at = time.monotonic() + outer
            if outer < seconds:
                signal.setitimer(signal.ITIMER_REAL, outer, _AGAIN)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._armed:
            import signal

            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._before or signal.SIG_DFL)
            if self._outer_at is not None:
                left = max(self._outer_at - time.monotonic(), _SOON)
                signal.setitimer(signal.ITIMER_REAL, left, self._outer_interval)
        self._frame = None
        if self._reached is None:
            return
        if self._traced is not None:
            sys.settrace(self._traced[0])
        if error is None or (isinstance(error, DeadlineReached) and error.owner is self):
            reached, self._reached = self._reached, None
            raise OutOfTime(self.reason).with_traceback(reached) from None

    def _ring(self, number: int, frame: FrameType | None) -> None:
        import signal

        assert self._at is not None
        now = time.monotonic()
        if self._outer_at is not None and now >= self._outer_at and callable(self._before):
            self._outer_at = now + self._outer_interval if self._outer_interval else None
            self._before(number, frame)
        if frame is None or _entering_or_leaving(frame):
            return
        if now < self._at:
            soonest = self._at if self._outer_at is None else min(self._at, self._outer_at)
            signal.setitimer(signal.ITIMER_REAL, max(soonest - now, _SOON), _AGAIN)
            return
        if self._reached is None:
            from types import TracebackType

            self._reached = TracebackType(None, frame, frame.f_lasti, frame.f_lineno)
        else:
            self._insist(frame)
        raise DeadlineReached(self)

    def _insist(self, frame: FrameType | None) -> None:
        """Raise at the next line of the block too, as soon as one is reached."""
        if self._traced is None:
            self._traced = (sys.gettrace(),)
        # Python stops tracing when a trace function raises.
        sys.settrace(_ignore)
        while frame is not None and frame is not self._frame:
            frame.f_trace = self._at_line
            frame = frame.f_back

    def _at_line(self, frame: FrameType, event: str, argument: object) -> Any:
        if event == "line":
            raise DeadlineReached(self)
        return self._at_line


def _frame_of_block() -> FrameType | None:
    try:
        raise LookupError
    except LookupError as error:
        trace = error.__traceback__
        entering = trace and trace.tb_frame.f_back
        return entering and entering.f_back


def _ignore(frame: FrameType, event: str, argument: object) -> None:
    """Trace no function that is called from now on."""


def initialised() -> None:
    """Note that the module which Lambda calls has been loaded, with the user's code."""
    global _init_seconds
    _init_seconds = min(time.monotonic() - _loaded, _LONGEST_INIT)


def answer_due(context: Any, limit: float | None = None) -> float | None:
    """Return when the caller, who waits *limit* seconds, or Lambda gives up, in monotonic time.

    The caller's clock counts the init before the first invocation too; Lambda's does not. ``None``
    if there is no limit.
    """
    global _init_seconds
    limits = [] if limit is None else [limit - _init_seconds]
    _init_seconds = 0.0
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    if remaining is not None:
        limits.append(remaining() / 1000)
    return time.monotonic() + min(limits) if limits else None


def time_until(due: float | None, *, reserve: float) -> float | None:
    """Return the seconds until *due*, less *reserve*, or less a quarter if that is shorter."""
    if due is None:
        return None
    seconds = due - time.monotonic()
    return seconds - min(reserve, seconds / 4)


def _entering_or_leaving(frame: FrameType | None) -> bool:
    """Return whether the signal came while a block was being entered or left.

    Raising there would leave the timer running. While entering, the signal comes again.
    """
    while frame is not None:
        if frame.f_code in _OWN:
            return True
        frame = frame.f_back
    return False


_OWN = (deadline.__enter__.__code__, deadline.__exit__.__code__)
