"""Reputation: the rates of bounces and complaints that AWS goes by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from mailroom_cli.doctor.findings import Finding
from mailroom_cli.doctor.place import Place

RANK = 90
NEEDS = ("cloudwatch:GetMetricData",)

_RATES = "https://docs.aws.amazon.com/ses/latest/dg/faqs-enforcement.html"
_DAYS = 14
# The rates at which AWS may pause sending, reviews an account, and what it recommends to stay
# below.
_BOUNCE = (0.10, 0.05, 0.02)
_COMPLAINT = (0.005, 0.001, 0.001)


def look(place: Place) -> Iterator[Finding]:
    """Look at the newest rates."""
    names = {"bounce": "Reputation.BounceRate", "complaint": "Reputation.ComplaintRate"}
    answer = place.reader.call(
        "cloudwatch",
        "get_metric_data",
        MetricDataQueries=[
            {
                "Id": name,
                "MetricStat": {
                    "Metric": {"Namespace": "AWS/SES", "MetricName": metric},
                    "Period": 3600,
                    "Stat": "Average",
                },
            }
            for name, metric in names.items()
        ],
        StartTime=place.now - timedelta(days=_DAYS),
        EndTime=place.now,
        ScanBy="TimestampDescending",
    )
    found = {one["Id"]: one["Values"][0] for one in answer["MetricDataResults"] if one["Values"]}
    if not found:
        yield place.note("none", f"no rates in {_DAYS} days: too little was sent")
    for name, limits in (("bounce", _BOUNCE), ("complaint", _COMPLAINT)):
        if name in found:
            yield _rate(place, name, found[name], limits)


def _rate(place: Place, name: str, rate: float, limits: tuple[float, float, float]) -> Finding:
    pausing, reviewing, recommended = limits
    text = f"{name} rate {rate:.2%}"
    remedy = (
        f"stop sending to addresses that {name}: handle the events with outbound.on("
        f"EventType.{name.upper()}), and find out where the addresses came from"
    )
    if rate >= pausing:
        text += f": from {pausing:.1%}, AWS may pause sending"
        return place.problem(name, text, remedy=remedy, source=_RATES)
    if rate >= reviewing:
        text += f": from {reviewing:.1%}, AWS reviews the account"
        return place.problem(name, text, remedy=remedy, source=_RATES)
    if rate >= recommended:
        text += f": AWS recommends less than {recommended:.1%}"
        return place.warning(name, text, remedy=remedy, source=_RATES)
    return place.ok(name, text)
