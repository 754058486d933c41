"""One process in which one function is tortured, from its asset and in its environment.

``python -m torture.worker TASK RESULT PROGRESS``: the task is JSON, see `Task`. Nothing of ours but
`torture` may be imported here, so that the function runs what is deployed.
"""

from __future__ import annotations

import importlib
import json
import mmap
import os
import resource
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from torture import aws as stubbed
from torture import invocations, messages
from torture.accounting import Record, Verdicts
from torture.invocations import BATCH, Invocation
from torture.ledger import Account, Ledger
from torture.records import Sample

_MOST_BYTES = 4 * 1024**3
_FAULTS = 40
_BUCKETS_PER_DECADE = 20
_LOOKS = 8
"""After how many invocations the memory is looked at, which takes longer than most of them."""
_TIMED = 4
"""One in so many batches knows how much time is left, as the deadline takes a while too."""


class Context:
    """Lambda's context, with all of the function's time left."""

    aws_request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
    invoked_function_arn = "arn:aws:lambda:us-east-1:111122223333:function:torture"
    function_version = "$LATEST"

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        """Return the time until Lambda ends the function."""
        return self._seconds * 1000


class Times:
    """CPU times of inputs: how many in which twentieth of a decade, and the worst ones."""

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.worst: list[tuple[float, int]] = []
        self.total = 0.0

    def add(self, seconds: float, index: int, *, most: float | None = None) -> None:
        """Add the time of one input, of which *most* is the upper bound if it is not known."""
        self.total += seconds
        bucket = bucket_of(seconds)
        self.counts[bucket] = self.counts.get(bucket, 0) + 1
        bound = seconds if most is None else most
        if len(self.worst) < 5 or bound > self.worst[-1][0]:
            self.worst = sorted([*self.worst, (bound, index)], reverse=True)[:5]


def bucket_of(seconds: float) -> int:
    """Return the number of the twentieth of a decade that *seconds* are in."""
    from math import floor, log10

    return floor(log10(max(seconds, 1e-7)) * _BUCKETS_PER_DECADE)


class Tortured:
    """The function of a task, imported as Lambda does."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.task = task
        self.function = task["function"]
        self.name: str = self.function["name"]
        self.ledger = Ledger()
        self.aws = stubbed.Aws(self.ledger.note)
        self.times = Times()
        self.memory: list[tuple[int, int]] = []
        self.start_kib = 0
        self.batches = 0
        self.shown: list[str] = []
        self._import()
        self.verdicts = Verdicts(self._documented())

    def _import(self) -> None:
        folder = self.function["folder"]
        for name in [name for name in os.environ if name.startswith("MAILROOM_")]:
            del os.environ[name]
        os.environ.update(
            {
                "AWS_LAMBDA_FUNCTION_NAME": "torture",
                "AWS_REGION": "us-east-1",
                "AWS_DEFAULT_REGION": "us-east-1",
                "LAMBDA_TASK_ROOT": folder,
                "_HANDLER": self.function["handler"],
                **self.function["environment"],
            }
        )
        if self.name == "webhook":
            from torture.hook import listen

            os.environ["MAILROOM_WEBHOOK_URL"] = listen(self.ledger)
        stubbed.install(self.aws)
        sys.path.insert(0, folder)
        sys.stdout = self.ledger  # type: ignore[assignment]
        module, _, function = self.function["handler"].rpartition(".")
        self.handler = getattr(importlib.import_module(module), function)
        self.context = Context(self.function["timeout"])
        users = [sys.modules.get(name) for name in ("everything", "flow")]
        self.own = False
        for user in users:
            if user is not None:
                self.own = True
                user.told = self.ledger.told  # type: ignore[attr-defined]
                user.losing = self.task.get("losing", False)  # type: ignore[attr-defined]

    def _documented(self) -> frozenset[str]:
        from mailroom.errors import MailroomError

        found, waiting = {"Refused"}, [MailroomError]
        if self.name == "gateway-resend":
            found.add("RuntimeError")  # the example's own: a copy came back
        while waiting:
            one = waiting.pop()
            found.add(one.__name__)
            waiting += one.__subclasses__()
        return frozenset(found)

    def invoke(self, event: Any, *, timed: bool = True) -> tuple[Any, BaseException | None]:
        """Call the function as Lambda does."""
        try:
            return self.handler(event, self.context if timed else None), None
        except BaseException as error:
            return None, error

    def measured(self, index: int, before: int) -> int:
        """Return the peak of memory, and keep what made it grow: *index*, or one shortly before."""
        if self.batches % _LOOKS and self.task["last"] - index > _LOOKS:
            return before
        now = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if now > before and before:
            self.memory = sorted([*self.memory, (now - before, index)], reverse=True)[:3]
        return now

    def torture(self, progress: mmap.mmap) -> None:
        """Run the task."""
        self.start_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if self.task["what"] == "messages":
            messages.torture(self, progress)
        else:
            self._records(progress)

    def _records(self, progress: mmap.mmap) -> None:
        kind = self.task["kind"]
        samples = [Sample(payload) for payload in self._payloads()]
        make = invocations.KINDS.get(kind)
        single = kind in ("receiving", "workmail")
        if make is None:
            from torture import workmail

            make = workmail.invocation
        seed, first, last = self.task["seed"], self.task["first"], self.task["last"]
        peak = self.start_kib
        position = first
        while position < last:
            # One in ten batches has a single mutated record among good ones.
            count = 1 if single or position // BATCH % 10 == 9 else BATCH
            count = min(count, last - position)
            progress[:20] = b"%20d" % position
            batch = make(seed, self.name, position, count, samples, self.ledger)
            self.aws.forget()
            self.ledger.begin(len(batch.records))
            timed = single or position // BATCH % _TIMED == 0
            start = time.process_time()
            answer, error = self.invoke(batch.event, timed=timed)
            spent = time.process_time() - start
            self.ledger.end()
            self._charge(batch, spent)
            for record, account in zip(batch.records, self.ledger.accounts, strict=True):
                self.show(record, account)
            peak = self.measured(position, peak)
            self._judge(batch, answer, error)
            self.batches += 1
            position += count if count > 1 or single else BATCH
            if len(self.verdicts.faults) > _FAULTS:
                break

    def _payloads(self) -> list[Any]:
        """Return the samples, which say how the function is called."""
        payloads: list[Any] = self.task["samples"]
        waits = "RequestResponse" if self.on_error is not None else "Event"
        for payload in payloads:
            if "receipt" in payload and self.task["kind"] == "receiving":
                payload["receipt"]["action"]["invocationType"] = waits
        return payloads

    def show(self, record: Record, account: Account) -> None:
        """Keep what became of the input that was asked for."""
        if record.index == self.task.get("show", -1):
            self.shown = [
                ascii(record.text),
                f"calls: {account.calls}",
                f"requests: {[f'{service}:{name}' for service, name, _ in account.effects]}",
                *map(json.dumps, account.lines),
            ]

    def _charge(self, batch: Invocation, spent: float) -> None:
        """Divide the CPU time of a batch evenly; its longest record may have taken all of it."""
        seconds = [account.seconds for account in self.ledger.accounts]
        longest = seconds.index(max(seconds))
        for position, record in enumerate(batch.records):
            if record.index is not None:
                most = spent if position == longest else None
                self.times.add(spent / len(batch.records), record.index, most=most)

    def _judge(self, batch: Invocation, answer: Any, error: BaseException | None) -> None:
        entry = "mailroom.events" if self.task["kind"] == "events" else "mailroom.receiving"
        if batch.way == "sqs":
            self.verdicts.of_sqs(
                batch.records, answer, error, self.ledger, entry=entry, own=self.own
            )
        elif batch.way == "delivery":
            self.verdicts.of_delivery(batch.records, error, self.ledger, entry=entry, own=self.own)
        elif batch.way == "firehose":
            self.verdicts.of_firehose(batch.records, batch.event, answer, error)
        elif batch.way == "mail":
            record = batch.records[0]
            outcome = self.verdicts.of_mail(
                record,
                batch.event,
                answer,
                error,
                self.ledger.whole,
                own=self.own,
                on_error=self.on_error,
            )
            self.verdicts.count(record, outcome)
        else:
            from torture import workmail

            workmail.judge(self, batch, answer, error)

    @property
    def on_error(self) -> str | None:
        """What the function answers when it fails, if somebody waits for its answer."""
        environment = self.function["environment"]
        if "MAILROOM_FAILURE_QUEUE" not in environment:
            return None
        return str(environment.get("MAILROOM_ON_ERROR", "continue")).upper()

    def result(self) -> dict[str, Any]:
        """Return what is known in the end."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return {
            "name": self.name,
            "what": self.task["what"],
            "batches": self.batches,
            "outcomes": dict(self.verdicts.outcomes),
            "faults": self.verdicts.faults[:_FAULTS],
            "counts": {str(key): value for key, value in self.times.counts.items()},
            "worst": self.times.worst,
            "cpu": self.times.total,
            "whole_cpu": usage.ru_utime + usage.ru_stime + children.ru_utime + children.ru_stime,
            "start_kib": self.start_kib,
            "peak_kib": usage.ru_maxrss,
            "memory": self.memory,
            "shown": self.shown,
        }


def main() -> None:
    """Run a task."""
    task_file, result_file, progress_file = map(Path, sys.argv[1:4])
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    task = json.loads(task_file.read_text("utf-8"))
    with progress_file.open("r+b") as file:
        progress = mmap.mmap(file.fileno(), 20)
    out = sys.stdout
    tortured = Tortured(task)
    try:
        tortured.torture(progress)
    except BaseException:  # the harness itself failed, which must not pass for a result
        sys.stdout = out
        traceback.print_exc()
        raise SystemExit(3) from None
    result_file.write_text(json.dumps(tortured.result()))
    sys.stdout = out
    os._exit(0)  # a child of the function must not keep us


__all__ = ["Tortured"]

if __name__ == "__main__":
    main()
