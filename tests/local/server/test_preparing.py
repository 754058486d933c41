"""The process that is ready for functions."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailroom_local.server.preparing import Processes

SCRIPT = """
import json, os, sys
told = {
    "imported": "boto3" in sys.modules,
    "parent": os.getppid(),
    "argv": sys.argv,
    "path": sys.path[0],
    "folder": os.getcwd(),
    "environment": dict(os.environ),
    "line": sys.stdin.readline(),
}
print(json.dumps(told), flush=True)
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    (tmp_path / "_worker.py").write_text(SCRIPT)
    (tmp_path / "code").mkdir()
    return tmp_path / "code"


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    """With a process that is ready."""
    made = Processes()
    made.prepare()
    yield made
    assert made._ready is not None
    made._ready.process.kill()
    made._ready.process.wait()
    made._ready._socket.close()


def start(processes: Processes, code: Path, **environment: str) -> Any:
    """Start the script as ministack does."""
    return processes.Popen(
        [sys.executable, str(code.parent / "_worker.py")],
        cwd=str(code),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
        env={**os.environ, **environment},
    )


def run(processes: Processes, code: Path, **environment: str) -> dict[str, Any]:
    """Start the script, send it a line, and return what it told."""
    process = start(processes, code, **environment)
    process.stdin.write("hello\n")
    told = process.stdout.readline()
    assert process.wait(timeout=30) == 0, process.stderr.read()
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()
    return dict(json.loads(told))


def test_functions_are_forked_from_the_process_that_is_ready(
    processes: Processes, code: Path
) -> None:
    """They see nothing of that, nor of each other, but find boto3 imported."""
    assert processes._ready is not None
    for value in ("one", "two"):
        told = run(processes, code, NAME=value)
        assert (told["imported"], told["parent"]) == (True, processes._ready.process.pid)
        assert (told["argv"], told["path"]) == ([str(code.parent / "_worker.py")], str(code.parent))
        assert (told["folder"], told["line"]) == (str(code), "hello\n")
        assert told["environment"] == {**os.environ, "NAME": value}


@pytest.mark.parametrize("own", ["urllib3", "json.py"])
def test_a_function_with_a_module_of_its_own_starts_from_nothing(
    processes: Processes, code: Path, own: str
) -> None:
    (code / own).mkdir()
    told = run(processes, code)
    assert not told["imported"]
    assert told["line"] == "hello\n"


def test_a_function_that_sets_pythons_own_variables_starts_from_nothing(
    processes: Processes, code: Path
) -> None:
    assert not run(processes, code, PYTHONDEVMODE="1")["imported"]


def test_how_a_function_ended_is_known(processes: Processes, code: Path) -> None:
    """Whether it was ended, or failed by itself."""
    process = start(processes, code)
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0)
    process.terminate()
    assert process.wait(timeout=30) == -signal.SIGTERM
    process.kill()
    (code.parent / "_worker.py").write_text("raise SystemExit(3)")
    assert start(processes, code).wait(timeout=30) == 3


def test_without_the_process_that_was_ready_functions_start_and_another_one_is_made(
    processes: Processes, code: Path
) -> None:
    """Those that it had forked count as ended."""
    assert processes._ready is not None
    lost, before = start(processes, code), processes._ready.process
    before.kill()
    before.wait()
    assert not run(processes, code)["imported"]
    assert lost.poll() == -1
    assert run(processes, code)["imported"]
