"""What a demo says when it ends, and what it leaves running."""

from __future__ import annotations

import contextlib
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assemblies import EXAMPLES


class Started:
    """A local AWS that only notes what is asked of it."""

    def __init__(self, **options: Any) -> None:
        self.done: list[str] = []
        self.server = SimpleNamespace(page="http://127.0.0.1:8025")
        self.state = SimpleNamespace(root=Path("/somewhere/.mailroom"))
        Started.last = self

    last: Started

    def start(self, *, detached: bool) -> None:
        self.done.append("detached" if detached else "started")

    def stop(self) -> None:
        self.done.append("stopped")

    def deploy(self, **options: Any) -> None:
        """Deploy nothing."""

    @contextlib.contextmanager
    def permissions_enforced(self) -> Iterator[None]:
        yield


def demonstrate(monkeypatch: pytest.MonkeyPatch, *arguments: str, problems: Any = ()) -> list[str]:
    names = runpy.run_path(str(EXAMPLES / "demonstration.py"))
    function = names["demonstrate"]
    monkeypatch.setitem(function.__globals__, "LocalAws", Started)
    monkeypatch.setattr(sys, "argv", ["demo.py", *arguments])
    function(Path(), lambda aws: None, lambda aws: problems)
    return Started.last.done


def test_a_demo_ends_with_its_local_aws(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demonstrate(monkeypatch) == ["started", "stopped"]
    assert "Nothing is left running." in capsys.readouterr().out


def test_a_kept_demo_says_where_its_page_is_and_how_to_end_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demonstrate(monkeypatch, "--keep") == ["detached"]
    said = capsys.readouterr().out
    assert "http://127.0.0.1:8025" in said
    assert "mailroom down --state /somewhere/.mailroom" in said


def test_a_kept_demo_that_is_interrupted_leaves_nothing_running(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted() -> Iterator[str]:
        raise KeyboardInterrupt
        yield ""

    with pytest.raises(SystemExit, match="Nothing is left running"):
        demonstrate(monkeypatch, "--keep", problems=interrupted())
    assert Started.last.done == ["detached", "stopped"]


def test_a_kept_demo_with_problems_fails_and_stays_to_be_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(SystemExit) as ended:
        demonstrate(monkeypatch, "--keep", problems=["a ticket is missing"])
    assert "http://127.0.0.1:8025" in str(ended.value)
    assert Started.last.done == ["detached"]
