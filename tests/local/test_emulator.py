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
from importlib import import_module
from pathlib import Path
from mailroom_local._emulator import internals
missing = [
    f"{module}.{name}"
    for module, names in internals.INTERNALS.items()
    for name in names
    if not hasattr(import_module(module), name)
]
assert not missing, missing
used = {
    match
    for path in Path(internals.__file__).parent.glob("*.py")
    for match in re.findall(r"\\binternals\\.(\\w+)\\.(\\w+)", path.read_text())
}
assert used
undeclared = {
    f"{alias}.{name}"
    for alias, name in used
    if name not in internals.INTERNALS[getattr(internals, alias).__name__]
}
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


def test_only_one_package_knows_ministack() -> None:
    """Everything else speaks the AWS API."""
    package = Path(mailroom_local.__file__).parent
    touches = re.compile(r"^\s*(?:import|from) ministack|import_module\(.ministack", re.MULTILINE)
    knowing = {path.name for path in package.rglob("*.py") if touches.search(path.read_text())}
    assert knowing == {"internals.py"}
