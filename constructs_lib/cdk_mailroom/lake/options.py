"""The options of a lake that belong together, and the checks of their values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal

from aws_cdk import Duration, Size
from constructs import Construct

from cdk_mailroom import _quotas
from cdk_mailroom._checks import Problems, Retention, check_prefix, check_seconds, resolved
from cdk_mailroom.handlers import PythonHandler
from mailroom.ses import EventType

__all__ = [
    "LakeBuffer",
    "LakeFormat",
    "LakeQueries",
    "LakeStorage",
    "check_buffer",
    "check_has_no_effect",
    "check_prefixes",
    "check_queries",
    "check_transform",
    "mebibytes",
]

_MEBIBYTE = 1024 * 1024


class LakeFormat(StrEnum):
    """The format of the lake's objects."""

    PARQUET = "parquet"
    """Compressed columns: a query reads only the columns that it names."""
    JSON = "json"
    """One JSON object a line, gzip: any tool can read it, but a query reads all of it."""


@dataclass(frozen=True, kw_only=True)
class LakeBuffer:
    """How long Firehose collects events before it writes an object; the first limit counts.

    https://docs.aws.amazon.com/firehose/latest/dev/buffering.html
    """

    size: Size | None = None
    """64 to 128 MiB; 128 MiB by default."""
    interval: Duration | None = None
    """60 to 900 seconds; 300 by default."""


@dataclass(frozen=True, kw_only=True)
class LakeStorage:
    """Where the objects are, and when they move to cheaper storage."""

    prefix: str = "events/"
    """The object name prefix of events."""
    error_prefix: str = "errors/"
    """The prefix of records that could not be transformed, converted or partitioned."""
    infrequent_access_after: Duration | Literal["never"] | None = None
    """Moves events to S3 Standard-IA: 30 days or more; 90 days by default."""
    glacier_after: Duration | Literal["never"] | None = None
    """Moves events to Glacier Instant Retrieval; 365 days by default."""


@dataclass(frozen=True, kw_only=True)
class LakeQueries:
    """The names and limits of what runs queries: the Glue database and the Athena workgroup."""

    database_name: str | None = None
    """Lower-case letters, digits and underscores; made from the construct's path by default."""
    workgroup_name: str | None = None
    """1 to 128 letters, digits, ``.``, ``_`` and ``-``; made from the path by default."""
    scan_limit: Size | None = None
    """How much one query may read before Athena stops it; 100 GiB by default."""
    first_day: date | None = None
    """The first day of the table; queries find no older objects.

    By default the table goes back as far as objects are kept, or to 2026-01-01.
    """
    result_prefix: str = "results/"
    """The object name prefix of query results."""
    result_retention: Retention | None = None
    """How long query results are kept, in whole days; 7 days by default."""


def check_has_no_effect(problems: Problems, reason: str, **given: object) -> None:
    """Report each option that was given although it has no effect."""
    for argument, value in given.items():
        if value is not None:
            problems.add(argument, _readable(value), reason)


def check_buffer(problems: Problems, buffer: LakeBuffer) -> None:
    """Report what Firehose refuses where it partitions or converts."""
    _check_size(problems, "buffer.size", buffer.size, _quotas.PARTITIONED_BUFFER_MIB)
    check_seconds(problems, "buffer.interval", buffer.interval, _quotas.PARTITIONED_BUFFER_SECONDS)


def check_queries(problems: Problems, queries: LakeQueries) -> None:
    """Report what Glue and Athena refuse."""
    limit = queries.scan_limit
    if limit is not None and limit.is_unresolved():
        problems.add("queries.scan_limit", "a token", "pass a size that is known at synth")
    _check_size(problems, "queries.scan_limit", limit, _quotas.SCAN_LIMIT_MIB)
    for argument, name, pattern, allowed in (
        (
            "queries.database_name",
            queries.database_name,
            _quotas.ATHENA_NAME,
            "1 to 255 lower-case letters, digits and '_'",
        ),
        (
            "queries.workgroup_name",
            queries.workgroup_name,
            _quotas.WORKGROUP_NAME,
            "1 to 128 letters, digits, '.', '_' and '-'",
        ),
    ):
        if name is not None and resolved(name) and not re.fullmatch(pattern, name):
            problems.add(argument, name, f"use {allowed}")


def check_prefixes(problems: Problems, prefixes: dict[str, str]) -> None:
    """Report prefixes that S3 or Firehose refuses, or that contain one another."""
    for argument, prefix in prefixes.items():
        check_prefix(problems, argument, prefix)
        if not resolved(prefix):
            continue
        if not prefix.endswith("/") or "!{" in prefix or prefix == "/":
            problems.add(argument, prefix, "end it with '/', and leave out '!{…}' expressions")
        for other, value in prefixes.items():
            if other != argument and resolved(value) and value.startswith(prefix):
                problems.add(
                    other, value, f"it is below {argument} ({prefix!r}); use separate prefixes"
                )


def check_transform(problems: Problems, transform: object) -> None:
    """Report a transform whose options have no effect in a lake."""
    if transform is None:
        return
    if not isinstance(transform, PythonHandler):
        problems.add("transform", transform, "pass a PythonHandler")
        return
    transform.check_for_events(problems)
    transform.check_events(problems, "a lake", list(EventType))
    check_seconds(problems, "transform.timeout", transform.timeout, _quotas.TRANSFORMATION_SECONDS)


def mebibytes(size: Size) -> float:
    """Return *size* in MiB, with fractions."""
    return size.to_bytes() / _MEBIBYTE


def _check_size(problems: Problems, argument: str, size: Size | None, allowed: range) -> None:
    if size is None or size.is_unresolved():
        return
    value = mebibytes(size)
    if value % 1 or not allowed[0] <= value <= allowed[-1]:
        problems.add(
            argument, f"{value:g} MiB", f"pass a whole number, {allowed[0]} to {allowed[-1]} MiB"
        )


def _readable(value: object) -> object:
    if isinstance(value, Duration):
        return value.to_human_string()
    if isinstance(value, Size):
        return f"{mebibytes(value):g} MiB"
    if isinstance(value, Construct):
        return value.node.path
    return getattr(value, "handler", None) or str(value)
