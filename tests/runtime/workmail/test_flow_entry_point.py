"""What Lambda calls: answers, retries, the clock, the log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from mailroom import _runtime
from mailroom.entry import workmail
from mailroom.errors import HandlerNotFound, InvalidAnswer, NotConfigured, UnknownInvocation
from mailroom.workmail import AnswerTable, FlowMail, InProgress, OutOfTime
from runtime.test_budgets import FORBIDDEN, loaded
from runtime.workmail.flow_events import documented


class Call:
    """One way to call the entry point with a function of the test's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._module = ModuleType("own_code")
        self._patch = monkeypatch
        monkeypatch.setitem(sys.modules, "own_code", self._module)
        monkeypatch.setenv("MAILROOM_FLOW_HANDLER", "own_code:on_flow")
        monkeypatch.setattr(workmail, "_settings", None)
        self.context: Any = None

    def __call__(self, function: Any, event: Any = None) -> Any:
        self._module.on_flow = function  # type: ignore[attr-defined]
        self._patch.setattr(workmail, "_settings", None)
        return workmail.handler(documented() if event is None else event, self.context)

    def set(self, **values: str) -> None:
        for name, value in values.items():
            self._patch.setenv(name, value)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Call:
    return Call(monkeypatch)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_answer_goes_to_workmail(call):
    """As `Answer.payload` has it."""
    assert call(lambda mail: mail.answer().drop()) == {
        "actions": [{"action": {"type": "DROP"}, "allRecipients": True}]
    }


def test_no_answer_is_the_default(call):
    """WorkMail gets an explicit default, because without an answer it applies the fallback."""
    assert call(lambda mail: None) == {
        "actions": [{"action": {"type": "DEFAULT"}, "allRecipients": True}]
    }


def test_a_missing_return_is_an_error(call):
    """Mail that should have been dropped is not delivered for want of a word."""

    def on_flow(mail):
        mail.answer().drop()

    with pytest.raises(InvalidAnswer, match="did not return it"):
        call(on_flow)


@pytest.mark.parametrize("answer", [{"actions": []}, "DROP", True, 0])
def test_anything_but_an_answer_is_refused(call, answer):
    """Nothing else is passed on, however much it looks like one."""
    with pytest.raises(InvalidAnswer, match=r"mail\.answer"):
        call(lambda mail: answer)


def test_an_answer_about_another_mail_is_refused(call):
    """Not about one that the function kept from before."""
    other = FlowMail(documented()).answer().drop()
    with pytest.raises(InvalidAnswer, match="another mail"):
        call(lambda mail: other)


def test_any_answer_created_from_a_mail_is_accepted(call):
    """A function may begin again and return what it began first."""

    def on_flow(mail):
        first = mail.answer().drop()
        mail.answer().default()
        return first

    assert call(on_flow)["actions"][0]["action"] == {"type": "DROP"}


@pytest.mark.parametrize("event", [{}, [], None, {"Records": []}, {"messageId": "a"}])
def test_events_of_other_services_are_refused(call, event):
    """With what it looks like."""
    with pytest.raises(UnknownInvocation, match="the event is"):
        call(lambda mail: None, event if event is not None else "text")


def test_errors_propagate(call, capsys):
    """WorkMail asks again; the log says where, and no addresses."""
    with pytest.raises(ZeroDivisionError):
        call(lambda mail: 1 / 0)
    [line] = lines(capsys)
    assert (line["level"], line["outcome"], line["error"]) == (
        "ERROR",
        "failed",
        "ZeroDivisionError",
    )
    assert line["at"].startswith("test_flow_entry_point.py:")
    assert "@" not in json.dumps(line)


def test_each_mail_has_one_log_line(call, capsys):
    """With everything to find it by."""
    call.set(MAILROOM_RULE="Outbound")
    call(lambda mail: mail.answer().default().drop(recipients=mail.recipients[:1]))
    [line] = lines(capsys)
    assert line["event"] == "mailroom.workmail"
    assert line["message_id"] == documented()["messageId"]
    assert line["invocation_id"] == documented()["invocationId"]
    assert (line["direction"], line["rule"]) == ("INBOUND", "Outbound")
    assert line["outcome"] == "DEFAULT,DROP"
    assert "@" not in json.dumps(line)


def test_addresses_are_logged_when_switched_on(call, capsys):
    """Only then."""
    call.set(MAILROOM_LOG_ADDRESSES="1")
    call(lambda mail: None)
    [line] = lines(capsys)
    assert line["envelope"] == documented()["envelope"]
    assert line["sender"] == documented()["sender"]


def test_an_asynchronous_rule_gets_no_answer(call, capsys):
    """The log says that the answer is ignored."""
    call.set(MAILROOM_FLOW_MODE="asynchronous")
    assert call(lambda mail: None) is None
    assert call(lambda mail: mail.answer().drop()) is None
    quiet, loud = lines(capsys)
    assert (quiet["level"], quiet["outcome"]) == ("INFO", "handled")
    assert (loud["level"], loud["outcome"].partition(":")[0]) == ("WARNING", "answer ignored")


def test_the_mode_must_be_synchronous_or_asynchronous(call):
    """A typo fails before any mail is taken."""
    call.set(MAILROOM_FLOW_MODE="async")
    with pytest.raises(NotConfigured, match="MAILROOM_FLOW_MODE"):
        call(lambda mail: None)


def test_a_wrong_name_fails_at_init():
    """While Lambda imports the module."""
    done = subprocess.run(
        [sys.executable, "-c", "import mailroom.entry.workmail"],
        env={**os.environ, "MAILROOM_FLOW_HANDLER": "nowhere:on_flow"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert HandlerNotFound.__name__ in done.stderr


def test_granting_a_permission_creates_the_clients(call):
    """And without it there are none, for boto3 takes its time."""
    seen = []
    call(lambda mail: seen.append(mail._flow))
    call.set(MAILROOM_FLOW_CONTENT="1")
    call(lambda mail: seen.append(mail._flow))
    call.set(MAILROOM_FLOW_BUCKET="changed")
    call(lambda mail: seen.append(mail._flow))
    assert seen[0] is None
    assert (seen[1].bucket, seen[2].bucket) == (None, "changed")


def test_a_cold_start_stays_within_its_budget():
    """As with the other entry points; the behaviours too."""
    folder = Path(workmail.__file__).parents[1] / "handlers" / "workmail"
    names = [f"mailroom.handlers.workmail.{path.stem}" for path in folder.glob("[a-z]*.py")]
    assert len(names) == 9
    for name in ["mailroom.entry.workmail", *names]:
        _, added = loaded(name)
        assert not FORBIDDEN & added
        assert [one for one in added if one.partition(".")[0] != "mailroom"] == []


# The clock.


def context(seconds: float) -> SimpleNamespace:
    return SimpleNamespace(
        get_remaining_time_in_millis=lambda: int(seconds * 1000), aws_request_id="request"
    )


def test_a_slow_handler_is_interrupted_in_time(call, capsys):
    """It gets the exception inside, while WorkMail still waits, and the log says where."""
    call.context = context(0.4)
    started = time.monotonic()

    def on_flow(mail):
        time.sleep(5)

    with pytest.raises(OutOfTime):
        call(on_flow)
    assert time.monotonic() - started < 1
    assert lines(capsys)[0]["error"] == "OutOfTime"


def test_swallowing_the_timeout_does_not_help(call):
    """A late answer is ignored."""
    call.context = context(0.4)

    def on_flow(mail):
        try:
            time.sleep(5)
        except BaseException:
            return mail.answer().drop()

    with pytest.raises(OutOfTime):
        call(on_flow)


def test_fifteen_seconds_are_the_maximum(call):
    """However long Lambda would let the function run."""
    seen = []
    call.context = context(900)
    call(lambda mail: seen.append(mail.remaining_seconds))
    assert 13 < seen[0] <= 14


def test_mail_does_not_wait_for_an_asynchronous_function(call):
    """Its own timeout is what counts."""
    call.set(MAILROOM_FLOW_MODE="asynchronous")
    seen = []
    call.context = context(900)
    call(lambda mail: seen.append(mail.remaining_seconds))
    assert 890 < seen[0] < 900


def test_the_handler_does_not_start_without_time_left(call):
    """The handler is not even begun."""
    call.context = context(0)
    with pytest.raises(OutOfTime):
        call(lambda mail: pytest.fail("was begun"))


def test_the_timer_is_reset(call):
    """A timer that other code sets later is left alone."""
    import signal

    call.context = context(900)

    def somebodys(*_):
        """Do nothing."""

    before = signal.signal(signal.SIGALRM, somebodys)
    try:
        call(lambda mail: None)
        assert signal.getsignal(signal.SIGALRM) is somebodys
        assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    finally:
        signal.signal(signal.SIGALRM, before)


def test_another_thread_has_no_timer(call):
    """A test may use one; the answer is still checked afterwards."""
    call.context = context(900)
    found = []
    thread = threading.Thread(target=lambda: found.append(call(lambda mail: None)))
    thread.start()
    thread.join()
    assert found


# Repeated questions.


@pytest.fixture
def table(call):
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-west-1")
        client.create_table(
            TableName="answers",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        _runtime._clients["dynamodb"] = client
        call.set(MAILROOM_FLOW_TABLE="answers", MAILROOM_RULE="Rule")
        yield client


def items(table) -> list[dict]:
    return table.scan(TableName="answers")["Items"]


def test_a_repeated_invocation_gets_the_same_answer(call, table, capsys):
    """And the work is not done again."""
    done = []

    def on_flow(mail):
        done.append(1)
        return mail.answer().bounce(f"number {len(done)}")

    first = call(on_flow)
    assert call(on_flow) == first
    assert done == [1]
    assert [line["outcome"] for line in lines(capsys)] == ["BOUNCE", "repeated"]
    [item] = items(table)
    assert item["id"] == {"S": f"Rule/{documented()['invocationId']}"}
    assert 86_000 < int(item["expires_at"]["N"]) - time.time() <= 86_400


def test_another_invocation_gets_a_new_answer(call, table):
    """Even about the same message."""
    done = []
    call(lambda mail: done.append(1))
    call(lambda mail: done.append(1), {**documented(), "invocationId": "1" * 32})
    assert done == [1, 1]


def test_a_failure_is_retried_at_once(call, table):
    """It gave its claim back."""
    with pytest.raises(ZeroDivisionError):
        call(lambda mail: 1 / 0)
    assert items(table) == []
    assert call(lambda mail: None)


def test_two_attempts_at_once_do_the_work_once(call, table):
    """The second leaves it to the first, and WorkMail asks again."""
    inner = []

    def on_flow(mail):
        with pytest.raises(InProgress) as caught:
            workmail.handler(documented(), None)
        inner.append(caught)

    assert call(on_flow)
    assert len(inner) == 1


def test_the_claim_of_a_killed_attempt_expires(call, table):
    """After that, a late holder of the claim gets an error."""
    answers = AnswerTable("answers")
    assert answers.claim("id", "dead") is None
    with pytest.raises(InProgress):
        answers.claim("id", "next")
    table.update_item(
        TableName="answers",
        Key={"id": {"S": "id"}},
        UpdateExpression="SET lease = :past",
        ExpressionAttributeValues={":past": {"N": "1"}},
    )
    assert answers.claim("id", "next") is None
    with pytest.raises(InProgress, match="another has begun"):
        answers.store("id", "dead", None)
    answers.release("id", "dead")
    answers.store("id", "next", {"actions": []})
    assert answers.claim("id", "third") == ({"actions": []},)


def test_a_claim_that_cannot_be_released_does_not_hide_the_error(call, table, capsys):
    """What went wrong first is what counts."""

    def on_flow(mail):
        table.delete_table(TableName="answers")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        call(on_flow)
    assert lines(capsys)[0]["event"] == "mailroom.workmail.release"
