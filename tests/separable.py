"""What a capability's removal is tried with: a copy of the repository that lacks some files."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path, PurePath

ROOT = Path(__file__).parents[1]
PACKAGES = ("cdk_mailroom", "mailroom", "mailroom_cli", "mailroom_local")
_IMPORT_AND_SYNTHESIZE = """
import importlib, pkgutil, runpy, sys
for name in PACKAGES:
    package = importlib.import_module(name)
    for found in pkgutil.walk_packages(package.__path__, f"{name}."):
        if not found.name.endswith("__main__"):
            module = importlib.import_module(found.name)
            for exported in getattr(module, "__all__", ()):
                getattr(module, exported)
sys.path.insert(0, "examples/helpdesk")
runpy.run_path("examples/helpdesk/app.py")
"""


def copy_without(left_out: Callable[[PurePath], bool], target: Path) -> Path:
    """Copy the repository's files into *target*, except those that are left out."""
    for name in _files():
        if left_out(PurePath(name)) or not (ROOT / name).is_file():
            continue
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy)
        _copy_compiled(ROOT / name, copy)
    return target


def _copy_compiled(source: Path, copy: Path) -> None:
    """Spare Python the compilation of a file that has the same time and size."""
    compiled = Path(importlib.util.cache_from_source(str(source)))
    if source.suffix == ".py" and compiled.is_file():
        target = Path(importlib.util.cache_from_source(str(copy)))
        target.parent.mkdir(exist_ok=True)
        shutil.copy2(compiled, target)


def _files() -> list[str]:
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


def assert_imports_and_synthesizes(folder: Path) -> None:
    """Assert that every module of a copy imports, and that an example synthesizes."""
    out = folder / "cdk.out"
    done = subprocess.run(
        [sys.executable, "-c", f"{PACKAGES=}\n{_IMPORT_AND_SYNTHESIZE}"],
        cwd=folder,
        env=environment(folder) | {"CDK_OUTDIR": str(out)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (out / "manifest.json").is_file()
