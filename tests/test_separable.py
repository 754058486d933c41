"""WorkMail ends on 2027-03-31: everything of it lies in paths named ``workmail`` and can go."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("cdk_mailroom", "mailroom", "mailroom_cli", "mailroom_local")
# A test of each program; `make separable` runs all that are left.
SAMPLE = ("tests/constructs/test_exports.py", "tests/runtime/test_budgets.py", "tests/cli")
IMPORT_ALL = """
import importlib, pkgutil, sys
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, f"{name}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
"""


def without_workmail(target: Path) -> Path:
    """Copy the repository's files into *target*, except all that WorkMail's names tell."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in listed:
        if "workmail" in name.lower() or not (ROOT / name).is_file():
            continue
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy)
    return target


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run *command* in *folder* with its own sources first."""
    sources = os.pathsep.join(str(folder / name) for name in ("constructs_lib", "lambda_src"))
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": sources},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return without_workmail(tmp_path_factory.mktemp("separable"))


def test_every_module_imports_without_workmail(folder: Path) -> None:
    done = run(folder, "-c", IMPORT_ALL, *PACKAGES)
    assert done.returncode == 0, done.stderr


def test_every_example_synthesizes_without_workmail(folder: Path) -> None:
    apps = sorted(folder.glob("examples/*/app.py"))
    assert apps
    for app in apps:
        done = run(folder, str(app))
        assert done.returncode == 0, done.stderr


def test_the_tests_that_are_left_are_collected_and_pass(folder: Path) -> None:
    collected = run(folder, "-m", "pytest", "--collect-only", "-q", "tests", "examples")
    assert collected.returncode == 0, collected.stdout + collected.stderr
    done = run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", *SAMPLE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_word_of_workmail_is_imported_elsewhere_without_a_guard() -> None:
    """What the copy cannot show: an import inside a function that no sampled test runs."""
    pattern = "^\\s*(from|import) [a-z_.]*workmail"
    found = subprocess.run(
        ["git", "grep", "-nE", pattern, "--", "*.py", ":!*workmail*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.splitlines()
    unguarded = [line for line in found if not guarded(*line.split(":", 2)[:2])]
    assert not unguarded


def guarded(name: str, number: str) -> bool:
    """Tell whether the import is in a block that ``find_spec`` opens."""
    lines = (ROOT / name).read_text("utf-8").splitlines()
    above = lines[max(0, int(number) - 6) : int(number) - 1]
    return any("find_spec" in line for line in above)
