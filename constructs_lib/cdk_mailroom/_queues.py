"""Queues with encryption and TLS."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk_mailroom._reviewed import reviewed

__all__ = ["dead_letter_queue", "queue"]


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
