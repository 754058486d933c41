"""One local AWS for the whole folder, and a terminal that records its output."""

import io
import itertools
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from mailroom_cli.main import main
from mailroom_local import LocalAws
from mailroom_local.control import ActionRecord, HandlerOutcome, MessageRecord, RuleRecord

FUNCTION = (
    "arn:aws:lambda:us-east-1:000000000000:function:Help-SupportFunction0123ABCD-0123456789ABC"
)
_names = itertools.count(1)


class Screen(io.StringIO):
    """A terminal that records its output."""

    def isatty(self) -> bool:
        return True


class Rules:
    """The active receipt rule set of a local AWS."""

    def __init__(self, aws: LocalAws, name: str) -> None:
        self.aws = aws
        self.name = name

    def take(self, recipient: str, *actions: dict[str, Any], name: str | None = None) -> None:
        """Add a rule."""
        rule = {
            "Name": name or f"rule-{next(_names)}",
            "Enabled": True,
            "Recipients": [recipient],
            "Actions": list(actions),
        }
        self.aws.client("ses").create_receipt_rule(RuleSetName=self.name, Rule=rule)

    def bucket(self) -> str:
        """Make a bucket that SES may write to."""
        name = f"mail-{next(_names)}"
        s3 = self.aws.client("s3")
        s3.create_bucket(Bucket=name)
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "ses.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{name}/*",
            "Condition": {"StringEquals": {"aws:SourceAccount": self.aws.server.account}},
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
        return name


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS that receives for example.com, for as long as the tests of this folder."""
    with LocalAws(state=tmp_path_factory.mktemp("mailroom") / "state") as running:
        running.verify_identity("example.com")
        yield running


@pytest.fixture
def rules(local_aws: LocalAws) -> Iterator[Rules]:
    """A new, empty rule set, active during the test."""
    name = f"set-{next(_names)}"
    ses = local_aws.client("ses")
    ses.create_receipt_rule_set(RuleSetName=name)
    ses.set_active_receipt_rule_set(RuleSetName=name)
    yield Rules(local_aws, name)
    ses.set_active_receipt_rule_set()


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """A terminal of 80 columns that shows colours."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    return Screen()


@pytest.fixture
def mailroom(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command in this process; return its status, its output and its errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            status = main(arguments)
        except SystemExit as exit_:
            status = int(str(exit_.code))
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


@pytest.fixture
def record() -> Callable[..., MessageRecord]:
    """Make the record of a message that went through one rule with two actions."""

    def make(**fields: Any) -> MessageRecord:
        values: dict[str, Any] = {
            "message_id": "abcdefghijklmnopqrstuvwxyz0123456789abcd",
            "at": datetime.now(UTC),
            "mail_from": "jane@example.net",
            "rcpt_tos": ["support@example.com"],
            "subject": "Hi",
            "finished": True,
            "ms": 12.3,
            "rules": [RuleRecord(name="Support", recipients=["support@example.com"], verdicts={})],
            "actions": [
                ActionRecord(
                    rule="Support",
                    kind="S3",
                    outcome="done",
                    ms=3.2,
                    detail={"bucketName": "mail", "objectKey": "in/abcdefghijklmnopqrstuvwxyz"},
                ),
                ActionRecord(
                    rule="Support",
                    kind="Lambda",
                    outcome="accepted",
                    ms=12.0,
                    detail={"functionArn": FUNCTION},
                    handler=[HandlerOutcome(outcome="handled", ms=7.0)],
                ),
            ],
        }
        return MessageRecord(**{**values, **fields})

    return make
