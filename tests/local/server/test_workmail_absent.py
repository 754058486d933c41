"""A local AWS whose WorkMail has been deleted."""

import shutil
import subprocess
import sys
from pathlib import Path

import mailroom
import mailroom_local
from round_trip import ROUND_TRIP

_RUN = f"""
from mailroom_local import LocalAws
assert not hasattr(LocalAws, "mailbox")
{ROUND_TRIP}
"""


def test_the_rest_works_without_workmail(tmp_path: Path) -> None:
    """Nothing else imports it, and mail goes in and out."""
    for package in (mailroom, mailroom_local):
        source = Path(package.__file__).parent
        unwanted = shutil.ignore_patterns("*workmail*", "__pycache__")
        shutil.copytree(source, tmp_path / source.name, ignore=unwanted)
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(tmp_path / "state")],
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
