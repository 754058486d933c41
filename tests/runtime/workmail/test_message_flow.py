"""Messages are read and replaced as WorkMail documents it, and refused before it would refuse."""

from __future__ import annotations

import hashlib
import re
from email.message import EmailMessage
from io import BytesIO
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from mailroom import _runtime
from mailroom.errors import MessageNotStored, NotConfigured
from mailroom.workmail import (
    FlowMail,
    MessageFlow,
    MessageFrozen,
    MessageNotFound,
    NotReplaceable,
)
from runtime.workmail.flow_events import documented

GOOD = b"Subject: Hi\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
ID = documented()["messageId"]


class Api:
    """Real clients, which validate what they are asked, and scripted answers."""

    def __init__(self, *, bucket: str | None = "changed-mail", synchronous: bool = True) -> None:
        self.client = boto3.client("workmailmessageflow", region_name="eu-west-1")
        self.s3 = boto3.client("s3", region_name="eu-west-1")
        self.flow_stub, self.s3_stub = Stubber(self.client), Stubber(self.s3)
        self.flow_stub.activate()
        self.s3_stub.activate()
        flow = MessageFlow(bucket=bucket, synchronous=synchronous, client=self.client, s3=self.s3)
        self.mail = FlowMail(documented(), flow=flow)

    def gives(self, content: bytes) -> None:
        body = StreamingBody(BytesIO(content), len(content))
        self.flow_stub.add_response(
            "get_raw_message_content", {"messageContent": body}, {"messageId": ID}
        )

    def takes(self, content: bytes) -> str:
        key = f"changed/{ID}/{hashlib.sha256(content).hexdigest()[:32]}"
        self.s3_stub.add_response(
            "put_object",
            {},
            {
                "Bucket": "changed-mail",
                "Key": key,
                "Body": content,
                "ContentType": "message/rfc822",
                "ChecksumSHA256": ANY,
            },
        )
        return key

    def puts(self, key: str) -> None:
        self.flow_stub.add_response(
            "put_raw_message_content",
            {},
            {
                "messageId": ID,
                "content": {"s3Reference": {"bucket": "changed-mail", "key": key}},
            },
        )

    def done(self) -> None:
        self.flow_stub.assert_no_pending_responses()
        self.s3_stub.assert_no_pending_responses()


def test_a_message_is_streamed():
    """A piece at a time."""
    api = Api()
    api.gives(GOOD)
    with api.mail.open() as stream:
        assert stream.read(7) == b"Subject"


def test_a_message_is_replaced_through_the_bucket():
    """Stored, put, and looked at again."""
    api = Api()
    key = api.takes(GOOD)
    api.puts(key)
    api.gives(GOOD)
    api.mail.replace(GOOD)
    api.done()


def test_the_key_has_the_name_that_workmail_expects():
    """No dot and no underscore, whatever the id is."""
    api = Api()
    event = {**documented(), "messageId": "a_b.c/../d"}
    stored: dict[str, Any] = {}
    flow = MessageFlow(bucket="changed-mail", client=api.client, s3=api.s3)
    api.s3_stub.add_response("put_object", {})
    api.s3.meta.events.register(
        "provide-client-params.s3.PutObject", lambda params, **_: stored.update(params)
    )
    flow._store(event["messageId"], GOOD)
    assert re.fullmatch(r"[a-zA-Z0-9\-/]*", stored["Key"])
    with pytest.raises(NotConfigured, match="prefix"):
        MessageFlow(bucket="b", prefix="with.dot/")


def test_a_field_that_workmail_adds_is_accepted():
    """A trace field, or another line end; the body is what counts."""
    api = Api()
    api.puts(api.takes(GOOD))
    api.gives(b"Received: from a\n" + GOOD.replace(b"\r\n", b"\n"))
    api.mail.replace(GOOD)
    api.done()


def test_an_unexpected_body_is_a_failure():
    """The mail is not what the function thinks it is."""
    api = Api()
    api.puts(api.takes(GOOD))
    api.gives(GOOD.replace(b"Hello", b"Howdy"))
    with pytest.raises(NotReplaceable, match="returns other content"):
        api.mail.replace(GOOD)
    api.done()


def test_an_email_message_is_accepted():
    """Written with the line ends of SMTP."""
    message = EmailMessage()
    message["Subject"] = "Hi"
    message.set_content("Hello\n")
    content = message.as_bytes(policy=message.policy.clone(linesep="\r\n"))
    api = Api()
    api.puts(api.takes(content))
    api.gives(content)
    api.mail.replace(message)
    api.done()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (GOOD + b"x" * 999 + b"\r\n", "line of 999"),
        (GOOD + b"a\rb\r\n", "carriage return"),
        (GOOD + b"\x00\r\n", "NUL"),
        (b"", "no header"),
        (b"no header at all\r\n", "malformed|no header"),
        (b"Content-Type: multipart/mixed\r\n\r\nx\r\n", "NoBoundaryInMultipartDefect"),
        (
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n",
            "CloseBoundaryNotFoundDefect",
        ),
        (
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\nx\r\n",
            "StartBoundaryNotFoundDefect",
        ),
    ],
)
def test_an_answer_that_workmail_would_refuse_is_refused_first(content, text):
    """Nothing is stored and no API is called; the stubs would fail both."""
    api = Api()
    with pytest.raises(NotReplaceable, match=text):
        api.mail.replace(content)


def test_a_line_of_998_bytes_is_accepted():
    """998 and the line end; the content was stored, put and read back."""
    api = Api()
    content = GOOD + b"x" * 998 + b"\r\n"
    api.puts(api.takes(content))
    api.gives(content)
    api.mail.replace(content)
    api.done()


def test_clients_are_created_when_they_are_needed(monkeypatch):
    """Those of the process, unless others are given."""
    monkeypatch.setattr(_runtime, "_clients", {"workmailmessageflow": "flow", "s3": "s3"})
    assert (MessageFlow().client, MessageFlow().s3) == ("flow", "s3")
    assert (MessageFlow(client="a", s3="b").client, MessageFlow(s3="b").s3) == ("a", "b")


def test_an_asynchronous_rule_replaces_nothing():
    """WorkMail would say yes, and deliver the mail as it was."""
    with pytest.raises(NotReplaceable, match="asynchronous"):
        Api(synchronous=False).mail.replace(GOOD)


def test_replacing_must_be_granted():
    """The error says where."""
    with pytest.raises(NotConfigured, match="replaces=True"):
        Api(bucket=None).mail.replace(GOOD)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ResourceNotFoundException", MessageNotFound),
        ("MessageFrozen", MessageFrozen),
        ("MessageRejected", NotReplaceable),
        ("InvalidContentLocation", NotReplaceable),
    ],
)
def test_refusals_are_distinguished(code, kind):
    """By their kind; what is gone is also not stored."""
    api = Api()
    api.takes(GOOD)
    api.flow_stub.add_client_error("put_raw_message_content", code, "because")
    with pytest.raises(kind):
        api.mail.replace(GOOD)
    api.done()
    assert issubclass(MessageNotFound, MessageNotStored)


def test_reading_after_a_day_raises():
    """WorkMail has the message no longer."""
    api = Api()
    api.flow_stub.add_client_error("get_raw_message_content", "ResourceNotFoundException")
    with pytest.raises(MessageNotFound, match="24 hours"):
        api.mail.open()


def test_other_errors_propagate_unchanged():
    """Throttling, for one, is not ours to name."""
    api = Api()
    api.flow_stub.add_client_error("get_raw_message_content", "ThrottlingException")
    with pytest.raises(api.client.exceptions.ClientError):
        api.mail.open()
