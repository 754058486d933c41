"""Packs a function's code as a synth would, in a process of its own that keeps what it parsed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from threading import Timer
from typing import Any

from mailroom_local.control.errors import MailroomError

# pip may download for minutes, but does not do so for ever.
_MOST_SECONDS = 600.0
_REMEDY = "correct it: until then, the last good code goes on"


class CodeRefused(MailroomError):
    """The code cannot be deployed; the text says what is wrong, in which file and line."""


class Packer:
    """The process, which is started at the first use, and again if it has ended."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def pack(self, code: Mapping[str, Any]) -> tuple[Path, str]:
        """Return the zip and the digest of what is in it.

        Raises:
            CodeRefused: If the code is not valid, or requirements cannot be installed.
        """
        if self._process is None or self._process.poll() is not None:
            self._process = _start()
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(dict(code)) + "\n")
        process.stdin.flush()
        patience = Timer(_MOST_SECONDS, process.kill)
        patience.start()
        line = process.stdout.readline()
        patience.cancel()
        if not line:
            self.close()
            raise CodeRefused("the code could not be packed", remedy=_REMEDY)
        answer = json.loads(line)
        if "error" in answer:
            raise CodeRefused(answer["error"], remedy=_REMEDY)
        return Path(answer["path"]), answer["digest"]

    def close(self) -> None:
        """End the process; its zips go with it."""
        if self._process is not None:
            self._process.communicate()
            self._process = None


def _start() -> subprocess.Popen[str]:
    package = find_spec("cdk_mailroom")
    assert package is not None
    assert package.origin is not None
    return subprocess.Popen(  # noqa: S603  # our own file
        [sys.executable, "-P", str(Path(package.origin).with_name("packer.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
