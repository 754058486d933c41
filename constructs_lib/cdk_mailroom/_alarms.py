"""Alarms that may publish to a topic. CloudWatch bills each metric of an alarm, $0.10 a month."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Tokenization
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk_mailroom._asked import account_of, duration, once
from cdk_mailroom._imported import warn_of_import

__all__ = [
    "age_alarm",
    "count",
    "count_alarm",
    "dead_letter_alarm",
    "failure_alarms",
    "publish_alarm",
]


def count(namespace: str, name: str, dimensions: Mapping[str, str]) -> cloudwatch.Metric:
    """Return a metric that counts, in sums of five minutes."""
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map=dict(dimensions),
        statistic="Sum",
        period=duration(300),
    )


def count_alarm(
    scope: Construct,
    construct_id: str,
    metric: cloudwatch.IMetric,
    *,
    description: str,
    topic: sns.ITopic | None,
    threshold: float = 1,
) -> cloudwatch.Alarm:
    """Return an alarm when *metric* reaches *threshold*, which publishes to *topic*."""
    alarm = cloudwatch.Alarm(
        scope,
        construct_id,
        metric=metric,
        alarm_description=description,
        threshold=threshold,
        evaluation_periods=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        # What does not happen has no values.
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    if topic is not None:
        publish_alarm(alarm, topic)
    return alarm


def dead_letter_alarm(
    scope: Construct, letters: sqs.IQueue, *, description: str, topic: sns.ITopic | None
) -> cloudwatch.Alarm:
    """Return an alarm while *letters* has a message."""
    metric = letters.metric_approximate_number_of_messages_visible(
        statistic="Maximum", period=duration(60)
    )
    return count_alarm(scope, "DeadLetterAlarm", metric, description=description, topic=topic)


def age_alarm(
    scope: Construct,
    construct_id: str,
    queue: sqs.IQueue,
    *,
    seconds: float,
    what: str,
    topic: sns.ITopic | None,
) -> cloudwatch.Alarm:
    """Return an alarm while the oldest message of *queue* is older than *seconds*."""
    metric = queue.metric_approximate_age_of_oldest_message(
        statistic="Maximum", period=duration(300)
    )
    text = Tokenization.stringify_number(seconds)
    description = f"{what} wait for more than {text} s: is the function throttled or disconnected?"
    return count_alarm(
        scope, construct_id, metric, description=description, topic=topic, threshold=seconds
    )


def failure_alarms(
    scope: Construct, function: lambda_.Function, *, what: str, topic: sns.ITopic | None
) -> list[cloudwatch.Alarm]:
    """Return two alarms on what a synchronous function leaves on no dead-letter queue."""
    # Not one on the sum of both metrics, which costs the same: the local AWS has no metric math.
    killed = function.metric_errors(period=duration(300))
    unkept = count("Mailroom", "FailureNotKept", {"FunctionName": function.function_name})
    return [
        count_alarm(
            scope,
            "FailureAlarm",
            killed,
            description=f"{what} was killed, could not start, or let the call fail: see its log",
            topic=topic,
        ),
        count_alarm(
            scope,
            "NotKeptAlarm",
            unkept,
            description=f"{what} failed, and could not reach the dead-letter queue: see its log",
            topic=topic,
        ),
    ]


def publish_alarm(alarm: cloudwatch.Alarm, topic: sns.ITopic) -> None:
    """Publish *alarm* to *topic*, and grant the permission for it."""
    alarm.add_alarm_action(_action(topic))
    account = account_of(alarm)
    if account not in _accounts(topic):
        _accounts(topic).add(account)
        _let_publish(topic, account)


@once
def _action(topic: sns.ITopic) -> cloudwatch_actions.SnsAction:
    return cloudwatch_actions.SnsAction(topic)


@once
def _accounts(topic: sns.ITopic) -> set[str]:
    """Return the accounts whose alarms may publish to *topic*."""
    return set()


def _let_publish(topic: sns.ITopic, account: str) -> None:
    """Let the alarms of *account* publish to *topic*.

    CloudWatch needs the permission in the topic's policy. A new topic's default policy has it, but
    the first statement that CDK adds, such as TLS only, replaces that policy.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    conditions = {"StringEquals": {"aws:SourceAccount": account}}
    principal = iam.ServicePrincipal("cloudwatch.amazonaws.com", conditions=conditions)
    publish = iam.PolicyStatement(
        sid="AlarmsOfThisAccount",
        actions=["sns:Publish"],
        principals=[principal],
        resources=[topic.topic_arn],
    )
    encrypt = iam.PolicyStatement(
        sid="AlarmsOfThisAccount",
        actions=["kms:Decrypt", "kms:GenerateDataKey*"],
        principals=[principal],
        resources=["*"],
    )
    code, consequence = "cdk-mailroom:imported-alert-topic", "no alarm reaches the topic"
    # On the topic, so that several alarms raise one warning.
    if not topic.add_to_resource_policy(publish).statement_added:
        warn_of_import(topic, "topic", topic, publish, consequence, code=code)
    key = topic.master_key
    if key is not None and not key.add_to_resource_policy(encrypt).statement_added:
        warn_of_import(topic, "key", key, encrypt, consequence, code=code)
