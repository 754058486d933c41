"""Alarms: CloudWatch alarms about mail that are raised, or that tell nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mailroom_cli.doctor.findings import Finding
from mailroom_cli.doctor.place import Place, counted, named
from mailroom_cli.names import short_name

RANK = 80
NEEDS = ("cloudwatch:DescribeAlarms",)

_MOST = 1000
_MAIL = "AWS/SES"
# What the constructs' own alarms are about, besides.
_NEAR = ("AWS/Firehose", "AWS/Lambda", "AWS/SQS")


def look(place: Place) -> Iterator[Finding]:
    """Look at the alarms."""
    found = place.reader.pages("cloudwatch", "describe_alarms", "MetricAlarms", most=_MOST)
    about = [one for one in found.items if _namespaces(one) & {_MAIL, *_NEAR}]
    raised = [one for one in about if one["StateValue"] == "ALARM"]
    for one in raised:
        yield _raised(place, one)
    mute = [
        short_name(one["AlarmName"])
        for one in about
        if _MAIL in _namespaces(one) and not (one.get("ActionsEnabled") and one.get("AlarmActions"))
    ]
    if mute:
        yield place.note(
            "no-action",
            f"{counted(len(mute), 'alarm')} about mail with nobody to tell: {named(mute)}",
            remedy="pass alert_topic to the construct that makes them",
        )
    if not raised and about:
        yield place.ok("raised", f"none of {counted(len(about), 'alarm')} is raised")
    elif not about:
        yield place.note(
            "none", "no alarm about mail", remedy="the constructs make them: pass alert_topic"
        )
    if not found.complete:
        yield place.warning("not-all", f"only the first {_MOST} alarms were looked at")


def _raised(place: Place, alarm: Mapping[str, Any]) -> Finding:
    name = alarm["AlarmName"]
    since = alarm["StateUpdatedTimestamp"].strftime("%Y-%m-%d %H:%M")
    what = alarm.get("AlarmDescription") or alarm.get("StateReason") or "no description"
    certain = _MAIL in _namespaces(alarm)
    report = place.problem if certain else place.warning
    more = "" if certain else " (it may be about other things than mail)"
    return report(
        "raised",
        f"alarm {short_name(name)} since {since}: {what}{more}",
        remedy="see what raised it:",
        command=place.aws("cloudwatch", "describe-alarm-history", alarm_name=name, max_records=3),
    )


def _namespaces(alarm: Mapping[str, Any]) -> set[str]:
    metrics = [one.get("MetricStat", {}).get("Metric", {}) for one in alarm.get("Metrics") or []]
    return {alarm.get("Namespace", ""), *(one.get("Namespace", "") for one in metrics)}
