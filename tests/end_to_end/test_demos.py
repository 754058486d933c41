"""The demos, which deploy the examples with the CDK CLI and send them real mail."""

import os
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assemblies import EXAMPLES, synthesize
from mailroom_local import LocalAws

DEMOS = sorted(path.parent.name for path in EXAMPLES.glob("*/demo.py"))
AS_TYPED = "helpdesk"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS for the demos that need no process of their own."""
    with LocalAws(state=tmp_path_factory.mktemp("demos") / "state") as running:
        yield running


def test_a_demo_succeeds_when_it_is_run_as_typed(tmp_path: Path) -> None:
    """It deploys, sends by SMTP, checks what every mail led to, and exits with 0."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / AS_TYPED / "demo.py")],
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


@pytest.mark.parametrize("example", [name for name in DEMOS if name != AS_TYPED])
def test_a_demo_finds_what_it_expects(aws: LocalAws, example: str, tmp_path: Path) -> None:
    demo = runpy.run_path(str(EXAMPLES / example / "demo.py"))
    aws.deploy(app=str(synthesize(example, tmp_path / "assembly")))
    demo["prepare"](aws)
    with aws.permissions_enforced():
        assert list(demo["check"](aws)) == []
