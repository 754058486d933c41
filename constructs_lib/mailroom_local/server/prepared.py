"""A Python process that has imported boto3, and forks the processes of functions.

To import it takes most of a function's start. :mod:`mailroom_local.server.preparing` runs this
file, with a socket as its standard input.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3


def main() -> None:
    """Answer requests until the other end is closed."""
    # What botocore imports late, it imports for a client. The session is not boto3's default one.
    session = boto3.session.Session("mailroom", "mailroom", region_name="us-east-1")
    session.client("s3")
    # What is never collected stays shared with the processes that are forked.
    gc.freeze()
    connection = socket.socket(fileno=0)
    while True:
        size, files, *_ = socket.recv_fds(connection, 4, 3)
        if not size:
            return
        content = bytearray()
        while len(content) < int.from_bytes(size, "big"):
            content += connection.recv(int.from_bytes(size, "big") - len(content))
        wanted = json.loads(content)
        if "pid" in wanted:
            answer = _status(wanted["pid"])
        else:
            answer = os.fork()
            if answer == 0:
                # Its standard input from now on.
                connection.detach()
                _become(wanted, files)
                return
            for file in files:
                os.close(file)
        connection.sendall(f"{json.dumps(answer)}\n".encode())


def _status(pid: int) -> int | None:
    """The exit status of a process that was forked, once it has ended."""
    try:
        ended, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return -1
    return os.waitstatus_to_exitcode(status) if ended else None


def _become(wanted: Mapping[str, Any], files: Sequence[int]) -> None:
    """Run a script in its folder and environment, with these files as standard streams."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    script, environment = wanted["script"], wanted["environment"]
    os.chdir(wanted["folder"])
    own = {path.name.partition(".")[0] for path in Path.cwd().iterdir()}
    if not own.isdisjoint(name.partition(".")[0] for name in sys.modules):
        # The function brings a module that is imported here already, such as its own boto3.
        os.execve(sys.executable, [sys.executable, script], environment)  # noqa: S606  # as usual
    os.environ.clear()
    os.environ.update(environment)
    sys.argv, sys.path[0] = [script], str(Path(script).parent)
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
