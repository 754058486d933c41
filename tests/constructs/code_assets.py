"""The code asset that a function gets, and what is in it."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aws_cdk import aws_lambda as lambda_

from cdk_mailroom import _assembly

RUNTIME, ARCHITECTURE = lambda_.Runtime.PYTHON_3_13, lambda_.Architecture.ARM_64


def asset(
    folder=None, requirements=None, *, modules=None, runtime=RUNTIME, architecture=ARCHITECTURE
) -> Path:
    """Return the zip that is made, whose name is its hash."""
    code = _assembly.code(
        modules=modules,
        folder=folder,
        requirements=requirements,
        runtime=runtime,
        architecture=architecture,
    )
    return Path(code.path)


def contents(path: Path) -> dict[str, bytes]:
    """Return name and content of each entry."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pip_here(command: Sequence[str], *, cwd: Path, **options: Any) -> subprocess.CompletedProcess:
    """What `subprocess.run` does with a command of pip, in this process: to start pip is dear."""
    from pip._internal.cli.main import main

    before, said = Path.cwd(), io.StringIO()
    os.chdir(cwd)
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            status = main(list(command[command.index("pip") + 1 :]))
    finally:
        os.chdir(before)
    return subprocess.CompletedProcess(command, status, "", said.getvalue())
