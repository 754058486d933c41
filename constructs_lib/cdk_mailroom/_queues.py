"""Queues with encryption and TLS, and alarms that may publish to their topic."""

from __future__ import annotations

import jsii
from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk_mailroom._imported import warn_of_import
from cdk_mailroom._reviewed import reviewed

__all__ = [
    "FailureQueue",
    "dead_letter_alarm",
    "dead_letter_queue",
    "grant_send",
    "queue",
    "tell",
]


def queue(
    scope: Construct,
    construct_id: str,
    *,
    key: kms.IKey | None,
    retention: Duration,
    visibility_timeout: Duration | None = None,
    dead_letter_queue: sqs.DeadLetterQueue | None = None,
) -> sqs.Queue:
    """Return a queue that is encrypted, with *key* or SQS's own, and accepts TLS only."""
    return sqs.Queue(
        scope,
        construct_id,
        encryption=sqs.QueueEncryption.SQS_MANAGED if key is None else sqs.QueueEncryption.KMS,
        encryption_master_key=key,
        enforce_ssl=True,
        retention_period=retention,
        visibility_timeout=visibility_timeout,
        dead_letter_queue=dead_letter_queue,
    )


def dead_letter_queue(scope: Construct, *, key: kms.IKey | None) -> sqs.Queue:
    """Return a queue that keeps what failed for 14 days, as long as SQS can."""
    made = queue(scope, "DeadLetterQueue", key=key, retention=Duration.days(14))
    reviewed(made, "SQS3", "it is itself the dead-letter queue")
    return made


def grant_send(grantee: iam.IGrantable, letters: sqs.IQueue) -> iam.Grant:
    """Let *grantee* send to *letters*, and no more: not ``letters.grant_send_messages()``.

    That would also let it encrypt anything with the queue's key, where a sender only needs data
    keys of it.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    """
    grant = iam.Grant.add_to_principal(
        grantee=grantee, actions=["sqs:SendMessage"], resource_arns=[letters.queue_arn]
    )
    key = letters.encryption_master_key
    if key is None:
        return grant
    return grant.combine(key.grant(grantee, "kms:Decrypt", "kms:GenerateDataKey"))


@jsii.implements(lambda_.IDestination)
class FailureQueue:
    """Takes what a function failed to handle; that of aws-cdk-lib grants more than sending."""

    def __init__(self, letters: sqs.IQueue) -> None:
        self._letters = letters

    def bind(
        self,
        scope: Construct,
        fn: lambda_.IFunction,
        *,
        type: lambda_.DestinationType,  # noqa: A002
    ) -> lambda_.DestinationConfig:
        """Grant the sending and return the destination."""
        grant_send(fn, self._letters)
        return lambda_.DestinationConfig(destination=self._letters.queue_arn)


def dead_letter_alarm(
    scope: Construct, letters: sqs.IQueue, *, description: str, topic: sns.ITopic | None
) -> cloudwatch.Alarm:
    """Return an alarm while *letters* has a message, which publishes to *topic*."""
    alarm = letters.metric_approximate_number_of_messages_visible(
        statistic="Maximum", period=Duration.minutes(1)
    ).create_alarm(
        scope,
        "DeadLetterAlarm",
        alarm_description=description,
        threshold=1,
        evaluation_periods=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    if topic is not None:
        tell(alarm, topic)
    return alarm


def tell(alarm: cloudwatch.Alarm, topic: sns.ITopic) -> None:
    """Let *alarm* publish to *topic*, and grant it that.

    CloudWatch needs the permission in the topic's policy. A new topic's default policy has it, but
    the first statement that CDK adds, such as TLS only, replaces that policy.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    alarm.add_alarm_action(cloudwatch_actions.SnsAction(topic))
    conditions = {"StringEquals": {"aws:SourceAccount": Stack.of(alarm).account}}
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
    code, consequence = "cdk-mailroom:imported-alarm-topic", "the alarm is not published"
    # On the topic and the key, so that many alarms give one warning.
    if not topic.add_to_resource_policy(publish).statement_added:
        warn_of_import(topic, "topic", topic, publish, consequence, code=code)
    key = topic.master_key
    if key is not None and not key.add_to_resource_policy(encrypt).statement_added:
        warn_of_import(topic, "key", key, encrypt, consequence, code=code)
