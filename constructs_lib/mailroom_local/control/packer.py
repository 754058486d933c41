"""Packs a function's code as a synth would, in a process of its own that keeps what it parsed."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from threading import Event, Timer
from typing import Any

from mailroom_local.control.errors import MailroomError
from mailroom_local.control.processes import stop_group

# pip may download for minutes, but does not do so for ever.
_MOST_SECONDS = 600.0
_ENDING_SECONDS = 2.0
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
        process, late = self._process, Event()
        assert process.stdin is not None
        assert process.stdout is not None

        def give_up() -> None:
            late.set()
            stop_group(process)

        patience = Timer(_MOST_SECONDS, give_up)
        patience.start()
        try:
            process.stdin.write(json.dumps(dict(code)) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:  # it has ended
            line = ""
        finally:
            patience.cancel()
        if late.is_set() or not line:
            self.close()
        if late.is_set():
            raise CodeRefused(
                f"packing took longer than {_MOST_SECONDS / 60:.0f} minutes",
                remedy="see whether pip can download the requirements",
            )
        if not line:
            raise CodeRefused("the code could not be packed", remedy=_REMEDY)
        answer = json.loads(line)
        if "error" in answer:
            raise CodeRefused(answer["error"], remedy=_REMEDY)
        return Path(answer["path"]), answer["digest"]

    def close(self) -> None:
        """End the process; its zips go with it."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_ENDING_SECONDS)
        stop_group(process)
        if process.stdout is not None:
            process.stdout.close()


def _start() -> subprocess.Popen[str]:
    package = find_spec("cdk_mailroom")
    assert package is not None
    assert package.origin is not None
    return subprocess.Popen(  # noqa: S603  # our own file
        [sys.executable, "-P", str(Path(package.origin).with_name("packer.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # pip, which it may have started, ends with it.
        start_new_session=True,
        text=True,
    )
