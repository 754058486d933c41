"""Actions of receipt rules, and what they store."""

from __future__ import annotations

from typing import Any

from conformance.place import Place

SETUP = "AMAZON_SES_SETUP_NOTIFICATION"


def store(bucket: str, prefix: str = "") -> dict[str, Any]:
    """Store the mail in a bucket."""
    return {"S3Action": {"BucketName": bucket} | ({"ObjectKeyPrefix": prefix} if prefix else {})}


def invoke(arn: str, kind: str = "RequestResponse") -> dict[str, Any]:
    """Call a function."""
    return {"LambdaAction": {"FunctionArn": arn, "InvocationType": kind}}


def add_header() -> dict[str, Any]:
    """Add a header field, which leads to nothing."""
    return {"AddHeaderAction": {"HeaderName": "X-A", "HeaderValue": "a"}}


def stored(place: Place, bucket: str) -> list[str]:
    """The keys of the mails in a bucket."""
    return [key for key in place.keys(bucket) if not key.endswith(SETUP)]


def received(place: Place, bucket: str) -> bytes:
    """The one mail of a bucket.

    Raises:
        RuntimeError: There is none after a minute, or more than one.
    """
    keys = place.until(lambda: stored(place, bucket))
    if len(keys) != 1:
        raise RuntimeError(f"{len(keys)} mails were stored within a minute, not one")
    return place.read(bucket, keys[0])
