"""The user's transform may do anything to its process: it costs the record that it was given."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import mailroom
from mailroom.entry import lake as entry
from mailroom.testing import event_invocation, sending_event_payload
from runtime import runtime_api

BLOCK = "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])"
LIMIT = "resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))"
DEADLY = {
    "leaves without a word": ("os._exit(3)", "HandlerDied", "exit status 3"),
    "claims success": ("os._exit(0)", "HandlerDied", "exit status 0"),
    "is killed, as for its memory": ("os.kill(os.getpid(), 9)", "HandlerDied", "signal 9"),
    "kills its group": ("os.killpg(0, 15)", "HandlerDied", "signal 15"),
    "crashes": ("faulthandler.disable(); os.kill(os.getpid(), 11)", "HandlerDied", "signal 11"),
    "exits": ("sys.exit()", "HandlerExited", "hostile.py:5"),
    "eats the memory": (f"{LIMIT}; bytearray(2**32)", "MemoryError", "hostile.py:5"),
    "hangs": ("time.sleep(60)", "OutOfTime", "hostile.py:5"),
    "hangs and cannot be interrupted": (f"{BLOCK}; time.sleep(60)", "OutOfTime", "was killed"),
    "stops": ("os.kill(os.getpid(), signal.SIGSTOP)", "OutOfTime", "was killed"),
}


@pytest.fixture
def transform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Make a transform that runs one line for the poison, and returns ``{}``."""

    def make(line: str) -> Path:
        (tmp_path / "hostile.py").write_text(
            "import faulthandler, os, resource, signal, sys, time\n"
            "seen = []\n"
            "def transform(event):\n"
            "    if event.mail.message_id.startswith('poison'):\n"
            f"        {line}\n"
            "    seen.append(event.mail.message_id)\n"
            "    return {'seen': ' '.join(seen), 'process': os.getpid()}\n"
        )
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "hostile", raising=False)
        monkeypatch.setenv("MAILROOM_TRANSFORM", "hostile:transform")
        return tmp_path

    return make


def sends(*ids: str) -> dict[str, Any]:
    return event_invocation(
        [sending_event_payload("Send", message_id=one) for one in ids], "firehose"
    )


def results(*ids: str, seconds: float = 60) -> list[str]:
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: int(seconds * 1000))
    return [one["result"] for one in entry.handler(sends(*ids), context)["records"]]


def extras(*ids: str) -> list[dict[str, str]]:
    from runtime.lake.lake_samples import line

    return [line(one)["extra"] for one in entry.handler(sends(*ids))["records"]]


@pytest.mark.parametrize("case", DEADLY)
def test_whatever_a_transform_does_costs_its_record_only(
    transform: Callable[[str], Path], capsys: pytest.CaptureFixture[str], case: str
) -> None:
    """Nine innocent records around it become rows; the log says what happened, and where or how."""
    line, error, at = DEADLY[case]
    transform(line)
    found = results(*"abcd", "poison", *"efghi", seconds=3 if error == "OutOfTime" else 60)
    assert found == ["Ok"] * 4 + ["ProcessingFailed"] + ["Ok"] * 5
    (logged, metric) = [json.loads(one) for one in capsys.readouterr().out.splitlines()]
    assert logged["errors"] == {error: 1}
    assert at in logged["at"]
    assert metric["LakeFailed"] == 1


def test_what_the_function_does_on_sigterm_it_alone_does(transform: Callable[[str], Path]) -> None:
    """An extension of Lambda makes it get one before it ends."""
    transform("os.kill(os.getpid(), signal.SIGTERM)")
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        assert results("a", "poison", "b") == ["Ok", "ProcessingFailed", "Ok"]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_every_record_may_be_deadly(transform: Callable[[str], Path]) -> None:
    """First, last and in a row; each is kept, and the next has a new process."""
    transform("os._exit(1)")
    found = results("poison1", "poison2", "a", "poison3", "poison4", "b", "poison5")
    assert [one == "Ok" for one in found] == [False, False, True, False, False, True, False]
    assert results("c") == ["Ok"]


def test_what_cannot_be_interrupted_leaves_time_for_the_others(
    transform: Callable[[str], Path],
) -> None:
    """Two of them: each takes its share of what is left."""
    transform(f"{BLOCK}; time.sleep(60)")
    found = results("a", "poison1", "b", "poison2", "c", seconds=8)
    assert found == ["Ok", "ProcessingFailed", "Ok", "ProcessingFailed", "Ok"]


def test_what_a_transform_caches_stays_for_the_next_batch(
    transform: Callable[[str], Path],
) -> None:
    """One process answers batch after batch, as without a process of its own."""
    transform("os._exit(1)")
    (first,), (second,) = extras("a"), extras("b")
    assert second == {"seen": "a b", "process": first["process"]}
    assert int(first["process"]) != os.getpid()


def test_a_process_that_died_between_batches_blames_no_record(
    transform: Callable[[str], Path],
) -> None:
    """As when a thread of the transform ends it."""
    transform("pass")
    process = int(extras("a")[0]["process"])
    os.kill(process, signal.SIGKILL)
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    assert results("b", "c") == ["Ok", "Ok"]


def test_without_a_transform_nothing_is_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows need no other code than ours."""
    monkeypatch.setattr(os, "fork", None)
    assert results("a", "b") == ["Ok", "Ok"]


def test_a_large_row_crosses_between_the_processes(transform: Callable[[str], Path]) -> None:
    """Larger than a pipe holds, there and back."""
    transform("return {'big': 'x' * 300_000}")
    record = sending_event_payload("Send", message_id="poison")
    record["mail"]["headers"] = [{"name": "X", "value": "y" * 300_000}]
    (answer,) = entry.handler(event_invocation([record], "firehose"))["records"]
    assert answer["result"] == "Ok"
    assert len(answer["data"]) > 800_000


def test_output_appears_once_and_exit_handlers_run_in_the_parent_only(
    transform: Callable[[str], Path],
) -> None:
    """What was buffered before the fork is not written twice; what a transform printed is kept."""
    folder = transform("print('printed'); return {}")
    (folder / "main.py").write_text(
        textwrap.dedent("""
        import atexit, json, sys
        from mailroom.entry import lake
        atexit.register(print, "exit handler")
        print("buffered")
        answer = lake.handler(json.load(sys.stdin))
        print([one["result"] for one in answer["records"]])
        """)
    )
    path = f"{folder}:{Path(mailroom.__file__).parents[1]}"
    env = {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": ""}
    done = subprocess.run(
        [sys.executable, folder / "main.py"],
        input=json.dumps(sends("a", "poison")),
        env=env,
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert done.stderr == ""
    lines = [line for line in done.stdout.splitlines() if not line.startswith("{")]
    assert lines == ["buffered", "printed", "['Ok', 'Ok']", "exit handler"]


def test_lambdas_own_client_survives(transform: Callable[[str], Path]) -> None:
    """What the transform printed is in the log, and both batches are answered."""
    folder = transform("print('last words', flush=True); os.kill(os.getpid(), 9)")
    (folder / "mailroom").symlink_to(Path(mailroom.__file__).parent)
    outcome = runtime_api.invoke(
        sends("a", "poison", "b"),
        sends("c"),
        handler="mailroom.entry.lake.handler",
        folder=folder,
        env={"MAILROOM_TRANSFORM": "hostile:transform"},
    )
    assert [[one["result"] for one in each["records"]] for each in outcome.results] == [
        ["Ok", "ProcessingFailed", "Ok"],
        ["Ok"],
    ]
    assert outcome.output.count("last words") == 1
    assert [line.get("failed") for line in outcome.lines() if "ok" in line] == [1, 0]
