"""`mailroom up` and `mailroom down`, run as in a shell."""

import argparse
import contextlib
import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mailroom_cli import ports
from mailroom_cli.commands import up
from mailroom_local import DeployFailed, LocalAws
from mailroom_local.control import Server, State
from mailroom_local.control.processes import runs

Run = Callable[..., tuple[int, str, str]]
SECONDS = 40.0

# What `cdk synth` leaves behind, without the CDK: one stack without assets.
ASSEMBLY = """
import json, os, pathlib
out = pathlib.Path(os.environ["CDK_OUTDIR"])
stack = {
    "type": "aws:cloudformation:stack",
    "environment": "aws://000000000000/us-east-1",
    "properties": {"templateFile": "Tiny.template.json"},
}
(out / "manifest.json").write_text(json.dumps({"version": "36.0.0", "artifacts": {"Tiny": stack}}))
(out / "Tiny.template.json").write_text(json.dumps({"Resources": {
    "Set": {"Type": "AWS::SES::ReceiptRuleSet", "Properties": {"RuleSetName": "tiny"}},
}}))
"""


@contextlib.contextmanager
def started(*arguments: str, state: Path) -> Iterator[subprocess.Popen[str]]:
    """The command while it runs; it is killed at the end, whatever the test finds."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mailroom_cli", *arguments],
        env={**os.environ, "MAILROOM_STATE": str(state)},
        cwd=state.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)
        assert process.stdout is not None
        process.stdout.close()


def until(good: Any, *, seconds: float = SECONDS) -> Any:
    """Wait until the condition holds."""
    deadline = time.monotonic() + seconds
    while not (found := good()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


@pytest.fixture(autouse=True)
def _ctrl_c_works() -> Iterator[None]:
    """A shell's background jobs ignore SIGINT, and so would what these tests start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A folder with an app that synthesizes without the CDK."""
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "app.py").write_text(ASSEMBLY)
    return folder


def raise_(error: Exception) -> None:
    raise error


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Start no server; what was started and stopped."""
    noted: list[str] = []
    monkeypatch.setattr(LocalAws, "start", lambda self, **given: noted.append("started"))
    monkeypatch.setattr(LocalAws, "stop", lambda self: noted.append("stopped"))
    return noted


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """What the command prints, up to the line with these words."""
    assert process.stdout is not None
    shown = ""
    while words not in shown:
        line = process.stdout.readline()
        assert line, shown
        shown += line
    return shown


def test_up_deploys_serves_and_leaves_nothing_behind(
    mailroom: Run, app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends the server too; the journal can still be read; `down` removes it."""
    state = tmp_path / "state"
    at = ("--state", str(state))
    with started("up", "--app", str(app), "--identity", "example.com", state=state) as process:
        shown = read_until(process, "Ctrl-C stops the local AWS.")
        assert "Deploying: done in" in shown
        assert "\x1b" not in shown
        assert "no receipt rule set is active, so every message is refused" in shown
        server = State(state).server()
        assert server is not None
        assert re.search(rf"AWS   {server.endpoint} +account 000000000000, us-east-1\n", shown)
        assert f"SMTP  127.0.0.1:{server.smtp_port}" in shown
        assert f"SMTP  127.0.0.1:{server.submission_port}" in shown
        row = rf"Page  {server.page} +mail, received and sent, and its story\n"
        assert re.search(row, shown)
        ses = LocalAws.attach(state=state).client("ses")
        assert "example.com" in ses.list_identities()["Identities"]

        ses.create_receipt_rule(
            RuleSetName="tiny", Rule={"Name": "all", "Enabled": True, "Recipients": ["example.com"]}
        )
        ses.set_active_receipt_rule_set(RuleSetName="tiny")
        sent, _, complaint = mailroom("send", "--to", "a@example.com", "--body", "Hi", *at)
        assert sent == 0, complaint
        assert "  finished in " in read_until(process, "finished in")

        status, printed, complaint = mailroom("up", "--app", str(app), "--smtp-port", "1", *at)
        assert (status, printed) == (2, "")
        assert complaint.startswith(
            "mailroom: --smtp-port 1 has no effect: the local AWS is running, on port "
            f"{server.smtp_port}\n"
        )
        with monkeypatch.context() as patch:
            patch.setattr(LocalAws, "deploy", lambda self, **given: None)
            port = str(server.smtp_port)
            status, printed, _ = mailroom("up", "--app", str(app), "--smtp-port", port, *at)
        assert status == 0
        assert printed.startswith(f"the local AWS is running at {server.endpoint}: ")
        assert "receipt rules\n  all  example.com\n" in printed
        assert "not verified" not in printed

        (app / "broken.py").write_text("raise SystemExit('the bucket has no name')\n")
        status, _, complaint = mailroom("up", "--app", f"python {app}/broken.py", *at)
        assert status == 1
        assert "the bucket has no name" in complaint
        assert "mailroom: cdk synth failed" in complaint
        assert runs(server.pid), "an attempt to deploy again stopped what another one started"

        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 130
        assert not runs(server.pid)
        for listening in (server.smtp_port, int(server.endpoint.rpartition(":")[2])):
            with socket.socket() as probe:
                assert probe.connect_ex(("127.0.0.1", listening)) != 0

    logged = json.loads(mailroom("log", "--json", *at)[1])
    assert [message["rcpt_tos"] for message in logged] == [["a@example.com"]]
    assert mailroom("down", *at)[1] == (
        f"no local AWS was running\ndeleted {state} with all messages and logs\n"
    )
    assert not state.exists()


def test_a_detached_local_aws_prints_its_addresses_as_json_and_down_stops_it(
    mailroom: Run, app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed: list[dict[str, Any]] = []
    monkeypatch.setattr(LocalAws, "deploy", lambda self, **given: deployed.append(given))
    state = str(tmp_path / "state")
    options = ["-c", "stage=test", "--context", "empty=", "--region", "eu-west-1"]
    status, printed, _ = mailroom(
        *("up", "One", "Two", "--app", "python other.py", *options),
        *("--detach", "--json", "--state", state),
    )
    server = State(state).server()
    assert server is not None
    try:
        assert status == 0
        assert deployed == [
            {
                "app": "python other.py",
                "cwd": Path.cwd(),
                "context": {"stage": "test", "empty": ""},
                "stacks": ["One", "Two"],
                "region": "eu-west-1",
            }
        ]
        assert server.region == "eu-west-1"
        assert runs(server.pid)
        assert json.loads(printed) == {
            "endpoint": server.endpoint,
            "account": "000000000000",
            "region": "eu-west-1",
            "smtp_port": server.smtp_port,
            "submission_port": server.submission_port,
            "user": "mailroom",
            "password": "rehearsal",
            "ingress_points": [],
            "page": server.page,
            "page_token": server.page_token,
            "state": state,
        }
    finally:
        status, printed, _ = mailroom("down", "--state", state)
    assert status == 0
    assert printed == (
        f"stopped the local AWS (process {server.pid})\n"
        f"deleted {state} with all messages and logs\n"
    )
    until(lambda: not runs(server.pid), seconds=10)
    assert not Path(state).exists()


def test_sigterm_during_the_deployment_ends_everything(app: Path, tmp_path: Path) -> None:
    """This includes what the CDK CLI has started, which here would never end."""
    pid_file = tmp_path / "pid"
    cdk = app / "node_modules" / ".bin" / "cdk"
    cdk.parent.mkdir(parents=True)
    cdk.write_text(
        f"#!/bin/sh\nsleep 600 &\necho $! >{pid_file}.new\nmv {pid_file}.new {pid_file}\nwait\n"
    )
    cdk.chmod(0o700)
    state = tmp_path / "state"
    with started("up", "--app", str(app), state=state) as process:
        stuck = int(until(lambda: pid_file.exists() and pid_file.read_text()))
        server = State(state).server()
        assert server is not None
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 143
        until(lambda: not runs(stuck) and not runs(server.pid))


def test_a_failed_deployment_shows_why_and_stops_the_local_aws(
    mailroom: Run, done: list[str], app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It shows the end of the CDK's output, escaped, and what to do."""

    def fail(aws: LocalAws, **given: Any) -> None:
        raise DeployFailed(
            "cdk synth failed", remedy="cd app && cdk synth", output="no name\n\x1b[2J[red]"
        )

    monkeypatch.setattr(LocalAws, "deploy", fail)
    state = tmp_path / "state"
    status, printed, complaint = mailroom("up", "--app", str(app), "--state", str(state))
    assert (status, printed) == (1, "")
    assert complaint.splitlines()[-4:] == [
        "no name",
        "\\x1b[2J[red]",
        "mailroom: cdk synth failed",
        "  cd app && cdk synth",
    ]
    assert done == ["started", "stopped"]


@pytest.fixture
def ended(done: list[str], monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server that has ended once the app is deployed."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    server = Server(
        pid=gone.pid,
        endpoint="http://127.0.0.1:1",
        smtp_port=1,
        submission_port=1,
        region="us-east-1",
        python=sys.executable,
        account="000000000000",
    )
    monkeypatch.setattr(LocalAws, "deploy", lambda self, **given: None)
    monkeypatch.setattr(LocalAws, "running", False)
    monkeypatch.setattr(LocalAws, "server", server)
    monkeypatch.setattr(up, "_announce", lambda aws: None)
    return server


def test_a_local_aws_that_exits_by_itself_is_an_error(
    mailroom: Run, ended: Server, done: list[str], app: Path, tmp_path: Path
) -> None:
    """It leaves its record behind, whether it crashed or was killed."""
    state = State(tmp_path / "state")
    state.create()
    state.announce(ended)
    status, _, complaint = mailroom("up", "--app", str(app), "--state", str(state.root))
    assert status == 1
    assert complaint.endswith(
        f"mailroom: the local AWS ended unexpectedly\n  see its log: {state.root}/server.log\n"
    )
    assert done == ["started", "stopped"]


@pytest.mark.parametrize("another", [False, True])
def test_up_ends_well_when_another_terminal_stops_the_local_aws(
    mailroom: Run, ended: Server, done: list[str], app: Path, tmp_path: Path, *, another: bool
) -> None:
    """Even if that has started another one since."""
    state = State(tmp_path / "state")
    if another:
        state.create()
        state.announce(replace(ended, pid=os.getpid()))
    status, printed, _ = mailroom("up", "--app", str(app), "--state", str(state.root))
    assert status == 0
    assert printed.endswith("the local AWS was stopped, perhaps by `mailroom down`\n")
    assert done == ["started", "stopped"]


def test_a_server_that_was_killed_does_not_run(tmp_path: Path) -> None:
    aws = LocalAws(state=tmp_path / "state")
    aws._process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert aws.running
    aws._process.kill()
    until(lambda: not aws.running)
    aws._process.communicate()


@pytest.mark.parametrize(
    ("arguments", "message", "remedy"),
    [
        (["up"], "no app: {here} has no cdk.json", '--app "python app.py"'),
        (["up", "--app", "."], "no app: {here} has no cdk.json and no app.py", "--app with the"),
        (["up", "--watch", "--detach"], "--watch has no effect with --detach", "omit one of them"),
        (["up", "--json"], "--json has no effect without --detach", "add --detach"),
    ],
)
def test_missing_arguments_are_reported_before_anything_starts(
    mailroom: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
    remedy: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    status, printed, complaint = mailroom(*arguments)
    assert (status, printed) == (2, "")
    first, second = complaint.splitlines()
    assert first == f"mailroom: {message.format(here=tmp_path)}"
    assert remedy in second
    assert list(tmp_path.iterdir()) == []


def test_watching_needs_a_package_of_the_extra(
    mailroom: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == "watchfiles" else find_spec(name),
    )
    status, _, complaint = mailroom("up", "--watch", "--app", "python app.py")
    assert status == 2
    assert "pip install 'cdk-mailroom[local]'" in complaint


def test_a_missing_cdk_is_reported_before_anything_starts(
    mailroom: Run, app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    status, _, complaint = mailroom("up", "--app", str(app), "--state", str(tmp_path / "state"))
    assert status == 2
    assert "CDK CLI" in complaint
    assert "npm install" in complaint
    assert not (tmp_path / "state").exists()


def test_an_identity_that_cannot_be_verified_is_an_error(
    mailroom: Run, done: list[str], app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed: list[object] = []
    monkeypatch.setattr(LocalAws, "deploy", lambda self, **given: deployed.append(given))
    error = ClientError({"Error": {"Code": "InvalidParameterValue"}}, "VerifyEmailIdentity")
    monkeypatch.setattr(LocalAws, "verify_identity", lambda self, identity: raise_(error))
    state = str(tmp_path / "state")
    status, _, complaint = mailroom("up", "--app", str(app), "--identity", "a@b", "--state", state)
    assert (status, deployed) == (1, [])
    first, second = complaint.splitlines()[-2:]
    assert first.startswith(
        "mailroom: cannot verify a@b: An error occurred (InvalidParameterValue)"
    )
    assert second == "  pass a domain or an address"


@pytest.mark.parametrize("given", ["stage", "=test"])
def test_a_context_value_has_a_key(mailroom: Run, given: str) -> None:
    status, _, complaint = mailroom("up", "-c", given)
    assert status == 2
    assert f"{given!r} is not a context value: pass KEY=VALUE" in complaint


def test_the_usual_ports_are_taken_if_they_are_free_and_said_to_be_in_use_if_not(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken, socket.socket() as other:
        for each in (taken, other):
            each.bind(("127.0.0.1", 0))
        taken.listen()
        used, free = taken.getsockname()[1], other.getsockname()[1]
        other.close()
        usual = {"port": (free, "A"), "smtp_port": (used, "B"), "submission_port": (used, "C")}
        monkeypatch.setattr(ports, "USUAL", usual)
        options = argparse.Namespace(port=None, smtp_port=None, submission_port=7)
        assert up._ports(options) == {"port": free, "smtp_port": 0, "submission_port": 7}
    assert capsys.readouterr().err == f"port {used} is in use: B gets another one\n"


def test_the_usual_ports_are_those_that_other_tools_have() -> None:
    """Of LocalStack, Mailpit and mail clients' settings."""
    assert [usual for usual, _ in ports.USUAL.values()] == [4566, 1025, 1587, 8025]


@pytest.mark.parametrize("port", ["-1", "65536", "smtp", "²"])
def test_a_port_is_a_number_up_to_65535(mailroom: Run, port: str) -> None:
    status, _, complaint = mailroom("up", f"--port={port}")
    assert status == 2
    assert f"{port!r} is not a port: pass 0 to 65535" in complaint
