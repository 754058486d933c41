"""The lake's bucket: how long objects are kept, and in which storage class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk_mailroom import _quotas
from cdk_mailroom._checks import Problems, Retention
from cdk_mailroom.lake.options import LakeQueries, LakeStorage

__all__ = ["Lifecycle", "lifecycle_of", "make_bucket"]

_RETENTION_DAYS: Final = 730
_RESULT_DAYS: Final = 7
_INFREQUENT_ACCESS_DAYS: Final = 90
_GLACIER_DAYS: Final = 365


@dataclass(frozen=True, kw_only=True)
class Lifecycle:
    """After how many days objects move and expire; ``None`` means never."""

    infrequent_access: int | None
    glacier: int | None
    expire: int | None
    expire_results: int | None


def lifecycle_of(
    problems: Problems,
    retention: Retention | None,
    storage: LakeStorage,
    queries: LakeQueries,
) -> Lifecycle:
    """Return the lifecycle, and report what S3 would refuse or never do."""
    access = _days(
        problems,
        "storage.infrequent_access_after",
        storage.infrequent_access_after,
        _INFREQUENT_ACCESS_DAYS,
        never="never",
    )
    glacier = _days(
        problems, "storage.glacier_after", storage.glacier_after, _GLACIER_DAYS, never="never"
    )
    expire = _days(problems, "retention", retention, _RETENTION_DAYS)
    results = _days(problems, "queries.result_retention", queries.result_retention, _RESULT_DAYS)
    least = _quotas.INFREQUENT_ACCESS_DAYS
    if storage.infrequent_access_after is not None and access is not None and access < least:
        problems.add(
            "storage.infrequent_access_after",
            f"{access} d",
            f"S3 moves objects after {least} days or more: pass at least that, or 'never'",
        )
    if storage.glacier_after is None and glacier and expire and expire <= glacier:
        glacier = None
    if storage.infrequent_access_after is None and access:
        later = min((days for days in (glacier, expire) if days), default=None)
        # S3 bills the first class for thirty days in any case.
        if later is not None and later < access + least:
            access = None
    if access and glacier and glacier < access + least:
        problems.add(
            "storage.glacier_after",
            f"{glacier} d",
            f"pass at least {least} days more than infrequent_access_after ({access} d): S3 bills "
            "that time in any case",
        )
    for argument, days in (
        ("storage.infrequent_access_after", access),
        ("storage.glacier_after", glacier),
    ):
        if expire and days and days >= expire:
            problems.add(
                argument,
                f"{days} d",
                f"it has no effect: objects expire after {expire} d; pass less, or 'never'",
            )
    return Lifecycle(
        infrequent_access=access, glacier=glacier, expire=expire, expire_results=results
    )


def make_bucket(
    scope: Construct,
    *,
    key: kms.IKey | None,
    lifecycle: Lifecycle,
    storage: LakeStorage,
    queries: LakeQueries,
) -> s3.Bucket:
    """Return an encrypted private bucket that is kept if the stack is deleted."""
    return s3.Bucket(
        scope,
        "Bucket",
        encryption=s3.BucketEncryption.S3_MANAGED if key is None else s3.BucketEncryption.KMS,
        encryption_key=key,
        # One call to KMS for many objects instead of one for each.
        bucket_key_enabled=None if key is None else True,
        enforce_ssl=True,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        removal_policy=RemovalPolicy.RETAIN,
        lifecycle_rules=_rules(lifecycle, storage, queries),
    )


def _rules(
    lifecycle: Lifecycle, storage: LakeStorage, queries: LakeQueries
) -> list[s3.LifecycleRule]:
    rules = [
        s3.LifecycleRule(id="unfinished", abort_incomplete_multipart_upload_after=Duration.days(7))
    ]
    transitions = [
        s3.Transition(storage_class=storage_class, transition_after=Duration.days(days))
        for storage_class, days in (
            (s3.StorageClass.INFREQUENT_ACCESS, lifecycle.infrequent_access),
            (s3.StorageClass.GLACIER_INSTANT_RETRIEVAL, lifecycle.glacier),
        )
        if days
    ]
    expiration = Duration.days(lifecycle.expire) if lifecycle.expire else None
    if transitions or expiration:
        rules.append(
            s3.LifecycleRule(
                id="events", prefix=storage.prefix, transitions=transitions, expiration=expiration
            )
        )
    if expiration:
        rules.append(
            s3.LifecycleRule(id="errors", prefix=storage.error_prefix, expiration=expiration)
        )
    if lifecycle.expire_results:
        rules.append(
            s3.LifecycleRule(
                id="results",
                prefix=queries.result_prefix,
                expiration=Duration.days(lifecycle.expire_results),
            )
        )
    return rules


def _days(
    problems: Problems,
    argument: str,
    value: Duration | str | None,
    default: int,
    *,
    never: str = "forever",
) -> int | None:
    if value is None:
        return default
    if isinstance(value, str):
        if value != never:
            problems.add(argument, value, f"pass a Duration of whole days, or {never!r}")
        return None
    if value.is_unresolved():
        problems.add(argument, "a token", "pass a duration that is known at synth")
        return default
    days = value.to_days(integral=False)
    if days % 1 or days < 1:
        problems.add(argument, f"{days:g} days", f"pass whole days, at least one, or {never!r}")
        return None
    return int(days)
