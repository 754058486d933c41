"""The one module that touches ministack's internals, held against the pinned version."""

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import mailroom_local

_CHECK = """
from importlib import import_module
from mailroom_local import _emulator
missing = [
    f"{module}.{name}"
    for module, names in _emulator.INTERNALS.items()
    for name in names
    if not hasattr(import_module(module), name)
]
assert not missing, missing
used = {
    f"{alias}.{name}"
    for alias, name in __import__("re").findall(
        r"\\b_(app|iam|kms|lambda|policies|provisioners|responses|s3|ses|ses_v2|sns|workers)\\.(\\w+)",
        open(_emulator.__file__).read(),
    )
}
declared = {name for names in _emulator.INTERNALS.values() for name in names}
undeclared = {name for name in used if name.partition(".")[2] not in declared}
assert not undeclared, undeclared
"""


def test_ministack_is_the_version_that_was_extended() -> None:
    """Internals move without notice: a new version is read before it is taken."""
    assert version("ministack") == "1.5.33"


def test_every_internal_that_is_touched_is_declared_and_there(tmp_path: Path) -> None:
    """In a process of its own, because importing ministack patches what it finds."""
    done = subprocess.run(
        [sys.executable, "-c", _CHECK],
        env={**os.environ, "STATE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr


def test_only_one_module_knows_ministack() -> None:
    """Everything else speaks the AWS API."""
    package = Path(mailroom_local.__file__).parent
    touches = re.compile(r"^\s*(?:import|from) ministack|import_module\(.ministack", re.MULTILINE)
    knowing = {path.name for path in package.rglob("*.py") if touches.search(path.read_text())}
    assert knowing == {"_emulator.py"}
