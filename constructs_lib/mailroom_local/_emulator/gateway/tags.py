"""Tags of all resources.

https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_TagResource.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from mailroom_local._emulator.gateway.model import Refused
from mailroom_local._emulator.gateway.removal import resource_of

QUOTA = 200


def put(arn: str, tags: Mapping[str, str]) -> None:
    """Give a resource these tags and no others."""
    if len(tags) > QUOTA:
        raise Refused("ServiceQuotaExceededException", f"A resource may have {QUOTA} tags.")
    table, found = resource_of(arn)
    table.put(replace(found, tags=dict(tags)))


def as_map(listed: Any) -> dict[str, str]:
    """Tags by key."""
    return {tag["Key"]: tag["Value"] for tag in listed or ()}


def _tag(given: Mapping[str, Any]) -> dict[str, Any]:
    _, found = resource_of(given["ResourceArn"])
    put(found.arn, {**found.tags, **as_map(given["Tags"])})
    return {}


def _untag(given: Mapping[str, Any]) -> dict[str, Any]:
    _, found = resource_of(given["ResourceArn"])
    removed = set(given["TagKeys"])
    put(found.arn, {key: value for key, value in found.tags.items() if key not in removed})
    return {}


def _list(given: Mapping[str, Any]) -> dict[str, Any]:
    _, found = resource_of(given["ResourceArn"])
    return {"Tags": [{"Key": key, "Value": value} for key, value in found.tags.items()]}


OPERATIONS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "ListTagsForResource": _list,
    "TagResource": _tag,
    "UntagResource": _untag,
}
