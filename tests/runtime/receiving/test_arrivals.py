"""Mail that arrives by SNS, SQS, S3 or EventBridge reaches the same function, and is read alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mailroom import _runtime
from mailroom.entry import receiving as entry
from mailroom.errors import MessageNotStored, NotConfigured, UnknownInvocation
from mailroom.receiving import BucketMail, ReceivedMail, handed_on
from mailroom.receiving.arrivals import arrivals, mails
from mailroom.testing import (
    MemoryStore,
    bucket_event,
    handed_on_event,
    message,
    notification_event,
)

RECORDED = Path(__file__).parents[2] / "payloads" / "recorded"
PRINTER = message(
    from_="Jörg <jm@example.org>",
    subject="Drücker",
    text="Es brennt.\n",
    headers={"Cc": "x@y.example"},
)
KEY = "Support/o3vrnil0e2ic28tr"


class Bucket:
    """S3, with these objects."""

    exceptions = SimpleNamespace(ClientError=ClientError)

    def __init__(self, objects: dict[tuple[str, str], bytes]) -> None:
        self.objects = objects

    def get_object(self, **request: str) -> dict[str, Any]:
        found = self.objects.get((request["Bucket"], request["Key"]))
        if found is None:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": BytesIO(found)}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, fresh_process: None) -> Bucket:
    found = Bucket({("mail", KEY): PRINTER.as_bytes()})
    monkeypatch.setitem(_runtime._clients, "s3", found)
    return found


Seen = list[ReceivedMail]


@pytest.fixture
def seen(deploy: Callable[..., None], bucket: Bucket) -> Seen:
    """The mails that the function was called with."""
    found: Seen = []
    deploy(found.append)
    return found


def outcomes(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [json.loads(line)["outcome"] for line in capsys.readouterr().out.splitlines()]


WAYS = {
    "SNS, UTF-8": notification_event(PRINTER),
    "SNS, Base64": notification_event(PRINTER, encoding="Base64"),
    "SNS, S3": notification_event(PRINTER, stored_at=("mail", KEY), message_id=KEY[8:]),
    "SNS and SQS": notification_event(PRINTER, through="sqs"),
    "SNS and SQS, raw": notification_event(PRINTER, encoding="Base64", through="sqs-raw"),
    "SNS and SQS, S3": notification_event(PRINTER, stored_at=("mail", KEY), through="sqs"),
    "S3": bucket_event(KEY),
    "S3 and SNS": bucket_event(KEY, through="sns"),
    "S3 and SQS": bucket_event(KEY, through="sqs"),
    "EventBridge": bucket_event(KEY, through="eventbridge"),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_function_gets_the_mail_whichever_way_it_comes(
    seen: Seen, capsys: pytest.CaptureFixture[str], way: str
) -> None:
    """And reads it as any other; SQS is told that nothing failed."""
    answer = entry.handler(WAYS[way])
    assert answer == ({"batchItemFailures": []} if "SQS" in way else None)
    (mail,) = seen
    assert isinstance(mail, ReceivedMail)
    assert mail.read()["Subject"] == "Drücker"
    assert mail.read().get_content().splitlines() == ["Es brennt."]
    assert mail.text == "Es brennt.\n"
    assert mail.subject == "Drücker"
    assert (mail.sender and mail.sender.name, mail.cc) == ("Jörg", ["x@y.example"])
    assert outcomes(capsys) == ["handled"]


@pytest.mark.parametrize("name", ["actionmailbox-inbound-email", "actionmailbox-inbound-email-s3"])
def test_what_aws_was_recorded_to_publish_is_read(seen: Seen, bucket: Bucket, name: str) -> None:
    """One has the mail in it, the other one its place."""
    recorded = json.loads((RECORDED / f"{name}.json").read_text())["data"]
    event = recorded["event"]
    action = event["receipt"]["action"]
    if "bucketName" in action:
        bucket.objects[action["bucketName"], action["objectKey"]] = PRINTER.as_bytes()
    body = json.dumps({**recorded["envelope"], "Message": json.dumps(event)})
    entry.handler({"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": body}]})
    (mail,) = seen
    assert mail.source == "sender@example.com"
    assert mail.recipients == ["recipient@example.com"]
    assert mail.virus.passed
    wanted = event.get("content", PRINTER.as_string()).splitlines()[0]
    with mail.open() as stream:
        assert stream.readline().decode().rstrip() == wanted
    in_bucket = (action["bucketName"], action["objectKey"]) if "bucketName" in action else None
    assert mail.stored_at == in_bucket


def test_bytes_that_are_not_utf_8_survive_in_base64_only(seen: Seen) -> None:
    """As AWS says of the SNS action."""
    raw = b"Content-Type: text/plain; charset=latin-1\n\nGr\xfc\xdfe\n"
    entry.handler(notification_event(raw, encoding="Base64"))
    entry.handler(notification_event(raw))
    assert [mail.text for mail in seen] == [
        "Grüße\n",
        "Gr\ufffd\ufffde\n".encode().decode("latin-1"),
    ]


def test_a_built_notification_has_the_line_ends_of_smtp() -> None:
    """SES passes on what it received."""
    record = notification_event(message(text="One\nTwo\n"))["Records"][0]
    content = json.loads(record["Sns"]["Message"])["content"]
    assert content.count("\n") == content.count("\r\n") > 2


def test_a_notification_without_the_mail_reads_it_from_the_functions_bucket() -> None:
    """Such as that of a Lambda action, in a rule that stores its mail."""
    event = notification_event(encoding=None, message_id="m1")
    ((_, payload),) = arrivals(event)
    (mail,) = mails(payload, store=MemoryStore({"m1": b"Subject: x\n\nBody\n"}))
    assert mail.text == "Body\n"
    (mail,) = mails(payload)
    with pytest.raises(NotConfigured, match=r"actions\.Sns"):
        mail.read()


# What S3 does not know


def test_what_s3_does_not_know_is_none(bucket: Bucket) -> None:
    """Nothing is made up, and the header's claims about it are not taken for SES's word."""
    raw = b"X-SES-Spam-Verdict: PASS\nReturn-Path: <jm@example.org>\n" + PRINTER.as_bytes()
    bucket.objects["mail", KEY] = raw
    (mail,) = mails(bucket_event(KEY))
    assert isinstance(mail, BucketMail)
    assert mail.message_id == "o3vrnil0e2ic28tr"
    assert mail.stored_at == ("mail", KEY)
    for name in ("source", "recipients", "timestamp", "action_timestamp", "dmarc_policy", "label"):
        assert getattr(mail, name) is None, name
    assert mail.processing_time_millis is None
    assert {mail.spam.status, mail.virus.status, mail.spf.status, mail.dkim.status} == {None}
    assert (mail.action, mail.synchronous) == (None, False)
    assert mail.return_path == "jm@example.org"


def test_what_the_stored_mail_says_is_read_from_it(bucket: Bucket) -> None:
    """Header fields, addresses, conversation; also what answers need."""
    (mail,) = mails(bucket_event(KEY))
    assert mail.headers["cc"] == "x@y.example"
    assert mail.destination == ["support@example.com", "x@y.example"]
    assert mail.header_message_id == mail.thread_id == "<0123456789@example.com>"
    assert mail.automatic_reason is None
    assert mail.token(key="k" * 16) is None
    answer = mail.reply(text="Yes", from_address="support@example.com")
    assert answer["To"] == "Jörg <jm@example.org>"
    bucket.objects["mail", KEY] = b"Return-Path: <>\n" + PRINTER.as_bytes()
    assert mails(bucket_event(KEY))[0].automatic_reason == "bounce"


def test_a_key_with_blanks_and_letters_is_decoded_as_s3_encodes_it(bucket: Bucket) -> None:
    bucket.objects["mail", "Büro/a b+c"] = PRINTER.as_bytes()
    for through in ("s3", "sqs", "eventbridge"):
        payload = next(arrivals(bucket_event("Büro/a b+c", through=through)))[1]  # type: ignore[arg-type]
        assert mails(payload)[0].text == "Es brennt.\n"


# Failures


def batch(*events: dict[str, Any]) -> dict[str, Any]:
    """Several records of SQS, named 0, 1, …."""
    records = [record for event in events for record in event["Records"]]
    return {"Records": [{**one, "messageId": str(at)} for at, one in enumerate(records)]}


@pytest.mark.parametrize(
    "poison",
    [
        "not JSON",
        "[]",
        "{}",
        '{"Type": "Notification", "Message": "not JSON"}',
        '{"notificationType": "Received"}',
        '{"notificationType": "Bounce", "mail": {}}',
        '{"notificationType": "Received", "mail": {"messageId": 7}}',
        json.dumps({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectRemoved:Delete"}]}),
        "[" * 100_000,
    ],
)
def test_a_record_that_cannot_be_read_fails_alone(
    seen: Seen, capsys: pytest.CaptureFixture[str], poison: str
) -> None:
    good = notification_event(through="sqs")
    bad = {"Records": [{"eventSource": "aws:sqs", "body": poison}]}
    assert entry.handler(batch(good, bad, good)) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert len(seen) == 2
    assert outcomes(capsys) == ["handled", "failed", "handled"]


@pytest.mark.parametrize("ending", [ValueError("no"), SystemExit(1), KeyboardInterrupt()])
def test_a_mail_that_the_function_fails_on_fails_alone(
    deploy: Callable[..., None], ending: BaseException
) -> None:
    """Also if the function ends the process."""

    def on_mail(mail: ReceivedMail) -> None:
        if mail.subject == "bad":
            raise ending

    deploy(on_mail)
    good = notification_event(through="sqs")
    bad = notification_event(message(subject="bad"), through="sqs")
    answer = entry.handler(batch(bad, good, bad))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "0"}, {"itemIdentifier": "2"}]}


def test_a_mail_that_hangs_leaves_time_to_answer(deploy: Callable[..., None]) -> None:
    """It and those after it are tried again; those before it are not."""
    import time

    def on_mail(mail: ReceivedMail) -> None:
        if mail.subject == "slow":
            time.sleep(30)

    deploy(on_mail)
    began = time.monotonic()
    context = SimpleNamespace(
        get_remaining_time_in_millis=lambda: 400 - (time.monotonic() - began) * 1000
    )
    good = notification_event(through="sqs")
    slow = notification_event(message(subject="slow"), through="sqs")
    answer = entry.handler(batch(good, slow, good), context)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "2"}]}
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("way", ["SNS, UTF-8", "S3", "EventBridge"])
def test_without_sqs_a_failure_raises_so_that_lambda_tries_again(
    deploy: Callable[..., None], bucket: Bucket, way: str
) -> None:
    def on_mail(mail: ReceivedMail) -> None:
        raise ZeroDivisionError

    deploy(on_mail)
    with pytest.raises(ZeroDivisionError):
        entry.handler(WAYS[way])


def _sized(event: dict[str, Any], size: int) -> dict[str, Any]:
    event["Records"][0]["s3"]["object"]["size"] = size
    return event


@pytest.mark.parametrize(
    "control",
    [
        {"Type": "Notification", "Subject": "Amazon SES Email Receipt Subscription Notification",
         "Message": "Welcome."},
        {"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have subscribed"},
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "mail"},
        bucket_event("Support/AMAZON_SES_SETUP_NOTIFICATION"),
        _sized(bucket_event("handled/Support-1/o3vrnil0e2ic28tr"), 0),
    ],
)  # fmt: skip
def test_what_ses_and_s3_say_of_themselves_is_skipped(
    seen: Seen, capsys: pytest.CaptureFixture[str], control: dict[str, Any]
) -> None:
    """As are the marks of handled mail, which are in the same bucket."""
    body = {"Records": [{"eventSource": "aws:sqs", "body": json.dumps(control)}]}
    assert entry.handler(body) == {"batchItemFailures": []}
    assert seen == []
    assert outcomes(capsys) == ["skipped"]


def test_mail_that_is_stored_where_marks_are_is_mail(seen: Seen, bucket: Bucket) -> None:
    """A mark is empty, and a mail is not."""
    bucket.objects["mail", "handled/m1"] = PRINTER.as_bytes()
    entry.handler(_sized(bucket_event("handled/m1"), 200))
    assert [mail.subject for mail in seen] == ["Drücker"]


@pytest.mark.parametrize("key", ["m1", "a/m1", "a//m1", "/m1", "a b/ü+%2B/m1"])
def test_any_key_is_opened_as_it_is(seen: Seen, bucket: Bucket, key: str) -> None:
    """Whoever names the object."""
    bucket.objects["mail", key] = PRINTER.as_bytes()
    for event in (
        bucket_event(key),
        bucket_event(key, through="eventbridge"),
        notification_event(PRINTER, stored_at=("mail", key), message_id="m1"),
    ):
        entry.handler(event)
        assert seen[-1].read()["Subject"] == "Drücker"
        assert seen[-1].stored_at == ("mail", key)
    handed = handed_on(handed_on_event(PRINTER, stored_at=("mail", key)))
    assert handed.read()["Subject"] == "Drücker"


def test_half_of_a_surrogate_pair_is_read(seen: Seen) -> None:
    """JSON can say it, and no mail must stay unread for it."""
    event = notification_event(PRINTER)
    notification = json.loads(event["Records"][0]["Sns"]["Message"])
    notification["content"] += "\ud83d"
    event["Records"][0]["Sns"]["Message"] = json.dumps(notification)
    entry.handler(event)
    assert seen[0].text.startswith("Es brennt.")


def test_marks_are_those_of_the_functions_own_bucket() -> None:
    """So that a mail that came by SES and again by SNS is recognised."""
    store = MemoryStore()
    ((_, payload),) = arrivals(notification_event(message_id="m1"))
    (mail,) = mails(payload, store=store)
    assert not mail.already_handled
    store.mark_handled("m1")
    assert mail.already_handled
    assert mail.mark("charged")
    assert mail.marks() == {"charged"}
    (mail,) = mails(payload)
    with pytest.raises(NotConfigured, match="no mail bucket to keep marks in"):
        _ = mail.already_handled


@pytest.mark.parametrize(
    "s3",
    [
        "mail/1",
        {"object": "mail/1"},
        {"object": ["mail/1"]},
        {"bucket": "mail", "object": {"key": "mail/1"}},
    ],
)
def test_an_event_of_s3_in_another_shape_is_refused(s3: object) -> None:
    with pytest.raises(UnknownInvocation, match="from 'aws:s3' has no"):
        mails({"Records": [{"eventSource": "aws:s3", "s3": s3}]})


@pytest.mark.parametrize(("bucket", "key"), [("mail", "half \ud800/a"), ("no bucket!", "a")])
def test_a_name_that_no_object_has_is_that_of_none(
    monkeypatch: pytest.MonkeyPatch, bucket: str, key: str
) -> None:
    """Nothing is asked for, as the name cannot be written."""
    monkeypatch.setattr(_runtime, "_clients", {})
    detail = {"bucket": {"name": bucket}, "object": {"key": key}}
    (mail,) = mails({"source": "aws.s3", "detail-type": "Object Created", "detail": detail})
    with pytest.raises(MessageNotStored, match="no bucket and object"):
        mail.read()


def test_other_notifications_are_refused_with_what_they_are() -> None:
    with pytest.raises(UnknownInvocation, match="the keys \\['notificationType'\\]"):
        mails({"notificationType": "Bounce"})
