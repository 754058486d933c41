"""Send events once more: from a dead-letter queue, the lake, or the lake's error prefix.

Nothing is taken away before it has arrived: a queue's message is deleted only after its event was
accepted. Handlers take the same event twice without harm, so repeating a replay is always safe;
for objects, a token says where to go on.
"""

from __future__ import annotations

import base64
import gzip
import importlib.util
import io
import json
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, TextIO

from botocore.exceptions import ClientError, HTTPClientError

from mailroom.errors import MissingField
from mailroom.events import SendingEvent, records
from mailroom.lake import PSEUDONYMISED
from mailroom_local.errors import MailroomError
from mailroom_local.terminal import say

Sleep = Callable[[float], None]
Clock = Callable[[], float]

_ATTEMPTS = 5
_BACKOFF_SECONDS = 0.2
_BATCH = 10
# A whole batch's limit in the SQS of old; today's is larger, and emulators differ.
_BATCH_BYTES = 262_144
_VISIBILITY_SECONDS = 300
_EMPTY_RECEIVES = 2
_REFRESH_SECONDS = 0.1
_PLAIN_SECONDS = 5.0
_BAR = 24

UNKNOWN = "unknown"
"""The day of an event that does not tell its time."""

_TRANSIENT = ("Throttl", "TooManyRequests", "ServiceUnavailable", "InternalError", "SlowDown")
_PARTITION = re.compile(r"(?:^|/)event_type=([^/]+)/(?:.*/)?day=(\d{4}-\d{2}-\d{2})/")


def slug(kind: str) -> str:
    """A type in the lake's spelling: ``Rendering Failure`` is ``rendering_failure``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind)
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_") or "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which events are meant: of these types, and of the days from one to another, in UTC."""

    types: frozenset[str] = frozenset()
    first: str | None = None
    last: str | None = None

    def kind(self, kind: str) -> bool:
        """Whether events of a type may be meant."""
        return not self.types or kind in self.types

    def day(self, day: str) -> bool:
        """Whether events of a day are meant."""
        if day == UNKNOWN:
            return not (self.first or self.last)
        return (not self.first or day >= self.first) and (not self.last or day <= self.last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What a source holds: text that should be an event, and where it is."""

    text: str
    where: str
    receipt: str | None = None
    pseudonymised: bool = False


class Source(Protocol):
    """Where events come from."""

    def items(self) -> Iterator[Item]:
        """Everything that is there, once."""
        ...

    def finished(self, items: Iterable[Item]) -> None:
        """These arrived."""
        ...

    def close(self) -> None:
        """Leave what did not arrive as it was."""
        ...

    def done(self) -> tuple[int, int]:
        """How much of how much was read, in the same unit, whatever it is."""
        ...


class Target(Protocol):
    """Where events go to."""

    def send(self, texts: list[str]) -> list[str | None]:
        """Send once; for each text ``None``, or why it was not taken."""
        ...


# Sources


class Objects:
    """The objects under a prefix: the lake's error records, or the lake's rows."""

    def __init__(
        self,
        s3: Any,
        bucket: str,
        prefix: str = "",
        *,
        lake: bool = False,
        choice: Choice | None = None,
        after: str | None = None,
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._lake = lake
        self._choice = choice or Choice()
        self._read = 0
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=prefix, **({"StartAfter": after} if after else {})
        )
        self._found = [
            (entry["Key"], int(entry["Size"]))
            for page in pages
            for entry in page.get("Contents", [])
            if entry["Size"] and self._is_meant(entry["Key"])
        ]

    def items(self) -> Iterator[Item]:
        """The records of each object, in the order of their keys."""
        for key, size in self._found:
            body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            for text in _documents(body, f"s3://{self._bucket}/{key}"):
                yield _item(text, key)
            self._read += size

    def finished(self, items: Iterable[Item]) -> None:
        """Objects stay where they are."""

    def close(self) -> None:
        """There is nothing to leave."""

    def done(self) -> tuple[int, int]:
        """In bytes."""
        return self._read, sum(size for _, size in self._found)

    def _is_meant(self, key: str) -> bool:
        found = _PARTITION.search(key)
        if not self._lake:
            return True
        if found is None:
            return False
        # What is in `other` has its type inside.
        kind, day = found.groups()
        return (kind == "other" or self._choice.kind(kind)) and self._choice.day(day)


def _documents(body: bytes, where: str) -> Iterator[str | dict[str, Any]]:
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
        # By name, as it is installed nowhere where types are checked.
        table = importlib.import_module("pyarrow.parquet").read_table(
            io.BytesIO(body), columns=["raw"]
        )
        yield from ({"raw": raw} for raw in table.column("raw").to_pylist())
    else:
        raise MailroomError(
            f"{where} is Parquet, and neither duckdb nor pyarrow is installed",
            remedy="install one of them: pip install duckdb",
        )


def _item(found: str | dict[str, Any], where: str) -> Item:
    document: Any = found
    if isinstance(found, str):
        try:
            document = json.loads(found)
        except ValueError:
            return Item(text=found, where=where)
    if isinstance(document, dict) and "rawData" in document:
        # Firehose's own record about a record.
        try:
            text = base64.b64decode(document["rawData"]).decode()
            document = json.loads(text)
        except (TypeError, ValueError):
            return Item(text=str(document["rawData"]), where=where)
        # It has the event, or, if only the conversion to Parquet failed, the row.
        if not (isinstance(document, dict) and "raw" in document):
            return Item(text=text, where=where)
    if isinstance(document, dict) and "raw" in document:
        raw = document["raw"]
        return Item(text=raw if isinstance(raw, str) else "", where=where)
    return Item(text=found if isinstance(found, str) else json.dumps(found), where=where)


class Queue:
    """A dead-letter queue; what arrived is deleted, all else is made visible again."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self._url = url
        self._open: dict[str, str] = {}
        self._read = 0
        attributes = sqs.get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
        )["Attributes"]
        self._total = int(attributes["ApproximateNumberOfMessages"])

    def items(self) -> Iterator[Item]:
        """Every message once; those that come a second time have been seen, and end it."""
        seen: set[str] = set()
        empty = again = 0
        # SQS may answer with nothing although there is something, and give once more what took
        # longer than it was hidden for.
        while empty < _EMPTY_RECEIVES and again <= len(seen):
            found = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=_BATCH,
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
                yield Item(
                    text=message["Body"], where=message["MessageId"], receipt=message["MessageId"]
                )

    def finished(self, items: Iterable[Item]) -> None:
        """Delete them; one that cannot be deleted is only sent again one day."""
        handles = [
            (item.receipt, self._open[item.receipt])
            for item in items
            if item.receipt is not None and item.receipt in self._open
        ]
        for batch in _batches(handles, _BATCH):
            answer = self._sqs.delete_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(place), "ReceiptHandle": handle}
                    for place, (_, handle) in enumerate(batch)
                ],
            )
            for entry in answer.get("Successful", []):
                del self._open[batch[int(entry["Id"])][0]]

    def close(self) -> None:
        """Make visible at once what is still there."""
        for batch in _batches(list(self._open.values()), _BATCH):
            self._sqs.change_message_visibility_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(place), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                    for place, handle in enumerate(batch)
                ],
            )
        self._open.clear()

    def done(self) -> tuple[int, int]:
        """In messages."""
        return self._read, max(self._read, self._total)


def _batches(found: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(found), size):
        yield found[start : start + size]


# Targets


class ToQueue:
    """The queue of a handler."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self.url = url

    def send(self, texts: list[str]) -> list[str | None]:
        """In one batch."""
        answer = self._sqs.send_message_batch(
            QueueUrl=self.url,
            Entries=[{"Id": str(place), "MessageBody": text} for place, text in enumerate(texts)],
        )
        taken = {int(entry["Id"]) for entry in answer.get("Successful", [])}
        reasons = {
            int(entry["Id"]): f"{entry.get('Code')}: {entry.get('Message', '')}"
            for entry in answer.get("Failed", [])
        }
        return [
            None if place in taken else reasons.get(place, "the queue did not say")
            for place in range(len(texts))
        ]


class ToFunction:
    """A handler itself, invoked as its queue would do it."""

    def __init__(self, functions: Any, name: str) -> None:
        self._functions = functions
        self._name = name

    def send(self, texts: list[str]) -> list[str | None]:
        """As one batch; the function says which of it failed."""
        invocation = {
            "Records": [
                {
                    "messageId": f"replay-{place}",
                    "receiptHandle": "replay",
                    "body": text,
                    "attributes": {"ApproximateReceiveCount": "1"},
                    "messageAttributes": {},
                    "eventSource": "aws:sqs",
                }
                for place, text in enumerate(texts)
            ]
        }
        answer = self._functions.invoke(
            FunctionName=self._name, Payload=json.dumps(invocation).encode()
        )
        payload = answer["Payload"].read()
        if answer.get("FunctionError"):
            reason = f"the function failed: {payload.decode('utf-8', 'replace')[:200]}"
            return [reason] * len(texts)
        try:
            said = json.loads(payload or b"null")
        except ValueError:
            said = None
        failures = said.get("batchItemFailures") if isinstance(said, dict) else None
        failed = {one.get("itemIdentifier") for one in failures or [] if isinstance(one, dict)}
        return [
            "the function reported a failure" if f"replay-{place}" in failed else None
            for place in range(len(texts))
        ]


class ToStream:
    """A Firehose stream, so that what failed on its way reaches the lake after all."""

    def __init__(self, firehose: Any, name: str) -> None:
        self._firehose = firehose
        self._name = name

    def send(self, texts: list[str]) -> list[str | None]:
        """In one batch; each ends in a newline, as SES's own do."""
        answer = self._firehose.put_record_batch(
            DeliveryStreamName=self._name,
            Records=[{"Data": text.encode() + b"\n"} for text in texts],
        )
        return [
            f"{one['ErrorCode']}: {one.get('ErrorMessage', '')}" if one.get("ErrorCode") else None
            for one in answer["RequestResponses"]
        ]


def target(client: Callable[[str], Any], text: str) -> Target:
    """The target that a text names: URL, ARN, ``queue:``, ``function:``, ``stream:`` or a name."""
    prefix, separator, name = text.partition(":")
    if text.startswith(("https://", "http://")):
        return ToQueue(client("sqs"), text)
    if prefix == "arn":
        service = (text.split(":") + [""] * 3)[2]
        if service == "lambda":
            return ToFunction(client("lambda"), text)
        if service == "firehose":
            return ToStream(client("firehose"), text.rpartition("/")[2])
        return ToQueue(client("sqs"), queue_url(client("sqs"), text))
    if separator and prefix == "queue":
        return ToQueue(client("sqs"), queue_url(client("sqs"), name))
    if separator and prefix == "function":
        return ToFunction(client("lambda"), name)
    if separator and prefix == "stream":
        return ToStream(client("firehose"), name)
    queue = _exists(lambda: client("sqs").get_queue_url(QueueName=text))
    function = _exists(lambda: client("lambda").get_function(FunctionName=text))
    if queue is not None and function is not None:
        raise MailroomError(
            f"{text!r} is a queue and a function",
            remedy=f"say which: --to queue:{text} or --to function:{text}",
        )
    if queue is not None:
        return ToQueue(client("sqs"), queue["QueueUrl"])
    if function is not None:
        return ToFunction(client("lambda"), text)
    raise MailroomError(
        f"there is no queue and no function {text!r}",
        remedy="check the name, the region and --aws",
    )


def source(
    client: Callable[[str], Any], text: str, *, choice: Choice, after: str | None = None
) -> Source:
    """The source that a text names: ``s3://BUCKET/PREFIX``, ``lake:BUCKET/PREFIX``, or a queue."""
    for start, lake in (("s3://", False), ("lake:", True)):
        if text.startswith(start):
            bucket, _, prefix = text[len(start) :].lstrip("/").partition("/")
            if not bucket:
                raise MailroomError(f"{text!r} names no bucket", remedy=f"{start}BUCKET/PREFIX")
            return Objects(client("s3"), bucket, prefix, lake=lake, choice=choice, after=after)
    if after is not None:
        raise MailroomError(
            "a queue needs no --resume", remedy="repeat the command: what arrived is not there"
        )
    name = text.removeprefix("queue:")
    return Queue(client("sqs"), queue_url(client("sqs"), name))


def queue_url(sqs: Any, text: str) -> str:
    """The URL of a queue that is named by URL, ARN or name."""
    if text.startswith(("https://", "http://")):
        return text
    name = text.rpartition(":")[2]
    found = _exists(lambda: sqs.get_queue_url(QueueName=name))
    if found is None:
        raise MailroomError(
            f"there is no queue {name!r}", remedy="check the name, the region and --aws"
        )
    return str(found["QueueUrl"])


def _exists(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if "NonExistentQueue" in code or "QueueDoesNotExist" in code or "NotFound" in code:
            return None
        raise


# The work


class Limiter:
    """No more than so many events a second."""

    def __init__(
        self, rate: float | None, *, clock: Clock = time.monotonic, sleep: Sleep = time.sleep
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._due: float | None = None

    @property
    def batch(self) -> int:
        """How many may be sent at once without being a burst."""
        return _BATCH if self._rate is None else max(1, min(_BATCH, int(self._rate)))

    def wait(self, count: int) -> None:
        """Wait until *count* more may be sent."""
        if self._rate is None:
            return
        now = self._clock()
        # What was not sent in time is not made up for later.
        due = max(self._due or now, now)
        if due > now:
            self._sleep(due - now)
        self._due = due + count / self._rate


class Meter:
    """Shows how far it is: one live line on a terminal, a plain one every few seconds elsewhere."""

    def __init__(self, stream: TextIO | None = None, *, clock: Clock = time.monotonic) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._live = self._stream.isatty()
        self._started = self._shown = clock()

    def show(self, count: int, share: float, *, last: bool = False) -> None:
        """Show *count* events, which are a *share* of all."""
        now = self._clock()
        pause = _REFRESH_SECONDS if self._live else _PLAIN_SECONDS
        if not last and now - self._shown < pause:
            return
        self._shown = now
        seconds = now - self._started
        rate = count / seconds if seconds > 0 else 0.0
        text = f"{count:,} events  {rate:,.0f}/s"
        if 0 < share < 1 and not last:
            text += f"  {share:4.0%}  ETA {_duration(seconds * (1 - share) / share)}"
        if not self._live:
            say(text, stream=self._stream)
            return
        filled = round(min(1.0, share) * _BAR)
        self._stream.write(f"\r\x1b[2K{'█' * filled}{'░' * (_BAR - filled)} {text}")
        if last:
            self._stream.write("\n")
        self._stream.flush()


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


@dataclass(slots=True)
class Result:
    """What a replay did. ``resume`` is the last object of which everything arrived."""

    sent: int = 0
    failed: int = 0
    other: int = 0
    unreadable: int = 0
    pseudonymised: int = 0
    interrupted: bool = False
    resume: str | None = None
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)


class Replay:
    """Takes events from a source to a target; without a target it only counts them."""

    def __init__(
        self,
        origin: Source,
        goal: Target | None,
        *,
        choice: Choice | None = None,
        limit: int | None = None,
        limiter: Limiter | None = None,
        meter: Meter | None = None,
        sleep: Sleep = time.sleep,
    ) -> None:
        self._origin = origin
        self._goal = goal
        self._choice = choice or Choice()
        self._limit = limit
        self._limiter = limiter or Limiter(None)
        self._meter = meter
        self._sleep = sleep
        self._batch: list[tuple[Item, str, str, str]] = []
        self._bytes = 0
        self._taken = 0
        self._whole = True
        self._last_ended: str | None = None
        self.result = Result()

    def run(self) -> Result:
        """Do it all; after Ctrl-C the result says how far it went."""
        result = self.result
        try:
            previous: str | None = None
            for item in self._origin.items():
                if previous is not None and item.where != previous:
                    self._ended(previous)
                if self._limit is not None and self._taken >= self._limit:
                    break
                previous = item.where if item.receipt is None else None
                self._take(item)
                self._show()
            else:
                if previous is not None:
                    self._ended(previous)
            self._flush()
        except KeyboardInterrupt:
            result.interrupted = True
        finally:
            self._origin.close()
            self._show(last=True)
        return result

    def _ended(self, where: str) -> None:
        self._last_ended = where
        if not self._batch:
            self._resumable()

    def _resumable(self) -> None:
        # A token that passed over a failure would lose it.
        if self._whole:
            self.result.resume = self._last_ended

    def _take(self, item: Item) -> None:
        result = self.result
        event = _event(item.text)
        if event is None:
            result.unreadable += 1
            return
        kind, day = slug(event.type), _day(event)
        if not (self._choice.kind(kind) and self._choice.day(day)):
            result.other += 1
            return
        if event.raw.get(PSEUDONYMISED):
            result.pseudonymised += 1
            return
        self._taken += 1
        text = json.dumps(event.raw, separators=(",", ":"))
        if self._goal is None:
            result.counts[kind, day] += 1
            return
        if self._bytes + len(text) > _BATCH_BYTES:
            self._flush()
        self._batch.append((item, text, kind, day))
        self._bytes += len(text)
        if len(self._batch) >= self._limiter.batch:
            self._flush()

    def _flush(self) -> None:
        batch, self._batch, self._bytes = self._batch, [], 0
        if not batch or self._goal is None:
            return
        self._limiter.wait(len(batch))
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._sleep(_BACKOFF_SECONDS * 2**attempt)
            reasons = _send(self._goal, [text for _, text, _, _ in batch])
            arrived = [one for one, why in zip(batch, reasons, strict=True) if why is None]
            self.result.sent += len(arrived)
            self.result.counts.update((kind, day) for _, _, kind, day in arrived)
            self._origin.finished([item for item, _, _, _ in arrived])
            batch = [one for one, why in zip(batch, reasons, strict=True) if why is not None]
            if not batch:
                self._resumable()
                return
        self._whole = False
        self.result.failed += len(batch)
        self.result.reasons.update(why for why in reasons if why is not None)

    def _show(self, *, last: bool = False) -> None:
        if self._meter is None:
            return
        read, total = self._origin.done()
        share = read / total if total else 1.0
        if self._limit:
            share = max(share, self._taken / self._limit)
        self._meter.show(self.result.sent if self._goal else self._taken, share, last=last)


def _send(goal: Target, texts: list[str]) -> list[str | None]:
    try:
        return goal.send(texts)
    except HTTPClientError as error:
        return [str(error)] * len(texts)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status >= 500 or any(word in code for word in _TRANSIENT):
            return [str(error)] * len(texts)
        raise


def _event(text: str) -> SendingEvent | None:
    found = next(iter(records({"Records": [{"body": text}]})))[1]
    if isinstance(found, SendingEvent):
        return found
    # Lambda's own record about an invocation that failed.
    try:
        payload = json.loads(text)["requestPayload"]
        inner = [one for _, one in records(payload)]
    except Exception:
        return None
    return inner[0] if len(inner) == 1 and isinstance(inner[0], SendingEvent) else None


def _day(event: SendingEvent) -> str:
    try:
        return event.timestamp.strftime("%Y-%m-%d")
    except MissingField:
        return UNKNOWN
