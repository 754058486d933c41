"""A deadline ends the user's code, whatever that is doing."""

from __future__ import annotations

import contextlib
import gc
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from mailroom import _runtime
from mailroom.entry import _deadline
from mailroom.entry._deadline import answer_due, deadline, initialised, time_until
from mailroom.errors import DeadlineReached, OutOfTime

SOON = 0.03


@pytest.fixture(autouse=True)
def _without_garbage() -> Iterator[None]:
    """Hypothesis is told of each collection, and Python reports what is raised meanwhile."""
    gc.disable()
    yield
    gc.enable()


def spins() -> None:
    while True:
        pass


def sleeps() -> None:
    time.sleep(5)


def waits_for_a_thread() -> None:
    threading.Event().wait(5)


def matches_slowly() -> None:
    re.fullmatch(r"(a+)+b", "a" * 64)


def swallows_exceptions() -> None:
    while True:
        with contextlib.suppress(Exception):
            time.sleep(5)


def swallows_everything_in_a_loop() -> None:
    while True:
        try:  # noqa: SIM105 (what people write)
            len("")
        except:  # noqa: E722
            pass


def swallows_everything_and_sleeps() -> None:
    while True:
        try:  # noqa: SIM105 (what people write)
            time.sleep(5)
        except:  # noqa: E722
            pass


def swallows_everything_twice() -> None:
    while True:
        try:
            swallows_everything_and_sleeps()
        except BaseException:
            time.sleep(5)


def waits_in_finally() -> None:
    try:
        time.sleep(5)
    finally:
        time.sleep(5)


def ends_in_its_except() -> None:
    try:
        time.sleep(5)
    except BaseException:
        return


@pytest.fixture(autouse=True)
def put_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test does, signal handler, timer and trace function are as before."""
    monkeypatch.setattr(_deadline, "_AGAIN", 0.1)
    traced = sys.gettrace()
    before = signal.getsignal(signal.SIGALRM)
    yield
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert sys.gettrace() is traced


@pytest.mark.parametrize(
    "function",
    [
        spins,
        sleeps,
        waits_for_a_thread,
        matches_slowly,
        swallows_exceptions,
        swallows_everything_in_a_loop,
        swallows_everything_and_sleeps,
        swallows_everything_twice,
        waits_in_finally,
        ends_in_its_except,
    ],
)
def test_a_function_that_hangs_is_out_of_time(function: Callable[[], None]) -> None:
    started = time.monotonic()
    with pytest.raises(OutOfTime, match="too slow"), deadline(SOON, "too slow"):
        function()
    assert time.monotonic() - started < 4


def test_the_traceback_ends_where_the_code_was_hanging() -> None:
    with pytest.raises(OutOfTime) as caught, deadline(SOON, "too slow"):
        sleeps()
    line = sleeps.__code__.co_firstlineno + 1
    assert _runtime.where(caught.value) == f"test_deadline.py:{line}"


def test_code_in_time_is_left_alone() -> None:
    with deadline(5, "too slow"):
        time.sleep(0)


def test_without_seconds_there_is_no_deadline() -> None:
    with deadline(None, "too slow"):
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.parametrize("seconds", [0, -1.0])
def test_without_time_the_block_does_not_begin(seconds: float) -> None:
    with pytest.raises(OutOfTime, match="too slow"), deadline(seconds, "too slow"):
        pytest.fail("the block began")


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt])
def test_what_the_code_raises_propagates(kind: type[BaseException]) -> None:
    with pytest.raises(kind, match="mine"), deadline(5, "too slow"):
        raise kind("mine")


def test_an_inner_deadline_ends_only_the_inner_block() -> None:
    with deadline(5, "outer"):
        with pytest.raises(OutOfTime, match="inner"), deadline(SOON, "inner"):
            sleeps()
        assert 4 < signal.getitimer(signal.ITIMER_REAL)[0] < 5


@pytest.mark.parametrize("function", [sleeps, swallows_exceptions, waits_in_finally])
def test_an_outer_deadline_ends_inner_blocks(function: Callable[[], None]) -> None:
    after: list[str] = []
    with pytest.raises(OutOfTime, match="outer"), deadline(SOON, "outer"):  # noqa: PT012
        for _ in range(3):
            with deadline(5, "inner"):
                function()
            after.append("went on")
    assert after == []


def test_an_outer_deadline_holds_after_an_inner_one_was_reached() -> None:
    with pytest.raises(OutOfTime, match="outer"), deadline(3 * SOON, "outer"):  # noqa: PT012
        with pytest.raises(OutOfTime, match="inner"), deadline(SOON, "inner"):
            sleeps()
        sleeps()


def test_a_timer_of_the_callers_goes_off_in_its_time() -> None:
    rung: list[float] = []
    started = time.monotonic()
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(time.monotonic() - started))
    try:
        signal.setitimer(signal.ITIMER_REAL, 2 * SOON)
        with pytest.raises(OutOfTime), deadline(4 * SOON, "too slow"):
            sleeps()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert len(rung) == 1
    assert rung[0] >= 2 * SOON


def test_a_timer_of_the_callers_rings_once_and_leaves_the_block_its_time() -> None:
    """Until the block's own time is up, nothing interrupts it again."""
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _: rung.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, SOON)
        with deadline(60, "too slow"):
            while not rung:
                time.sleep(SOON)
            assert 50 < signal.getitimer(signal.ITIMER_REAL)[0] < 60
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_in_another_thread_a_deadline_has_no_effect() -> None:
    done: list[str] = []

    def work() -> None:
        with deadline(SOON, "too slow"):
            time.sleep(2 * SOON)
        done.append("yes")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == ["yes"]


def test_deadlines_that_pass_while_blocks_are_left_do_no_harm() -> None:
    """The signal may come at any instruction; a thousand blocks meet many of them."""
    late = 0
    for number in range(1000):
        try:
            with deadline(1e-6 * (number % 200 + 1), "too slow"):
                pass
        except OutOfTime:
            late += 1
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert late


def test_what_is_raised_inside_is_not_an_exception() -> None:
    assert not issubclass(DeadlineReached, Exception)
    assert issubclass(OutOfTime, TimeoutError)


def lambda_context(seconds: float) -> SimpleNamespace:
    return SimpleNamespace(get_remaining_time_in_millis=lambda: seconds * 1000)


@pytest.mark.parametrize(
    ("context", "limit", "seconds"),
    [
        (None, None, None),
        (None, 30, 30),
        (lambda_context(25), 30, 25),
        (lambda_context(900), 30, 30),
        (lambda_context(900), None, 900),
    ],
)
def test_an_answer_is_due_before_lambda_and_the_caller_give_up(
    context: object, limit: float | None, seconds: float | None
) -> None:
    due = answer_due(context, limit)
    assert (None if due is None else due - time.monotonic()) == (
        None if seconds is None else pytest.approx(seconds, abs=0.1)
    )


@pytest.mark.parametrize(("left", "seconds"), [(30, 27), (12, 9), (4, 3), (1, 0.75)])
def test_the_reserve_is_at_most_a_quarter(left: float, seconds: float) -> None:
    found = time_until(time.monotonic() + left, reserve=3)
    assert found == pytest.approx(seconds, abs=0.1)


def test_the_first_answer_is_due_earlier_by_lambdas_init(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller waits for the init too."""
    monkeypatch.setattr(_deadline, "_loaded", time.monotonic() - 5)
    initialised()
    first, second = (answer_due(None, 30) for _ in range(2))
    assert first is not None
    assert second is not None
    assert second - first == pytest.approx(5, abs=0.1)
