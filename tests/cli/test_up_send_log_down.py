"""The ``mailroom`` command, as people type it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailroom_local import LocalAws, cdk, cli
from mailroom_local.errors import MailroomError
from mailroom_local.state import State

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


def run(*arguments: str, state: Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command, from beginning to end."""
    return subprocess.run(
        [sys.executable, "-m", "mailroom_local", *arguments],
        env={**os.environ, "MAILROOM_STATE": str(state)},
        cwd=cwd or state.parent,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


@contextlib.contextmanager
def started(*arguments: str, state: Path) -> Iterator[subprocess.Popen[str]]:
    """The command under way; whatever the test finds, it does not survive it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mailroom_local", *arguments],
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
    """Wait until it is so."""
    deadline = time.monotonic() + seconds
    while not (found := good()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A folder with an app that synthesizes without the CDK."""
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "app.py").write_text(ASSEMBLY)
    return folder


def test_up_deploys_serves_and_leaves_nothing_behind(app: Path, tmp_path: Path) -> None:
    """Ctrl-C ends the server too; the journal can still be read; `down` removes it."""
    state = tmp_path / "state"
    with started("up", "--app", str(app), "--identity", "example.com", state=state) as up:
        assert up.stdout is not None
        shown = ""
        while "Ctrl-C stops it" not in shown:
            line = up.stdout.readline()
            assert line, shown
            shown += line
        assert "Deploying: done in" in shown
        assert "no receipt rule set is active" in shown
        server = State(state).server()
        assert server is not None
        aws = LocalAws.attach(state=state)
        ses = aws.client("ses")
        assert "example.com" in ses.list_identities()["Identities"]

        ses.create_receipt_rule(
            RuleSetName="tiny", Rule={"Name": "all", "Enabled": True, "Recipients": ["example.com"]}
        )
        ses.set_active_receipt_rule_set(RuleSetName="tiny")
        accepted = run("send", "--to", "a@example.com", "--body", "Hi", state=state)
        assert (accepted.returncode, accepted.stdout[:6]) == (0, "250 OK"), accepted.stderr
        refused = run("send", "--to", "a@else.example", "--body", "Hi", state=state)
        assert (refused.returncode, refused.stdout[:23]) == (1, "a@else.example: 550 5.1")
        shown = "".join(up.stdout.readline() for _ in range(3))
        assert "no actions" in shown

        again = run("up", "--app", str(app), state=state)
        assert again.returncode == 0, again.stderr
        assert "runs already" in again.stdout

        up.send_signal(signal.SIGINT)
        assert up.wait(SECONDS) == 130
        assert not alive(server.pid)
        for port in (server.smtp_port, int(server.endpoint.rpartition(":")[2])):
            with socket.socket() as probe:
                assert probe.connect_ex(("127.0.0.1", port)) != 0

    logged = json.loads(run("log", "--json", state=state).stdout)
    assert [message["rcpt_tos"] for message in logged] == [["a@example.com"], ["a@else.example"]]
    assert run("down", state=state).stdout == "no local AWS was running\n"
    assert not state.exists()


def test_sigterm_during_the_deployment_ends_everything(tmp_path: Path) -> None:
    """The app's own process as well, which here would never end."""
    (tmp_path / "app").mkdir()
    pid_file = tmp_path / "pid"
    (tmp_path / "app" / "app.py").write_text(
        f"import os, time\nopen({str(pid_file)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)\n"
    )
    state = tmp_path / "state"
    with started("up", "--app", str(tmp_path / "app"), state=state) as up:
        stuck = int(until(lambda: pid_file.exists() and pid_file.read_text()))
        server = State(state).server()
        assert server is not None
        up.send_signal(signal.SIGTERM)
        assert up.wait(SECONDS) == 143
        until(lambda: not alive(stuck) and not alive(server.pid), seconds=5)


def test_a_failed_deployment_shows_why(tmp_path: Path) -> None:
    """The end of what the CDK said, and what to do; nothing stays running."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.py").write_text("raise SystemExit('the bucket has no name')\n")
    state = tmp_path / "state"
    done = run("up", "--app", str(tmp_path / "app"), "--detach", state=state)
    assert done.returncode == 1
    assert "the bucket has no name" in done.stderr
    assert "mailroom: cdk synth failed" in done.stderr
    assert State(state).server() is None


def test_send_takes_a_file_or_writes_a_message(
    aws: LocalAws, account: Any, active: str, tmp_path: Path
) -> None:
    """The envelope is the headers' unless given; attachments are typed by their names."""
    bucket = account.bucket()
    account.rule(active, {"S3Action": {"BucketName": bucket}}, Recipients=["example.com"])
    eml = tmp_path / "mail.eml"
    eml.write_text("From: Jane <jane@example.net>\nTo: A <a@example.com>\nSubject: x\n\nHi\n")
    (tmp_path / "log.txt").write_text("12:00 fire\n")
    for arguments in (
        [str(eml)],
        ["--to", "b@example.com", "--subject", "S", "--attach", str(tmp_path / "log.txt")],
    ):
        done = run("send", *arguments, "--state", str(aws.state.root), state=tmp_path / "unused")
        assert done.returncode == 0, done.stderr
        message = aws.wait(done.stdout.split()[-1], seconds=5)
    assert message.rcpt_tos == ["b@example.com"]
    stored = account.read(bucket, message.message_id)
    assert b'Content-Type: text/plain; charset="utf-8"' in stored
    assert b'filename="log.txt"' in stored


def test_log_shows_one_message_by_the_beginning_of_its_id(
    aws: LocalAws, account: Any, active: str, tmp_path: Path
) -> None:
    """And says so when there is none."""
    account.rule(active, Name="all", Recipients=["example.com"])
    record = account.send()
    state = str(aws.state.root)
    done = run("log", record.message_id[:10], "--state", state, state=tmp_path / "unused")
    assert record.message_id in done.stdout
    assert "all: support@example.com" in done.stdout
    none = run("log", "UPPER", "--state", state, state=tmp_path / "unused")
    assert none.returncode == 1
    assert "0 messages have an id that begins with 'UPPER'" in none.stderr


@pytest.mark.parametrize(
    ("arguments", "said", "remedy"),
    [
        (["log"], "no local AWS runs with the state directory", "mailroom up"),
        (["send", "--to", "a@example.com"], "no local AWS runs", "mailroom up"),
        (["send"], "neither a file nor a recipient is given", "mailroom send FILE.eml"),
        (["send", "missing.eml"], "missing.eml cannot be read", "check the path"),
        (["send", "x.eml", "--body", "y"], "--body would be ignored", "leave out the file"),
        (["up"], "there is no cdk.json in", "--app"),
        (["log", "id", "--follow"], "--follow shows every message", "leave out"),
    ],
)
def test_every_error_says_what_to_do_next(
    arguments: list[str],
    said: str,
    remedy: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Two lines on standard error, status 1, no traceback."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAILROOM_STATE", str(tmp_path / "state"))
    previous = signal.getsignal(signal.SIGTERM)
    try:
        assert cli.main(arguments) == 1
    finally:
        signal.signal(signal.SIGTERM, previous)
    error = capsys.readouterr().err
    assert error.startswith("mailroom: ")
    assert said in error
    assert remedy in error
    assert "Traceback" not in error


def test_a_missing_cdk_is_named_before_anything_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside this Python first, then on the PATH."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MailroomError, match="npm install"):
        cdk.find()
    (tmp_path / "cdk").touch(mode=0o755)
    assert cdk.find() == str(tmp_path / "cdk")


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    """Neither used as a state directory nor removed by `down`."""
    precious = tmp_path / "precious"
    precious.write_text("x")
    with pytest.raises(MailroomError, match="not a state directory"):
        State(tmp_path).create()
    State(tmp_path).remove()
    assert precious.read_text() == "x"
