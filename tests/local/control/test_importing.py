"""The control package without the extra that the server needs."""

import subprocess
import sys

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


def test_control_without_a_client_does_not_import_boto3() -> None:
    """It takes longer to import than to show the last of 10,000 messages."""
    check = (
        "import sys, mailroom_local; sys.exit('boto3' in sys.modules or 'botocore' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", check], timeout=30).returncode == 0
