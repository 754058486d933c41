"""AWS as the functions under torture see it: requests are validated and written, and never leave.

Requests pass botocore's own validation and serialization, so that what a real client would refuse
raises here as well; then come the limits that the services themselves enforce. What was
asked for is kept in `Aws.calls`, by which the torture tells where a record went.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Mapping
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import botocore.session
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.serialize import create_serializer

_SQS_REFUSES = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SNS_SUBJECT = re.compile("[ -~]{1,100}")
_KIB = 1024
_CHECKED = 1_000
"""Requests of one operation that all pass botocore's validation, which takes half of the time."""
_CHECKED_EACH = 8
"""Of the later ones, every how many-th does."""


class Aws:
    """What the functions of one process asked for, and the messages that are stored for them."""

    def __init__(self, note: Callable[[str, str, Mapping[str, Any]], None]) -> None:
        self.message = b""
        """The message that S3 or WorkMail has, whatever its key."""
        self.put: bytes | None = None
        """What WorkMail was given in its place."""
        self.stored: bytes = b""
        self.written: set[tuple[str, str]] = set()
        self._note = note
        self._session = botocore.session.Session()
        self._clients: dict[str, _Client] = {}

    def client(self, service: str, **_: Any) -> _Client:
        if service not in self._clients:
            self._clients[service] = _Client(service, self, self._session)
        return self._clients[service]

    def answer(self, service: str, operation: str, asked: Mapping[str, Any]) -> Any:
        check = _LIMITS.get((service, operation))
        if check is not None:
            check(operation, asked)
        # Before the answer, as an item that exists already is evidence too.
        self._note(service, operation, asked)
        return getattr(self, f"_{xform_name(operation)}", lambda asked: {})(asked)

    def forget(self) -> None:
        """Begin another input."""
        self.put = None
        self.written.clear()

    def _get_object(self, asked: Mapping[str, Any]) -> Any:
        return {"Body": _Body(self.message)}

    def _put_object(self, asked: Mapping[str, Any]) -> Any:
        if asked.get("IfNoneMatch") == "*":
            self._once("PutObject", "PreconditionFailed", asked["Key"])
        body = asked.get("Body", b"")
        self.stored = body if isinstance(body, bytes) else body.read()
        return {}

    def _list_objects_v2(self, asked: Mapping[str, Any]) -> Any:
        return {"Contents": []}

    def _get_raw_message_content(self, asked: Mapping[str, Any]) -> Any:
        return {"messageContent": _Body(self.message if self.put is None else self.put)}

    def _put_raw_message_content(self, asked: Mapping[str, Any]) -> Any:
        self.put = self.stored
        return {}

    def _put_item(self, asked: Mapping[str, Any]) -> Any:
        if asked.get("ConditionExpression", "").startswith("attribute_not_exists"):
            key = asked["Item"].get("message_id") or asked["Item"].get("id")
            name = "/".join(str(part) for part in (key, asked["Item"].get("at")))
            self._once("PutItem", "ConditionalCheckFailedException", name)
        return {}

    def _once(self, operation: str, code: str, name: str) -> None:
        if (operation, name) in self.written:
            raise refusal(operation, code)
        self.written.add((operation, name))

    def _send_email(self, asked: Mapping[str, Any]) -> Any:
        return {"MessageId": "0100000000000000-torture-000000"}

    def _send_message(self, asked: Mapping[str, Any]) -> Any:
        return {"MessageId": "1", "MD5OfMessageBody": ""}

    def _publish(self, asked: Mapping[str, Any]) -> Any:
        return {"MessageId": "1"}

    def _put_events(self, asked: Mapping[str, Any]) -> Any:
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}

    def _start_execution(self, asked: Mapping[str, Any]) -> Any:
        return {"executionArn": "arn:aws:states:us-east-1:111122223333:execution:a:b"}

    def _get_secret_value(self, asked: Mapping[str, Any]) -> Any:
        return {"SecretString": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}


class _Body(io.BytesIO):
    """As botocore's streams are: read in chunks, closed by who reads them."""


class _Exceptions:
    """``client.exceptions``: one class for each name that is asked for."""

    ClientError = ClientError


_made: dict[str, type[ClientError]] = {}


def refusal(operation: str, code: str, text: str = "the torture's AWS refuses it") -> ClientError:
    """Return what a client raises when the service refuses *operation*."""
    answer: Any = {
        "Error": {"Code": code, "Message": text},
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }
    kind = _made.setdefault(code, type(code, (ClientError,), {}))
    setattr(_Exceptions, code, kind)
    return kind(answer, operation)


for _name in ("ConditionalCheckFailedException", "PreconditionFailed", "NoSuchKey"):
    refusal("", _name)


class _Client:
    exceptions = _Exceptions

    def __init__(self, service: str, aws: Aws, session: Any) -> None:
        model = session.get_service_model(service)
        self.meta = SimpleNamespace(
            region_name="us-east-1", config=SimpleNamespace(retries={"total_max_attempts": 1})
        )
        self._names = {xform_name(name): name for name in model.operation_names}
        self._model = model
        self._service = service
        self._aws = aws
        self._serializer = create_serializer(model.resolved_protocol, include_validation=True)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method == "upload_fileobj":
            return self._upload
        operation = self._names[method]
        model = self._model.operation_model(operation)

        calls = 0

        def call(**asked: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls <= _CHECKED or calls % _CHECKED_EACH == 0:
                request = self._serializer.serialize_to_request(asked, model)
                if isinstance(request["body"], dict):
                    urlencode(request["body"], doseq=True)
            return self._aws.answer(self._service, operation, asked)

        setattr(self, method, call)
        return call

    def _upload(self, stream: Any, bucket: str, key: str, **_: Any) -> None:
        self.put_object(Bucket=bucket, Key=key, Body=stream.read())


def install(aws: Aws) -> None:
    """Let ``import boto3`` find *aws*."""
    module: Any = ModuleType("boto3")
    module.client = aws.client
    transfer: Any = ModuleType("boto3.s3.transfer")
    transfer.TransferConfig = SimpleNamespace
    modules = {"boto3": module, "boto3.s3": ModuleType("boto3.s3"), "boto3.s3.transfer": transfer}
    sys.modules.update(modules)


def _limit(operation: str, code: str, holds: bool, text: str) -> None:
    if not holds:
        raise refusal(operation, code, text)


def _dynamodb(operation: str, asked: Mapping[str, Any]) -> None:
    item = asked["Item"]
    size = sum(len(name) + len(str(value)) for name, value in item.items())
    _limit(operation, "ValidationException", size <= 400 * _KIB, "item too large")
    for name in ("message_id", "at", "id"):
        value = item.get(name, {"S": "-"})["S"]
        _limit(operation, "ValidationException", 0 < len(value.encode()) <= _KIB, f"key {name}")


def _sqs(operation: str, asked: Mapping[str, Any]) -> None:
    body = asked["MessageBody"]
    found = _SQS_REFUSES.search(body) or not body
    _limit(operation, "InvalidMessageContents", not found, "characters that SQS refuses")
    _limit(operation, "InvalidParameterValue", len(body.encode()) <= 1024 * _KIB, "too long")


def _sns(operation: str, asked: Mapping[str, Any]) -> None:
    size = len(asked["Message"].encode())
    _limit(operation, "InvalidParameter", 0 < size <= 256 * _KIB, f"message of {size} bytes")
    subject = asked.get("Subject", "-")
    fine = _SNS_SUBJECT.fullmatch(subject) is not None
    _limit(operation, "InvalidParameter", fine, f"subject {subject!r}")


def _eventbridge(operation: str, asked: Mapping[str, Any]) -> None:
    size = sum(len(entry["Detail"].encode()) for entry in asked["Entries"])
    _limit(operation, "ValidationException", size <= 256 * _KIB, f"{size} bytes")


def _states(operation: str, asked: Mapping[str, Any]) -> None:
    _limit(operation, "ValidationException", len(asked["input"].encode()) <= 256 * _KIB, "input")
    named = re.fullmatch(r"[A-Za-z0-9_-]{1,80}", asked.get("name", "-")) is not None
    _limit(operation, "InvalidName", named, f"name {asked.get('name')!r}")


def _s3(operation: str, asked: Mapping[str, Any]) -> None:
    _limit(operation, "KeyTooLongError", 0 < len(asked["Key"].encode()) <= _KIB, "key")
    for name, value in asked.get("Metadata", {}).items():
        _limit(operation, "InvalidArgument", (name + value).isascii(), f"metadata {name}")


def _ses(operation: str, asked: Mapping[str, Any]) -> None:
    raw = asked["Content"].get("Raw", {}).get("Data")
    if raw is not None:
        longest = max(map(len, raw.split(b"\n")), default=0)
        _limit(operation, "BadRequestException", longest <= 1001, f"a line of {longest}")
        _limit(operation, "BadRequestException", raw[:4096].strip() != b"", "an empty message")


_LIMITS: dict[tuple[str, str], Callable[[str, Mapping[str, Any]], None]] = {
    ("dynamodb", "PutItem"): _dynamodb,
    ("sqs", "SendMessage"): _sqs,
    ("sns", "Publish"): _sns,
    ("events", "PutEvents"): _eventbridge,
    ("stepfunctions", "StartExecution"): _states,
    ("s3", "PutObject"): _s3,
    ("sesv2", "SendEmail"): _ses,
}
