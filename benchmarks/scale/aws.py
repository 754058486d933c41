"""Prices and quotas of AWS, each with its source; the only place where they are written.

Prices are us-east-1 list prices in dollars, without free tiers. Quotas are the defaults in
us-east-1 and in the region that has least.
"""

from __future__ import annotations

from dataclasses import dataclass

SECONDS_PER_MONTH = 730 * 3600
GIB = 2**30
GB = 10**9
VCPU_MB = 1_769
"""The memory size with one vCPU; less memory has that share of one."""


@dataclass(frozen=True)
class Source:
    """Where a figure comes from, and the day on which it was true."""

    text: str
    url: str
    date: str


_DOCS = "https://docs.aws.amazon.com"
PRICE_LIST = Source(
    "AWS's Price List of SES, as recorded in api-evangelist/amazon-ses",
    "https://github.com/api-evangelist/amazon-ses/blob/main/plans/amazon-ses-plans-pricing.yml",
    "2026-07-22",
)
SERVICE_PRICES = Source(
    "AWS's Price Lists, as recorded in haya-inc/hayasend",
    "https://github.com/haya-inc/hayasend/blob/main/scripts/aws-cost-model.mjs",
    "2026-07-26",
)
LOG_PRICES = Source(
    "The Duckbill Group on the tiers of Lambda's logs",
    "https://www.duckbillgroup.com/?p=9080",
    "2025-05",
)
S3_CLASS_PRICES = Source(
    "CostNimbus on the storage classes of S3",
    "https://costnimbus.com/article/s3-storage-classes-cost-guide",
    "2026-03",
)
UNCONFIRMED = Source("earlier pages of this project, not confirmed", "", "2026")


@dataclass(frozen=True)
class Price:
    """A price for *per* units: requests, bytes, bytes kept for a month and so on."""

    dollars: float
    per: float
    unit: str
    source: Source

    def of(self, quantity: float) -> float:
        """Return what *quantity* costs."""
        return self.dollars * quantity / self.per


def _ses(dollars: float, per: float, unit: str) -> Price:
    return Price(dollars, per, unit, PRICE_LIST)


def _service(dollars: float, per: float, unit: str) -> Price:
    return Price(dollars, per, unit, SERVICE_PRICES)


def _unconfirmed(dollars: float, per: float, unit: str) -> Price:
    return Price(dollars, per, unit, UNCONFIRMED)


PRICES = {
    "SES, received mail": _ses(0.10, 1_000, "a thousand mails"),
    "SES, full chunks of 256 KB received": _ses(0.09, 1_000, "a thousand chunks"),
    "SES, attachments sent": _ses(0.12, GB, "a GB"),
    "Mail Manager, messages": _ses(0.15, 1_000, "a thousand messages"),
    "Mail Manager, messages (Essentials, first 10 million)": _ses(
        0.16, 1_000, "a thousand messages"
    ),
    "Mail Manager, ingress point": _ses(50, 1, "a month"),
    "Mail Manager, archive, taken in": _ses(2.00, GB, "a GB"),
    "Mail Manager, archive, kept": _ses(0.19, GB, "a GB and month"),
    "SNS, published": _service(0.50, 1e6, "a million requests"),
    "SNS, filtering by body": _unconfirmed(0.09, GB, "a GB"),
    "SQS, requests": _service(0.40, 1e6, "a million requests"),
    "Lambda, calls": _service(0.20, 1e6, "a million calls"),
    "Lambda, arm64": _service(0.0000133334, 1, "a GB-second"),
    "DynamoDB, writes": _service(0.625, 1e6, "a million units of 1 KB"),
    "DynamoDB, stored": _service(0.25, GIB, "a GB and month"),
    "S3, written": _service(5.00, 1e6, "a million requests"),
    "S3, read": _service(0.40, 1e6, "a million requests"),
    "S3, stored": _service(0.023, GIB, "a GB and month"),
    "S3, infrequent access": Price(0.0125, GIB, "a GB and month", S3_CLASS_PRICES),
    "S3, Glacier instant": Price(0.004, GIB, "a GB and month", S3_CLASS_PRICES),
    "Firehose, ingestion": _unconfirmed(0.029, GIB, "a GB"),
    "Firehose, conversion": _unconfirmed(0.018, GIB, "a GB"),
    "Firehose, partitioning": _unconfirmed(0.020, GIB, "a GB"),
    "Firehose, partitioned objects": _unconfirmed(5.00, 1e6, "a million objects"),
}

LOG_TIERS = ((10 * 1024 * GIB, 0.50), (30 * 1024 * GIB, 0.25), (50 * 1024 * GIB, 0.10))
LOG_LAST = 0.05
"""Dollars for a GB of logs of Lambda and of vended logs; the tiers are by month (`LOG_PRICES`)."""


def logs(size: float) -> float:
    """Return what *size* bytes of logs a month cost."""
    return _tiered(size, LOG_TIERS, LOG_LAST) / GIB


@dataclass(frozen=True)
class Plan:
    """A pricing plan of SES: what sent mail costs."""

    name: str
    monthly: float
    tiers: tuple[tuple[float, float], ...]
    """Mails up to which each price counts, and dollars for a thousand of them."""
    last: float

    def sent(self, mails: float) -> float:
        """Return what *mails* sent in a month cost, the plan's own price included."""
        return self.monthly + _tiered(mails, self.tiers, self.last) / 1_000


# PRICE_LIST; a plan holds for one account in one region.
PLANS = (
    Plan("à la carte", 0, (), 0.10),
    Plan("Essentials", 0, ((10e6, 0.16), (100e6, 0.14)), 0.11),
    Plan("Pro", 105, ((10e6, 0.22), (100e6, 0.17)), 0.12),
    Plan("Enterprise", 500, ((10e6, 0.23), (100e6, 0.18)), 0.13),
)


def _tiered(quantity: float, tiers: tuple[tuple[float, float], ...], last: float) -> float:
    cost, below = 0.0, 0.0
    for upto, price in tiers:
        cost += price * max(0.0, min(quantity, upto) - below)
        below = upto
    return cost + last * max(0.0, quantity - below)


@dataclass(frozen=True)
class Quota:
    """A default quota, in the unit of its name."""

    most: float
    """In us-east-1."""
    least: float
    """In the region with the lowest."""
    source: Source
    adjustable: bool = True


def _quota(most: float, least: float, text: str, path: str, *, adjustable: bool = True) -> Quota:
    return Quota(most, least, Source(text, f"{_DOCS}{path}", "2026-11"), adjustable)


QUOTAS = {
    "SES, sandbox: mails a second": _quota(1, 1, "SES quotas", "/ses/latest/dg/quotas.html"),
    "SNS, messages a second": _quota(
        30_000, 300, "SNS quotas", "/general/latest/gr/sns.html#limits_sns_api_throttles"
    ),
    "SQS, messages in flight": _quota(
        120_000,
        120_000,
        "SQS queue quotas",
        "/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html",
    ),
    "Lambda, concurrent executions": _quota(
        1_000, 1_000, "Lambda quotas", "/lambda/latest/dg/gettingstarted-limits.html"
    ),
    "DynamoDB, writes a second of a new table": _quota(
        4_000,
        4_000,
        "DynamoDB on-demand mode",
        "/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html",
        adjustable=False,
    ),
    "DynamoDB, writes a second of a table": _quota(
        40_000,
        40_000,
        "DynamoDB quotas",
        "/amazondynamodb/latest/developerguide/ServiceQuotas.html",
    ),
    "Firehose, bytes a second": _quota(
        5 * 2**20, 2**20, "Firehose quotas", "/firehose/latest/dev/limits.html"
    ),
    "Firehose, active partitions": _quota(
        500, 500, "Firehose quotas", "/firehose/latest/dev/limits.html"
    ),
    "EventBridge, calls of targets a second": _quota(
        18_750, 750, "EventBridge quotas", "/eventbridge/latest/userguide/eb-quota.html"
    ),
    "S3, writes a second below a prefix": _quota(
        3_500,
        3_500,
        "S3 performance",
        "/AmazonS3/latest/userguide/optimizing-performance.html",
        adjustable=False,
    ),
    "S3, reads a second below a prefix": _quota(
        5_500,
        5_500,
        "S3 performance",
        "/AmazonS3/latest/userguide/optimizing-performance.html",
        adjustable=False,
    ),
    "CloudWatch Logs, PutLogEvents a second": _quota(
        5_000,
        5_000,
        "CloudWatch Logs quotas",
        "/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html",
    ),
}

WAITS_MS = {
    "s3": 100,
    "dynamodb": 9,
    "sesv2": 100,
    "sqs": 20,
    "sns": 20,
    "eventbridge": 20,
    "sfn": 50,
}
"""Milliseconds that a call waits for its answer, the upper end of what AWS says where it does:
small objects of S3 take 100 to 200 ms, DynamoDB "single-digit" milliseconds. The others are ours.
"""
BYTES_PER_SECOND = 625e6 / 8
"""The network of a function's environment: 625 Mbps (Lambda quotas)."""
LOG_LINE_BYTES = 26
"""What CloudWatch Logs adds to each line."""
PLATFORM_LINES, PLATFORM_BYTES = 2, 500
"""What Lambda itself logs of a call, in JSON: our estimate."""
ITEM_BYTES = 100
"""What DynamoDB adds to each item of a table and of an index when it counts what is stored."""
GATEWAY_LOG_LINES, GATEWAY_LOG_BYTES = 6, 2_400
"""What Mail Manager logs of a mail of examples/gateway, on the local AWS."""
