"""Installs a requirements file for Lambda, once: the result is kept on disk between synths.

The cache is ``$XDG_CACHE_HOME/cdk-mailroom``, by default ``~/.cache/cdk-mailroom``, and may be
deleted at any time. An entry is used again while the requirements file, the files that it
refers to, pip's settings, and the platform are the same; requirements without a version stay at
what was found first, until the file changes or the cache is deleted.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cdk_mailroom._problems import ConfigurationError

__all__ = ["installed"]

# What pip writes differently from one machine to the next, and Lambda never reads.
_SKIPPED_METADATA = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
# Commands, which begin with the path of the Python that pip ran on.
_SKIPPED_SCRIPTS = "bin/"

# While an app is deployed to the local AWS: the Python that runs functions instead of Lambda's.
_LOCAL_PYTHON = "MAILROOM_LOCAL_PYTHON"

_WHEEL_PLATFORMS = {"arm64": "aarch64", "x86_64": "x86_64"}


def installed(requirements: Path, runtime: str, architecture: str) -> Mapping[str, bytes]:
    """Return name and content of each file of *requirements*, installed for Lambda.

    Raises:
        ConfigurationError: pip could not install them as wheels for that platform.
    """
    sources = _sources(requirements, set())
    digest = hashlib.sha256()
    local = os.environ.get(_LOCAL_PYTHON, "")
    for part in (runtime, architecture, local, str(requirements.parent), *_environment()):
        digest.update(part.encode() + b"\0")
    for content in sources:
        digest.update(len(content).to_bytes(8, "big") + content)
    # Local files can change without a change of name.
    kept = None if any(map(_is_local, sources)) else digest.hexdigest()
    return _installed(requirements, runtime, architecture, digest.hexdigest(), kept)


@cache
def _installed(
    requirements: Path, runtime: str, architecture: str, key: str, kept: str | None
) -> Mapping[str, bytes]:
    entry = None if kept is None else _folder() / f"{kept}.zip"
    if entry is not None:
        found = _read(entry)
        if found is not None:
            return found
    files = _install(requirements, runtime, architecture)
    if entry is not None:
        with suppress(OSError):  # synth does not depend on a writable cache
            _write(entry, files)
    return files


def _folder() -> Path:
    given = os.environ.get("XDG_CACHE_HOME")
    # The specification says to ignore relative paths.
    base = Path(given) if given and Path(given).is_absolute() else Path.home() / ".cache"
    return base / "cdk-mailroom"


def _read(entry: Path) -> dict[str, bytes] | None:
    """Return an entry's files, or ``None`` if it is missing or damaged; zip has checksums."""
    try:
        with zipfile.ZipFile(entry) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError):
        return None


def _write(entry: Path, files: Mapping[str, bytes]) -> None:
    entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=entry.parent, suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w") as archive:
            for path, content in files.items():
                archive.writestr(zipfile.ZipInfo(path), content)
        Path(name).replace(entry)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _environment() -> Iterator[str]:
    """Yield what else decides which wheels pip chooses."""
    with suppress(PackageNotFoundError):  # pip says so itself when it is run
        yield f"pip {version('pip')}"
    yield sys.version
    yield sys.platform
    yield from sorted(f"{name}={value}" for name, value in os.environ.items() if _is_of_pip(name))


def _is_of_pip(name: str) -> bool:
    return name.upper().startswith("PIP_")


def _sources(path: Path, seen: set[Path]) -> list[bytes]:
    """Return the contents of a requirements file and of those that it refers to."""
    path = path.resolve()
    if path in seen:
        return []
    seen.add(path)
    try:
        content = path.read_bytes()
    except OSError:
        return []  # pip says what is wrong
    found = [content]
    for match in _REFERENCE.finditer(content.decode(errors="replace")):
        found += _sources(path.parent / match[1], seen)
    return found


_REFERENCE = re.compile(r"(?m)^\s*(?:-r|-c|--requirement|--constraint)[\s=]*([^\s#]+)")
_LOCAL = re.compile(
    rb"(?mi)^\s*(?:[./~\\]|[a-z]:[\\/]|-e\b|--editable|(?:-f|--find-links)[\s=]*+(?!https?:)|"
    rb"[^\s#:]+\.(?:whl|zip|tar\.gz)\b)|file:"
)


def _is_local(content: bytes) -> bool:
    return _LOCAL.search(content) is not None


def _install(requirements: Path, runtime: str, architecture: str) -> dict[str, bytes]:
    """Run pip, for wheels only: nothing is built on this machine."""
    if local := os.environ.get(_LOCAL_PYTHON):
        where = "this machine"
        try:
            return _run_pip(requirements, where, before=["--python", local], options=[])
        except ConfigurationError as error:
            # On Lambda it may run all the same; the deployment names what cannot run here.
            print(error, file=sys.stderr)  # noqa: T201
    python = runtime.removeprefix("python")
    machine = _WHEEL_PLATFORMS[architecture]
    options = [
        *("--implementation", "cp", "--python-version", python),
        *(f"--platform=manylinux_2_{minor}_{machine}" for minor in _glibc(python)),
        f"--platform=manylinux2014_{machine}",
    ]
    return _run_pip(requirements, f"{runtime} on {architecture}", before=[], options=options)


def _run_pip(
    requirements: Path, where: str, *, before: Sequence[str], options: Sequence[str]
) -> dict[str, bytes]:
    print(f"installing {requirements} for {where}", file=sys.stderr)  # noqa: T201
    with tempfile.TemporaryDirectory(prefix="cdk-mailroom-requirements-") as target:
        command = [
            # -P: the folder that it runs in may hold modules named like those that pip imports.
            *(sys.executable, "-P", "-m", "pip", *before, "install", "--quiet"),
            *("--disable-pip-version-check", "--no-compile", "--only-binary", ":all:"),
            *("--target", target, *options, "--requirement", str(requirements)),
        ]
        # Relative paths in the file start at the file, wherever the app is run from.
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, check=False, cwd=requirements.parent
        )
        if done.returncode != 0:
            raise ConfigurationError(
                f"requirements is {str(requirements)!r}: pip could not install it for {where}; "
                "each requirement must come as a wheel for that platform\n"
                f"{done.stderr.strip()}"
            )
        return dict(_files(Path(target)))


def _files(root: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if (
            path.is_file()
            and not name.startswith(_SKIPPED_SCRIPTS)
            and path.suffix not in {".pyc", ".pyo"}
            and not (path.parent.suffix == ".dist-info" and path.name in _SKIPPED_METADATA)
        ):
            yield name, path.read_bytes()


def _glibc(python: str) -> tuple[int, ...]:
    # Python 3.11 runs on Amazon Linux 2 with glibc 2.26, later ones on 2023 with glibc 2.34.
    # https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
    return (26, 24, 17) if python == "3.11" else (34, 31, 28, 26, 24, 17)
