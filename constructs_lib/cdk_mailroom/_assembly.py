"""Builds the code of a Lambda function: what it needs of the runtime, and the user's folder.

One zip a function, put together in Python without Docker. Its names are sorted, its times and
modes fixed, and bytecode left out, so the same code gives the same bytes; and the asset's hash is
taken from the names and contents alone, so nothing is redeployed because of who packed it. Of the
runtime it has the modules that the function can import and no others, so a change of one
capability redeploys no function of another.
"""

from __future__ import annotations

import ast
import atexit
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath

from aws_cdk import AssetHashType
from aws_cdk import aws_lambda as lambda_

import mailroom
from cdk_mailroom._checks import ConfigurationError

__all__ = ["code", "runtime_files"]

# The builders for users' unit tests have no use in Lambda.
_NOT_DEPLOYED = "mailroom/testing/"
_SKIPPED_FOLDERS = {"__pycache__", "node_modules"}
_SKIPPED_SUFFIXES = {".pyc", ".pyo"}
# What pip writes differently from one machine to the next, and Lambda never reads.
_SKIPPED_METADATA = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
# Commands, which begin with the path of the Python that pip ran on.
_SKIPPED_SCRIPTS = "bin/"

_WHEEL_PLATFORMS = {"arm64": "aarch64", "x86_64": "x86_64"}


def code(
    *,
    modules: Iterable[str] | None,
    folder: Path | None = None,
    requirements: Path | None = None,
    runtime: lambda_.Runtime,
    architecture: lambda_.Architecture,
) -> lambda_.AssetCode:
    """Return the code of one function: the runtime, with the contents of *folder* beside it.

    *modules*: of the runtime, where the function begins; what these import comes along, and what
    the folder and the requirements import. ``None``: the whole runtime. *requirements*: a
    requirements file, installed as wheels for the function's platform.
    Raises `ConfigurationError` if the folder brings a module named ``mailroom`` of its own, or if
    the requirements cannot be installed.
    """
    files: dict[str, bytes] = {}
    if requirements is not None:
        installed = _install(requirements, runtime.name, architecture.name)
        theirs = {
            name: content
            for name, content in _tree(installed, hidden=True)
            if not name.startswith(_SKIPPED_SCRIPTS)
        }
        _check_no_runtime(
            theirs, f"requirements is {str(requirements)!r}", "take that requirement out"
        )
        files.update(theirs)
    if folder is not None:
        own = dict(_tree(folder))
        _check_no_runtime(own, f"folder is {str(folder)!r}", "rename yours")
        files.update(own)
    runtime_code = dict(runtime_files())
    if modules is not None:
        runtime_code = _reachable(runtime_code, {*modules, *_imports_of(files)})
    path, digest = _write({**runtime_code, **files})
    return lambda_.Code.from_asset(
        str(path), asset_hash=digest, asset_hash_type=AssetHashType.CUSTOM
    )


def runtime_files() -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file of the runtime, as it lies in the zip."""
    root = Path(mailroom.__file__).parent
    for path, content in _tree(root):
        name = f"mailroom/{path}"
        if not name.startswith(_NOT_DEPLOYED):
            yield name, content


def _reachable(runtime: Mapping[str, bytes], modules: Iterable[str]) -> dict[str, bytes]:
    """Return those of the *runtime*'s files that importing *modules* can lead to."""
    found: dict[str, bytes] = {}
    waiting = ["mailroom", *modules]
    while waiting:
        base = waiting.pop().replace(".", "/")
        for name in (f"{base}.py", f"{base}/__init__.py"):
            if name in runtime and name not in found:
                found[name] = runtime[name]
                waiting += _imports_of({name: runtime[name]})
                waiting.append(str(PurePosixPath(base).parent).replace("/", "."))
    return found


def _imports_of(files: Mapping[str, bytes]) -> Iterator[str]:
    """Yield every name that may be a module of the runtime and that *files* import."""
    for name, content in files.items():
        # Cheap first, as requirements may hold thousands of files that have nothing to do with us.
        if not name.endswith(".py") or b"mailroom" not in content:
            continue
        try:
            tree = ast.parse(content)
        except (SyntaxError, ValueError):
            continue  # written for another Python, or no Python at all
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _check_no_runtime(files: Mapping[str, bytes], subject: str, remedy: str) -> None:
    if any(PurePosixPath(name).parts[0] in ("mailroom", "mailroom.py") for name in files):
        raise ConfigurationError(
            f"{subject}: it contains 'mailroom', which would hide the runtime of the same name; "
            f"{remedy}"
        )


def _tree(root: Path, *, hidden: bool = False) -> Iterator[tuple[str, bytes]]:
    for directory, folders, names in os.walk(root):
        folders[:] = sorted(
            folder
            for folder in folders
            if folder not in _SKIPPED_FOLDERS and (hidden or not folder.startswith("."))
        )
        for folder in folders:
            if Path(directory, folder).is_symlink():
                raise ConfigurationError(
                    f"folder is {str(root)!r}: {folder!r} in it is a link to a folder, which is "
                    "not followed; copy the folder, or name it in requirements"
                )
        in_metadata = directory.endswith(".dist-info")
        for name in sorted(names):
            path = Path(directory, name)
            if path.suffix in _SKIPPED_SUFFIXES or (not hidden and name.startswith(".")):
                continue
            if in_metadata and name in _SKIPPED_METADATA:
                continue
            yield path.relative_to(root).as_posix(), path.read_bytes()


def _write(files: Mapping[str, bytes]) -> tuple[Path, str]:
    digest = hashlib.sha256()
    for name in sorted(files):
        for part in (name.encode(), files[name]):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    path = _scratch() / f"{digest.hexdigest()}.zip"
    if not path.exists():
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for name in sorted(files):
                entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                entry.create_system = 3
                entry.external_attr = 0o644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, files[name])
    return path, digest.hexdigest()


@cache
def _scratch() -> Path:
    # CDK copies the zip when the function is made; it must live until then, and no longer.
    folder = tempfile.TemporaryDirectory(prefix="cdk-mailroom-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


@cache
def _install(requirements: Path, runtime: str, architecture: str) -> Path:
    """Install *requirements* for Lambda, as wheels only: nothing is built on this machine."""
    version = runtime.removeprefix("python")
    target = Path(tempfile.mkdtemp(prefix="requirements-", dir=_scratch()))
    machine = _WHEEL_PLATFORMS[architecture]
    print(f"installing {requirements} for {runtime} on {architecture}", file=sys.stderr)  # noqa: T201
    command = [
        # -P: the folder that it runs in may hold modules named like those that pip imports.
        *(sys.executable, "-P", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-compile", "--only-binary", ":all:", "--implementation", "cp"),
        *("--python-version", version, "--target", str(target)),
        *(f"--platform=manylinux_2_{minor}_{machine}" for minor in _glibc(version)),
        *(f"--platform=manylinux2014_{machine}", "--requirement", str(requirements)),
    ]
    # Relative paths in the file start at the file, wherever the app is run from.
    done = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, check=False, cwd=requirements.parent
    )
    if done.returncode != 0:
        raise ConfigurationError(
            f"requirements is {str(requirements)!r}: pip could not install it for {runtime} on "
            f"{architecture}; each requirement must come as a wheel for that platform\n"
            f"{done.stderr.strip()}"
        )
    return target


def _glibc(version: str) -> tuple[int, ...]:
    # Python 3.11 runs on Amazon Linux 2 with glibc 2.26, later ones on 2023 with glibc 2.34.
    # https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
    return (26, 24, 17) if version == "3.11" else (34, 31, 28, 26, 24, 17)
