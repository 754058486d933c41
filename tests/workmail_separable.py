"""Remove WorkMail in a copy of the repository, and run in the copy all tests that are left.

Everything of WorkMail lies in files and folders with ``workmail`` in their names, so that it can go
when WorkMail does. ``make separable`` runs this, and ``test_workmail_separable.py`` a quick part.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def copy_without_workmail(target: Path) -> Path:
    """Copy the repository's files into *target*, except those with WorkMail in their paths."""
    for name in files():
        if "workmail" in name.lower() or not (ROOT / name).is_file():
            continue
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy)
    return target


def files() -> list[str]:
    """List the repository's files; those of an unpacked source distribution are all there are."""
    if not (ROOT / ".git").exists():
        paths = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
        return [str(path) for path in paths if "__pycache__" not in path.parts]
    return subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()


def environment(folder: Path) -> dict[str, str]:
    """Return an environment in which the sources of *folder* are the ones that are imported."""
    sources = os.pathsep.join(str(folder / name) for name in ("constructs_lib", "lambda_src"))
    return {**os.environ, "PYTHONPATH": sources}


def main() -> int:
    """Run every test that is left; return pytest's exit status."""
    with tempfile.TemporaryDirectory(prefix="without-workmail-") as temporary:
        folder = copy_without_workmail(Path(temporary))
        command = [sys.executable, "-m", "pytest", "--numprocesses", "auto", "--dist", "loadfile"]
        return subprocess.run(
            [*command, *sys.argv[1:]], cwd=folder, env=environment(folder), check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
