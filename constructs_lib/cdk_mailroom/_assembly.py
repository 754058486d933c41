"""The code of a Lambda function as an asset of the app."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from aws_cdk import AssetHashType
from aws_cdk import aws_lambda as lambda_

from cdk_mailroom._asked import architecture_name, runtime_name
from cdk_mailroom._packing import packed, runtime_files

__all__ = ["code", "runtime_files"]


def code(
    *,
    modules: Iterable[str] | None,
    folder: Path | None = None,
    requirements: Path | None = None,
    runtime: lambda_.Runtime,
    architecture: lambda_.Architecture,
) -> lambda_.AssetCode:
    """Return the code of one function: the runtime, and the contents of *folder*.

    Args:
        modules: The modules of the runtime that the function begins with; what these import is
            included, and what the folder and the requirements import. ``None`` for the whole
            runtime.
        folder: The user's code.
        requirements: A requirements file, installed as wheels for the function's platform.
        runtime: The function's Python.
        architecture: The function's architecture.

    Raises:
        ConfigurationError: The folder contains a module named ``mailroom``, or the
            requirements cannot be installed.
    """
    path, digest = packed(
        modules=modules,
        folder=folder,
        requirements=requirements,
        runtime=runtime_name(runtime),
        architecture=architecture_name(architecture),
    )
    return lambda_.Code.from_asset(
        str(path), asset_hash=digest, asset_hash_type=AssetHashType.CUSTOM
    )
