"""What Firehose and Athena decide: pure functions of records, tables and text.

https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html,
https://docs.aws.amazon.com/athena/latest/ug/partition-projection.html
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import unquote

PROCESSING_FAILED = "processing-failed"
FORMAT_CONVERSION_FAILED = "format-conversion-failed"

_LAMBDA_BUFFER_BYTES = 1024 * 1024
_LAMBDA_RETRIES = 3

# What Trino has and DuckDB calls something else.
MACROS = (
    "approx_distinct(value) AS approx_count_distinct(value)",
    "approx_percentile(value, part) AS approx_quantile(value, part)",
    "arbitrary(value) AS any_value(value)",
    "array_join(list, delimiter) AS array_to_string(list, delimiter)",
    "element_at(container, key) AS container[key]",
    "from_iso8601_timestamp(text) AS CAST(text AS TIMESTAMPTZ)",
    "from_unixtime(seconds) AS to_timestamp(seconds)",
    "json_extract_scalar(document, path) AS json_extract_string(document, path)",
    "map_agg(key, value) AS map(list(key), list(value))",
    "regexp_like(text, pattern) AS regexp_matches(text, pattern)",
    "to_unixtime(moment) AS epoch(moment)",
)


# --- Firehose ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record on its way to S3, and as it was put."""

    id: str
    data: bytes
    original: bytes
    arrived: int
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A record that goes below the error prefix, and why."""

    record: Record
    kind: str
    code: str
    message: str
    attempts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """A transformation function, and how a stream calls it."""

    arn: str
    buffer_bytes: int = _LAMBDA_BUFFER_BYTES
    retries: int = _LAMBDA_RETRIES


def processors(destination: Mapping[str, Any]) -> list[Processor]:
    """The Lambda processors of a destination, in order."""
    configuration = destination.get("ProcessingConfiguration") or {}
    found = []
    # CloudFormation hands booleans on as text.
    if str(configuration.get("Enabled")).lower() == "true":
        for processor in configuration.get("Processors") or []:
            given = {
                each["ParameterName"]: str(each["ParameterValue"])
                for each in processor.get("Parameters") or []
            }
            if processor.get("Type") == "Lambda":
                megabytes = float(given.get("BufferSizeInMBs", 1))
                retries = int(given.get("NumberOfRetries", _LAMBDA_RETRIES))
                size = int(megabytes * 1024 * 1024)
                found.append(Processor(arn=given["LambdaArn"], buffer_bytes=size, retries=retries))
    return found


def batches(records: Sequence[Record], size: int) -> list[list[Record]]:
    """The records in calls of at most so many bytes, though never less than one."""
    found: list[list[Record]] = []
    room = 0
    for record in records:
        room -= len(record.data)
        if not found or room < 0:
            found.append([])
            room = size - len(record.data)
        found[-1].append(record)
    return found


def question(records: Sequence[Record], *, stream_arn: str, region: str, id: str) -> dict[str, Any]:  # noqa: A002
    """The event that a transformation function gets."""
    return {
        "invocationId": id,
        "deliveryStreamArn": stream_arn,
        "region": region,
        "records": [
            {
                "recordId": record.id,
                "approximateArrivalTimestamp": record.arrived,
                "data": base64.b64encode(record.data).decode(),
            }
            for record in records
        ],
    }


def answered(records: Sequence[Record], answer: object) -> tuple[list[Record], list[Failure]]:
    """What goes on, and what failed, by the answer of a transformation function."""
    listed = answer.get("records") if isinstance(answer, Mapping) else None
    if not isinstance(listed, list):
        return [], failed(records, "Lambda.FunctionError", "The answer has no list 'records'.")
    by_id = {each.get("recordId"): each for each in listed if isinstance(each, Mapping)}
    good, bad = [], []
    for record in records:
        found = by_id.get(record.id)
        if found is None:
            bad += failed([record], "Lambda.MissingRecordId", "The answer lacks the record.")
        elif found.get("result") == "Ok":
            try:
                data = base64.b64decode(found.get("data") or "", validate=True)
            except (ValueError, TypeError):
                bad += failed([record], "Lambda.JsonProcessingException", "data is no base64.")
                continue
            keys = (found.get("metadata") or {}).get("partitionKeys") or {}
            good.append(
                Record(
                    id=record.id,
                    data=data,
                    original=record.original,
                    arrived=record.arrived,
                    keys={**record.keys, **{str(key): str(keys[key]) for key in keys}},
                )
            )
        elif found.get("result") != "Dropped":
            bad += failed(
                [record],
                "Lambda.ProcessingFailedStatus",
                "The Lambda function successfully processed the record, and answered "
                f"{found.get('result')}.",
            )
    return good, bad


def failed(
    records: Iterable[Record],
    code: str,
    message: str,
    *,
    kind: str = PROCESSING_FAILED,
    attempts: int = 1,
) -> list[Failure]:
    """The same failure of several records."""
    return [
        Failure(record=record, kind=kind, code=code, message=message, attempts=attempts)
        for record in records
    ]


def error_line(failure: Failure, *, now: int, more: Mapping[str, Any]) -> bytes:
    """The line that stands for a record below the error prefix."""
    conversion = failure.kind == FORMAT_CONVERSION_FAILED
    names = ("lastErrorCode", "lastErrorMessage") if conversion else ("errorCode", "errorMessage")
    # A failed transformation keeps the record as it was put, a conversion what it was to convert.
    data = failure.record.data if conversion else failure.record.original
    document = {
        "attemptsMade": failure.attempts,
        "arrivalTimestamp": failure.record.arrived,
        names[0]: failure.code,
        names[1]: failure.message,
        "attemptEndingTimestamp": now,
        "rawData": base64.b64encode(data).decode(),
        **more,
    }
    return json.dumps(document).encode() + b"\n"


def packed(data: bytes, destination: Mapping[str, Any]) -> tuple[bytes, str]:
    """An object's bytes and the end of its name, by the destination's compression."""
    extension = destination.get("FileExtension") or ""
    if destination.get("CompressionFormat") == "GZIP":
        return gzip.compress(data, mtime=0), extension or ".gz"
    return data, extension


# --- Athena ------------------------------------------------------------------------------------


class Projection:
    """The partitions that a table has without anyone's adding them.

    An object that lies in none of them is not in the table.
    """

    def __init__(self, table: Mapping[str, Any], *, today: date) -> None:
        parameters = {
            str(name).lower(): str(value) for name, value in (table.get("Parameters") or {}).items()
        }
        self.enabled = parameters.get("projection.enabled", "").lower() == "true"
        self._keys = [str(key["Name"]) for key in table.get("PartitionKeys") or []]
        location = str(table["StorageDescriptor"]["Location"]).rstrip("/") + "/"
        template = parameters.get("storage.location.template") or location + "".join(
            f"{key}=${{{key}}}/" for key in self._keys
        )
        self._pattern = re.compile(_as_pattern(template.rstrip("/") + "/") if self.enabled else "")
        self._parameters = parameters
        self._today = today

    def partition(self, uri: str) -> dict[str, str] | None:
        """The partition values of an object, None if no partition has it."""
        found = self._pattern.match(uri)
        if found is None:
            return None
        values = {name: unquote(value) for name, value in found.groupdict().items()}
        return (
            values if all(self._projects(key, values.get(key, "")) for key in self._keys) else None
        )

    def _projects(self, key: str, value: str) -> bool:
        def setting(name: str) -> str:
            return self._parameters.get(f"projection.{key}.{name}".lower(), "")

        kind = setting("type").lower()
        if kind == "enum":
            return value in [each.strip() for each in setting("values").split(",")]
        if kind == "integer":
            first, _, last = setting("range").partition(",")
            return value.lstrip("-").isdigit() and int(first) <= int(value) <= int(last)
        if kind == "date":
            return self._in_range(value, setting("range"), setting("format"))
        return kind == "injected"

    def _in_range(self, value: str, allowed: str, pattern: str) -> bool:
        layout = _strptime(pattern)
        try:
            day = datetime.strptime(value, layout).date()  # a partition has no zone
            first, last = (self._limit(each.strip(), layout) for each in allowed.split(","))
        except ValueError:
            return False
        return first <= day <= last

    def _limit(self, text: str, layout: str) -> date:
        relative = re.fullmatch(r"NOW(?:([+-]\d+)(DAY|WEEK|MONTH|YEAR)S?)?", text, re.IGNORECASE)
        if relative is None:
            return datetime.strptime(text, layout).date()
        unit = {"DAY": 1, "WEEK": 7, "MONTH": 31, "YEAR": 366}[(relative[2] or "DAY").upper()]
        return self._today + timedelta(days=int(relative[1] or 0) * unit)


def _as_pattern(template: str) -> str:
    parts = re.split(r"\$\{(\w+)\}", template)
    return "".join(
        f"(?P<{part.lower()}>[^/]+)" if number % 2 else re.escape(part)
        for number, part in enumerate(parts)
    )


def _strptime(pattern: str) -> str:
    for java, python in (("yyyy", "%Y"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H"), ("'", "")):
        pattern = pattern.replace(java, python)
    return pattern


def with_parameters(sql: str, values: Sequence[str]) -> str:
    """The statement with its execution parameters in the place of question marks.

    Raises ValueError if there are more or fewer.
    """
    waiting = list(values)
    pieces = []
    for piece in re.findall(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|.", sql, re.DOTALL):
        if piece == "?":
            if not waiting:
                raise ValueError("more question marks than execution parameters")
            piece = waiting.pop(0)
        pieces.append(piece)
    if waiting:
        raise ValueError("more execution parameters than question marks")
    return "".join(pieces)


_VIEW = re.compile(
    r"(?:\s|--[^\n]*\n)*CREATE\s+(?P<replace>OR\s+REPLACE\s+)?VIEW\s+"
    r"(?:\"?(?P<database>\w+)\"?\.)?\"?(?P<name>\w+)\"?\s+AS\s+(?P<query>.*?);?\s*",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewView:
    """A view that a statement makes."""

    database: str | None
    name: str
    query: str
    replace: bool


def new_view(sql: str) -> NewView | None:
    """The view, if that is what the statement makes."""
    found = _VIEW.fullmatch(sql)
    if found is None:
        return None
    database = found["database"]
    return NewView(
        database=database.lower() if database else None,
        name=found["name"].lower(),
        query=found["query"],
        replace=bool(found["replace"]),
    )


def view_text(query: str) -> str:
    """A view's query as Athena keeps it in Glue."""
    document = json.dumps({"originalSql": query})
    return f"/* Presto View: {base64.b64encode(document.encode()).decode()} */"


def view_query(table: Mapping[str, Any]) -> str | None:
    """The query of a table that is a view."""
    found = re.fullmatch(
        r"/\* Presto View: (\S+) \*/", str(table.get("ViewOriginalText") or "").strip()
    )
    if found is None:
        return None
    return str(json.loads(base64.b64decode(found[1]))["originalSql"])


def shown(value: Any) -> Any:
    """A value as Athena writes it into a result."""
    if isinstance(value, list):
        return "[" + ", ".join("null" if each is None else str(shown(each)) for each in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}={shown(each)}" for key, each in value.items()) + "}"
    return value


def today() -> date:
    """The day that `NOW` means in a projection."""
    return datetime.now(UTC).date()
