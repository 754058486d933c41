"""Stop the local AWS and remove its state directory."""

from __future__ import annotations

import argparse

from mailroom_cli import local


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    local.add_state_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Stop and remove whatever there is."""
    local.require()
    from mailroom_cli.terminal import show
    from mailroom_local.control import LocalAws, NotRunning, State

    try:
        aws = LocalAws.attach(state=options.state)
    except NotRunning:
        show("no local AWS was running")
    else:
        pid = aws.server.pid
        aws.stop()
        show(f"stopped the local AWS (process {pid})")
    State(options.state).remove()
    return 0
