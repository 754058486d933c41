"""Code for your own Lambda functions that send mail."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import aws_lambda as lambda_

from cdk_mailroom import _assembly
from cdk_mailroom._checks import Problems

__all__ = ["runtime_code"]


def runtime_code(
    folder: str | Path,
    *,
    requirements: str | Path | None = None,
    runtime: lambda_.Runtime | None = None,
    architecture: lambda_.Architecture | None = None,
) -> lambda_.AssetCode:
    """Return the code for your own function that imports ``mailroom``, for example to send mail.

    It has the contents of *folder*, its requirements and those modules of the runtime that they
    import, put together without Docker.

    Args:
        folder: The folder with your modules; they are at the top of the code.
        requirements: A requirements file, installed as wheels for the function's platform; by
            default ``requirements.txt`` in the folder, if there is one.
        runtime: The function's runtime, which decides which wheels are installed; Python 3.13 by
            default.
        architecture: The function's architecture, likewise; arm64 by default.

    Returns:
        The code, for ``aws_lambda.Function(code=…)``.

    Raises:
        ConfigurationError: A missing folder or file, or requirements that cannot be installed.
    """
    root = Path(folder).absolute()
    problems = Problems("runtime_code")
    if not root.is_dir():
        problems.add("folder", str(root), "no such folder; pass an existing one")
    own = root / "requirements.txt" if requirements is None else Path(requirements).absolute()
    if requirements is not None and not own.is_file():
        problems.add("requirements", str(own), "no such file; pass an existing one")
    problems.raise_if_any()
    return _assembly.code(
        modules=(),
        folder=root,
        requirements=own if own.is_file() else None,
        runtime=runtime or lambda_.Runtime.PYTHON_3_13,
        architecture=architecture or lambda_.Architecture.ARM_64,
    )
