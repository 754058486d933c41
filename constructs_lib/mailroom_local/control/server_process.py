"""Starts the server process of a local AWS, and ends it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time

from mailroom_local.control import clients, requests
from mailroom_local.control.emulator import Interpreter
from mailroom_local.control.errors import MailroomError
from mailroom_local.control.processes import runs
from mailroom_local.control.state import Server, State

POLL_SECONDS = 0.05
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_TAIL_BYTES = 4000


def launch(
    state: State,
    interpreter: Interpreter,
    *,
    port: int,
    smtp_port: int,
    submission_port: int,
    page_port: int,
    region: str,
    detached: bool,
) -> subprocess.Popen[bytes]:
    """Start the process; unless detached, it ends with this one, even if this one is killed."""
    command = [
        # -P: the folder that it starts in may hold modules named like those that it imports.
        *(interpreter.python, "-P", "-m", "mailroom_local.server.main"),
        *("--state", str(state.root)),
        *("--port", str(port)),
        *("--smtp-port", str(smtp_port)),
        *("--submission-port", str(submission_port)),
        *("--page-port", str(page_port)),
        *("--region", region),
        *(() if detached else ("--parent", str(os.getpid()))),
    ]
    environment = {
        **clients.environment("", region=region),
        "TMPDIR": str(state.temporary),
    }
    if interpreter.packages is not None:
        environment["PYTHONPATH"] = str(interpreter.packages)
    with state.server_log.open("wb") as log:
        return subprocess.Popen(  # noqa: S603  # our own module and options
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def await_start(process: subprocess.Popen[bytes], state: State) -> Server:
    """Wait until the process answers, and return where."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        server = state.server()
        if server is not None and requests.answers(server):
            return server
        time.sleep(POLL_SECONDS)
    tail = state.server_log.read_bytes()[-_TAIL_BYTES:].decode("utf-8", "replace")
    raise MailroomError(
        f"the local AWS did not start:\n{tail.rstrip()}",
        remedy="if a port is in use, choose another with --port, --smtp-port, --submission-port "
        f"or --page-port; the whole log is {state.server_log}",
    )


def stop(server: Server) -> None:
    """End a server that another process started, once its answer has proved that it is ours."""
    if not requests.answers(server):
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(server.pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < deadline:
            # If this process started it, it stays a zombie until its status is read.
            with contextlib.suppress(ChildProcessError):
                os.waitpid(server.pid, os.WNOHANG)
            if not runs(server.pid):
                return
            time.sleep(POLL_SECONDS)
        os.killpg(server.pid, signal.SIGKILL)
