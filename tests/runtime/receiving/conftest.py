"""AWS and the entry point: moto for DynamoDB and S3, and real SES requests that never leave.

moto is no help with SES v2's raw mail: it decodes the message as UTF-8, and it adds the header's
addresses to ``Destination``, which SES does not. So a real client serialises and validates each
request, and a hook in its place of sending keeps it.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from moto import mock_aws
from moto.core.models import botocore_stubber

from mailroom import _runtime
from mailroom._api import Api
from mailroom.entry import receiving as entry
from mailroom.handlers import _mail
from mailroom.handlers.receiving import forward
from mailroom.receiving import ReceivedMail
from runtime.receiving.mail_samples import BUCKET, sample, ses


class _Raw:
    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.body


class Outbox:
    """Every message that a handler sent, as SES would have got it; and what SES answers."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.refuse: Callable[[int], tuple[int, str, str] | None] = lambda number: None
        self.attempts = 0

    def answer(self, request: Any, **_: object) -> AWSResponse:
        body = json.loads(request.body)
        self.attempts += 1
        refusal = self.refuse(self.attempts)
        headers: Any = {"Content-Type": "application/json"}
        if refusal is not None:
            status, code, text = refusal
            headers["x-amzn-ErrorType"] = code
            content = json.dumps({"message": text}).encode()
            return AWSResponse(request.url, status, headers, _Raw(content))
        self.sent.append(body)
        return AWSResponse(request.url, 200, headers, _Raw(b'{"MessageId": "0100"}'))

    @property
    def raw(self) -> list[bytes]:
        return [base64.b64decode(one["Content"]["Raw"]["Data"]) for one in self.sent]

    @property
    def recipients(self) -> list[list[str]]:
        return [one["Destination"]["ToAddresses"] for one in self.sent]


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test can reach an account, and none inherits another's clients or settings."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(_runtime, "_clients", {})
    monkeypatch.setattr(_mail, "_ses", None)


@pytest.fixture
def outbox(monkeypatch: pytest.MonkeyPatch) -> Outbox:
    """SES v2, as far as sending goes."""
    box = Outbox()
    api = Api(client=_sesv2(box), attempts=5, rate=None, sleep=lambda seconds: None)
    monkeypatch.setattr(_mail, "_ses", api)
    return box


# One client for all tests, as making one takes a tenth of a second.
_shared: list[Any] = []


def _sesv2(box: Outbox) -> Any:
    if not _shared:
        from botocore.config import Config

        client = boto3.client(
            "sesv2",
            region_name="eu-west-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(retries={"total_max_attempts": 1}),
        )
        # botocore asks every hook, so moto would take the mail as well, and choke on eight bits.
        client.meta.events.unregister("before-send", botocore_stubber)
        current: dict[str, Outbox] = {}
        client.meta.events.register(
            "before-send.sesv2.SendEmail", lambda **arguments: current["box"].answer(**arguments)
        )
        _shared.extend((client, current))
    client, current = _shared
    current["box"] = box
    return client


@pytest.fixture
def aws(_no_credentials: None) -> Iterator[None]:
    """Give S3 and DynamoDB as moto plays them."""
    with mock_aws():
        yield


@pytest.fixture
def mail() -> ReceivedMail:
    """AWS's sample of an asynchronous invocation."""
    return ReceivedMail(ses(sample()))


@pytest.fixture
def fresh_process(monkeypatch: pytest.MonkeyPatch, _no_credentials: None) -> None:
    """Forget what the runtime keeps per process, and every setting of the machine."""
    for name in list(os.environ):
        if name.startswith("MAILROOM_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(entry, "_settings", None)
    monkeypatch.setattr(_runtime, "_clients", {})


@pytest.fixture
def deploy(monkeypatch: pytest.MonkeyPatch, fresh_process: None) -> Callable[..., None]:
    """Configure the entry point as the construct would, for one user's function."""

    def configure(function: Callable[[ReceivedMail], object], **settings: str) -> None:
        module = ModuleType("user_app")
        module.on_mail = function  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "user_app", module)
        monkeypatch.setenv("MAILROOM_HANDLER", "user_app:on_mail")
        for name, value in settings.items():
            monkeypatch.setenv(f"MAILROOM_{name.upper()}", value)
        monkeypatch.setattr(entry, "_settings", None)

    return configure


@pytest.fixture
def mail_bucket(fresh_process: None) -> Iterator[None]:
    """An AWS in memory, with the mail bucket."""
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield


@pytest.fixture
def queue(mail_bucket: None) -> Callable[[], list[dict[str, Any]]]:
    """A failure queue; calling it gives the records on it. Its URL is its ``url``."""
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="failures")["QueueUrl"]

    def records() -> list[dict[str, Any]]:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [json.loads(found["Body"]) for found in answer.get("Messages", [])]

    records.url = url  # type: ignore[attr-defined]
    return records


@pytest.fixture
def forwarding(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of the forwarding behaviour, in a new process."""
    monkeypatch.setenv("MAILROOM_FORWARD_TO", '["team@example.net"]')
    monkeypatch.setenv("MAILROOM_FORWARD_FROM", "Support <support@example.com>")
    for name in (
        "MAILROOM_FORWARD_SUBJECT_PREFIX",
        "MAILROOM_FORWARD_UNSCANNED",
        "MAILROOM_CONFIGURATION_SET",
        "MAILROOM_RULE",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(forward, "_settings", None)
