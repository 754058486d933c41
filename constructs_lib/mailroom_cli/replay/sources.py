"""Where a replay takes events from: objects under a prefix, or a dead-letter queue."""

from __future__ import annotations

import base64
import gzip
import importlib.util
import io
import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from mailroom.lake import OTHER
from mailroom_cli.errors import CommandError
from mailroom_cli.replay.selection import Selection

T = TypeVar("T")

_SQS_BATCH = 10
_VISIBILITY_SECONDS = 300
_EMPTY_RECEIVES = 2
_PARTITION = re.compile(r"(?:^|/)event_type=([^/]+)/(?:.*/)?day=(\d{4}-\d{2}-\d{2})/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What a source holds: text that should be an event."""

    text: str
    """The text."""
    where: str
    """The object's key, or the message's id."""
    receipt: str | None = None
    """By what the source removes it; ``None`` if it removes nothing."""


class Source(Protocol):
    """Where events come from."""

    def items(self) -> Iterator[Item]:
        """Yield everything that is there, once."""
        ...

    def finished(self, items: Iterable[Item]) -> None:
        """Remove what has arrived at the target."""
        ...

    def close(self) -> None:
        """Release what has not arrived."""
        ...

    def done(self) -> tuple[int, int]:
        """Return how much was read, and of how much, in any unit."""
        ...


class Objects:
    """The objects under a prefix: Firehose's error records, or the lake's rows.

    Args:
        s3: A boto3 client.
        bucket: The bucket's name.
        prefix: What the keys begin with.
        lake: Whether the objects are partitions of the lake; others are left out then, and
            partitions are chosen by their keys.
        selection: Which partitions to read. Default: all.
        after: Where to resume: the last key that is done.
    """

    def __init__(
        self,
        s3: Any,
        bucket: str,
        prefix: str = "",
        *,
        lake: bool = False,
        selection: Selection | None = None,
        after: str | None = None,
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._lake = lake
        self._selection = selection or Selection()
        self._read = 0
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=prefix, **({"StartAfter": after} if after else {})
        )
        self._found = [
            (entry["Key"], int(entry["Size"]))
            for page in pages
            for entry in page.get("Contents", [])
            if entry["Size"] and self._is_selected(entry["Key"])
        ]

    def items(self) -> Iterator[Item]:
        """Yield the records of each object, in the order of the keys."""
        for key, size in self._found:
            body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            for record in _records(body, f"s3://{self._bucket}/{key}"):
                yield Item(text=_event_text(record), where=key)
            self._read += size

    def finished(self, items: Iterable[Item]) -> None:
        """Remove nothing: objects stay where they are."""

    def close(self) -> None:
        """Release nothing."""

    def done(self) -> tuple[int, int]:
        """Return how many bytes were read, and of how many."""
        return self._read, sum(size for _, size in self._found)

    def _is_selected(self, key: str) -> bool:
        if not self._lake:
            return True
        found = _PARTITION.search(key)
        if found is None:
            return False
        kind, day = found.groups()
        # What is in `other` has its type inside.
        return (kind == OTHER or self._selection.has_type(kind)) and self._selection.has_day(day)


class Queue:
    """A dead-letter queue: what arrived is deleted, everything else becomes visible again.

    Args:
        sqs: A boto3 client.
        url: The queue's URL.
    """

    def __init__(self, sqs: Any, url: str) -> None:
        self.url = url
        self._sqs = sqs
        self._open: dict[str, str] = {}
        self._read = 0
        attributes = sqs.get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
        )["Attributes"]
        self._total = int(attributes["ApproximateNumberOfMessages"])

    def items(self) -> Iterator[Item]:
        """Yield every message once; end when nothing new comes."""
        seen: set[str] = set()
        empty = again = 0
        # SQS may return nothing although there is something, and return again what took longer
        # than it was hidden for.
        while empty < _EMPTY_RECEIVES and again <= len(seen):
            found = self._sqs.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=_SQS_BATCH,
                VisibilityTimeout=_VISIBILITY_SECONDS,
                WaitTimeSeconds=1 if empty else 0,
            ).get("Messages", [])
            new = [message for message in found if message["MessageId"] not in seen]
            empty = 0 if found else empty + 1
            again = 0 if new else again + len(found)
            for message in found:
                self._open[message["MessageId"]] = message["ReceiptHandle"]
            for message in new:
                seen.add(message["MessageId"])
                self._read += 1
                name = message["MessageId"]
                yield Item(text=message["Body"], where=name, receipt=name)

    def finished(self, items: Iterable[Item]) -> None:
        """Delete the messages; one that cannot be deleted is only sent again one day."""
        handles = [
            (item.receipt, self._open[item.receipt])
            for item in items
            if item.receipt is not None and item.receipt in self._open
        ]
        for batch in _batches(handles):
            answer = self._sqs.delete_message_batch(
                QueueUrl=self.url,
                Entries=[
                    {"Id": str(place), "ReceiptHandle": handle}
                    for place, (_, handle) in enumerate(batch)
                ],
            )
            for entry in answer.get("Successful", []):
                del self._open[batch[int(entry["Id"])][0]]

    def close(self) -> None:
        """Make what is left visible at once."""
        for batch in _batches(list(self._open.values())):
            self._sqs.change_message_visibility_batch(
                QueueUrl=self.url,
                Entries=[
                    {"Id": str(place), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                    for place, handle in enumerate(batch)
                ],
            )
        self._open.clear()

    def done(self) -> tuple[int, int]:
        """Return how many messages were read, and of how many."""
        return self._read, max(self._read, self._total)


def _records(body: bytes, where: str) -> Iterator[str | dict[str, Any]]:
    if body[:2] == b"\x1f\x8b":
        body = gzip.decompress(body)
    if body[:4] == b"PAR1":
        yield from _parquet(body, where)
        return
    for line in io.BytesIO(body):
        text = line.decode("utf-8", "replace").strip()
        if text:
            yield text


def _parquet(body: bytes, where: str) -> Iterator[dict[str, Any]]:
    if importlib.util.find_spec("duckdb"):
        import duckdb

        with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
            file.write(body)
            file.flush()
            with duckdb.connect() as connection:
                found = connection.execute("SELECT raw FROM read_parquet(?)", [file.name])
                yield from ({"raw": raw} for (raw,) in found.fetchall())
    elif importlib.util.find_spec("pyarrow"):
        # Imported by name: where types are checked it is not installed.
        table = importlib.import_module("pyarrow.parquet").read_table(
            io.BytesIO(body), columns=["raw"]
        )
        yield from ({"raw": raw} for raw in table.column("raw").to_pylist())
    else:
        raise CommandError(
            f"{where} is Parquet, and neither duckdb nor pyarrow is installed",
            remedy="pip install 'cdk-mailroom[lake]'",
        )


def _event_text(record: str | dict[str, Any]) -> str:
    """Return the event inside of a record, if it can be found, or the record itself."""
    document: Any = record
    text = record if isinstance(record, str) else json.dumps(record)
    if isinstance(record, str):
        try:
            document = json.loads(record)
        except ValueError:
            return record
    if isinstance(document, dict) and "rawData" in document:
        # Firehose's own record about a record that it could not deliver.
        try:
            text = base64.b64decode(document["rawData"]).decode()
            document = json.loads(text)
        except (TypeError, ValueError):
            return str(document["rawData"])
    # A row of the lake. Firehose keeps one if only its conversion to Parquet failed.
    if isinstance(document, dict) and "raw" in document:
        raw = document["raw"]
        return raw if isinstance(raw, str) else ""
    return text


def _batches(found: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(found), _SQS_BATCH):
        yield found[start : start + _SQS_BATCH]
