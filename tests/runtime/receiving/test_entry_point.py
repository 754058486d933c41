"""The entry point in the real Lambda runtime client, laid out as in a deployed function."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import mailroom
from runtime.runtime_api import FUNCTION_ARN, Outcome, invoke

PAYLOADS = Path(__file__).parents[2] / "payloads"
PACKAGE = Path(mailroom.__file__).parent
HANDLER = "mailroom.entry.receiving.handler"

APP = """
import mailroom
from mailroom.receiving import Disposition, ReceivedMail

print(f"cold start of {mailroom.__file__}")

def on_mail(mail: ReceivedMail) -> Disposition | None:
    if mail.subject == "raise":
        raise ZeroDivisionError("boom")
    return Disposition.STOP_RULE_SET if mail.synchronous else None
"""


def event(*, synchronous: bool = False, subject: str = "Test Subject") -> dict[str, Any]:
    """Return AWS's sample, altered."""
    found: dict[str, Any] = json.loads((PAYLOADS / "received_mail.json").read_text())
    ses = found["Records"][0]["ses"]
    ses["mail"]["commonHeaders"]["subject"] = subject
    if synchronous:
        ses["receipt"]["action"]["invocationType"] = "RequestResponse"
    return found


@pytest.fixture(scope="module")
def task_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder such as Lambda unpacks from the asset: the runtime, and the user's ``app.py``."""
    folder = tmp_path_factory.mktemp("task")
    shutil.copytree(PACKAGE, folder / "mailroom", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "app.py").write_text(APP)
    return folder


def run(task_root: Path, *events: Any, handler: str = HANDLER, **settings: str) -> Outcome:
    """Invoke the entry point with *events*; *settings* are environment variables."""
    env = {"MAILROOM_HANDLER": "app:on_mail", "MAILROOM_RULE": "Support", **settings}
    return invoke(*events, handler=handler, folder=task_root, env=env)


@pytest.fixture(scope="module")
def three(task_root: Path) -> Outcome:
    """One warm function that got a mail, one more while SES waits, and one that fails."""
    return run(task_root, event(), event(synchronous=True), event(subject="raise"))


def test_the_deployed_copy_runs_after_one_cold_start(three: Outcome, task_root: Path) -> None:
    """The zip's own ``mailroom`` and ``app`` are imported, once for all invocations."""
    assert three.output.count("cold start of") == 1
    assert f"cold start of {task_root / 'mailroom/__init__.py'}" in three.output
    assert three.init_error is None


def test_answers_reach_lambda(three: Outcome) -> None:
    """An asynchronous mail answers null, a synchronous one SES's disposition object."""
    assert three.results == [None, {"disposition": "STOP_RULE_SET"}]


def test_a_handlers_exception_is_an_invocation_error(three: Outcome) -> None:
    """Lambda sees the user's own exception, with the user's file in the trace, and can retry."""
    (error,) = three.errors
    assert (error["errorType"], error["errorMessage"]) == ("ZeroDivisionError", "boom")
    assert "app.py" in "".join(error["stackTrace"])
    assert error["requestId"] == "request-2"


def test_each_mail_leaves_one_log_line(three: Outcome) -> None:
    """Each mail left exactly one line of ours, with its outcome."""
    assert [line["outcome"] for line in three.lines()] == ["handled", "STOP_RULE_SET", "failed"]
    assert {line["rule"] for line in three.lines()} == {"Support"}


def test_a_synchronous_failure_answers_by_policy(task_root: Path) -> None:
    """With a policy SES gets an answer and Lambda no error."""
    outcome = run(
        task_root, event(synchronous=True, subject="raise"), MAILROOM_ON_ERROR="stop_rule"
    )
    assert outcome.results == [{"disposition": "STOP_RULE"}]
    assert outcome.errors == []


def test_an_unknown_invocation_is_an_invocation_error(task_root: Path) -> None:
    """Anything but mail is refused; an asynchronous one ends up in the on-failure queue."""
    outcome = run(task_root, {"source": "aws.events"}, None)
    assert [error["errorType"] for error in outcome.errors] == ["UnknownInvocation"] * 2
    assert outcome.results == []


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("app:on_male", "module 'app' has no function 'on_male'"),
        ("apq:on_mail", "module 'apq' does not exist"),
    ],
)
def test_a_wrong_name_fails_the_initialisation_and_says_which(
    task_root: Path, spec: str, text: str
) -> None:
    """A typo in the handler's name is an init error that names it; no mail is taken."""
    outcome = run(task_root, event(), MAILROOM_HANDLER=spec)
    assert outcome.init_error is not None
    assert outcome.init_error["errorType"] == "HandlerNotFound"
    assert text in outcome.init_error["errorMessage"]
    assert outcome.results == outcome.errors == []


def test_lambdas_json_log_format_gets_only_json(task_root: Path) -> None:
    """With JSON logs every line of ours is an object with a level, like Lambda's."""
    outcome = run(task_root, event(), event(subject="raise"), AWS_LAMBDA_LOG_FORMAT="JSON")
    lines = [line for line in outcome.output.splitlines() if not line.startswith("cold start")]
    parsed = [json.loads(line) for line in lines]
    assert [line["level"] for line in parsed] == ["INFO", "ERROR", "ERROR"]
    assert [line.get("outcome") for line in parsed] == ["handled", "failed", None]
    assert parsed[2]["errorType"] == "ZeroDivisionError"


def test_the_function_gets_lambdas_context(task_root: Path, tmp_path: Path) -> None:
    """The failure record carries the request's id and the function's ARN from Lambda's context."""
    folder = tmp_path / "task"
    shutil.copytree(task_root, folder)
    # A stand-in for boto3, so that the record can be seen where no AWS is.
    (folder / "boto3.py").write_text(
        "class client:\n"
        "    def __init__(self, service, config): self.service = service\n"
        "    def send_message(self, **arguments): print('SENT', arguments['MessageBody'])\n"
    )
    outcome = run(
        folder,
        event(synchronous=True, subject="raise"),
        MAILROOM_FAILURE_QUEUE="https://sqs.us-east-1.amazonaws.com/111122223333/failures",
    )
    (sent,) = [line[5:] for line in outcome.output.splitlines() if line.startswith("SENT ")]
    record = json.loads(sent)
    assert record["requestContext"]["requestId"] == "request-0"
    assert record["requestContext"]["functionArn"] == FUNCTION_ARN
    assert outcome.results == [{"disposition": "CONTINUE"}]
