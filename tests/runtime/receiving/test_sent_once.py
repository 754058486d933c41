"""Forward and AutoReply send at most once, over real HTTP, whatever SES answers or does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from mailroom import _runtime
from mailroom._api import Api
from mailroom.errors import OutcomeUnknown
from mailroom.handlers import _mail
from mailroom.handlers.receiving import auto_reply, forward
from mailroom.receiving import MailBucket, ReceivedMail
from mailroom.testing import received_mail, received_mail_event
from runtime.receiving.forwarding import mail_of, plain

UNKNOWN = ["drop", (500, b"{}"), (503, b"{}"), (200, b""), (200, b"<html>"), (200, b"{}")]


class Ses:
    """SES on loopback: counts the requests, and answers with `step`."""

    def __init__(self) -> None:
        self.requests = 0
        self.step: Any = (200, b'{"MessageId": "0100"}')
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests += 1
                if outer.step == "drop":
                    self.close_connection = True
                    self.connection.shutdown(2)
                    return
                status, body = outer.step
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture(scope="module")
def _server() -> Iterator[tuple[Ses, Any]]:
    ses = Ses()
    client = boto3.client(
        "sesv2",
        endpoint_url=ses.url,
        region_name="eu-west-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=2),
    )
    yield ses, client
    ses.server.shutdown()
    ses.server.server_close()


@pytest.fixture
def ses(_server: tuple[Ses, Any], forwarding: None, monkeypatch: pytest.MonkeyPatch) -> Ses:
    ses, client = _server
    ses.requests, ses.step = 0, (200, b'{"MessageId": "0100"}')
    api = Api(client=client, attempts=5, rate=None, sleep=lambda seconds: None)
    monkeypatch.setattr(_mail, "_ses", api)
    return ses


@pytest.mark.parametrize("step", UNKNOWN)
def test_a_forward_without_a_clear_answer_is_one_request(ses: Ses, step: Any) -> None:
    """All of Lambda's tries raise and send nothing more; then the failure queue has it."""
    mail = mail_of(plain())
    ses.step = step
    for _ in range(3):
        with pytest.raises(OutcomeUnknown):
            forward.on_mail(mail)
        ses.step = (200, b'{"MessageId": "0100"}')
    assert ses.requests == 1


def test_a_forward_whose_process_died_is_not_repeated(
    ses: Ses, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark was set before the call, so the next try knows that there may have been one."""

    def die(*_: object) -> None:
        raise SystemExit

    mail = mail_of(plain())
    with monkeypatch.context() as patch:
        patch.setattr(_mail, "send", die)
        with pytest.raises(SystemExit):
            forward.on_mail(mail)
    with pytest.raises(OutcomeUnknown, match="delete the mark"):
        forward.on_mail(mail)
    assert ses.requests == 0


def test_a_forward_that_was_sent_is_not_repeated_although_the_process_died(ses: Ses) -> None:
    """Died before the mail was marked as handled, the next try ends well and sends nothing."""
    mail = mail_of(plain())
    forward.on_mail(mail)
    forward.on_mail(mail)
    assert ses.requests == 1


def test_marks_in_the_bucket_have_one_writer(ses: Ses, aws: None) -> None:
    """Two simultaneous deliveries cannot both take the same mark."""
    client = _runtime.client("s3")
    place = {"LocationConstraint": "eu-west-1"}
    client.create_bucket(Bucket="mail", CreateBucketConfiguration=place)
    store = MailBucket(bucket="mail", mark_prefix="marks/")
    raw = received_mail_event(plain(), message_id="m1")["Records"][0]["ses"]
    mail = ReceivedMail(raw, store=store)
    assert (mail.mark("one.1"), mail.mark("one.1"), mail.mark("two.1")) == (True, False, True)
    assert mail.marks() == {"one.1", "two.1"}
    assert not mail.already_handled
    client.delete_bucket_policy(Bucket="mail")
    with pytest.raises(ClientError, match="NoSuchBucket"):
        MailBucket(bucket="other", mark_prefix="marks/").mark("m1", "one.1")


@pytest.fixture
def _replies(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILROOM_REPLY_FROM", "desk@example.com")
    monkeypatch.setenv("MAILROOM_REPLY_TEXT", "Thank you.")
    monkeypatch.setenv("MAILROOM_REPLY_TABLE", "Replies")
    monkeypatch.setattr(auto_reply, "_settings", None)
    _runtime.client("dynamodb").create_table(
        TableName="Replies",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


@pytest.mark.usefixtures("_replies")
@pytest.mark.parametrize("step", UNKNOWN)
def test_a_reply_without_a_clear_answer_is_one_request(ses: Ses, step: Any) -> None:
    """Each try of this mail raises; other mail of this sender gets no reply, and no error."""
    ses.step = step
    for _ in range(3):
        with pytest.raises(OutcomeUnknown):
            auto_reply.on_mail(received_mail(message_id="m1"))
        ses.step = (200, b'{"MessageId": "0100"}')
    auto_reply.on_mail(received_mail(message_id="m2"))
    assert ses.requests == 1


@pytest.mark.usefixtures("_replies")
def test_a_second_delivery_after_the_reply_is_no_error(ses: Ses) -> None:
    """The claim says that the reply was sent."""
    for _ in range(2):
        auto_reply.on_mail(received_mail(message_id="m1"))
    assert ses.requests == 1
