"""WorkMail, which ends on 2027-03-31, and mail gateways can leave with the paths of their names."""

import subprocess
from pathlib import Path, PurePath

from separable import ROOT, assert_imports_and_synthesizes, copy_without


def test_without_workmail_and_gateway_every_module_imports_and_an_example_synthesizes(
    tmp_path: Path,
) -> None:
    """`make separable` runs all tests that are left without WorkMail."""

    def left_out(path: PurePath) -> bool:
        return "workmail" in str(path) or "gateway" in path.parts

    assert_imports_and_synthesizes(copy_without(left_out, tmp_path))


def test_nothing_outside_imports_either_without_a_guard() -> None:
    """What the copy cannot show: an import in a function that the sample does not call."""
    for name in ("workmail", "gateway"):
        imports = rf"^\s*(from|import) [a-z_.]*\b{name}\b"
        found = subprocess.run(
            ["git", "grep", "-nE", imports, "--", "*.py", f":!*{name}*"],
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
