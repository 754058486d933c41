"""What a command starts ends with the command, whenever that is interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailroom_local import LocalAws
from mailroom_local.control.processes import Child, runs, stop_group

both_signals = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
ENDED = (SystemExit, KeyboardInterrupt)


@pytest.fixture
def _raised() -> Iterator[None]:
    """Both signals raise, as in the command; what a shell starts with "&" ignores SIGINT."""

    def raises(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    handlers = {signal.SIGTERM: raises, signal.SIGINT: signal.default_int_handler}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def interrupted(
    number: signal.Signals, _raised: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[subprocess.Popen[Any]]]:
    """The processes whose start is interrupted when they run, but it has not returned."""
    started: list[subprocess.Popen[Any]] = []

    class Interrupted(subprocess.Popen[Any]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)
            signal.raise_signal(number)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    yield started
    for process in started:
        stop_group(process)


@both_signals
def test_a_command_whose_start_is_interrupted_ends_too(
    interrupted: list[subprocess.Popen[Any]], tmp_path: Path
) -> None:
    child = Child(["sleep", "60"], cwd=tmp_path, env={}, log=tmp_path / "log")
    with pytest.raises(ENDED), child:
        raise AssertionError("the block must not begin")
    assert [process.returncode for process in interrupted] == [-signal.SIGTERM]


@both_signals
def test_a_detached_server_whose_start_is_interrupted_ends_too(
    interrupted: list[subprocess.Popen[Any]], tmp_path: Path
) -> None:
    with pytest.raises(ENDED):
        LocalAws(state=tmp_path / "state").start(detached=True)
    [server] = interrupted
    assert server.returncode is not None


def test_a_process_that_has_ended_does_not_run_though_nobody_asked_for_its_status() -> None:
    """Where PID 1 is not an init, as in many a container, an orphan stays so for good."""
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    assert child.stdin is not None
    assert runs(child.pid)
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not runs(child.pid)
    child.wait()
    assert not runs(child.pid)
