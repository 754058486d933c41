"""Long work: live on a terminal, plain lines elsewhere."""

import contextlib
import io
import re
import time
from typing import Any

import pytest

from mailroom_cli.progress import Meter, Steps


class Time:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def plain(shown: str) -> str:
    """Without styles and cursor movements."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)


def test_a_step_is_two_plain_lines_outside_a_terminal() -> None:
    stream = io.StringIO()
    with Steps(stream).step("Deploying") as report:
        report("1/2")
    began, ended = stream.getvalue().splitlines()
    assert began == "Deploying ..."
    assert re.fullmatch(r"Deploying: done in 0\.\d s", ended)


def test_a_step_that_fails_says_so_and_raises() -> None:
    stream = io.StringIO()
    with pytest.raises(ValueError, match="oops"), Steps(stream).step("Deploying"):
        raise ValueError("oops")
    assert "Deploying: failed after 0." in stream.getvalue()


def test_a_step_is_a_live_line_on_a_terminal_with_its_latest_detail(screen: Any) -> None:
    with contextlib.suppress(ValueError), Steps(screen).step("Deploying") as report:
        report("first")
        report("1/2 \x1b[31m[red] " + "x" * 200)
        for _ in range(300):
            if "1/2" in screen.getvalue():
                break
            time.sleep(0.01)
        raise ValueError("oops")
    shown = screen.getvalue()
    assert "1/2 \\x1b[31m[red] x" in plain(shown)
    assert "\x1b[31m[red]" not in shown
    # However long the detail is, it stays on the one line that is drawn again and again.
    live = [line for line in re.split(r"[\r\n]", plain(shown)) if "1/2" in line]
    assert live
    assert all(len(line) <= 80 for line in live)
    after = shown[shown.rindex("1/2") :]
    assert "\x1b[2K" in after, "the live row stays on the screen"
    assert "\x1b[?25h" in after, "the cursor stays hidden"
    assert plain(shown).splitlines()[-1].startswith("✗ Deploying: failed after 0.")


def test_a_dumb_terminal_gets_plain_lines(screen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    with Steps(screen).step("Deploying"):
        pass
    assert "\x1b" not in screen.getvalue()
    assert screen.getvalue().startswith("Deploying ...\nDeploying: done in 0.")


def test_a_terminal_has_a_bar_with_rate_share_and_time_left(screen: Any) -> None:
    clock = Time()
    meter = Meter(screen, clock=clock)
    clock.now += 10
    meter.show(500, 0.25)
    for _ in range(300):
        if "left" in screen.getvalue():
            break
        time.sleep(0.01)
    clock.now += 30
    meter.show(2_000, 1.0, last=True)
    shown = plain(screen.getvalue())
    assert "500 events  50/s   25%  0:30 left" in shown
    assert shown.rstrip().endswith("2,000 events  50/s")
    assert "\x1b[?25h" in screen.getvalue(), "the cursor stays hidden"


def test_outside_a_terminal_progress_is_a_line_every_few_seconds() -> None:
    clock, stream = Time(), io.StringIO()
    meter = Meter(stream, clock=clock)
    for _ in range(12):
        clock.now += 1
        meter.show(10, 0.5)
    meter.show(20, 1.0, last=True)
    assert stream.getvalue().splitlines() == [
        "10 events  2/s   50%  0:05 left",
        "10 events  1/s   50%  0:10 left",
        "20 events  2/s",
    ]


def test_a_replay_that_stops_early_does_not_say_how_long_it_would_take() -> None:
    clock, stream = Time(), io.StringIO()
    meter = Meter(stream, clock=clock)
    clock.now += 10
    meter.show(10, 0.5, last=True)
    assert stream.getvalue() == "10 events  1/s\n"


def test_hours_are_shown_when_there_are_any() -> None:
    clock, stream = Time(), io.StringIO()
    meter = Meter(stream, clock=clock)
    clock.now += 100
    meter.show(1, 1 / 41)
    assert stream.getvalue() == "1 event  0/s    2%  1:06:40 left\n"
