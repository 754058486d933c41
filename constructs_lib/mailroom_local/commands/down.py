"""Stop the local AWS and remove its state directory."""

from __future__ import annotations

import argparse

from mailroom_local.errors import NotRunning
from mailroom_local.local import LocalAws
from mailroom_local.state import State
from mailroom_local.terminal import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare nothing: the state directory is all that matters."""


def run(options: argparse.Namespace) -> int:
    """Stop and remove, whatever of it there is."""
    try:
        aws = LocalAws.attach(state=options.state)
    except NotRunning:
        say("no local AWS was running")
    else:
        pid = aws.server.pid
        aws.stop()
        say(f"stopped the local AWS (process {pid})")
    State(options.state).remove()
    return 0
