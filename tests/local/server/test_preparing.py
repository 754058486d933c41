"""The process that is ready for the next function."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mailroom_local.server.preparing import Processes

SCRIPT = """
import json, os, sys
told = {
    "imported": "boto3" in sys.modules,
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


def run(processes: Processes, code: Path, **environment: str) -> tuple[int, dict[str, Any]]:
    """Start the script as ministack does, send it a line, and return what it told."""
    process = processes.Popen(
        [sys.executable, str(code.parent / "_worker.py")],
        cwd=str(code),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
        env={**os.environ, **environment},
    )
    told, _ = process.communicate("hello\n", timeout=30)
    return process.pid, json.loads(told)


def test_a_function_takes_the_process_that_is_ready(
    code: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sees nothing of that, but finds boto3 imported; another one is made ready later."""
    processes = Processes()
    asked: list[float] = []
    monkeypatch.setattr(processes, "later", asked.append)
    processes.prepare()
    assert processes._ready is not None
    ready = processes._ready.pid
    pid, told = run(processes, code, NAME="value")
    assert (pid, told["imported"]) == (ready, True)
    assert (told["argv"], told["path"]) == ([str(code.parent / "_worker.py")], str(code.parent))
    assert (told["folder"], told["line"]) == (str(code), "hello\n")
    assert told["environment"] == {**os.environ, "NAME": "value"}
    assert asked == [1.0]
    assert not run(processes, code)[1]["imported"]


@pytest.mark.parametrize("own", ["urllib3", "json.py"])
def test_a_function_with_a_module_of_its_own_starts_from_nothing(code: Path, own: str) -> None:
    (code / own).mkdir()
    processes = Processes()
    processes.prepare()
    told = run(processes, code)[1]
    assert not told["imported"]
    assert told["line"] == "hello\n"


def test_a_function_that_sets_pythons_own_variables_starts_from_nothing(code: Path) -> None:
    processes = Processes()
    processes.prepare()
    told = run(processes, code, PYTHONDEVMODE="1")[1]
    assert not told["imported"]
    assert processes._ready is not None
    processes._ready.communicate()


def test_a_process_that_has_ended_is_not_taken(code: Path) -> None:
    processes = Processes()
    processes.prepare()
    assert processes._ready is not None
    processes._ready.kill()
    processes._ready.wait()
    assert run(processes, code)[1]["line"] == "hello\n"
