"""What every entry point shares: log lines, metrics, and the console's address."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from mailroom import _runtime

SETUP = "import os\nfrom mailroom import _runtime"


@pytest.mark.parametrize(
    "statement", ["_runtime.log('INFO', 'test')", "_runtime.metric('Test', 1)"]
)
def test_a_line_is_written_even_if_the_process_is_killed_right_after(statement: str) -> None:
    """As Lambda does at a timeout, when nothing is flushed any more."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import os\nfrom mailroom import _runtime\n{statement}\nos._exit(1)",
        ],
        env={"PYTHONPATH": _runtime.__file__.rpartition("/mailroom/")[0]},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert json.loads(done.stdout)


def test_a_field_without_a_value_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """``None`` counts as missing; zero and the empty string do not."""
    _runtime.log("INFO", "test", rule=None, count=0, text="")
    line = json.loads(capsys.readouterr().out)
    assert {name: line[name] for name in line if name != "timestamp"} == {
        "level": "INFO", "event": "test", "count": 0, "text": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "eu-west-1.console.aws.amazon.com"),
        ("us-gov-west-1", "console.amazonaws-us-gov.com"),
        ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("", "console.aws.amazon.com"),
    ],
)
def test_each_partition_has_its_own_console(region: str, host: str) -> None:
    """GovCloud's is one for all of its regions."""
    assert _runtime.console(region) == host
