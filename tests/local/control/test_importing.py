"""The control package without the extra that the server needs."""

import subprocess
import sys

import pytest

from mailroom_local import LocalAws, MailroomError
from mailroom_local.control import server_process

_CHECK = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        heavy = ("aiosmtpd", "aws_cdk", "cryptography", "duckdb", "ministack", "trustme")
        if name.partition(".")[0] in heavy:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
import mailroom_local
from mailroom_local.control import *
"""


def test_control_needs_only_boto3() -> None:
    """So the command can import it wherever it is installed."""
    done = subprocess.run(
        [sys.executable, "-c", _CHECK], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr


def test_a_missing_extra_is_named(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a process is started that could not import it."""
    monkeypatch.setattr(server_process, "find_spec", lambda name: None)
    with pytest.raises(MailroomError, match="not installed") as error:
        LocalAws(state=tmp_path / "state").start()
    assert "cdk-mailroom[local]" in error.value.remedy
