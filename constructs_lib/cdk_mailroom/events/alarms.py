"""Alarms on the account's reputation, at AWS's own thresholds and at half of them."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

from cdk_mailroom import _queues

__all__ = ["REVIEW_THRESHOLDS", "make_reputation_alarms", "reputation_metric"]

REVIEW_THRESHOLDS = {"Bounce": 0.05, "Complaint": 0.001}
"""The shares of mail at which AWS reviews an account.

https://docs.aws.amazon.com/ses/latest/dg/reputationdashboard-cloudwatch-alarm.html
"""

_WHAT = {"Bounce": "bounces", "Complaint": "is complained about"}


def reputation_metric(kind: str) -> cloudwatch.Metric:
    """Return the rate that SES publishes, of the whole account and region."""
    return cloudwatch.Metric(
        namespace="AWS/SES",
        metric_name=f"Reputation.{kind}Rate",
        statistic="Maximum",
        period=Duration.hours(1),
    )


def make_reputation_alarms(scope: Construct, alert_topic: sns.ITopic) -> None:
    """Create two alarms for bounces and two for complaints."""
    for kind, review in REVIEW_THRESHOLDS.items():
        for name, threshold, consequence in (
            (f"{kind}Warning", review / 2, ""),
            (f"{kind}Review", review, ": AWS reviews the account"),
        ):
            alarm = reputation_metric(kind).create_alarm(
                scope,
                name,
                alarm_description=f"{threshold * 100:g} % of mail {_WHAT[kind]}{consequence}, "
                "over the whole account and region",
                threshold=threshold,
                evaluation_periods=1,
                comparison_operator=(
                    cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
                ),
                # SES publishes a rate only when mail was sent.
                treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
            )
            _queues.publish_alarm(alarm, alert_topic)
