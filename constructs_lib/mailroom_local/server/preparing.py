"""Keeps a Python process ready for the next function that is started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock, Timer
from typing import Any

# How soon one is made ready: when the server, or the function that took the last one, has started.
_FIRST_SECONDS = 3.0
_NEXT_SECONDS = 1.0


class Processes:
    """The module `subprocess`, for who starts functions."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ready: subprocess.Popen[str] | None = None
        self._soon: Timer | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    def Popen(  # noqa: N802  # the name of the class
        self, command: Sequence[str], **options: Any
    ) -> subprocess.Popen[Any]:
        """Start a process, or take the one that is ready for a script of this Python."""
        if len(command) == 2 and command[0] == sys.executable and _is_usual(options["env"]):
            with self._lock:
                taken, self._ready = self._ready, None
            self.later(_NEXT_SECONDS)
            wanted = {
                "script": command[1],
                "folder": options["cwd"],
                "environment": options["env"],
            }
            if taken is not None and _told(taken, wanted):
                return taken
        return subprocess.Popen(command, **options)  # noqa: S603  # the caller's own

    def later(self, seconds: float = _FIRST_SECONDS) -> None:
        """Make a process ready when the machine has nothing better to do."""
        soon = Timer(seconds, self.prepare)
        soon.daemon = True
        with self._lock:
            # While functions start one after another, they need the processor more.
            if self._soon is not None:
                self._soon.cancel()
            self._soon = soon
        soon.start()

    def prepare(self) -> None:
        """Make a process ready, unless one is; it ends with this process."""
        with self._lock:
            if self._ready is None or self._ready.poll() is not None:
                self._ready = subprocess.Popen(  # noqa: S603  # our own file
                    [sys.executable, str(Path(__file__).with_name("prepared.py"))],
                    cwd=tempfile.gettempdir(),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    bufsize=1,
                )


def _is_usual(environment: Mapping[str, str]) -> bool:
    """Whether Python itself would start in this environment as in that of the server."""

    def special(each: Mapping[str, str]) -> dict[str, str]:
        # Of layers ministack makes parts of the path.
        begin = ("PYTHON", "LD_", "_LAMBDA_LAYERS")
        return {name: value for name, value in each.items() if name.startswith(begin)}

    return special(environment) == special(os.environ)


def _told(process: subprocess.Popen[str], wanted: Mapping[str, Any]) -> bool:
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps(wanted) + "\n")
        process.stdin.flush()
    except OSError:
        return False
    return True
