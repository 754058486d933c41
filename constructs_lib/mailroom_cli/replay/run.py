"""Moves events from a source to a target."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from botocore.exceptions import ClientError, HTTPClientError

from mailroom.errors import MissingField
from mailroom.events import SendingEvent, records
from mailroom.lake import PSEUDONYMISED
from mailroom_cli.replay.plan import Plan
from mailroom_cli.replay.selection import UNKNOWN_DAY, slug
from mailroom_cli.replay.sources import Item
from mailroom_cli.replay.targets import Target

Sleep = Callable[[float], None]
Clock = Callable[[], float]

ATTEMPTS = 5
"""How many times a batch is sent."""
_BACKOFF_SECONDS = 0.2
_BATCH = 10
# SQS once limited a batch to this; today's limit is higher, but not in every emulator.
_BATCH_BYTES = 262_144
_TRANSIENT = ("Throttl", "TooManyRequests", "ServiceUnavailable", "InternalError", "SlowDown")


class Meter(Protocol):
    """Shows how far a replay is."""

    def show(self, count: int, share: float, *, last: bool = False) -> None:
        """Show *count* events, which are a *share* of everything."""
        ...


class Limiter:
    """Keeps to a rate.

    Args:
        rate: Events a second. ``None`` means as fast as possible.
        clock: Seconds, as of `time.monotonic`.
        sleep: Waits for so many seconds.
    """

    def __init__(
        self, rate: float | None, *, clock: Clock = time.monotonic, sleep: Sleep = time.sleep
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._due: float | None = None

    @property
    def batch(self) -> int:
        """How many events may be sent at once without being a burst."""
        return _BATCH if self._rate is None else max(1, min(_BATCH, int(self._rate)))

    def wait(self, count: int) -> None:
        """Wait until *count* more events may be sent."""
        if self._rate is None:
            return
        now = self._clock()
        # Time that was lost is not made up for by a burst.
        due = max(self._due or now, now)
        if due > now:
            self._sleep(due - now)
        self._due = due + count / self._rate


@dataclass(slots=True)
class Result:
    """What a replay did."""

    sent: int = 0
    """Events that the target accepted."""
    failed: int = 0
    """Events that it did not."""
    other: int = 0
    """Events of types or days that were not selected."""
    unreadable: int = 0
    """Items that hold no event."""
    pseudonymised: int = 0
    """Events with pseudonyms instead of addresses."""
    interrupted: bool = False
    """Whether Ctrl-C ended it."""
    resume: str | None = None
    """The last object before which, and of which, everything arrived."""
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Events by type and day: those sent, or without a target those that would be."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Why events failed."""


class _Pending(NamedTuple):
    item: Item
    text: str
    kind: str
    day: str


class Replay:
    """Takes events from a source to a target; without a target it only counts them.

    Args:
        plan: From where, where to, and which events.
        limit: After how many events to stop. ``None`` means never.
        limiter: The rate to keep to. Default: none.
        meter: What shows the progress. Default: nothing.
        sleep: Waits for so many seconds before a batch is sent again.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        limit: int | None = None,
        limiter: Limiter | None = None,
        meter: Meter | None = None,
        sleep: Sleep = time.sleep,
    ) -> None:
        self._source = plan.source
        self._target = plan.target
        self._selection = plan.selection
        self._limit = limit
        self._limiter = limiter or Limiter(None)
        self._meter = meter
        self._sleep = sleep
        self._batch: list[_Pending] = []
        self._bytes = 0
        self._taken = 0
        self._complete = True
        self._last_ended: str | None = None
        self._result = Result()

    def run(self) -> Result:
        """Do it all.

        Returns:
            What was done; after Ctrl-C, what was done until then.

        Raises:
            ClientError: The target refused in a way that time does not heal.
        """
        try:
            previous: str | None = None
            for item in self._source.items():
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
            self._result.interrupted = True
        finally:
            self._source.close()
            self._show(last=True)
        return self._result

    def _ended(self, where: str) -> None:
        self._last_ended = where
        if not self._batch:
            self._set_resume()

    def _set_resume(self) -> None:
        # A token beyond a failure would lose what failed.
        if self._complete:
            self._result.resume = self._last_ended

    def _take(self, item: Item) -> None:
        result = self._result
        event = _event(item.text)
        if event is None:
            result.unreadable += 1
            return
        kind, day = slug(event.type), _day(event)
        if not (self._selection.has_type(kind) and self._selection.has_day(day)):
            result.other += 1
            return
        if event.raw.get(PSEUDONYMISED):
            result.pseudonymised += 1
            return
        self._taken += 1
        if self._target is None:
            result.counts[kind, day] += 1
            return
        text = json.dumps(event.raw, separators=(",", ":"))
        if self._bytes + len(text) > _BATCH_BYTES:
            self._flush()
        self._batch.append(_Pending(item, text, kind, day))
        self._bytes += len(text)
        if len(self._batch) >= self._limiter.batch:
            self._flush()

    def _flush(self) -> None:
        batch, self._batch, self._bytes = self._batch, [], 0
        if not batch or self._target is None:
            return
        self._limiter.wait(len(batch))
        reasons: list[str | None] = []
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(_BACKOFF_SECONDS * 2**attempt)
            reasons = _send(self._target, [one.text for one in batch])
            arrived = [one for one, why in zip(batch, reasons, strict=True) if why is None]
            self._result.sent += len(arrived)
            self._result.counts.update((one.kind, one.day) for one in arrived)
            self._source.finished([one.item for one in arrived])
            batch = [one for one, why in zip(batch, reasons, strict=True) if why is not None]
            if not batch:
                self._set_resume()
                return
        self._complete = False
        self._result.failed += len(batch)
        self._result.reasons.update(why for why in reasons if why is not None)

    def _show(self, *, last: bool = False) -> None:
        if self._meter is None:
            return
        read, total = self._source.done()
        share = read / total if total else 1.0
        if self._limit:
            share = max(share, self._taken / self._limit)
        count = self._taken if self._target is None else self._result.sent
        self._meter.show(count, share, last=last)


def _send(target: Target, texts: list[str]) -> list[str | None]:
    try:
        return target.send(texts)
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
        return UNKNOWN_DAY
