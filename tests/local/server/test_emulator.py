"""The one package that touches ministack's internals, held against the pinned version."""

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import mailroom_local

_CHECK = """
import re
from pathlib import Path
from mailroom_local._emulator import internals
parts = {name: part for name, part in vars(internals).items() if isinstance(part, internals.Part)}
assert {part.module.__name__ for part in parts.values()} == set(internals.INTERNALS)
missing = [
    f"{part.module.__name__}.{name}"
    for part in parts.values()
    for name in part.declared.values()
    if not hasattr(part.module, name)
]
assert not missing, missing
texts = [path.read_text() for path in Path(internals.__file__).parent.rglob("*.py")]
touched = {
    match for text in texts for match in re.findall(r"\\binternals\\.(\\w+)\\.(\\w+)", text)
}
patched = r"internals\\.(\\w+)\\.patch\\((.*?)\\)\\n"
for part, members in re.findall(patched, "".join(texts), re.DOTALL):
    touched |= {(part, name) for name in re.findall(r"(\\w+)=", members)}
touched = {(part, name) for part, name in touched if name != "patch"}
undeclared = {pair for pair in touched if pair[1] not in parts[pair[0]].declared}
assert not undeclared, undeclared
declared = {(part, name) for part, found in parts.items() for name in found.declared}
assert not declared - touched, declared - touched
"""


def test_ministack_has_the_version_that_was_extended() -> None:
    """Internals move without notice: a new version is read before it is taken."""
    assert version("ministack") == "1.5.33"


def test_what_is_touched_is_what_is_declared_and_there(tmp_path: Path) -> None:
    run(_CHECK, tmp_path)


def test_only_one_package_knows_ministack() -> None:
    """Everything else speaks the AWS API."""
    package = Path(mailroom_local.__file__).parent
    touches = re.compile(r"^\s*(?:import|from) ministack|[\"']ministack\.", re.MULTILINE)
    knowing = {path.name for path in package.rglob("*.py") if touches.search(path.read_text())}
    assert knowing == {"internals.py"}


_LATE = """
import os, queue, threading, time, types
from mailroom_local._emulator import workers
read, write = os.pipe()
os.write(write, b"one\\ntwo\\n")
pipe, found = os.fdopen(read), queue.Queue()
def late():
    time.sleep(0.3)
    for line in pipe:
        found.put(line.strip())
threading.Thread(target=late, daemon=True).start()
worker = types.SimpleNamespace(_proc=types.SimpleNamespace(stderr=pipe), _stderr_queue=found)
print(workers.printed(worker).split())
"""


def test_what_a_function_printed_is_read_however_late_the_reader_is(tmp_path: Path) -> None:
    """On a busy machine, ministack gives up before its thread has read the pipe."""
    assert run(_LATE, tmp_path) == "['one', 'two']\n"


def run(program: str, state: Path) -> str:
    """Run a program in a process of its own, because importing ministack patches what it finds."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "STATE_DIR": str(state)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
