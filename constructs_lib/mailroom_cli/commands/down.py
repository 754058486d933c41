"""Stop the local AWS and delete everything it kept: messages, logs and its account."""

from __future__ import annotations

import argparse

from mailroom_cli import local


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--keep",
        action="store_true",
        help="keep messages and logs for `log` and `show`, until the next `up`",
    )
    local.add_state_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Stop it, and delete whatever there is."""
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
    state = State(options.state)
    if not state.root.exists():
        return 0
    if options.keep:
        show(
            f"kept {state.root}: `mailroom log` and `mailroom show` still read it; the next "
            "`mailroom up` begins anew"
        )
        return 0
    state.remove()
    if not state.root.exists():
        show(f"deleted {state.root} with all messages and logs")
    return 0
