"""What SES and Lambda are answered, whatever a handler does."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from mailroom import _runtime, errors
from mailroom.entry import receiving as entry
from mailroom.receiving import Disposition, ReceivedMail
from mailroom.ses import SETUP_NOTIFICATION
from runtime.receiving.mail_samples import (
    CONTEXT,
    lines,
    sample,
    ses,
    synchronous,
)


def test_the_handler_gets_the_mail_and_its_answer_is_ignored(deploy: Callable[..., None]) -> None:
    """The function sees the event's own mapping; any return value is ignored."""
    seen: list[ReceivedMail] = []
    deploy(lambda mail: seen.append(mail) or "nonsense")  # type: ignore[func-returns-value]
    event = sample()
    assert entry.handler(event, CONTEXT) is None
    assert seen[0].raw is ses(event)


@pytest.mark.parametrize("on_error", ["continue", "stop_rule", "stop_rule_set", "raise"])
def test_exceptions_propagate_whatever_on_error_is(
    deploy: Callable[..., None], queue: Any, on_error: str
) -> None:
    """Lambda must see the error to retry; the queue is Lambda's to fill, so not filled here."""

    def function(_: ReceivedMail) -> None:
        raise ZeroDivisionError("boom")

    deploy(function, on_error=on_error, failure_queue=queue.url)
    with pytest.raises(ZeroDivisionError, match="boom"):
        entry.handler(sample(), CONTEXT)
    assert queue() == []


@pytest.mark.parametrize(
    "event",
    [
        None,
        {},
        {"Records": []},
        {"Records": [{"ses": {"mail": {"messageId": "m"}}}]},
        {"Records": [{"ses": {"receipt": {}}}, {"ses": {}}]},
        {"Records": [{"eventSource": "aws:ses", "ses": None}]},
    ],
)
def test_an_event_that_cannot_be_read_is_answered_and_kept(
    deploy: Callable[..., None], queue: Any, event: Any
) -> None:
    """It does not say that SES waits, so the function has to know it."""
    deploy(lambda mail: mail.source, on_error="stop_rule", failure_queue=queue.url, synchronous="1")
    assert entry.handler(event, CONTEXT) == {"disposition": "STOP_RULE"}
    (kept,) = queue()
    assert kept["requestPayload"] == event


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, "CONTINUE"),
        (Disposition.CONTINUE, "CONTINUE"),
        (Disposition.STOP_RULE, "STOP_RULE"),
        (Disposition.STOP_RULE_SET, "STOP_RULE_SET"),
        ("STOP_RULE", "STOP_RULE"),
    ],
)
def test_each_disposition_reaches_ses(
    deploy: Callable[..., None], answer: object, told: str
) -> None:
    """The answer is SES's object with a plain string; ``None`` continues."""
    deploy(lambda _: answer)
    result = entry.handler(synchronous(), CONTEXT)
    assert json.dumps(result) == json.dumps({"disposition": told})


@pytest.mark.parametrize(
    ("on_error", "told"),
    [
        (None, "CONTINUE"),
        ("continue", "CONTINUE"),
        ("stop_rule", "STOP_RULE"),
        ("stop_rule_set", "STOP_RULE_SET"),
    ],
)
def test_on_error_is_the_disposition_when_a_handler_raises(
    deploy: Callable[..., None], on_error: str | None, told: str
) -> None:
    """Each value becomes the answer to SES; the default lets the mail continue."""

    def function(_: ReceivedMail) -> None:
        raise ZeroDivisionError

    deploy(function, **({} if on_error is None else {"on_error": on_error}))
    assert entry.handler(synchronous(), CONTEXT) == {"disposition": told}


def test_on_error_raise_propagates_the_error(deploy: Callable[..., None]) -> None:
    """``raise`` shows the user's own exception to Lambda."""

    def function(_: ReceivedMail) -> None:
        raise ZeroDivisionError("boom")

    deploy(function, on_error="raise")
    with pytest.raises(ZeroDivisionError, match="boom"):
        entry.handler(synchronous(), CONTEXT)


def test_an_unknown_on_error_is_refused_at_init(deploy: Callable[..., None]) -> None:
    """A misspelt policy fails before any mail, and lists what is allowed."""
    deploy(lambda _: None, on_error="stop")
    with pytest.raises(
        errors.NotConfigured,
        match="'stop': set it to one of 'continue', 'stop_rule', 'stop_rule_set', 'raise'",
    ):
        entry._Settings()


@pytest.mark.parametrize("answer", ["stop", {"disposition": "STOP_RULE"}, True, 0, "", [], object])
def test_the_error_for_a_wrong_answer_names_what_is_allowed(
    deploy: Callable[..., None], answer: object
) -> None:
    """What SES would silently take for CONTINUE raises instead, as a `TypeError` too."""
    deploy(lambda _: answer, on_error="raise")
    with pytest.raises(
        errors.InvalidAnswer, match=r"return .*Disposition\.STOP_RULE_SET or None"
    ) as e:
        entry.handler(synchronous(), CONTEXT)
    assert isinstance(e.value, TypeError)


def test_a_wrong_answer_follows_on_error(deploy: Callable[..., None], queue: Any) -> None:
    """A wrong answer is a failure like any other: policy, and the failure queue."""
    deploy(lambda _: "stop", on_error="stop_rule", failure_queue=queue.url)
    assert entry.handler(synchronous(), CONTEXT) == {"disposition": "STOP_RULE"}
    assert queue()[0]["responsePayload"]["errorType"] == "InvalidAnswer"


@pytest.mark.parametrize("on_error", ["continue", "raise"])
def test_a_failure_is_kept_in_lambdas_own_record_shape(
    deploy: Callable[..., None], queue: Any, on_error: str
) -> None:
    """The queue gets what Lambda's on-failure destination would get, the event whole."""

    def function(_: ReceivedMail) -> None:
        raise ZeroDivisionError("boom")

    deploy(function, on_error=on_error, failure_queue=queue.url)
    event = synchronous()
    if on_error == "raise":
        with pytest.raises(ZeroDivisionError):
            entry.handler(event, CONTEXT)
    else:
        entry.handler(event, CONTEXT)
    (record,) = queue()
    assert datetime.fromisoformat(record.pop("timestamp")).tzinfo is UTC
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": CONTEXT.aws_request_id,
            "functionArn": CONTEXT.invoked_function_arn,
            "condition": "HandlerFailed",
            "approximateInvokeCount": 1,
        },
        "requestPayload": event,
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Handled",
        },
        "responsePayload": {"errorType": "ZeroDivisionError", "errorMessage": "boom"},
    }


def test_success_leaves_nothing_on_the_queue(deploy: Callable[..., None], queue: Any) -> None:
    """Only failures are kept."""
    deploy(lambda _: None, failure_queue=queue.url)
    entry.handler(synchronous(), CONTEXT)
    assert queue() == []


@pytest.mark.parametrize("on_error", ["stop_rule", "raise"])
def test_on_error_answers_even_if_the_failure_cannot_be_kept(
    deploy: Callable[..., None],
    queue: Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    on_error: str,
) -> None:
    """The log and a metric say so, because no alarm of the queue can."""

    def function(_: ReceivedMail) -> None:
        raise ZeroDivisionError("boom")

    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "Example")
    deploy(function, on_error=on_error, failure_queue=queue.url + "-gone")
    if on_error == "raise":
        with pytest.raises(ZeroDivisionError, match="boom"):
            entry.handler(synchronous(), CONTEXT)
    else:
        assert entry.handler(synchronous(), CONTEXT) == {"disposition": "STOP_RULE"}
    failed, unkept, counted = lines(capsys)
    assert (failed["error"], failed["outcome"]) == ("ZeroDivisionError", "failed")
    assert unkept["outcome"] == "failure not kept"
    assert "NonExistentQueue" in unkept["detail"]
    assert counted["FailureNotKept"] == 1
    assert counted["FunctionName"] == "Example"


def never_ends(_: ReceivedMail) -> Disposition:
    while True:
        with contextlib.suppress(Exception):
            time.sleep(5)


def swallows_all(_: ReceivedMail) -> Disposition:
    try:
        time.sleep(5)
    finally:
        return Disposition.CONTINUE  # noqa: B012


def exits(_: ReceivedMail) -> Disposition:
    sys.exit(1)


def interrupts(_: ReceivedMail) -> Disposition:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (never_ends, "OutOfTime"),
        (swallows_all, "OutOfTime"),
        (exits, "SystemExit"),
        (interrupts, "KeyboardInterrupt"),
    ],
)
@pytest.mark.parametrize("on_error", ["continue", "stop_rule_set", "raise"])
def test_on_error_answers_in_time_whatever_the_handler_does(
    deploy: Callable[..., None],
    queue: Any,
    on_error: str,
    function: Callable[[ReceivedMail], Disposition],
    error: str,
) -> None:
    """And the mail is on the failure queue."""
    _runtime.client("sqs")  # the mock takes long to make one
    ends = time.monotonic() + 0.6
    context = SimpleNamespace(
        get_remaining_time_in_millis=lambda: (ends - time.monotonic()) * 1000, **vars(CONTEXT)
    )
    deploy(function, on_error=on_error, failure_queue=queue.url)
    if on_error == "raise":
        with pytest.raises((errors.OutOfTime, errors.HandlerExited)):
            entry.handler(synchronous(), context)
    else:
        told = entry.handler(synchronous(), context)
        assert told == {"disposition": on_error.upper()}
    assert time.monotonic() < ends
    assert queue()[0]["responsePayload"]["errorType"] == error


def test_a_failure_queue_that_hangs_does_not_delay_the_answer(
    deploy: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a VPC without a way to SQS."""
    monkeypatch.setattr(_runtime, "dead_letter", lambda *_: time.sleep(5))
    deploy(exits, on_error="stop_rule", failure_queue="https://sqs.example.com/q")
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 100, **vars(CONTEXT))
    started = time.monotonic()
    assert entry.handler(synchronous(), context) == {"disposition": "STOP_RULE"}
    assert time.monotonic() - started < 1


def test_the_log_says_where_the_handler_was_hanging(
    deploy: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(swallows_all)
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 100, **vars(CONTEXT))
    entry.handler(synchronous(), context)
    line = swallows_all.__code__.co_firstlineno + 2
    assert lines(capsys)[0]["at"] == f"test_answers.py:{line}"


def test_a_record_that_cannot_be_read_follows_on_error_too(
    deploy: Callable[..., None], queue: Any
) -> None:
    """While SES waits, a record without ``mail`` is answered by policy and kept whole."""
    deploy(lambda _: None, on_error="stop_rule_set", failure_queue=queue.url)
    event = synchronous()
    del ses(event)["mail"]
    assert entry.handler(event, CONTEXT) == {"disposition": "STOP_RULE_SET"}
    assert queue()[0]["requestPayload"] == event


@pytest.mark.parametrize("key", [SETUP_NOTIFICATION, f"inbox/{SETUP_NOTIFICATION}"])
def test_setup_notifications_are_skipped(
    deploy: Callable[..., None], capsys: pytest.CaptureFixture[str], key: str
) -> None:
    """SES's control message never reaches the handler, as an object in S3 or as a mail."""
    ran: list[object] = []
    deploy(ran.append)
    as_mail = sample()
    ses(as_mail)["mail"]["messageId"] = SETUP_NOTIFICATION
    as_object = {"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": key}}}]}
    for event in (as_mail, as_object):
        assert entry.handler(event, CONTEXT) is None
    assert ran == []
    assert [line["outcome"] for line in lines(capsys)] == ["skipped", "skipped"]


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (None, "got NoneType"),
        ([], "got list"),
        ("mail", "got str"),
        ({}, "got a mapping with the keys []"),
        ({"b": 1, "a": 2}, "got a mapping with the keys ['a', 'b']"),
        ({"Records": []}, "got 0 records"),
        ({"Records": sample()["Records"] * 2}, "got 2 records"),
        ({"Records": None}, "['Records']"),
        ({"Records": [None]}, "from None"),
        ({"Records": [{"eventSource": "aws:kinesis"}]}, "from 'aws:kinesis'"),
        ({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "{}"}}]}, "the keys []"),
        (
            {"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": "inbox/x"}}}]},
            "from 'aws:s3'",
        ),
        ({"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": 7}}}]}, "'aws:s3'"),
        ({"Records": [{"eventSource": "aws:ses", "ses": "x"}]}, "from 'aws:ses'"),
    ],
)
def test_unknown_invocations_raise(deploy: Callable[..., None], event: Any, text: str) -> None:
    """What is neither one mail from SES nor an arrival raises, saying what came instead."""
    ran: list[object] = []
    deploy(ran.append)
    with pytest.raises(errors.UnknownInvocation) as caught:
        entry.handler(event, CONTEXT)
    assert text in str(caught.value)
    assert ran == []


def test_a_bundled_behaviour_takes_mail_from_ses_only(
    deploy: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its zip is without the module that reads anything else."""
    ran: list[object] = []
    deploy(ran.append)
    monkeypatch.setitem(sys.modules, "mailroom.entry._arrivals", None)
    monkeypatch.delattr("mailroom.entry._arrivals", raising=False)
    with pytest.raises(errors.UnknownInvocation, match="from 'aws:sqs'"):
        entry.handler({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}, CONTEXT)
    assert ran == []


@pytest.mark.usefixtures("fresh_process")
def test_without_a_handler_the_setting_is_named() -> None:
    """A function deployed without ``MAILROOM_HANDLER`` says so at its first mail."""
    with pytest.raises(errors.NotConfigured, match="MAILROOM_HANDLER is not set"):
        entry.handler(sample(), CONTEXT)


def is_killed(_: ReceivedMail) -> Disposition:
    os.kill(os.getpid(), signal.SIGKILL)
    return Disposition.CONTINUE


@pytest.mark.parametrize("on_error", ["stop_rule", "stop_rule_set"])
def test_a_control_that_is_killed_does_not_open(
    deploy: Callable[..., None], queue: Any, on_error: str
) -> None:
    """As out of memory. The mail is on the failure queue, and the next one is decided."""
    deaths = [True]

    def function(mail: ReceivedMail) -> Disposition:
        return is_killed(mail) if deaths[0] else Disposition.CONTINUE

    deploy(function, on_error=on_error, failure_queue=queue.url)
    assert entry.handler(synchronous(), CONTEXT) == {"disposition": on_error.upper()}
    assert queue()[0]["responsePayload"]["errorType"] == "HandlerDied"
    deaths[0] = False
    assert entry.handler(synchronous(), CONTEXT) == {"disposition": "CONTINUE"}
