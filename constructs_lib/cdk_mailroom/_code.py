"""Checks a handler's code before it is packed, by parsing it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from cdk_mailroom import _requirements
from cdk_mailroom._imports import Surroundings, check_imports
from cdk_mailroom._packing import runtime_files
from cdk_mailroom._parsing import check_function
from cdk_mailroom._problems import Problems

__all__ = ["check_code"]


def check_code(
    problems: Problems,
    *,
    folder: Path,
    spec: str,
    requirements: Path | None,
    runtime: str,
    architecture: str,
    layers: bool,
) -> None:
    """Note what of a function cannot be found: itself, or what it imports."""
    path = check_function(problems, folder=folder, spec=spec)
    version = re.fullmatch(r"python3\.(\d+)", runtime)
    if path is None or version is None:
        return

    def installed() -> Iterable[str]:
        if requirements is None:
            return ()
        return _requirements.installed(requirements, runtime, architecture)

    with problems.collecting():
        check_imports(
            problems,
            folder=folder,
            spec=spec,
            path=path,
            around=Surroundings(
                python=int(version[1]),
                runtime=runtime_files(),
                requirements=requirements,
                installed=installed,
                layers=layers,
            ),
        )
