"""What a handler can read of a received mail, and what the entry point does with its answer."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO, TextIOWrapper
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

import mailroom
from mailroom import _runtime, errors
from mailroom.entry import receiving
from mailroom.receiving import Disposition, Headers, ReceivedMail, Verdict
from mailroom.ses import SETUP_NOTIFICATION
from mailroom.testing import MemoryStore, message

PAYLOADS = Path(__file__).parents[2] / "payloads"
LAMBDA_SRC = Path(mailroom.__file__).parent.parent
BUCKET = "mail-bucket"
MESSAGE_ID = "o3vrnil0e2ic28tr"

CONTEXT = SimpleNamespace(
    aws_request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
    invoked_function_arn="arn:aws:lambda:us-east-1:111122223333:function:Example",
    function_version="$LATEST",
)


def sample(name: str = "received_mail") -> dict[str, Any]:
    """Return one of AWS's documented events, freshly parsed."""
    event: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text())
    return event


def ses(event: dict[str, Any]) -> dict[str, Any]:
    """Return the part of *event* that a view is made of."""
    part: dict[str, Any] = event["Records"][0]["ses"]
    return part


def synchronous(event: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return *event*, or the sample, as SES sends it when it waits for the answer."""
    event = event or sample()
    ses(event)["receipt"]["action"]["invocationType"] = "RequestResponse"
    return event


def without(*path: str) -> ReceivedMail:
    """Return the sample's view with the key at *path* taken away."""
    raw = ses(sample())
    part = raw
    for key in path[:-1]:
        part = part[key]
    del part[path[-1]]
    return ReceivedMail(raw)


@pytest.fixture
def mail() -> ReceivedMail:
    """AWS's sample of an asynchronous invocation."""
    return ReceivedMail(ses(sample()))


@pytest.fixture(autouse=True)
def _fresh_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what the runtime keeps per process, and every setting of the machine."""
    for name in list(os.environ):
        if name.startswith(("MAILROOM_", "AWS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(receiving, "_settings", None)
    monkeypatch.setattr(_runtime, "_clients", {})


@pytest.fixture
def deploy(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Configure the entry point as the construct would, for one user's function."""

    def configure(function: Callable[[ReceivedMail], object], **settings: str) -> None:
        module = ModuleType("user_app")
        module.on_mail = function  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "user_app", module)
        monkeypatch.setenv("MAILROOM_HANDLER", "user_app:on_mail")
        for name, value in settings.items():
            monkeypatch.setenv(f"MAILROOM_{name.upper()}", value)
        monkeypatch.setattr(receiving, "_settings", None)

    return configure


@pytest.fixture
def aws() -> Iterator[None]:
    """An AWS in memory, with the mail bucket."""
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield


@pytest.fixture
def queue(aws: None) -> Callable[[], list[dict[str, Any]]]:
    """A failure queue; calling it gives the records on it. Its URL is its ``url``."""
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="failures")["QueueUrl"]

    def records() -> list[dict[str, Any]]:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [json.loads(found["Body"]) for found in answer.get("Messages", [])]

    records.url = url  # type: ignore[attr-defined]
    return records


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return what was logged since the last call, each line parsed."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


class TestView:
    """Every attribute, against AWS's own sample."""

    def test_attributes_give_the_samples_values(self, mail: ReceivedMail) -> None:
        """Each attribute is the sample's value under its documented name."""
        assert mail.message_id == MESSAGE_ID
        assert mail.source == "janedoe@example.com"
        assert mail.destination == ["johndoe@example.com"]
        assert mail.recipients == ["johndoe@example.com"]
        assert mail.subject == "Test Subject"
        assert mail.from_ == ["Jane Doe <janedoe@example.com>"]
        assert mail.to == ["johndoe@example.com"]
        assert mail.cc == []
        assert mail.reply_to == []
        assert mail.return_path == "janedoe@example.com"
        assert mail.date == "Wed, 7 Oct 2015 12:34:56 -0700"
        assert mail.header_message_id == "<0123456789example.com>"
        assert mail.headers_truncated is False
        assert mail.processing_time_millis == 574
        assert mail.action == {
            "type": "Lambda",
            "invocationType": "Event",
            "functionArn": "arn:aws:lambda:us-west-2:111122223333:function:Example",
        }
        assert mail.common_headers["subject"] == "Test Subject"
        assert repr(mail) == f"<ReceivedMail {MESSAGE_ID}>"

    def test_cc_and_reply_to_are_read_where_ses_gives_them(self) -> None:
        """``cc`` and ``replyTo`` are the documented spellings of the remaining common headers."""
        raw = ses(sample())
        raw["mail"]["commonHeaders"] |= {"cc": ["a@example.com"], "replyTo": ["b@example.com"]}
        assert (ReceivedMail(raw).cc, ReceivedMail(raw).reply_to) == (
            ["a@example.com"],
            ["b@example.com"],
        )

    @pytest.mark.parametrize(
        ("stamp", "expected"),
        [
            ("1970-01-01T00:00:00.000Z", datetime(1970, 1, 1, tzinfo=UTC)),
            ("2026-01-02T05:04:05.678+02:00", datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)),
            ("2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ],
    )
    def test_times_are_aware_and_utc(self, stamp: str, expected: datetime) -> None:
        """Both times are aware and in UTC, whatever offset the text carries."""
        raw = ses(sample())
        raw["mail"]["timestamp"] = raw["receipt"]["timestamp"] = stamp
        view = ReceivedMail(raw)
        assert view.timestamp == view.action_timestamp == expected
        assert view.timestamp.tzinfo is view.action_timestamp.tzinfo is UTC

    def test_the_two_times_come_from_different_places(self) -> None:
        """`timestamp` is the reception, `action_timestamp` the action."""
        raw = ses(sample())
        raw["receipt"]["timestamp"] = "1970-01-01T00:00:07.000Z"
        assert ReceivedMail(raw).timestamp.second == 0
        assert ReceivedMail(raw).action_timestamp.second == 7

    def test_recipients_are_the_rules_and_destination_is_everyones(self) -> None:
        """`recipients` are those that this rule matched, `destination` the whole envelope."""
        raw = ses(sample())
        raw["mail"]["destination"] = ["a@example.com", "b@example.org"]
        assert ReceivedMail(raw).destination == ["a@example.com", "b@example.org"]
        assert ReceivedMail(raw).recipients == ["johndoe@example.com"]

    def test_verdicts_of_the_first_sample(self, mail: ReceivedMail) -> None:
        """Four verdicts pass; DMARC is absent, so neither passed nor failed."""
        for verdict in (mail.spam, mail.virus, mail.spf, mail.dkim):
            assert verdict.status == "PASS"
            assert verdict.passed
            assert not verdict.failed
        assert mail.dmarc == Verdict(None)
        assert mail.dmarc_policy is None
        assert mail.synchronous is False

    def test_verdicts_of_the_second_sample(self) -> None:
        """Every other documented status is read as it stands, each from its own key."""
        view = ReceivedMail(ses(sample("received_mail_verdicts")))
        assert [v.status for v in (view.spam, view.virus, view.spf, view.dkim, view.dmarc)] == [
            "GRAY",
            "DISABLED",
            "PROCESSING_FAILED",
            "FAIL",
            "FAIL",
        ]
        assert view.dmarc_policy == "quarantine"
        assert view.synchronous is True

    @pytest.mark.parametrize("key", ["spam", "virus", "spf", "dkim", "dmarc"])
    def test_each_verdict_has_its_own_key(self, key: str) -> None:
        """Changing one verdict changes that attribute only."""
        raw = ses(sample())
        raw["receipt"][f"{key}Verdict"] = {"status": "FAIL"}
        view = ReceivedMail(raw)
        failed = [
            name for name in ("spam", "virus", "spf", "dkim", "dmarc") if getattr(view, name).failed
        ]
        assert failed == [key]

    @pytest.mark.parametrize(
        "status", ["GRAY", "PROCESSING_FAILED", "DISABLED", "ADDED_LATER", None]
    )
    def test_what_is_neither_pass_nor_fail_is_neither(self, status: str | None) -> None:
        """A verdict in between is not mistaken for an answer, nor is one that AWS adds later."""
        verdict = Verdict(status)
        assert not verdict.passed
        assert not verdict.failed
        assert verdict.status == status

    def test_verdicts_compare_by_status(self) -> None:
        """Verdicts are values: equal, hashable, printable; a bare string is not one."""
        assert Verdict("PASS") == Verdict("PASS") != Verdict("FAIL")
        assert Verdict("PASS") != "PASS"
        assert len({Verdict("PASS"), Verdict("PASS")}) == 1
        assert repr(Verdict(None)) == "Verdict(None)"

    @pytest.mark.parametrize(
        ("path", "attribute", "expected"),
        [
            (("mail", "commonHeaders", "subject"), "subject", None),
            (("mail", "commonHeaders", "to"), "to", []),
            (("mail", "commonHeaders", "from"), "from_", []),
            (("mail", "commonHeaders", "date"), "date", None),
            (("mail", "commonHeaders", "messageId"), "header_message_id", None),
            (("mail", "commonHeaders", "returnPath"), "return_path", None),
            (("mail", "commonHeaders"), "subject", None),
            (("mail", "source"), "source", ""),
            (("mail", "destination"), "destination", []),
            (("mail", "headersTruncated"), "headers_truncated", False),
            (("receipt", "spamVerdict"), "spam", Verdict(None)),
            (("receipt", "virusVerdict"), "virus", Verdict(None)),
            (("receipt", "spfVerdict"), "spf", Verdict(None)),
            (("receipt", "dkimVerdict"), "dkim", Verdict(None)),
            (("receipt", "spamVerdict", "status"), "spam", Verdict(None)),
            (("receipt", "processingTimeMillis"), "processing_time_millis", None),
            (("receipt", "action"), "action", {}),
            (("receipt", "action"), "synchronous", False),
        ],
    )
    def test_what_may_be_absent_is_none_or_empty(
        self, path: tuple[str, ...], attribute: str, expected: object
    ) -> None:
        """What the sender or AWS may leave out reads as ``None`` or empty, and never raises."""
        assert getattr(without(*path), attribute) == expected

    def test_absent_headers_are_no_headers(self) -> None:
        """Without ``headers`` the mapping is empty, not missing."""
        assert len(without("mail", "headers").headers) == 0

    @pytest.mark.parametrize(
        ("path", "attribute"),
        [
            (("mail", "messageId"), "message_id"),
            (("mail", "timestamp"), "timestamp"),
            (("receipt", "timestamp"), "action_timestamp"),
            (("receipt", "recipients"), "recipients"),
        ],
    )
    def test_a_missing_key_raises_only_when_asked_for_and_names_its_path(
        self, path: tuple[str, ...], attribute: str
    ) -> None:
        """Making the view succeeds; reading the attribute names the path that is missing."""
        view = without(*path)
        with pytest.raises(errors.MissingField, match=f"missing '{'.'.join(path)}'"):
            getattr(view, attribute)

    def test_no_mail_and_no_receipt_name_themselves(self) -> None:
        """A payload without ``mail`` or ``receipt`` says which of them it lacks."""
        with pytest.raises(errors.MissingField, match="missing 'mail'"):
            without("mail")
        with pytest.raises(errors.MissingField, match="missing 'receipt'"):
            _ = without("receipt").spam

    @pytest.mark.parametrize(
        ("path", "value", "attribute", "text"),
        [
            (("mail", "commonHeaders", "to"), "a@b.c", "to", "'mail.commonHeaders.to' is a str"),
            (("mail", "destination"), "a@b.c", "destination", "'mail.destination' is a str"),
            (("mail", "commonHeaders"), [], "subject", "'mail.commonHeaders' is a list"),
            (("receipt", "spamVerdict"), "FAIL", "spam", "'receipt.spamVerdict' is a str"),
            (("receipt", "action"), "Lambda", "action", "'receipt.action' is a str"),
            (("mail", "timestamp"), "soon", "timestamp", "'mail.timestamp' is no ISO 8601 time"),
        ],
    )
    def test_another_type_raises_with_the_path(
        self, path: tuple[str, ...], value: object, attribute: str, text: str
    ) -> None:
        """A string is never taken apart into letters; the error names the path and the type."""
        raw: Any = ses(sample())
        part = raw
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = value
        with pytest.raises(errors.MissingField, match=text):
            getattr(ReceivedMail(raw), attribute)

    def test_truncated_headers_say_so(self) -> None:
        """SES's ``headersTruncated`` is passed on."""
        raw = ses(sample())
        raw["mail"]["headersTruncated"] = True
        assert ReceivedMail(raw).headers_truncated is True

    def test_lists_are_the_callers_own(self, mail: ReceivedMail) -> None:
        """Changing a returned list changes neither the event nor the next answer."""
        before = copy.deepcopy(mail.raw)
        for name in ("to", "from_", "cc", "reply_to", "destination", "recipients"):
            getattr(mail, name).append("x@example.com")
        mail.headers.get_all("To").append("x@example.com")
        assert mail.raw == before
        assert mail.headers.get_all("To") == ["johndoe@example.com"]


class TestHeaders:
    """A multi-mapping of header fields."""

    @pytest.fixture
    def headers(self) -> Headers:
        """Three fields, one of them twice in different spellings."""
        return Headers(
            [
                {"name": "Received", "value": "second hop"},
                {"name": "X-Tag", "value": "ü"},
                {"name": "RECEIVED", "value": "first hop"},
            ]
        )

    def test_names_compare_without_case(self, headers: Headers) -> None:
        """Every spelling finds the field, as RFC 5322 wants it."""
        assert headers["x-tag"] == headers["X-TAG"] == headers.get("x-Tag") == "ü"
        assert "x-tag" in headers
        assert "x-tags" not in headers
        assert 7 not in headers

    def test_repeats_are_kept_topmost_first(self, headers: Headers) -> None:
        """A repeated field has all its values; single access gives the topmost."""
        assert headers.get_all("received") == ["second hop", "first hop"]
        assert headers["Received"] == headers.get("Received") == "second hop"

    def test_order_and_spelling_of_the_message_are_kept(self, headers: Headers) -> None:
        """Iteration gives names as they were written, in their order."""
        assert list(headers) == ["Received", "X-Tag", "RECEIVED"]
        assert list(headers.items())[2] == ("RECEIVED", "first hop")
        assert len(headers) == 3
        assert repr(headers) == "<Headers: 3 fields>"

    def test_absent_fields(self, headers: Headers) -> None:
        """`get` gives the default, `get_all` nothing, and indexing raises with the name."""
        assert headers.get("Subject") is None
        assert headers.get("Subject", "none") == "none"
        assert headers.get_all("Subject") == []
        with pytest.raises(errors.MissingField, match="no header field 'Subject'"):
            headers["Subject"]

    @pytest.mark.parametrize("field", [{"name": "A"}, {"value": "b"}, {"name": 1, "value": "b"}, 3])
    def test_a_field_that_is_none_raises(self, field: Any) -> None:
        """Something that is no field raises `MissingField`, each time it is met."""
        headers = Headers([{"name": "To", "value": "x"}, field])
        for _ in range(2):
            with pytest.raises(errors.MissingField, match=r"'mail\.headers'"):
                headers.get_all("To")

    def test_the_samples_headers(self, mail: ReceivedMail) -> None:
        """All ten fields of AWS's sample are there, in one object per mail."""
        assert len(mail.headers) == 10
        assert mail.headers["mime-version"] == "1.0"
        assert mail.headers is mail.headers


class TestMessage:
    """The message itself, in the mail bucket."""

    @pytest.fixture
    def bucket(self, aws: None) -> Any:
        """The mail bucket's client."""
        return boto3.client("s3")

    def handled_by(
        self,
        deploy: Callable[..., None],
        function: Callable[[ReceivedMail], object],
        **settings: str,
    ) -> list[object]:
        """Run *function* through the entry point, and return what it returned."""
        answers: list[object] = []
        deploy(lambda mail: answers.append(function(mail)), bucket=BUCKET, **settings)
        receiving.handler(sample(), CONTEXT)
        return answers

    def test_read_gives_the_parsed_message(self, bucket: Any, deploy: Callable[..., None]) -> None:
        """`read` fetches the object named by prefix and id, and parses it with modern policy."""
        stored = message(subject="Grüße", attachments={"a.bin": b"\0\1"})
        bucket.put_object(Bucket=BUCKET, Key=f"inbox/{MESSAGE_ID}", Body=stored.as_bytes())
        (found,) = self.handled_by(deploy, ReceivedMail.read, prefix="inbox/")
        assert isinstance(found, EmailMessage)
        assert found["Subject"] == "Grüße"
        assert [part.get_content() for part in found.iter_attachments()] == [b"\0\1"]

    def test_open_gives_the_bytes_untouched(self, bucket: Any, deploy: Callable[..., None]) -> None:
        """`open` is a binary stream that reads, iterates lines, and closes."""
        body = b"Subject: x\r\n\r\n" + bytes(range(256)) * 1000
        bucket.put_object(Bucket=BUCKET, Key=MESSAGE_ID, Body=body)

        streams: list[Any] = []

        def function(mail: ReceivedMail) -> bytes:
            with mail.open() as stream:
                streams.append(stream)
                return stream.readline() + stream.read()

        assert self.handled_by(deploy, function) == [body]
        # botocore's body reports itself open for ever; the connection under it is what counts.
        assert streams[0].raw._raw_stream.closed

    def test_a_message_that_is_not_there(self, bucket: Any, deploy: Callable[..., None]) -> None:
        """`MessageNotStored` names bucket and object; it is the handler's to catch or let go."""
        deploy(ReceivedMail.read, bucket=BUCKET, prefix="inbox/")
        with pytest.raises(
            errors.MessageNotStored, match=rf"'{BUCKET}' has no object 'inbox/{MESSAGE_ID}'"
        ):
            receiving.handler(sample(), CONTEXT)

    def test_where_the_message_lies_is_told(self, bucket: Any, deploy: Callable[..., None]) -> None:
        """`stored_at` is bucket and object name, or ``None`` for a function without a bucket."""
        seen: list[object] = []
        deploy(lambda mail: seen.append(mail.stored_at))
        receiving.handler(sample(), CONTEXT)
        deploy(lambda mail: seen.append(mail.stored_at), bucket=BUCKET, prefix="inbox/")
        receiving.handler(sample(), CONTEXT)
        assert seen == [None, (BUCKET, f"inbox/{MESSAGE_ID}")]

    def test_without_a_bucket_the_remedy_is_named(self, deploy: Callable[..., None]) -> None:
        """Reading, opening and recognising repeats need the bucket, and say so."""
        for function in (ReceivedMail.read, ReceivedMail.open, lambda mail: mail.already_handled):
            deploy(function)
            with pytest.raises(errors.NotConfigured, match="MAILROOM_BUCKET is not set"):
                receiving.handler(sample(), CONTEXT)

    def test_other_errors_of_s3_come_through(self, aws: None, deploy: Callable[..., None]) -> None:
        """Only a missing object is translated; a missing bucket stays botocore's error."""
        deploy(ReceivedMail.read, bucket="no-such-bucket")
        with pytest.raises(ClientError, match="NoSuchBucket"):
            receiving.handler(sample(), CONTEXT)

    def test_the_client_is_made_at_init(self, aws: None, deploy: Callable[..., None]) -> None:
        """A function with a bucket has its client before the first mail; one without has none."""
        deploy(lambda _: None)
        receiving._Settings()
        assert _runtime._clients == {}
        deploy(lambda _: None, bucket=BUCKET)
        receiving._Settings()
        assert list(_runtime._clients) == ["s3"]

    def test_parsing_needs_about_three_times_the_message(self) -> None:
        """`read` of a large mail stays under four times its size, as its docstring says."""
        body = message(attachments={"a.bin": os.urandom(2**20)}).as_bytes()
        view = ReceivedMail(ses(sample()), store=MemoryStore({MESSAGE_ID: body}))
        view.read()
        tracemalloc.start()
        try:
            view.read()
            assert tracemalloc.get_traced_memory()[1] < 4 * len(body)
        finally:
            tracemalloc.stop()


class TestRepeats:
    """Recognising a delivery that was seen before."""

    def test_a_repeat_is_recognised_once_the_first_has_finished(
        self, aws: None, deploy: Callable[..., None]
    ) -> None:
        """The mark is left after the handler returned, so that only finished work counts."""
        seen: list[bool] = []

        def function(mail: ReceivedMail) -> None:
            seen.append(mail.already_handled)
            if len(seen) == 1:
                raise RuntimeError("half-way")

        deploy(function, bucket=BUCKET, mark_prefix="handled/")
        with pytest.raises(RuntimeError, match="half-way"):
            receiving.handler(sample(), CONTEXT)
        receiving.handler(sample(), CONTEXT)
        receiving.handler(sample(), CONTEXT)
        assert seen == [False, False, True]

    def test_an_id_that_begins_alike_is_another_message(
        self, aws: None, deploy: Callable[..., None]
    ) -> None:
        """A mark counts for its own id only, not for an id that is its beginning."""
        seen: list[bool] = []
        deploy(
            lambda mail: seen.append(mail.already_handled), bucket=BUCKET, mark_prefix="handled/"
        )
        longer = sample()
        ses(longer)["mail"]["messageId"] = MESSAGE_ID + "0"
        receiving.handler(longer, CONTEXT)
        receiving.handler(sample(), CONTEXT)
        assert seen == [False, False]

    @pytest.mark.parametrize("prefix", [None, ""])
    def test_without_marks_the_remedy_is_named(
        self, aws: None, deploy: Callable[..., None], prefix: str | None
    ) -> None:
        """Unset or empty, no mark is written, least of all over the message itself."""
        boto3.client("s3").put_object(Bucket=BUCKET, Key=MESSAGE_ID, Body=b"Subject: x\r\n\r\n")
        marks = {} if prefix is None else {"mark_prefix": prefix}
        deploy(lambda mail: mail.already_handled, bucket=BUCKET, **marks)
        with pytest.raises(errors.NotConfigured, match="remember_handled=True"):
            receiving.handler(sample(), CONTEXT)
        deploy(lambda _: None, bucket=BUCKET, **marks)
        receiving.handler(sample(), CONTEXT)
        stored = boto3.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
        assert [(found["Key"], found["Size"]) for found in stored] == [(MESSAGE_ID, 14)]

    def test_a_mail_that_cannot_be_marked_is_refused_before_it_is_handled(
        self, aws: None, deploy: Callable[..., None]
    ) -> None:
        """An event without message id fails before the user's work, not after it."""
        ran: list[object] = []
        deploy(ran.append, bucket=BUCKET, mark_prefix="handled/")
        event = sample()
        del ses(event)["mail"]["messageId"]
        with pytest.raises(errors.MissingField, match=r"mail\.messageId"):
            receiving.handler(event, CONTEXT)
        assert ran == []


class TestAsynchronous:
    """SES does not wait: Lambda retries what raises."""

    def test_the_handler_gets_the_mail_and_its_answer_is_ignored(
        self, deploy: Callable[..., None]
    ) -> None:
        """The function sees the event's own mapping; even nonsense is no answer."""
        seen: list[ReceivedMail] = []
        deploy(lambda mail: seen.append(mail) or "nonsense")  # type: ignore[func-returns-value]
        event = sample()
        assert receiving.handler(event, CONTEXT) is None
        assert seen[0].raw is ses(event)

    @pytest.mark.parametrize("on_error", ["continue", "stop_rule", "stop_rule_set", "raise"])
    def test_exceptions_propagate_whatever_on_error_says(
        self, deploy: Callable[..., None], queue: Any, on_error: str
    ) -> None:
        """Lambda must see the error to retry; the queue is Lambda's to fill, so not filled here."""

        def function(_: ReceivedMail) -> None:
            raise ZeroDivisionError("boom")

        deploy(function, on_error=on_error, failure_queue=queue.url)
        with pytest.raises(ZeroDivisionError, match="boom"):
            receiving.handler(sample(), CONTEXT)
        assert queue() == []


class TestSynchronous:
    """SES waits for the answer."""

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
        self, deploy: Callable[..., None], answer: object, told: str
    ) -> None:
        """The answer is SES's object with a plain string; ``None`` continues."""
        deploy(lambda _: answer)
        result = receiving.handler(synchronous(), CONTEXT)
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
    def test_on_error_answers_for_a_handler_that_raises(
        self, deploy: Callable[..., None], on_error: str | None, told: str
    ) -> None:
        """Each value is told to SES in place of the answer; the default lets the mail go on."""

        def function(_: ReceivedMail) -> None:
            raise ZeroDivisionError

        deploy(function, **({} if on_error is None else {"on_error": on_error}))
        assert receiving.handler(synchronous(), CONTEXT) == {"disposition": told}

    def test_on_error_raise_lets_the_error_out(self, deploy: Callable[..., None]) -> None:
        """``raise`` shows the user's own exception to Lambda."""

        def function(_: ReceivedMail) -> None:
            raise ZeroDivisionError("boom")

        deploy(function, on_error="raise")
        with pytest.raises(ZeroDivisionError, match="boom"):
            receiving.handler(synchronous(), CONTEXT)

    def test_an_unknown_on_error_is_refused_at_init(self, deploy: Callable[..., None]) -> None:
        """A misspelt policy fails before any mail, and lists what is allowed."""
        deploy(lambda _: None, on_error="stop")
        with pytest.raises(
            errors.NotConfigured,
            match="'stop'; it must be 'continue', 'stop_rule', 'stop_rule_set', 'raise'",
        ):
            receiving._Settings()

    @pytest.mark.parametrize(
        "answer", ["stop", {"disposition": "STOP_RULE"}, True, 0, "", [], object]
    )
    def test_a_wrong_answer_names_what_is_allowed(
        self, deploy: Callable[..., None], answer: object
    ) -> None:
        """What SES would silently take for CONTINUE raises instead, as a `TypeError` too."""
        deploy(lambda _: answer, on_error="raise")
        with pytest.raises(errors.InvalidAnswer, match=r"Disposition\.STOP_RULE_SET and None") as e:
            receiving.handler(synchronous(), CONTEXT)
        assert isinstance(e.value, TypeError)

    def test_a_wrong_answer_follows_on_error(self, deploy: Callable[..., None], queue: Any) -> None:
        """A wrong answer is a failure like any other: policy, and the failure queue."""
        deploy(lambda _: "stop", on_error="stop_rule", failure_queue=queue.url)
        assert receiving.handler(synchronous(), CONTEXT) == {"disposition": "STOP_RULE"}
        assert queue()[0]["responsePayload"]["errorType"] == "InvalidAnswer"

    @pytest.mark.parametrize("on_error", ["continue", "raise"])
    def test_a_failure_is_kept_in_lambdas_own_record_shape(
        self, deploy: Callable[..., None], queue: Any, on_error: str
    ) -> None:
        """The queue gets what Lambda's on-failure destination would get, the event whole."""

        def function(_: ReceivedMail) -> None:
            raise ZeroDivisionError("boom")

        deploy(function, on_error=on_error, failure_queue=queue.url)
        event = synchronous()
        if on_error == "raise":
            with pytest.raises(ZeroDivisionError):
                receiving.handler(event, CONTEXT)
        else:
            receiving.handler(event, CONTEXT)
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

    def test_success_leaves_nothing_on_the_queue(
        self, deploy: Callable[..., None], queue: Any
    ) -> None:
        """Only failures are kept."""
        deploy(lambda _: None, failure_queue=queue.url)
        receiving.handler(synchronous(), CONTEXT)
        assert queue() == []

    def test_a_failing_queue_lets_an_error_out(
        self, deploy: Callable[..., None], queue: Any
    ) -> None:
        """If the failure cannot be kept, it is not answered away; the cause stays attached."""

        def function(_: ReceivedMail) -> None:
            raise ZeroDivisionError("boom")

        deploy(function, failure_queue=queue.url + "-gone")
        with pytest.raises(ClientError, match="NonExistentQueue") as caught:
            receiving.handler(synchronous(), CONTEXT)
        assert isinstance(caught.value.__context__, ZeroDivisionError)

    def test_a_record_that_cannot_be_read_follows_on_error_too(
        self, deploy: Callable[..., None], queue: Any
    ) -> None:
        """While SES waits, a record without ``mail`` is answered by policy and kept whole."""
        deploy(lambda _: None, on_error="stop_rule_set", failure_queue=queue.url)
        event = synchronous()
        del ses(event)["mail"]
        assert receiving.handler(event, CONTEXT) == {"disposition": "STOP_RULE_SET"}
        assert queue()[0]["requestPayload"] == event


class TestInvocations:
    """What is one mail from SES, and what is not."""

    @pytest.mark.parametrize("key", [SETUP_NOTIFICATION, f"inbox/{SETUP_NOTIFICATION}"])
    def test_setup_notifications_are_skipped(
        self, deploy: Callable[..., None], capsys: pytest.CaptureFixture[str], key: str
    ) -> None:
        """SES's control message never reaches the handler, as an object in S3 or as a mail."""
        ran: list[object] = []
        deploy(ran.append)
        as_mail = sample()
        ses(as_mail)["mail"]["messageId"] = SETUP_NOTIFICATION
        as_object = {"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": key}}}]}
        for event in (as_mail, as_object):
            assert receiving.handler(event, CONTEXT) is None
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
            ({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "{}"}}]}, "from None"),
            ({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}, "from 'aws:sqs'"),
            (
                {"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": "inbox/x"}}}]},
                "from 'aws:s3'",
            ),
            ({"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": 7}}}]}, "'aws:s3'"),
            ({"Records": [{"eventSource": "aws:ses", "ses": "x"}]}, "from 'aws:ses'"),
        ],
    )
    def test_unknown_invocations_raise(
        self, deploy: Callable[..., None], event: Any, text: str
    ) -> None:
        """What is not exactly one mail from SES raises, saying what came instead."""
        ran: list[object] = []
        deploy(ran.append)
        with pytest.raises(errors.UnknownInvocation) as caught:
            receiving.handler(event, CONTEXT)
        assert text in str(caught.value)
        assert ran == []

    def test_without_a_handler_the_setting_is_named(self) -> None:
        """A function deployed without ``MAILROOM_HANDLER`` says so at its first mail."""
        with pytest.raises(errors.NotConfigured, match="MAILROOM_HANDLER is not set"):
            receiving.handler(sample(), CONTEXT)


class TestLog:
    """One JSON line per message, and nothing personal in it."""

    def test_one_line_per_handled_mail(
        self, deploy: Callable[..., None], capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Message id, rule, outcome and milliseconds, and no further field."""
        deploy(lambda _: None, rule="Support")
        receiving.handler(sample(), CONTEXT)
        (line,) = lines(capsys)
        assert datetime.fromisoformat(line.pop("timestamp")).tzinfo is UTC
        assert line.pop("ms") >= 0
        assert line == {
            "level": "INFO",
            "event": "mailroom.receiving",
            "message_id": MESSAGE_ID,
            "rule": "Support",
            "outcome": "handled",
        }

    def test_a_synchronous_outcome_is_the_disposition(
        self, deploy: Callable[..., None], capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The line tells what SES was told."""
        deploy(lambda _: Disposition.STOP_RULE)
        receiving.handler(synchronous(), CONTEXT)
        assert [line["outcome"] for line in lines(capsys)] == ["STOP_RULE"]

    @pytest.mark.parametrize("event", [sample(), synchronous()], ids=["async", "sync"])
    def test_a_failure_tells_type_and_place_but_no_text(
        self,
        deploy: Callable[..., None],
        capsys: pytest.CaptureFixture[str],
        event: dict[str, Any],
    ) -> None:
        """Error texts and addresses are personal data, so neither is in the one line."""

        def function(mail: ReceivedMail) -> None:
            raise ValueError(f"no such customer {mail.source}")

        deploy(function, on_error="raise")
        with pytest.raises(ValueError, match="no such customer"):
            receiving.handler(event, CONTEXT)
        output = capsys.readouterr().out
        (line,) = map(json.loads, output.splitlines())
        assert (line["level"], line["outcome"], line["error"]) == ("ERROR", "failed", "ValueError")
        assert line["at"].startswith("test_views.py:")
        assert "customer" not in output
        assert "@" not in output

    def test_addresses_and_text_are_logged_when_switched_on(
        self, deploy: Callable[..., None], capsys: pytest.CaptureFixture[str]
    ) -> None:
        """``MAILROOM_LOG_ADDRESSES=1`` adds the envelope and the error's text; "0" does not."""

        def function(_: ReceivedMail) -> None:
            raise ValueError("no such customer")

        deploy(function, log_addresses="1")
        receiving.handler(synchronous(), CONTEXT)
        (line,) = lines(capsys)
        assert line["source"] == "janedoe@example.com"
        assert line["recipients"] == ["johndoe@example.com"]
        assert line["detail"] == "no such customer"
        deploy(function, log_addresses="0")
        receiving.handler(synchronous(), CONTEXT)
        assert "source" not in lines(capsys)[0]

    def test_a_broken_header_never_makes_logging_fail(self, deploy: Callable[..., None]) -> None:
        """A lone surrogate, which JSON can carry, must not turn a handled mail into a failure."""
        deploy(lambda _: Disposition.STOP_RULE, log_addresses="1")
        event = synchronous()
        ses(event)["mail"]["source"] = "\ud800@example.com"
        stdout = TextIOWrapper(BytesIO(), encoding="utf-8", errors="strict")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdout", stdout)
            assert receiving.handler(event, CONTEXT) == {"disposition": "STOP_RULE"}
        stdout.seek(0)
        assert json.loads(stdout.read())["source"] == "\ud800@example.com"


def import_runtime(folder: Path, spec: str) -> str:
    """Import the entry point in a fresh process, and return the last line of its complaint."""
    done = subprocess.run(
        [sys.executable, "-c", "import mailroom.entry.receiving"],
        env={"PYTHONPATH": f"{LAMBDA_SRC}{os.pathsep}{folder}", "MAILROOM_HANDLER": spec},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    return done.stderr.strip().rpartition("\n")[2]


class TestInit:
    """A wrong name fails while the function initialises, before any mail is taken."""

    @pytest.mark.parametrize(
        ("spec", "complaint"),
        [
            ("app", "HandlerNotFound: handler 'app' must read 'module:function'"),
            ("app:", "must read 'module:function'"),
            (":on_mail", "must read 'module:function'"),
            (".app:on_mail", "must read 'module:function'"),
            ("", "NotConfigured: environment variable MAILROOM_HANDLER is not set"),
            ("apq:on_mail", "HandlerNotFound: handler 'apq:on_mail': no module 'apq'"),
            ("package.apq:on_mail", "no module 'package.apq'"),
            ("app.sub:on_mail", "no module 'app.sub'"),
            ("app:on_male", "HandlerNotFound: handler 'app:on_male': module 'app' has no"),
            ("app:NUMBER", "module 'app' has no function 'NUMBER'"),
            ("app:on_mail_async", "'on_mail_async' is async or a generator"),
            ("app:on_mail_generator", "'on_mail_generator' is async or a generator"),
            ("lacking:on_mail", "ModuleNotFoundError: No module named 'not_installed'"),
            ("broken:on_mail", "ZeroDivisionError: division by zero"),
            ("app:on_mail", ""),
            ("package.app:on_mail", ""),
        ],
    )
    def test_what_is_missing_is_named_exactly(
        self, tmp_path: Path, spec: str, complaint: str
    ) -> None:
        """Module, function or form: the error names it; errors of the user's module stay its own.

        A function that is async or a generator would return without running, and every mail
        would count as handled; it is refused by name.
        """
        app = (
            "from mailroom.receiving import *\nNUMBER = 3\n"
            "def on_mail(mail: ReceivedMail) -> Disposition: ...\n"
            "async def on_mail_async(mail): ...\n"
            "def on_mail_generator(mail): yield\n"
        )
        (tmp_path / "package").mkdir()
        (tmp_path / "app.py").write_text(app)
        (tmp_path / "package/app.py").write_text(app)
        (tmp_path / "lacking.py").write_text("import not_installed")
        (tmp_path / "broken.py").write_text("1 / 0")
        found = import_runtime(tmp_path, spec)
        assert complaint in found
        assert bool(found) is bool(complaint)


STREAM_SIZE = 40 * 1024 * 1024

STREAM = """
import json, os, resource, tracemalloc
from mailroom.entry import receiving
event = json.load(open(EVENT))
grown = []
def on_mail(mail):
    tracemalloc.start()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    size = 0
    with mail.open() as stream:
        while chunk := stream.read(65536):
            size += len(chunk)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    grown.extend([size, tracemalloc.get_traced_memory()[1], (after - before) * 1024])
os.environ["MAILROOM_HANDLER"] = "__main__:on_mail"
receiving.handler(event)
print(json.dumps(grown))
"""


class _FortyMegabytes(BaseHTTPRequestHandler):
    """S3's answer to GetObject, 40 MB long."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(STREAM_SIZE))
        self.end_headers()
        block = b"x" * 65536
        for _ in range(STREAM_SIZE // len(block)):
            self.wfile.write(block)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_forty_megabytes_pass_through_bounded_memory(tmp_path: Path) -> None:
    """SES's largest mail is streamed over a real connection within 8 MB of additional memory."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _FortyMegabytes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        done = subprocess.run(
            [sys.executable, "-c", f"EVENT = {str(PAYLOADS / 'received_mail.json')!r}\n{STREAM}"],
            env={
                "PYTHONPATH": str(LAMBDA_SRC),
                "MAILROOM_BUCKET": BUCKET,
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
                "AWS_ACCESS_KEY_ID": "testing",
                "AWS_SECRET_ACCESS_KEY": "testing",
                "AWS_DEFAULT_REGION": "us-east-1",
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        server.shutdown()
        server.server_close()
    assert done.returncode == 0, done.stderr
    size, traced, resident = json.loads(done.stdout.splitlines()[-1])
    assert size == STREAM_SIZE
    assert traced < 4 * 2**20
    assert resident < 8 * 2**20
