"""CloudFormation gets an answer to each request, with a physical id that never changes."""

from __future__ import annotations

import json
import sys
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.error import URLError

import pytest

from mailroom.provisioning import entry

EVENT = {
    "RequestType": "Create",
    "RequestId": "request-1",
    "StackId": "arn:aws:cloudformation:eu-west-1:111122223333:stack/Mail/0a1b",
    "LogicalResourceId": "Activation",
    "ResponseURL": "https://bucket.example/signed",
}
CONTEXT = SimpleNamespace(log_group_name="/aws/lambda/Mail")


class Answers:
    """What a handler returns or raises, and what CloudFormation is told of it."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.result: Any = {}
        self.failures = 0
        self.sent: list[dict[str, Any]] = []
        module = ModuleType("handler_of_a_test")
        module.handler = self._handler  # type: ignore[attr-defined]
        patch.setitem(sys.modules, "handler_of_a_test", module)
        patch.setenv("MAILROOM_RESOURCE", "handler_of_a_test")
        patch.setattr("urllib.request.urlopen", self._open)

    def to(self, **changes: str) -> dict[str, Any]:
        """Return the answer to a request."""
        entry.handler({**EVENT, **changes}, CONTEXT)
        return self.sent[-1]

    def _handler(self, event: Any, context: Any) -> Any:
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    def _open(self, request: Any, timeout: float) -> Any:
        assert (request.method, request.get_header("Content-type")) == ("PUT", "")
        if self.failures:
            self.failures -= 1
            raise URLError("reset")
        self.sent.append(json.loads(request.data))
        return pytest.MonkeyPatch.context()


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    return Answers(monkeypatch)


def test_success_carries_the_attributes(answers: Answers) -> None:
    """And all that tells CloudFormation which request it belongs to."""
    answers.result = {"Data": {"RuleSetName": "ours"}}
    assert answers.to() == {
        "Status": "SUCCESS",
        "Reason": "",
        "PhysicalResourceId": "Activation",
        "StackId": EVENT["StackId"],
        "RequestId": "request-1",
        "LogicalResourceId": "Activation",
        "Data": {"RuleSetName": "ours"},
    }


def test_an_update_keeps_the_physical_id(answers: Answers) -> None:
    """Another one would make CloudFormation delete what exists."""
    assert answers.to(RequestType="Update", PhysicalResourceId="old")["PhysicalResourceId"] == "old"


def test_a_create_that_fails_has_the_id_by_which_it_is_deleted(answers: Answers) -> None:
    """CloudFormation then sends a Delete for it, which undoes what was done."""
    answers.result = ValueError("no such set")
    answer = answers.to()
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", "Activation")
    assert answer["Reason"] == "ValueError: no such set (log group /aws/lambda/Mail)"


def test_a_failure_is_in_the_log_with_its_place(
    answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    answers.result = ValueError("no such set")
    answers.to()
    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["error"], line["reason"]) == ("ERROR", "ValueError", "no such set")
    assert (line["request"], line["resource"]) == ("Create", "Activation")
    assert line["where"].startswith("test_entry.py:")


def test_a_create_that_did_nothing_is_deleted_without_its_handler(answers: Answers) -> None:
    """The handler would fail again, and the stack would be stuck in ROLLBACK_FAILED."""
    answers.result = error = ValueError("no access")
    error.nothing_done = True  # type: ignore[attr-defined]
    failed = answers.to()
    assert failed["Status"] == "FAILED"
    deleted = answers.to(RequestType="Delete", PhysicalResourceId=failed["PhysicalResourceId"])
    assert deleted["Status"] == "SUCCESS"


def test_any_other_delete_is_the_handlers(answers: Answers) -> None:
    """What it cannot delete, it says."""
    answers.result = ValueError("no access")
    answer = answers.to(RequestType="Delete", PhysicalResourceId="Activation")
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", "Activation")


def test_an_update_that_did_nothing_keeps_the_physical_id(answers: Answers) -> None:
    """The resource exists, whatever its last update did."""
    answers.result = error = ValueError("no access")
    error.nothing_done = True  # type: ignore[attr-defined]
    answer = answers.to(RequestType="Update", PhysicalResourceId="old")
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", "old")


def test_a_long_reason_is_cut(answers: Answers) -> None:
    """CloudFormation takes 4 KB in all."""
    answers.result = ValueError("x" * 10_000)
    assert len(answers.to()["Reason"]) < 2100


def test_an_answer_that_does_not_arrive_is_sent_again(answers: Answers, naps: list[float]) -> None:
    """A stack that hears nothing waits for an hour."""
    answers.failures = 2
    assert (answers.to()["Status"], len(naps)) == ("SUCCESS", 2)


def test_an_answer_that_never_arrives_is_an_error(answers: Answers) -> None:
    """So that Lambda starts the function again with the same request."""
    answers.failures = 5
    with pytest.raises(URLError):
        answers.to()
