"""Queues with encryption and TLS."""

from __future__ import annotations

import jsii
from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk_mailroom._asked import duration, queue_arn, queue_key
from cdk_mailroom._reviewed import reviewed

__all__ = [
    "FailureQueue",
    "dead_letter_queue",
    "grant_send",
    "queue",
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
    made = queue(scope, "DeadLetterQueue", key=key, retention=duration(14 * 86_400))
    reviewed(made, "SQS3", "it is itself the dead-letter queue")
    return made


def grant_send(grantee: iam.IGrantable, letters: sqs.IQueue) -> iam.Grant:
    """Let *grantee* send to *letters*, and no more: not ``letters.grant_send_messages()``.

    That would also let it encrypt anything with the queue's key, where a sender only needs data
    keys of it.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    """
    grant = iam.Grant.add_to_principal(
        grantee=grantee, actions=["sqs:SendMessage"], resource_arns=[queue_arn(letters)]
    )
    key = queue_key(letters)
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
        return lambda_.DestinationConfig(destination=queue_arn(self._letters))
