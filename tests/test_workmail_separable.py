"""WorkMail ends on 2027-03-31: everything of it is in paths named ``workmail`` and can go."""

import subprocess
from pathlib import Path

from separable import ROOT, assert_imports_and_synthesizes, copy_without
from workmail_separable import has_workmail


def test_without_workmail_every_module_imports_and_an_example_synthesizes(tmp_path: Path) -> None:
    """`make separable` runs all tests that are left."""
    assert_imports_and_synthesizes(copy_without(has_workmail, tmp_path))


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
