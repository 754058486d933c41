"""Alarms on the account's reputation, and on what SNS fails to deliver."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

from cdk_mailroom import _alarms
from cdk_mailroom._asked import duration

__all__ = [
    "NOTIFICATION_FAILURES",
    "REVIEW_THRESHOLDS",
    "make_notification_alarms",
    "make_reputation_alarms",
    "reputation_metric",
]

REVIEW_THRESHOLDS = {"Bounce": 0.05, "Complaint": 0.001}
"""The shares of mail at which AWS reviews an account.

https://docs.aws.amazon.com/ses/latest/dg/reputationdashboard-cloudwatch-alarm.html
"""

NOTIFICATION_FAILURES = {
    "NumberOfNotificationsFailed": (
        "NotificationAlarm",
        "SNS could not put events into a queue; they are in the dead-letter queue of their type",
    ),
    "NumberOfNotificationsFailedToRedriveToDlq": (
        "RedriveAlarm",
        "SNS could not put events into their dead-letter queue either: they are lost",
    ),
}
"""SNS's metrics of failures, with the alarm's construct id, and what they mean.

https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html
"""

_WHAT = {"Bounce": "bounces", "Complaint": "is complained about"}


def reputation_metric(kind: str) -> cloudwatch.Metric:
    """Return the rate that SES publishes, of the whole account and region."""
    return cloudwatch.Metric(
        namespace="AWS/SES",
        metric_name=f"Reputation.{kind}Rate",
        statistic="Maximum",
        period=duration(3600),
    )


def make_reputation_alarms(
    scope: Construct, alert_topic: sns.ITopic
) -> dict[str, cloudwatch.Alarm]:
    """Return two alarms for bounces and two for complaints, by construct id."""
    alarms = {}
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
            _alarms.publish_alarm(alarm, alert_topic)
            alarms[name] = alarm
    return alarms


def make_notification_alarms(
    scope: Construct, topic: sns.ITopic, alert_topic: sns.ITopic
) -> dict[str, cloudwatch.Alarm]:
    """Return the alarms on what *topic* fails to deliver, by construct id."""
    return {
        construct_id: _alarms.count_alarm(
            scope,
            construct_id,
            _alarms.count("AWS/SNS", name, {"TopicName": topic.topic_name}),
            description=description,
            topic=alert_topic,
        )
        for name, (construct_id, description) in NOTIFICATION_FAILURES.items()
    }
