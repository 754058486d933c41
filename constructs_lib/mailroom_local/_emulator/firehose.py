"""Firehose: buffers, failures that are kept, and one object for many records.

ministack delivers each record by itself and drops what a transformation fails; if a function is
broken, it delivers the records untransformed.
"""

from __future__ import annotations

import json
import logging
import tempfile
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mailroom_local._emulator import duck, internals
from mailroom_local._emulator.policies import Service
from mailroom_local.lake import firehose as lake
from mailroom_local.lake.firehose import Failure, Processor, Record

_log = logging.getLogger("mailroom")

# Minutes on AWS; here just long enough that a burst of records becomes one object.
BUFFER_SECONDS = 0.25

_PRINCIPAL = "firehose.amazonaws.com"


@dataclass(slots=True)
class _Buffer:
    """The records that a destination has not delivered yet."""

    records: list[Record] = field(default_factory=list)
    # One delivery at a time keeps objects in the order of their records.
    delivering: threading.Lock = field(default_factory=threading.Lock)


_buffers: dict[tuple[str, str], _Buffer] = {}
_lock = threading.Lock()


def deliver_records(
    stream: Mapping[str, Any], destination: Mapping[str, Any], records: Sequence[tuple[str, bytes]]
) -> None:
    """Buffer records for S3; a thread delivers them soon."""
    arrived = _now()
    with _lock:
        buffer = _buffers.setdefault((stream["arn"], destination["id"]), _Buffer())
        begin = not buffer.records
        buffer.records += [
            Record(id=name, data=data, original=data, arrived=arrived) for name, data in records
        ]
    if begin:
        # The context holds the request's account and region.
        context = copy_context()
        timer = threading.Timer(BUFFER_SECONDS, _run, (context, stream, destination, buffer))
        timer.daemon = True
        timer.start()


def reset() -> None:
    """Drop what has not been delivered."""
    with _lock:
        _buffers.clear()


def _run(
    context: Context, stream: Mapping[str, Any], destination: Mapping[str, Any], buffer: _Buffer
) -> None:
    with buffer.delivering:
        with _lock:
            records, buffer.records = buffer.records, []
        try:
            context.run(_Delivery(stream, destination).deliver, records)
        except Exception:
            _log.exception("%s lost %d records", stream["name"], len(records))


class _Delivery:
    """One delivery of a stream to its S3 destination."""

    def __init__(self, stream: Mapping[str, Any], destination: Mapping[str, Any]) -> None:
        self._stream = stream
        self._destination: Mapping[str, Any] = destination["config"]
        self._bucket = internals.firehose.s3_bucket_from_arn(self._destination["BucketARN"])
        self._role = str(self._destination.get("RoleARN", ""))
        self._time = internals.firehose.arrival_time(self._destination)

    def deliver(self, records: list[Record]) -> None:
        """Transform, partition, convert and write records; failures go to the error prefix."""
        failures: list[Failure] = []
        for processor in lake.processors(self._destination):
            good: list[Record] = []
            for batch in lake.batches(records, processor.buffer_bytes):
                passed, failed = self._transform(processor, batch)
                good += passed
                failures += failed
            records = good
        groups: dict[str, list[Record]] = defaultdict(list)
        for record in records:
            try:
                groups[self._prefix(record)].append(record)
            except internals.firehose.DeliveryError as error:
                failures += _refused(record, error)
        for prefix, members in groups.items():
            failures += self._write_group(prefix, members)
        self._write_failures(failures)

    def _transform(
        self, processor: Processor, batch: list[Record]
    ) -> tuple[list[Record], list[Failure]]:
        if not self._may("lambda:InvokeFunction", processor.arn):
            message = f"{self._role} may not invoke {processor.arn}."
            return [], lake.failed(batch, "Lambda.InvokeAccessDenied", message)
        try:
            name, qualifier = internals.functions.resolve_name_and_qualifier(processor.arn)
            function, _ = internals.functions.get_func_record_for_qualifier(name, qualifier)
        except Exception:  # ministack does not document what it raises
            function = None
        if function is None:
            return [], lake.failed(
                batch, "Lambda.FunctionNotFound", f"No function {processor.arn}."
            )
        event = lake.question(
            batch,
            stream_arn=self._stream["arn"],
            region=internals.responses.get_region(),
            id=str(uuid.uuid4()),
        )
        attempts = processor.retries + 1
        for _ in range(attempts):
            result = internals.functions.execute_function(function, event)
            body = result.get("body")
            if not result.get("error"):
                answer = json.loads(body) if isinstance(body, (str, bytes)) else body
                return lake.answered(batch, answer)
        return [], lake.failed(
            batch, "Lambda.FunctionError", f"The function failed: {body}", attempts=attempts
        )

    def _prefix(self, record: Record) -> str:
        partitioning = self._destination.get("DynamicPartitioningConfiguration") or {}
        queried = None
        if str(partitioning.get("Enabled")).lower() == "true":
            queried = internals.firehose.metadata_extraction_keys(self._destination, record.data)
        prefix: str = internals.firehose.evaluate_prefix(
            self._destination.get("Prefix", ""), self._time, queried, record.keys
        )
        return prefix

    def _write_group(self, prefix: str, records: list[Record]) -> list[Failure]:
        conversion = self._destination.get("DataFormatConversionConfiguration") or {}
        if str(conversion.get("Enabled", bool(conversion))).lower() != "true":
            body, extension = lake.packed(
                b"".join(record.data for record in records), self._destination
            )
            self._put(f"{prefix}{self._name()}{extension}", body)
            return []
        if not duck.is_here():
            kind = lake.FORMAT_CONVERSION_FAILED
            return lake.failed(records, "DataFormatConversion.NoDuckDB", duck.MISSING, kind=kind)
        failures: list[Failure] = []
        try:
            body = _parquet(conversion, records)
        except Exception:  # one at a time shows which record it was
            good = []
            for record in records:
                try:
                    internals.firehose.convert_to_parquet(conversion, record.data)
                except internals.firehose.DeliveryError as error:
                    failures += _refused(record, error)
                else:
                    good.append(record)
            if not good:
                return failures
            body = _parquet(conversion, good)
        extension = self._destination.get("FileExtension") or ".parquet"
        self._put(f"{prefix}{self._name()}{extension}", body)
        return failures

    def _write_failures(self, failures: Sequence[Failure]) -> None:
        by_kind: dict[str, list[Failure]] = defaultdict(list)
        for failure in failures:
            by_kind[failure.kind].append(failure)
            _log.warning("%s: %s: %s", self._stream["name"], failure.code, failure.message)
        for kind, members in by_kind.items():
            lines = [lake.error_line(each, now=_now(), more=self._about(kind)) for each in members]
            given = self._destination.get("ErrorOutputPrefix")
            prefix = internals.firehose.evaluate_prefix(
                given or f"{kind}/", self._time, error_type=kind
            )
            self._put(f"{prefix}{self._name()}", b"".join(lines))

    def _about(self, kind: str) -> dict[str, Any]:
        if kind == lake.FORMAT_CONVERSION_FAILED:
            conversion = self._destination.get("DataFormatConversionConfiguration") or {}
            schema = conversion.get("SchemaConfiguration") or {}
            return {
                "dataCatalogTable": {
                    "databaseName": schema.get("DatabaseName"),
                    "tableName": schema.get("TableName"),
                }
            }
        arns = [processor.arn for processor in lake.processors(self._destination)]
        return {"lambdaArn": arns[0]} if arns else {}

    def _name(self) -> str:
        at = time.strftime("%Y-%m-%d-%H-%M-%S", self._time)
        return f"{self._stream['name']}-{self._stream.get('version', 1)}-{at}-{uuid.uuid4()}"

    def _put(self, key: str, body: bytes) -> None:
        if self._bucket not in internals.s3.buckets:
            raise RuntimeError(f"there is no bucket {self._bucket}")
        if not self._may("s3:PutObject", f"arn:aws:s3:::{self._bucket}/{key}"):
            raise RuntimeError(f"{self._role} may not write to s3://{self._bucket}/{key}")
        internals.firehose.put_s3_object(self._bucket, key, body)

    def _may(self, action: str, resource: str) -> bool:
        """Whether the stream's role allows it, if Firehose may assume that at all."""
        if not internals.app.AUTH:
            return True
        account = internals.responses.get_account_id()
        service = Service(_PRINCIPAL, self._stream["arn"], **{"sts:externalid": account})
        return service.may_as(self._role, action, resource)


def _parquet(conversion: Mapping[str, Any], records: Sequence[Record]) -> bytes:
    """All records as one Parquet object with the columns of the Glue table."""
    schema = conversion.get("SchemaConfiguration") or {}
    table = internals.glue.tables[f"{schema['DatabaseName']}/{schema['TableName']}"]
    columns = {
        column["Name"]: internals.firehose.hive_to_duckdb_type(column["Type"])
        for column in table["StorageDescriptor"]["Columns"]
    }
    serializer = conversion["OutputFormatConfiguration"]["Serializer"]["ParquetSerDe"] or {}
    compression = serializer.get("Compression", "SNAPPY").lower()
    documents = [
        {name.lower(): value for name, value in document.items()}
        for record in records
        for document in internals.firehose.json_documents(record.data)
    ]
    with tempfile.TemporaryDirectory() as folder, duck.connect() as connection:
        source, target = Path(folder, "rows.json"), Path(folder, "rows.parquet")
        source.write_text("".join(json.dumps(each) + "\n" for each in documents), "utf-8")
        declared = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
        connection.execute(
            f"COPY (SELECT * FROM read_json('{source}', format = 'newline_delimited', "  # noqa: S608  # our own names
            f"maximum_object_size = 67108864, columns = {{{declared}}})) "
            f"TO '{target}' (FORMAT parquet, COMPRESSION {compression})"
        )
        return target.read_bytes()


def _refused(record: Record, error: Any) -> list[Failure]:
    code = error.code or "DynamicPartitioning.MetadataExtractionFailed"
    return lake.failed([record], code, error.message, kind=error.output_type)


def _now() -> int:
    return int(time.time() * 1000)
