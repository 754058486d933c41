"""WorkMail ends on 2027-03-31: everything of it is in paths named ``workmail`` and can go."""

import subprocess
import sys
from pathlib import Path

from workmail_separable import ROOT, copy_without_workmail, environment

PACKAGES = ("cdk_mailroom", "mailroom", "mailroom_cli", "mailroom_local")
# `make separable` runs all tests that are left.
IMPORT_AND_SYNTHESIZE = """
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


def test_without_workmail_every_module_imports_and_an_example_synthesizes(tmp_path: Path) -> None:
    folder = copy_without_workmail(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", f"{PACKAGES=}\n{IMPORT_AND_SYNTHESIZE}"],
        cwd=folder,
        env=environment(folder) | {"CDK_OUTDIR": str(tmp_path / "cdk.out")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "cdk.out" / "manifest.json").is_file()


def test_nothing_outside_imports_workmail_without_a_guard() -> None:
    """What the copy cannot show: an import in a function that no test of the sample calls."""
    found = subprocess.run(
        ["git", "grep", "-nE", r"^\s*(from|import) [a-z_.]*workmail", "--", "*.py", ":!*workmail*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.splitlines()
    assert not [line for line in found if not guarded(*line.split(":", 2)[:2])]


def guarded(name: str, number: str) -> bool:
    """Tell whether the import is right below a ``find_spec`` that asks for the module."""
    lines = (ROOT / name).read_text("utf-8").splitlines()
    return any("find_spec" in line for line in lines[max(0, int(number) - 6) : int(number) - 1])
