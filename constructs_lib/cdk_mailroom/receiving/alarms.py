"""Alarms on what SES itself fails to do with received mail."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

from cdk_mailroom import _alarms

__all__ = ["RULE_SET_FAILURES", "make_alarms"]

RULE_SET_FAILURES = {
    "PublishFailure": (
        "SES failed to run a receipt rule, and tries again: check the permissions of its actions"
    ),
    "PublishExpired": (
        "SES gave up on running a receipt rule: mail was lost to the actions that did not run"
    ),
}
"""The metrics of a rule set that count failures, and what they mean.

https://docs.aws.amazon.com/ses/latest/dg/receiving-email-metrics.html
"""


def make_alarms(
    scope: Construct, *, rule_set_name: str, topic: sns.ITopic | None
) -> dict[str, cloudwatch.Alarm]:
    """Return the alarms by construct id.

    They are about the rule set, because an alarm for each of 200 rules would cost $40 a month.
    """
    return {
        f"{name}Alarm": _alarms.count_alarm(
            scope,
            f"{name}Alarm",
            _alarms.count("AWS/SES", name, {"RuleSetName": rule_set_name}),
            description=description,
            topic=topic,
        )
        for name, description in RULE_SET_FAILURES.items()
    }
