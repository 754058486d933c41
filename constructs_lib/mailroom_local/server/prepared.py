"""A Python process that has imported boto3, and becomes the process of the next function.

To import it takes most of a function's start. :mod:`mailroom_local.server.preparing` runs this
file; a line of standard input says what to become.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from pathlib import Path

import boto3


def main() -> None:
    """Wait for the line, and run the script that it names in its folder and environment."""
    # What botocore imports late, it imports for a client. The session is not boto3's default one.
    session = boto3.session.Session("mailroom", "mailroom", region_name="us-east-1")
    session.client("s3")
    line = b""
    # Byte by byte, as what follows is for the script.
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return
        line += byte
    wanted = json.loads(line)
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


main()
