"""What the measured inputs and AWS's prices and quotas make together, for each flow."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from scale.aws import (
    BYTES_PER_SECOND,
    GATEWAY_LOG_BYTES,
    GATEWAY_LOG_LINES,
    ITEM_BYTES,
    LOG_LINE_BYTES,
    PLANS,
    PLATFORM_BYTES,
    PLATFORM_LINES,
    PRICES,
    QUOTAS,
    SECONDS_PER_MONTH,
    VCPU_MB,
    WAITS_MS,
    logs,
)
from scale.inputs import KEPT, SIZES

RATES = (1, 100, 10_000)
MEMORY_MB = {"read": 512, "forward": 1024, "auto-reply": 256, "save attachments": 1024}
"""The defaults of the constructs."""
EVENTS_MB, LAKE_MB = 256, 512
CONCURRENCY = 10
"""``maximum_concurrency`` of `EventPublishing`, by default."""
SCAN_LIMIT = 100 * 2**30
_MAIL = "100 KB"
_MILLION = 1e6
_RECORD = 5 * 1024
_BATCH = 2**20
_BUFFER_SECONDS, _BUFFER_BYTES = 300, 128 * 2**20
_DAYS = 30.4


@dataclass(frozen=True)
class Limit:
    """Where something bends: a rate in mails a second, and what to do then."""

    what: str
    most: float
    """In us-east-1."""
    least: float
    """In the region with the lowest quota."""
    remedy: str


@dataclass(frozen=True)
class Function:
    """A function of Lambda at work."""

    milliseconds: float
    memory_mb: int
    log_bytes: float
    calls: dict[str, int]

    @property
    def concurrency(self) -> float:
        """How many run at a time at one call a second."""
        return self.milliseconds / 1000

    @property
    def dollars(self) -> float:
        """What one call costs."""
        seconds = self.concurrency * self.memory_mb / 1024
        return PRICES["Lambda, calls"].of(1) + PRICES["Lambda, arm64"].of(seconds)


def function(found: dict[str, Any], memory_mb: int, size: float = 0) -> Function:
    """Return the measured function *found* in Lambda, which moves *size* bytes."""
    cpu = found["cpu_ms"] * max(1.0, VCPU_MB / memory_mb)
    waits = sum(WAITS_MS[name.split(":")[0]] * count for name, count in found["calls"].items())
    lines = found["log_lines"] + PLATFORM_LINES
    return Function(
        milliseconds=cpu + waits + size / BYTES_PER_SECOND * 1000,
        memory_mb=memory_mb,
        log_bytes=found["log_bytes"] + PLATFORM_BYTES + lines * LOG_LINE_BYTES,
        calls=found["calls"],
    )


class Paper:
    """Everything that the page says, calculated from what was measured."""

    def __init__(self, measured: dict[str, Any] | None = None) -> None:
        self.measured = measured or json.loads(KEPT.read_text("utf-8"))["inputs"]
        self.event = self.measured["event"]
        self.item = self.measured["item"]
        self.functions = self.measured["functions"]
        self.per_mail: float = self.event["per_mail"]
        self.batch = function(self.functions["events, recorded, 10"], EVENTS_MB)
        self.single = function(self.functions["events, recorded, 1"], EVENTS_MB)

    # Sending: events through the topic, a queue, a function and the table

    def events_cost(self) -> dict[str, float]:
        """Return what a million events cost, by item, with one `on` for all types."""
        batches = _MILLION / 10
        stored = (self.item["bytes"] + ITEM_BYTES) * 2 * _MILLION
        return {
            "SNS, published by SES": PRICES["SNS, published"].of(_MILLION),
            "SNS, filtering by body": PRICES["SNS, filtering by body"].of(
                self.event["bytes"] * _MILLION
            ),
            "SQS": PRICES["SQS, requests"].of(_MILLION + 2 * batches),
            "Lambda": self.batch.dollars * batches,
            "DynamoDB, table and index": PRICES["DynamoDB, writes"].of(
                2 * self.item["units"] * _MILLION
            ),
            "DynamoDB, kept for 90 days": PRICES["DynamoDB, stored"].of(stored) * 3,
            "CloudWatch Logs": logs(self.batch.log_bytes * batches),
        }

    def events_concurrency(self, mails: float) -> float:
        """Return how many functions of `on` run at a time."""
        return mails * self.per_mail / 10 * self.batch.concurrency

    # Sending: the lake

    def lake_objects(self, mails: float) -> float:
        """Return how many objects the lake gets in a second."""
        total = 0.0
        for count in self.event["types"].values():
            rows = mails * self.per_mail * count / self.event["events"] * _BUFFER_SECONDS
            total += max(1 - math.exp(-rows), rows * self.event["row_bytes"] / _BUFFER_BYTES)
        return total / _BUFFER_SECONDS

    def lake_batch(self, mails: float, *, work: str = "lake") -> tuple[float, Function]:
        """Return how many events a call of the transformation gets, and that call."""
        found = self.functions[work]
        events = min(_BATCH / self.event["bytes"], mails * self.per_mail * 60)
        scaled = {**found, "cpu_ms": found["cpu_ms"] * events / found["records"]}
        return events, function(scaled, LAKE_MB)

    def lake_cost(self, mails: float) -> dict[str, float]:
        """Return what a million events cost in the lake, at a rate of *mails* a second."""
        events, call = self.lake_batch(mails)
        objects = self.lake_objects(mails) / (mails * self.per_mail) * _MILLION
        calls = _MILLION / events
        stored = self.event["parquet_gzip_bytes"] * _MILLION
        ingested = _RECORD * _MILLION
        return {
            "Firehose, ingestion": PRICES["Firehose, ingestion"].of(ingested),
            "Firehose, conversion": PRICES["Firehose, conversion"].of(ingested),
            "Firehose, partitioning": PRICES["Firehose, partitioning"].of(
                self.event["row_bytes"] * _MILLION
            ),
            "Firehose and S3, objects": objects
            * (PRICES["Firehose, partitioned objects"].of(1) + PRICES["S3, written"].of(1)),
            "Lambda and its log": call.dollars * calls + logs(call.log_bytes * calls),
            "S3 for two years": PRICES["S3, stored"].of(stored) * 3
            + PRICES["S3, infrequent access"].of(stored) * 9
            + PRICES["S3, Glacier instant"].of(stored) * 12,
        }

    def scanned(self, mails: float) -> float:
        """Return the bytes that ``rates_by_day`` reads over 30 days."""
        events = mails * self.per_mail * 86_400 * 30
        return float(self.event["rates_by_day_bytes"] * events)

    # Receiving, through receipt rules or the gateway

    def behaviour(self, work: str, label: str = _MAIL) -> Function:
        """Return a function that handles mail of the size *label*."""
        found = self.functions[f"{work}, {label}"]
        read = found["calls"].get("s3:GetObject", 0) * SIZES[label]
        sent = SIZES[label] * 1.37 if work == "forward" else 0
        return function(found, MEMORY_MB.get(work, 1024), read + sent)

    def mail_cost(
        self, work: str, *, gateway: bool = False, label: str = _MAIL
    ) -> dict[str, float]:
        """Return what a million received mails cost, by item."""
        size = SIZES[label]
        call = self.behaviour(work, label)
        chunks = size // (256 * 1024) * _MILLION
        puts = 1 + sum(call.calls.get(f"s3:{name}", 0) for name in ("PutObject", "ListObjectsV2"))
        saved = size if work == "save attachments" else 0
        received = PRICES["Mail Manager, messages" if gateway else "SES, received mail"]
        cost = {
            "received": received.of(_MILLION)
            + PRICES["SES, full chunks of 256 KB received"].of(chunks),
            "sent": PLANS[0].sent(call.calls.get("sesv2:SendEmail", 0) * _MILLION)
            + PRICES["SES, attachments sent"].of(size * _MILLION * (work == "forward")),
            "S3, requests": PRICES["S3, written"].of(puts * _MILLION)
            + PRICES["S3, read"].of(call.calls.get("s3:GetObject", 0) * _MILLION),
            "S3, kept for 90 days": PRICES["S3, stored"].of((size + saved) * _MILLION) * 3,
            "Lambda": call.dollars * _MILLION,
            "DynamoDB": PRICES["DynamoDB, writes"].of(
                call.calls.get("dynamodb:PutItem", 0) * _MILLION
            ),
            "logs": logs(call.log_bytes * _MILLION),
        }
        if gateway:
            size = GATEWAY_LOG_BYTES + GATEWAY_LOG_LINES * LOG_LINE_BYTES
            cost["logs"] += logs(size * _MILLION)
        return cost

    # What bends

    def sending_limits(self) -> list[Limit]:
        """Return where sending bends, lowest first."""
        at_once = CONCURRENCY * 10 / self.batch.concurrency / self.per_mail
        own = "write opens and clicks to the lake only"
        ten = self.per_mail / 10 * self.batch.concurrency
        writes = self.per_mail * self.item["units"]
        return _in_order(
            _fixed("SES, the sandbox", 1, "ask for production access"),
            _fixed(
                "`maximum_concurrency` (10) of one `on`",
                at_once,
                f"raise it, up to 1,000; {own}",
            ),
            self._quota("SNS, messages a second", self.per_mail, own + "; ask for more"),
            self._quota(
                "Firehose, bytes a second",
                self.per_mail * self.event["bytes"],
                "Firehose raises it slowly by itself; ask before a burst",
            ),
            self._quota(
                "DynamoDB, writes a second of a new table",
                writes,
                "grow over half an hour, or set a warm throughput",
            ),
            self._quota("DynamoDB, writes a second of a table", writes, "ask for more; " + own),
            self._quota(
                "Lambda, concurrent executions", ten, "ask for more, and one `on` for each type"
            ),
            self._quota(
                "EventBridge, calls of targets a second",
                self.per_mail,
                "events are late, not lost; ask for more",
            ),
            _fixed(
                "Athena, `scan_limit` of `rates_by_day` (30 days)",
                SCAN_LIMIT / self.scanned(1),
                "raise it, or keep each day's result",
            ),
        )

    def receiving_limits(self) -> list[Limit]:
        """Return where receiving bends, lowest first."""
        return _in_order(
            _fixed("SES, the sandbox: forwarded mail and replies", 1, "ask for production access"),
            self._quota("S3, writes a second below a prefix", 1, "grow slowly; a prefix each rule"),
            self._quota("S3, reads a second below a prefix", 1, "grow slowly; a prefix each rule"),
            *(
                self._quota(
                    "Lambda, concurrent executions",
                    self.behaviour(work).concurrency,
                    "ask for more",
                    f": {shown}",
                )
                for work, shown in (
                    ("forward", "`Forward`"),
                    ("auto-reply", "`AutoReply`"),
                    ("save attachments", "`SaveAttachments`"),
                    ("read", "reading mail"),
                )
            ),
            self._quota(
                "DynamoDB, writes a second of a new table",
                2,
                "grow over half an hour, or set a warm throughput",
                ": `AutoReply`",
            ),
        )

    def _quota(self, name: str, each: float, remedy: str, suffix: str = "") -> Limit:
        quota = QUOTAS[name]
        return Limit(name + suffix, quota.most / each, quota.least / each, remedy)


def _fixed(what: str, rate: float, remedy: str) -> Limit:
    return Limit(what, rate, rate, remedy)


def _in_order(*limits: Limit) -> list[Limit]:
    return sorted(limits, key=lambda limit: limit.most)


def month(rate: float) -> float:
    """Return how many there are in a month at *rate* a second."""
    return rate * SECONDS_PER_MONTH


def month_logs(per_mail: float, rate: float) -> float:
    """Return what logs of *per_mail* bytes cost in a month."""
    return logs(per_mail * month(rate))
