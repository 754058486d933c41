"""AWS for these tests, samples to feed it, and what CloudWatch asks of a metric's line.

DynamoDB and SNS are moto's. moto knows nothing of SES's suppression list, so a real client
validates the request and a hook takes it. Failures and deaths are put in before or after a call is
served, as throttling writes nothing and a function may be killed at any moment.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.config import Config
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns import sns_backends

from mailroom import _runtime
from mailroom.entry import events
from mailroom.handlers.events import _alerts, _settings

REGION = "eu-west-1"
TABLE = "Events"
TOPIC = f"arn:aws:sns:{REGION}:{DEFAULT_ACCOUNT_ID}:alerts"
SAMPLES = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parents[2] / "payloads/sending_events").glob("*.json"))
}
BUNDLED = {
    sample["eventType"]: [f"mailroom.handlers.events.{name}:on_event"]
    for name, sample in SAMPLES.items()
} | {"*": ["mailroom.handlers.events.record:on_event"]}
ENVELOPES = ("sqs", "sqs-sns", "sns", "eventbridge", "sqs-eventbridge", "firehose", "bare")
ONE_EACH = ("bare", "eventbridge")
OURS = {"CreateTable", "CreateTopic", "DeleteTable", "DeleteTopic", "Scan"}
UNITS = {"Count", "Milliseconds"}


def sample(name: str) -> dict[str, Any]:
    """Return a copy of AWS's sample *name*."""
    copy: dict[str, Any] = json.loads(json.dumps(SAMPLES[name]))
    return copy


class Killed(BaseException):
    """The function is gone, at once, without a chance to catch anything."""


class Aws:
    """The event table, the alert topic, and the suppression list."""

    def __init__(self) -> None:
        self.suppressed: dict[str, str] = {}
        self.calls: list[str] = []
        self.failing: dict[str, int] = {}
        self.refusing = ""
        self.fail_at = 0
        self.kill_at: tuple[int, str] | None = None

    def start_again(self) -> None:
        """Make everything anew, in a new process; call within ``mock_aws``."""
        _runtime._clients["dynamodb"].delete_table(TableName=TABLE)
        _runtime._clients["sns"].delete_topic(TopicArn=TOPIC)
        self.suppressed.clear()
        self.kill_at, self.fail_at, self.failing = None, 0, {}
        new_process()
        self.start()

    def start(self) -> None:
        """Make table and topic; call within ``mock_aws``."""
        for service in ("dynamodb", "sns", "sesv2"):
            _runtime._clients[service] = _client(service, self)
        attributes = [
            {"AttributeName": name, "AttributeType": "S"}
            for name in ("message_id", "at", "recipient")
        ]
        _runtime._clients["dynamodb"].create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=attributes,
            KeySchema=_keys("message_id"),
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "recipient",
                    "KeySchema": _keys("recipient"),
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        )
        assert _runtime._clients["sns"].create_topic(Name="alerts")["TopicArn"] == TOPIC
        self.calls.clear()

    # What came of it

    @property
    def items(self) -> list[dict[str, Any]]:
        """The table's items of events, flat, in the order of their keys."""
        return [item for item in self._scan() if not item["message_id"].startswith("alert#")]

    @property
    def claims(self) -> list[dict[str, Any]]:
        """The table's other items."""
        return [item for item in self._scan() if item["message_id"].startswith("alert#")]

    def _scan(self) -> list[dict[str, Any]]:
        pages = _runtime._clients["dynamodb"].get_paginator("scan").paginate(TableName=TABLE)
        found = [flat(item) for page in pages for item in page["Items"]]
        return sorted(found, key=lambda item: (item["message_id"], item["at"]))

    @property
    def alerts(self) -> list[tuple[str, str]]:
        """Subject and text of each alert."""
        topic = sns_backends[DEFAULT_ACCOUNT_ID][REGION].topics[TOPIC]
        return [(sent[2], sent[1]) for sent in topic.sent_notifications]

    # The hooks

    def before(self, model: Any, params: Any, **_: Any) -> Any:
        operation = model.name
        if operation in OURS:
            return None
        self.calls.append(operation)
        if self.kill_at == (len(self.calls), "before"):
            raise Killed
        if self.failing.get(operation, 0) > 0 or self.fail_at == len(self.calls):
            self.failing[operation] = self.failing.get(operation, 1) - 1
            return _answer(400, "ThrottlingException")
        if operation == "PutSuppressedDestination":
            if self.refusing:
                return _answer(400, self.refusing)
            asked = json.loads(params["body"])
            address = asked["EmailAddress"]
            of_tenant = f"{asked['TenantName']}: " if "TenantName" in asked else ""
            self.suppressed[of_tenant + address] = asked["Reason"]
            if self.kill_at == (len(self.calls), "after"):
                raise Killed
            return _answer(200)
        return None

    def after(self, model: Any, **_: Any) -> None:
        if model.name not in OURS and self.kill_at == (len(self.calls), "after"):
            raise Killed


def _answer(status: int, code: str = "") -> tuple[Any, dict[str, Any]]:
    parsed: dict[str, Any] = {"ResponseMetadata": {"HTTPStatusCode": status}}
    if code:
        parsed["Error"] = {"Code": code, "Message": "this test says so"}
    return SimpleNamespace(status_code=status, headers={}), parsed


def _keys(partition: str) -> list[Any]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": "at", "KeyType": "RANGE"},
    ]


# One client of each service for all tests, as making one takes a tenth of a second.
_shared: dict[str, tuple[Any, dict[str, Aws]]] = {}


def _client(service: str, aws: Aws) -> Any:
    if service not in _shared:
        client = boto3.client(  # type: ignore[call-overload]
            service,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(retries={"total_max_attempts": 1}),
        )
        current: dict[str, Aws] = {}
        client.meta.events.register_first("before-call", lambda **a: current["aws"].before(**a))
        client.meta.events.register_first("after-call", lambda **a: current["aws"].after(**a))
        _shared[service] = (client, current)
    client, current = _shared[service]
    current["aws"] = aws
    return client


def flat(item: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return DynamoDB's *item* without its types."""
    return {name: next(iter(value.values())) for name, value in item.items()}


def size(item: Mapping[str, Any]) -> int:
    """Return the bytes of a flat item, as DynamoDB counts them (its numbers a little high)."""
    return sum(len(name) + len(str(value).encode()) for name, value in item.items())


def new_process() -> None:
    """Forget what a process remembers, as its successor does."""
    events._settings = None
    _settings._settings = None
    _alerts._published.clear()


def metrics(output: str) -> list[dict[str, Any]]:
    """Return the metrics' lines of *output*, each checked against CloudWatch's rules."""
    found = []
    for text in output.splitlines():
        line = json.loads(text)
        if "_aws" in line:
            found.append(_checked(line))
    return found


def _checked(line: dict[str, Any]) -> dict[str, Any]:
    assert isinstance(line["_aws"]["Timestamp"], int)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Mailroom"
    names = set()
    for dimensions in directive["Dimensions"]:
        assert len(set(dimensions)) == len(dimensions) <= 30
        names.update(dimensions)
        for name in dimensions:
            value = line[name]
            assert isinstance(value, str)
            assert value.isascii()
            assert value.isprintable()
            assert 1 <= len(value.strip()) <= len(value) <= 1024
    for metric in directive["Metrics"]:
        names.add(metric["Name"])
        assert metric["Unit"] in UNITS
        value = line[metric["Name"]]
        assert isinstance(value, (int, float))
        assert not isinstance(value, bool)
        assert 0 <= value < 2**53
    assert names == set(line) - {"_aws"}
    return {name: line[name] for name in names}


def named(found: Iterable[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    """Return the metrics of *name* among *found*."""
    return [line for line in found if name in line]
