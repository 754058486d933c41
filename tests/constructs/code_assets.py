"""The code asset that a function gets, and what is in it."""

from __future__ import annotations

import zipfile
from pathlib import Path

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
