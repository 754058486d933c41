"""Mutated messages through the functions that read mail, each stored where the function looks."""

from __future__ import annotations

import mmap
import time
from random import Random
from typing import TYPE_CHECKING, Any

from torture.accounting import Record
from torture.invocations import generator
from torture.mail_mutations import mutated_message

if TYPE_CHECKING:
    from torture.worker import Tortured

__all__ = ["event_of", "message", "torture"]

_MOST_HEADER = 50_000
_LISTS = {"from": "from", "to": "to", "cc": "cc", "reply-to": "replyTo"}
_SINGLE = {"subject": "subject", "date": "date", "message-id": "messageId"}


def message(seed: int, index: int) -> bytes:
    """Return the mutated message of an index; the same for every function."""
    return mutated_message(generator(seed, "message", index))


def torture(tortured: Tortured, progress: mmap.mmap) -> None:
    """Give the messages of a task to its function."""
    task = tortured.task
    seed, first, last = (task[key] for key in ("seed", "first", "last"))
    flow = task["kind"] == "workmail"
    peak = 0
    for index in (-1, *range(first, last)):
        progress[:20] = b"%20d" % index
        data = message(seed, max(index, 0))
        random = generator(seed, tortured.name, max(index, 0))
        record = Record(index, None, text=data)
        if flow:
            from torture import workmail

            event: Any = workmail.event_of(random, tortured.name)
        else:
            event = event_of(random, data)
        tortured.aws.forget()
        tortured.aws.message = data
        tortured.ledger.begin(1)
        start = time.process_time()
        answer, error = tortured.invoke(event)
        spent = time.process_time() - start
        if index < 0:  # the first one imports what it needs
            peak = tortured.start_kib = tortured.measured(first, 1)
            tortured.memory.clear()
            continue
        tortured.times.add(spent, index)
        peak = tortured.measured(index, peak)
        tortured.show(record, tortured.ledger.whole)
        if flow:
            outcome = workmail.judge_message(tortured, record, data, event, answer, error)
        else:
            outcome = tortured.verdicts.of_mail(
                record,
                event,
                answer,
                error,
                tortured.ledger.whole,
                own=tortured.own,
                on_error=tortured.on_error,
            )
        tortured.verdicts.count(record, outcome)
        if spent > task["most_seconds"]:
            tortured.verdicts.fault(record, f"took {spent:.2f} s of CPU, of {len(data)} bytes")
        tortured.batches += 1


def event_of(random: Random, data: bytes) -> dict[str, Any]:
    """Return the event with which SES would tell of *data*."""
    fields, truncated = _fields(data)
    common: dict[str, Any] = {"returnPath": "jane@example.net"}
    for field in fields:
        name = field["name"].lower()
        if name in _LISTS:
            common.setdefault(_LISTS[name], []).append(field["value"])
        elif name in _SINGLE:
            common.setdefault(_SINGLE[name], field["value"])
    status = random.choice(("PASS", "PASS", "PASS", "GRAY"))
    verdicts = ("spam", "virus", "spf", "dkim", "dmarc")
    receipt = {
        "timestamp": "2026-11-27T10:00:01.000Z",
        "processingTimeMillis": 500,
        "recipients": ["support+label@example.com"],
        **{f"{name}Verdict": {"status": status} for name in verdicts},
        "action": {
            "type": "Lambda",
            "functionArn": "arn:aws:lambda:::f",
            "invocationType": "Event",
        },
    }
    mail = {
        "timestamp": "2026-11-27T10:00:00.000Z",
        "source": "jane@example.net",
        "messageId": f"torture{random.getrandbits(64):020}",
        "destination": ["support@example.com"],
        "headersTruncated": truncated,
        "headers": fields,
        "commonHeaders": common,
    }
    ses = {"mail": mail, "receipt": receipt}
    return {"Records": [{"eventSource": "aws:ses", "eventVersion": "1.0", "ses": ses}]}


def _fields(data: bytes) -> tuple[list[dict[str, str]], bool]:
    """Return the header fields as SES would, and whether it cut them."""
    head = data.partition(b"\r\n\r\n")[0].partition(b"\n\n")[0]
    fields: list[dict[str, str]] = []
    for line in head[:_MOST_HEADER].decode("utf-8", "replace").split("\n"):
        line = line.rstrip("\r")
        if line[:1] in (" ", "\t") and fields:
            fields[-1]["value"] += " " + line.strip()
            continue
        name, colon, value = line.partition(":")
        if colon and name.strip():
            fields.append({"name": name.strip(), "value": value.strip()})
    return fields, len(head) > _MOST_HEADER
