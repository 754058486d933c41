"""The demos, which deploy the examples with the CDK CLI and send them real mail."""

import runpy
from pathlib import Path

import pytest

from assemblies import EXAMPLES, synthesize
from mailroom_local import LocalAws

REGIONS = {
    "gateway": "ca-central-1",
    "helpdesk": "eu-north-1",
    "newsletter": "eu-west-1",
    "workmail": "eu-central-1",
}


def test_every_demo_is_run() -> None:
    assert {path.parent.name for path in EXAMPLES.glob("*/demo.py")} == REGIONS.keys()


@pytest.mark.parametrize("example", REGIONS)
def test_a_demo_finds_what_it_expects(elsewhere: LocalAws, example: str, tmp_path: Path) -> None:
    demo = runpy.run_path(str(EXAMPLES / example / "demo.py"))
    app = synthesize(example, tmp_path / "assembly")
    elsewhere.deploy(app=str(app), region=REGIONS[example])
    demo["prepare"](elsewhere)
    with elsewhere.permissions_enforced():
        assert list(demo["check"](elsewhere)) == []
