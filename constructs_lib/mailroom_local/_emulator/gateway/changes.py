"""Resources are replaced, never changed: a thread may read one while a request changes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mailroom_local._emulator.gateway.store import Resource


def changed(
    resource: Resource, fields: Mapping[str, Any], private: Mapping[str, Any] | None = None
) -> Resource:
    """The resource with other fields."""
    kept = resource.private if private is None else dict(private)
    return replace(resource, fields=dict(fields), private=kept)
