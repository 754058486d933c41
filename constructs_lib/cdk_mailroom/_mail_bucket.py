"""The bucket that received mail is stored in."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk_mailroom._checks import Problems, Retention

__all__ = ["check_bucket_options", "mail_bucket"]


def mail_bucket(
    scope: Construct,
    *,
    key: kms.IKey | None,
    retention: Retention | None,
    removal_policy: RemovalPolicy | None,
) -> s3.Bucket:
    """Return a bucket that is encrypted, private and accepts TLS only, and where mail expires."""
    rules = [s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(1))]
    if isinstance(retention, Duration) or retention is None:
        rules.append(s3.LifecycleRule(expiration=retention or Duration.days(90)))
    return s3.Bucket(
        scope,
        "Bucket",
        encryption=s3.BucketEncryption.S3_MANAGED if key is None else s3.BucketEncryption.KMS,
        encryption_key=key,
        bucket_key_enabled=None if key is None else True,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        lifecycle_rules=rules,
        removal_policy=removal_policy or RemovalPolicy.RETAIN,
    )


def check_bucket_options(
    problems: Problems, retention: Retention | None, removal_policy: RemovalPolicy | None
) -> None:
    """Note what is said about a new bucket where one is given."""
    remedy = "omit it, and set it where the given bucket is made"
    if retention is not None:
        problems.add("retention", str(retention), remedy)
    if removal_policy is not None:
        problems.add("removal_policy", removal_policy.name, remedy)
