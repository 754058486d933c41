"""What a command starts ends with the command, whenever that is interrupted."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailroom_local.control.processes import Child


@pytest.fixture
def _terminated() -> Iterator[None]:
    """SIGTERM raises, as in the command."""

    def raises(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, raises)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("_terminated")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_a_process_is_started_ends_that_too(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It runs by then, but its start has not returned."""
    started: list[subprocess.Popen[str]] = []

    class Interrupted(subprocess.Popen[str]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)
            signal.raise_signal(number)

    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", {str: Interrupted})
        child = Child(["sleep", "60"], cwd=tmp_path, env={}, log=tmp_path / "log")
    ended = (SystemExit, KeyboardInterrupt)
    with pytest.raises(ended), child:
        raise AssertionError("the block must not begin")
    [process] = started
    assert process.returncode == -signal.SIGTERM
