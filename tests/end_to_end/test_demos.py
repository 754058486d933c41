"""The demos, which deploy the examples with the CDK CLI and send them real mail."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEMOS = sorted(path.parent.name for path in (ROOT / "examples").glob("*/demo.py"))


@pytest.mark.parametrize("example", DEMOS)
def test_a_demo_finds_no_problem(example: str, tmp_path: Path) -> None:
    """It deploys, sends by SMTP, checks what every mail led to, and exits with 0."""
    demo = ROOT / "examples" / example / "demo.py"
    done = subprocess.run(
        [sys.executable, str(demo)],
        cwd=tmp_path,
        env={**os.environ, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All as expected" in done.stdout
    assert "✗" not in done.stdout
