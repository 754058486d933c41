"""Access to the objects below one prefix of a bucket, and to the key that encrypts them."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from cdk_mailroom._asked import bucket_arn, bucket_key
from cdk_mailroom._reviewed import reviewed_grant

__all__ = ["grant_read", "grant_write", "objects_arn"]


def objects_arn(bucket: s3.IBucket, prefix: str) -> str:
    """Return the ARN of all objects below *prefix*: `bucket.arn_for_objects`, without asking it."""
    return f"{bucket_arn(bucket)}/{prefix}*"


def grant_read(grantee: iam.IGrantable, bucket: s3.IBucket, prefix: str) -> iam.Grant:
    """Let *grantee* read objects below *prefix*, and decrypt them where a key is used."""
    return _grant(grantee, bucket, prefix, "s3:GetObject", "kms:Decrypt")


def grant_write(grantee: iam.IGrantable, bucket: s3.IBucket, prefix: str) -> iam.Grant:
    """Let *grantee* write objects below *prefix*, and encrypt them where a key is used."""
    return _grant(grantee, bucket, prefix, "s3:PutObject", "kms:GenerateDataKey")


def _grant(
    grantee: iam.IGrantable, bucket: s3.IBucket, prefix: str, action: str, key_action: str
) -> iam.Grant:
    objects = objects_arn(bucket, prefix)
    grant = iam.Grant.add_to_principal(grantee=grantee, actions=[action], resource_arns=[objects])
    reviewed_grant(grantee, objects, "one object a message, below the prefix of one purpose")
    key = bucket_key(bucket)
    return grant if key is None else grant.combine(key.grant(grantee, key_action))
