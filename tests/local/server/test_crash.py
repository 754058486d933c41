"""What a server leaves that ends with an error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from mailroom_local.control.state import State

CRASHES = """
import asyncio, sys
from mailroom_local.server import main


async def crash(*arguments):
    raise RuntimeError("a crash")


main._listen = crash
main.main(["--state", sys.argv[1]])
"""


def test_a_server_that_crashed_is_not_taken_for_one_that_was_shut_down(tmp_path: Path) -> None:
    """Its record stays, for the next start and for `mailroom up`."""
    state = State(tmp_path / "state")
    state.create()
    crashed = subprocess.Popen(
        [sys.executable, "-c", CRASHES, str(state.root)], stderr=subprocess.PIPE, text=True
    )
    _, said = crashed.communicate(timeout=30)
    assert "RuntimeError: a crash" in said
    assert crashed.returncode == 1
    assert not state.ended_cleanly(crashed.pid)
