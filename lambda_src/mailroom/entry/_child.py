"""Runs code in a child process, so that what ends the process costs one call only."""

from __future__ import annotations

import marshal
import os
import sys
import time

from mailroom.errors import HandlerDied, OutOfTime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, NoReturn

__all__ = ["Child"]

_LENGTH_BYTES = 4
_CHUNK_BYTES = 1_048_576


class Child:
    """A copy of this process that answers questions, one after the other.

    It is forked for the first question, so that what was imported before is there, and forked anew
    after one that it did not survive. Between batches it stays, with what it has cached. It ends
    when this process does.

    Args:
        answer: What answers a question, in the child. It must not raise. Questions and answers are
            values that ``marshal`` can write, which takes an eighth of the time that JSON does.
    """

    __slots__ = ("_answer", "_answers", "_pid", "_questions", "_received")

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        self._answer = answer
        self._pid: int | None = None
        self._questions = self._answers = -1
        self._received = bytearray()

    def ask(
        self, questions: Sequence[Any], limit: Callable[[], float | None]
    ) -> Iterator[Any | HandlerDied | OutOfTime]:
        """Yield the answer to each question, in order.

        `HandlerDied` is the answer to one that ended the child, and `OutOfTime` to one for which
        the child was killed. A new child then goes on with the next question.

        Args:
            questions: The questions.
            limit: Returns the seconds within which the next answer is due; ``None`` means never.
        """
        done = 0
        try:
            while done < len(questions):
                self._send(list(questions[done:]))
                while self._pid is not None and done < len(questions):
                    answer = self._receive(limit())
                    done += 1
                    yield answer
        finally:
            if done < len(questions):  # answers to this batch must not be taken for another's
                self.close()

    def close(self) -> str:
        """End the child, and return how it ended."""
        if self._pid is None:
            return "not running"
        import signal

        os.close(self._questions)
        os.close(self._answers)
        # One that has ended by itself keeps its own status.
        os.kill(self._pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        self._pid = None
        self._received.clear()
        return f"signal {-code}" if code < 0 else f"exit status {code}"

    def _send(self, questions: list[Any]) -> None:
        data = _framed(questions)
        if self._pid is None:
            self._fork()
        try:
            _write(self._questions, data)
        except BrokenPipeError:  # it died after the last batch, so no question is to blame
            self.close()
            self._fork()
            _write(self._questions, data)

    def _receive(self, seconds: float | None) -> Any:
        """Return the next answer, or why there is none; the child is closed then."""
        import select

        due = None if seconds is None else time.monotonic() + seconds
        poll = select.poll()
        poll.register(self._answers, select.POLLIN)
        while True:
            end = _LENGTH_BYTES + int.from_bytes(self._received[:_LENGTH_BYTES], "big")
            if len(self._received) >= _LENGTH_BYTES and len(self._received) >= end:
                data = bytes(self._received[_LENGTH_BYTES:end])
                del self._received[:end]
                return marshal.loads(data)  # noqa: S302 (from our own child)
            if not poll.poll(None if due is None else max(due - time.monotonic(), 0) * 1000):
                self.close()
                return OutOfTime("the handler did not end in time, and its process was killed")
            chunk = os.read(self._answers, _CHUNK_BYTES)
            if not chunk:
                return HandlerDied(f"the handler ended its process: {self.close()}")
            self._received += chunk

    def _fork(self) -> None:
        # What is buffered here would be written by both.
        sys.stdout.flush()
        sys.stderr.flush()
        questions, self._questions = os.pipe()
        self._answers, answers = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(self._questions)
                os.close(self._answers)
                self._serve(questions, answers)
            finally:  # without what this process does when it exits
                os._exit(1)
        os.close(questions)
        os.close(answers)

    def _serve(self, questions: int, answers: int) -> NoReturn:
        import signal

        os.setsid()  # a signal to its group is none to the parent
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # what the parent does then is not ours to do
        _prefer_to_kill_this()
        with open(questions, "rb") as asked:
            while True:
                length = int.from_bytes(asked.read(_LENGTH_BYTES), "big")
                if not length:  # the parent has ended
                    os._exit(0)
                for question in marshal.loads(asked.read(length)):  # noqa: S302 (from our parent)
                    answer = _framed(self._answer(question))
                    sys.stdout.flush()
                    _write(answers, answer)


def _framed(value: Any) -> bytes:
    data = marshal.dumps(value)
    return len(data).to_bytes(_LENGTH_BYTES, "big") + data


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _prefer_to_kill_this() -> None:
    """Ask Linux to kill this process rather than its parent when there is no memory left."""
    try:
        with open("/proc/self/oom_score_adj", "w") as score:  # noqa: PTH123 (pathlib costs 3 ms)
            score.write("1000")
    except OSError:  # not Linux, or not allowed
        pass
