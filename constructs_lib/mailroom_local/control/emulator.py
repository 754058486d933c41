"""Finds the Python environment in which the server runs, or makes it.

The emulator pins botocore, and a user's app must not: so the server may run in an environment of
its own. Requests, SMTP and files of the state directory are all that connects the two.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

from mailroom_local.control.errors import MailroomError
from mailroom_local.control.processes import Child
from mailroom_local.control.progress import Progress, Report
from mailroom_local.control.state import State

VARIABLE = "MAILROOM_EMULATOR_PYTHON"
"""The variable that names the Python of an environment with the extra ``emulator``."""
# The emulator's internals are extended, so its version is exact.
MINISTACK_VERSION = "1.5.33"

_DISTRIBUTION, _EXTRA, _LAKE = "cdk-mailroom", "emulator", "lake"
_NEEDED = (
    "aiosmtpd",
    "boto3",
    "cryptography",
    "jinja2",
    "ministack",
    "nh3",
    "starlette",
    "trustme",
)
_OUR_PACKAGES = ("mailroom", "mailroom_local")
_MAKER = "virtualenv"
_MAKING_SECONDS = 900.0
_ASKING_SECONDS = 60.0
_REMEDY = (
    f"connect to a package index once, or name the Python of an environment with "
    f"cdk-mailroom[{_EXTRA}] in the variable {VARIABLE}"
)
_ASK = (
    "import importlib.metadata as metadata, importlib.util as util\n"
    f"missing = [name for name in {_NEEDED!r} if util.find_spec(name) is None]\n"
    "print(*missing or [metadata.version('ministack')])"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python that can run the server."""

    python: str
    """Its path."""
    packages: Path | None = None
    """A folder with our packages, if it does not have them itself."""


def interpreter(state: State, progress: Progress) -> Interpreter:
    """Find the server's Python: the one given, or this one, or one of its own.

    Raises:
        MailroomError: If the one given lacks a package, the extra ``local`` is not installed, or
            pip fails.
    """
    found = server_python()
    if found == sys.executable and not os.environ.get(VARIABLE):
        return Interpreter(python=found)
    python = found or _made(state.install_log, progress)
    return Interpreter(python=python, packages=_linked_packages(state))


def server_python() -> str | None:
    """Return the server's Python: the one given, or this one, or one that was made before.

    Returns:
        Its path; ``None`` if it is made when the server first starts.

    Raises:
        MailroomError: If the one given lacks a package, or the extra ``local`` is not installed.
    """
    if given := os.environ.get(VARIABLE):
        _check(given)
        return given
    if _is_here():
        return sys.executable
    if find_spec(_MAKER) is None:
        raise MailroomError(
            "the local AWS is not installed",
            remedy="install it into this environment: pip install 'cdk-mailroom[local]'",
        )
    python = _environment(_requirements()) / "bin" / "python"
    return str(python) if python.exists() else None


def _is_here() -> bool:
    if any(find_spec(name) is None for name in _NEEDED):
        return False
    with contextlib.suppress(PackageNotFoundError):
        return version("ministack") == MINISTACK_VERSION
    return False


def _check(python: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603  # the user's own choice
            [python, "-I", "-c", _ASK], capture_output=True, text=True, timeout=_ASKING_SECONDS
        )
        found = done.stdout.strip() or done.stderr.strip().rpartition("\n")[2]
    except (OSError, subprocess.TimeoutExpired) as error:
        found = str(error)
    if found != MINISTACK_VERSION:
        raise MailroomError(
            f"{VARIABLE} is {python!r}: it lacks what the extra {_EXTRA} installs ({found})",
            remedy=f"{python} -m pip install 'cdk-mailroom[{_EXTRA}]', or unset {VARIABLE}",
        )


def _linked_packages(state: State) -> Path:
    """A folder with our packages and nothing else of this environment."""
    folder = state.temporary / "packages"
    folder.mkdir(mode=0o700)
    for name in _OUR_PACKAGES:
        found = find_spec(name)
        assert found is not None
        assert found.submodule_search_locations
        (folder / name).symlink_to(Path(found.submodule_search_locations[0]).absolute())
    return folder


def _made(log: Path, progress: Progress) -> str:
    """The Python of the environment in the user's cache, which is made at the first use."""
    requirements = _requirements()
    environment = _environment(requirements)
    python = environment / "bin" / "python"
    if python.exists():
        return str(python)
    environment.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    title = "Installing the emulator into an environment of its own, once, in a minute or so"
    with progress.step(title) as report, _alone(environment, report):
        # Another process may have made it in the meantime.
        if not python.exists():
            _make(environment, requirements, log, report)
    return str(python)


def _environment(requirements: Sequence[str]) -> Path:
    digest = hashlib.sha256()
    for part in (*requirements, sys.version, sys.base_prefix, platform.machine()):
        digest.update(part.encode() + b"\0")
    return _cache() / f"emulator-{digest.hexdigest()[:12]}"


def _make(environment: Path, requirements: Sequence[str], log: Path, report: Report) -> None:
    for left in environment.parent.glob(f"{environment.name}*"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
    part = Path(tempfile.mkdtemp(dir=environment.parent, prefix=f"{environment.name}-"))
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    try:
        for command in _commands(part, requirements):
            with Child(command, cwd=part, env=env, log=log, on_line=report) as child:
                if child.wait(seconds=_MAKING_SECONDS) != 0:
                    raise MailroomError(
                        "the emulator's environment could not be made:\n" + "\n".join(child.tail),
                        remedy=f"{_REMEDY}; the whole log is {log}",
                    )
        # Only a complete environment gets the name.
        part.rename(environment)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _commands(part: Path, requirements: Sequence[str]) -> list[list[str]]:
    pip = [str(part / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
    return [
        [sys.executable, "-P", "-m", _MAKER, str(part)],
        [*pip, "--progress-bar", "off", *requirements],
    ]


@contextlib.contextmanager
def _alone(environment: Path, report: Report) -> Iterator[None]:
    """Wait for other processes that make the environment; a lock ends with its process."""
    with environment.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("waiting for another process that installs it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _requirements() -> list[str]:
    """What the distribution's extra declares, with DuckDB if the user has installed that here."""
    try:
        declared = requires(_DISTRIBUTION) or []
    except PackageNotFoundError:
        declared = []
    extras = f"{_EXTRA}|{_LAKE}" if find_spec("duckdb") else _EXTRA
    of_extra = re.compile(rf"extra\s*==\s*['\"]({extras})['\"]")
    found = [line.partition(";")[0].strip() for line in declared if of_extra.search(line)]
    if f"ministack=={MINISTACK_VERSION}" not in found:
        raise MailroomError(
            f"the installed {_DISTRIBUTION} does not declare ministack {MINISTACK_VERSION}",
            remedy="install it again: pip install --force-reinstall --no-deps cdk-mailroom",
        )
    return found


def _cache() -> Path:
    given = os.environ.get("XDG_CACHE_HOME")
    # The specification says to ignore relative paths.
    base = Path(given) if given and Path(given).is_absolute() else Path.home() / ".cache"
    return base / "cdk-mailroom"
