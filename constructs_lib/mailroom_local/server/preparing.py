"""Starts the processes of functions from one that is ready for it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock, Timer
from typing import Any

# When the server has started, the machine has something better to do.
_FIRST_SECONDS = 3.0
_ANSWER_SECONDS = 10.0
_POLL_SECONDS = 0.01


class Processes:
    """The module `subprocess`, for who starts functions."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ready: Ready | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    def Popen(  # noqa: N802  # the name of the class
        self, command: Sequence[str], **options: Any
    ) -> subprocess.Popen[Any] | Forked:
        """Start a process: if it is to run a script of this Python, from the one that is ready."""
        if len(command) == 2 and command[0] == sys.executable and _is_usual(options["env"]):
            with self._lock:
                ready = self._ready
            if ready is not None:
                # It may have been killed.
                with contextlib.suppress(OSError):
                    return ready.fork(command[1], options["cwd"], options["env"])
                self.prepare()
        return subprocess.Popen(command, **options)  # noqa: S603  # the caller's own

    def later(self) -> None:
        """Make a process ready, in a while."""
        soon = Timer(_FIRST_SECONDS, self.prepare)
        soon.daemon = True
        soon.start()

    def prepare(self) -> None:
        """Make a process ready; it ends with this process."""
        with self._lock:
            self._ready = Ready()


class Ready:
    """A process that has imported boto3, and forks others."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(_ANSWER_SECONDS)
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603  # our own file
                [sys.executable, str(Path(__file__).with_name("prepared.py"))],
                cwd=tempfile.gettempdir(),
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
            )

    def fork(self, script: str, folder: str, environment: Mapping[str, str]) -> Forked:
        """Start a process that runs this script.

        Raises:
            OSError: If this one does not answer.
        """
        pipes = [os.pipe() for _ in range(3)]
        (stdin, ours), (out, stdout), (err, stderr) = pipes
        wanted = {"script": script, "folder": folder, "environment": dict(environment)}
        try:
            pid = self._ask(wanted, stdin, stdout, stderr)
        except OSError:
            for end in (ours, out, err):
                os.close(end)
            raise
        finally:
            for end in (stdin, stdout, stderr):
                os.close(end)
        return Forked(self, pid, ours, out, err)

    def status(self, pid: int) -> int | None:
        """The exit status of a process that was forked, once it has ended."""
        try:
            status: int | None = self._ask({"pid": pid})
        except OSError:
            return -1
        return status

    def _ask(self, wanted: Mapping[str, Any], *files: int) -> Any:
        content = json.dumps(wanted).encode()
        size = len(content).to_bytes(4, "big")
        with self._lock:
            if files:
                socket.send_fds(self._socket, [size], files)
            else:
                self._socket.sendall(size)
            self._socket.sendall(content)
            answer = self._socket.recv(64)
        if not answer:
            raise ConnectionError("the process has ended")
        return json.loads(answer)


class Forked:
    """What `subprocess.Popen` is for a process that it starts."""

    def __init__(self, ready: Ready, pid: int, stdin: int, stdout: int, stderr: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin = os.fdopen(stdin, "w", buffering=1)
        self.stdout = os.fdopen(stdout)
        self.stderr = os.fdopen(stderr)
        self._ready = ready

    def poll(self) -> int | None:
        """The exit status, once it has ended."""
        if self.returncode is None:
            self.returncode = self._ready.status(self.pid)
        return self.returncode

    def wait(self, timeout: float) -> int:
        """The exit status, if it ends in time."""
        deadline = time.monotonic() + timeout
        while (status := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(_POLL_SECONDS)
        return status

    def terminate(self) -> None:
        """End it by SIGTERM."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        # Until its status is read, no other process gets its id.
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def _is_usual(environment: Mapping[str, str]) -> bool:
    """Whether Python itself would start in this environment as in that of the server."""

    def special(each: Mapping[str, str]) -> dict[str, str]:
        # Of layers ministack makes parts of the path.
        begin = ("PYTHON", "LD_", "_LAMBDA_LAYERS")
        return {name: value for name, value in each.items() if name.startswith(begin)}

    return special(environment) == special(os.environ)
