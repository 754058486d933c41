"""Starting the command: what it needs, and the errors if that is missing."""

import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mailroom
from mailroom_cli import main as program
from mailroom_cli.local import EITHER

# Refuses what an environment without the extra [local] lacks, and the CDK, then runs the command.
BLOCKED = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {refused!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Refuse())
for name in [name for name in sys.modules if name.partition(".")[0] in {refused!r}]:
    del sys.modules[name]

{prepare}
from mailroom_cli.main import main

status = 3
try:
    status = main(sys.argv[1:])
except SystemExit as exit_:
    status = exit_.code or 0
print("loaded:", *sorted(
    {{name.partition(".")[0] for name in sys.modules}} & {{"boto3", "rich", "mailroom_local"}}
), file=sys.stderr)
sys.exit(status)
"""
HEAVY = (*EITHER, "aiosmtpd", "aws_cdk", "cryptography", "duckdb", "trustme")


def blocked(
    *arguments: str, refused: tuple[str, ...] = HEAVY, prepare: str = "", cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command where these packages cannot be imported."""
    return subprocess.run(
        [sys.executable, "-c", BLOCKED.format(refused=set(refused), prepare=prepare), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
    )


def loaded(done: subprocess.CompletedProcess[str]) -> list[str]:
    return done.stderr.splitlines()[-1].split()[1:]


def test_the_extras_are_what_the_package_declares() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    first = [re.split("[^a-z]", extras[name][0])[0] for name in ("local", "emulator")]
    assert first == [*EITHER]


def test_the_version_is_the_packages() -> None:
    done = blocked("--version")
    assert (done.returncode, done.stdout) == (0, f"mailroom {mailroom.__version__}\n")


@pytest.mark.parametrize("arguments", [["--help"], ["replay", "--help"], ["up", "--help"]])
def test_help_imports_nothing_slow(arguments: list[str]) -> None:
    done = blocked(*arguments, refused=(*HEAVY, "boto3", "botocore", "rich", "mailroom_local"))
    assert done.returncode == 0, done.stderr
    assert loaded(done) == []
    assert done.stdout.startswith("usage: mailroom")


def test_help_lists_every_command_of_the_folder(mailroom: Any) -> None:
    status, printed, _ = mailroom("--help")
    folder = Path(program.commands.__file__).parent
    names = sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
    listed = [line.split()[0] for line in printed.splitlines() if line.startswith("    ")]
    assert status == 0
    assert [name for name in listed if name in names] == names
    assert {"down", "log", "replay", "send", "trace", "up"} <= set(names)


@pytest.mark.parametrize(
    ("arguments", "alternative"),
    [
        (["up", "--app", "touch started"], ""),
        (["send", "--to", "a@example.com"], ""),
        (["log"], ""),
        (["down"], ""),
        (["trace", "m-1"], ", or add --aws to use a real account"),
        (["replay", "dead", "--dry-run"], ", or add --aws to use a real account"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_without_the_extra_a_local_command_says_how_to_install_it(
    arguments: list[str], alternative: str, tmp_path: Path
) -> None:
    done = blocked(*arguments, refused=EITHER, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    complaint, *rest = done.stderr.splitlines()
    assert complaint == (
        'mailroom: this command needs the local AWS: pip install "cdk-mailroom[local]"'
        + alternative
    )
    assert [line.split(":")[0] for line in rest] == ["loaded"]
    assert "mailroom_local" not in loaded(done)
    assert list(tmp_path.iterdir()) == []


# moto stands in for AWS; what it imports itself is not refused.
MOTO = """
import os
os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_REGION="us-east-1")
os.environ.pop("AWS_ENDPOINT_URL", None)
import boto3
from moto import mock_aws
mock_aws().start()
dynamodb = boto3.client("dynamodb", region_name="us-east-1")
dynamodb.create_table(
    TableName="events", BillingMode="PAY_PER_REQUEST",
    KeySchema=[dict(AttributeName="message_id", KeyType="HASH"),
               dict(AttributeName="at", KeyType="RANGE")],
    AttributeDefinitions=[dict(AttributeName=name, AttributeType="S")
                          for name in ("message_id", "at")],
)
dynamodb.put_item(TableName="events", Item={
    name: {"S": text} for name, text in
    dict(message_id="m-1", at="2026-11-20T12:00:00Z#Send#0", type="Send").items()
})
boto3.client("sqs", region_name="us-east-1").create_queue(QueueName="dead")
"""
WITHOUT_CRYPTOGRAPHY = tuple(name for name in HEAVY if name != "cryptography")


TRACE = """
from mailroom_cli.main import main
assert main(["trace", "m-1", "--table", "events", "--aws"]) == 0
"""


def test_a_real_account_needs_only_boto3_and_rich() -> None:
    """Two commands in one process, as moto takes long to start."""
    done = blocked(
        *("replay", "dead", "--dry-run", "--aws"),
        refused=WITHOUT_CRYPTOGRAPHY,
        prepare=MOTO + TRACE,
    )
    assert done.returncode == 0, done.stderr
    assert "+0 ms  Send" in done.stdout
    assert "0 would be sent" in done.stdout
    assert loaded(done) == ["boto3", "rich"]


def test_sigterm_ends_a_command_through_its_cleanup(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cleaned: list[bool] = []

    class Waiting:
        """Wait."""

        def add_arguments(self, parser: Any) -> None:
            pass

        def run(self, options: Any) -> int:
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(5)
            finally:
                cleaned.append(True)
            return 0

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(program, "_commands", lambda: {"wait": Waiting()})
    with pytest.raises(SystemExit) as exit_:
        program.main(["wait"])
    assert (exit_.value.code, cleaned) == (143, [True])
    assert signal.getsignal(signal.SIGTERM) is before


def test_ctrl_c_is_status_130(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted:
        """Do something."""

        def add_arguments(self, parser: Any) -> None:
            pass

        def run(self, options: Any) -> int:
            raise KeyboardInterrupt

    monkeypatch.setattr(program, "_commands", lambda: {"stop": Interrupted()})
    assert program.main(["stop"]) == 130


def test_a_closed_pipe_ends_the_command_quietly() -> None:
    code = (
        "import sys\nfrom mailroom_cli import main as program, terminal\n"
        "class Talk:\n"
        "    'Talk.'\n"
        "    def add_arguments(self, parser): pass\n"
        "    def run(self, options):\n"
        "        while True: terminal.show('x' * 1000)\n"
        "program._commands = lambda: {'talk': Talk()}\n"
        "sys.exit(program.main(['talk']))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_a_stream_that_cannot_show_a_character_gets_its_escape() -> None:
    code = (
        "from mailroom_cli import main as program, terminal\n"
        "class Talk:\n"
        "    'Talk.'\n"
        "    def add_arguments(self, parser): pass\n"
        "    def run(self, options): terminal.show('a → b'); return 0\n"
        "program._commands = lambda: {'talk': Talk()}\n"
        "raise SystemExit(program.main(['talk']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "a \\u2192 b\n"), done.stderr


Run = Callable[..., tuple[int, str, str]]


def test_a_command_that_does_not_exist_is_wrong_usage(mailroom: Run) -> None:
    status, _, complaint = mailroom("sned")
    assert status == 2
    assert "invalid choice: 'sned'" in complaint
