"""How Firehose decides: which records go on to S3, which failed, and how both are written.

https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PROCESSING_FAILED = "processing-failed"
FORMAT_CONVERSION_FAILED = "format-conversion-failed"

_LAMBDA_BUFFER_BYTES = 1024 * 1024
_LAMBDA_RETRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record on its way to S3, and its original data."""

    id: str
    data: bytes
    original: bytes
    arrived: int
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A record that goes to the error prefix, and why."""

    record: Record
    kind: str
    code: str
    message: str
    attempts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """A transformation function, and the stream's settings for it."""

    arn: str
    buffer_bytes: int = _LAMBDA_BUFFER_BYTES
    retries: int = _LAMBDA_RETRIES


def processors(destination: Mapping[str, Any]) -> list[Processor]:
    """The Lambda processors of a destination, in order."""
    configuration = destination.get("ProcessingConfiguration") or {}
    found = []
    # CloudFormation passes booleans as text.
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
    """The records in batches of at most so many bytes, but at least one record."""
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
    """The records that a transformation function passed on, and its failures."""
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
                bad += failed([record], "Lambda.JsonProcessingException", "data is not base64.")
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
    """The line for a failed record at the error prefix."""
    conversion = failure.kind == FORMAT_CONVERSION_FAILED
    names = ("lastErrorCode", "lastErrorMessage") if conversion else ("errorCode", "errorMessage")
    # A failed transformation keeps the original record, a failed conversion its input.
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
    """An object's bytes and the extension of its name, by the destination's compression."""
    extension = destination.get("FileExtension") or ""
    if destination.get("CompressionFormat") == "GZIP":
        return gzip.compress(data, mtime=0), extension or ".gz"
    return data, extension
