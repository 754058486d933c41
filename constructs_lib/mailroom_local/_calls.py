"""What a call of a function was about, what the function printed, and how it ended.

Pure functions of an invocation's event, log and answer. The journal gets what they return.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mailroom import events
from mailroom.errors import MailroomError

# The runtime logs one of these for each mail or event, when the user's function is done with it.
_ENDS = frozenset({"mailroom.events", "mailroom.receiving", "mailroom.workmail"})
_IMPORT = "mailroom.import"
_NOT_KEPT = "failure not kept"
_LINES = 200
_LETTERS = 2_000
_TRACE_LINES = 60

# A frame of a traceback, in the folder into which the emulator unpacks a function.
_FRAME = re.compile(r'^  File "[^"]*/code/(?!mailroom/)([^"]+)", line (\d+)', re.MULTILINE)
_FOLDER = re.compile(r'(?<=File ")[^"]*/code/')
_TYPE = re.compile(r"^([A-Za-z_][\w.]*)(?=:|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How an invocation ended: ``error`` is the exception's text, ``trace`` its traceback.

    ``trace_id`` is in the environment of the invocation, and SDKs send it with each of its calls.
    """

    log: str = ""
    error: str | None = None
    trace: str = ""
    result: Any = None
    ms: float | None = None
    trace_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """A mail, or a sending event, with which a function is called."""

    message_id: str
    record_id: str = ""
    event: str | None = None
    queue: str | None = None
    receives: int | None = None
    synchronous: bool = False


def of_invocation(
    event: Any, answer: Answer, *, configuration: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The fields of a journal's record for each mail or event in an invocation.

    Args:
        event: What the function was invoked with.
        answer: How that ended.
        configuration: The function's, as Lambda describes it.

    Returns:
        One for each; none if the function was invoked with anything else.
    """
    about = list(_subjects(event))
    if not about or (answer.error is None and "records" in event):
        # A lake's stream calls its function with every event; only failures are worth a record.
        return []
    parts, rest = _parts(answer.log)
    variables = (configuration.get("Environment") or {}).get("Variables") or {}
    failed = _failed_records(answer.result)
    calls = []
    for number, subject in enumerate(about):
        if number < len(parts):
            found, printed = _reported(parts[number][0]), parts[number][1]
        else:
            found, printed, rest = _ended(answer, subject, failed), rest, []
        if number == len(about) - 1:
            printed = [*printed, *rest]
        kept = found["outcome"] == "failed" and subject.synchronous
        if any(_NOT_KEPT in line for line in printed):
            kept = False
        shown = [line[:_LETTERS] for line in printed]
        calls.append(
            {
                "message_id": subject.message_id,
                "function": configuration.get("FunctionArn", ""),
                "event": subject.event,
                "queue": subject.queue,
                "receives": subject.receives,
                "kept_in": variables.get("MAILROOM_FAILURE_QUEUE") if kept else None,
                "output": shown[:_LINES],
                "omitted": max(len(shown) - _LINES, 0),
                "traceback": _shown_trace(answer.trace),
                "trace": answer.trace_id,
                **found,
                "rule": found.get("rule") or variables.get("MAILROOM_RULE"),
            }
        )
    # A record that is not a sending event belongs to no message.
    return [call for call in calls if call["message_id"]]


def message_ids(event: Any) -> list[str]:
    """The messages that a function is invoked about with this event."""
    return [subject.message_id for subject in _subjects(event) if subject.message_id]


def identity(payload: Mapping[str, Any]) -> str:
    """What tells a sending event from all others of its message."""
    text = json.dumps(payload, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _subjects(event: Any) -> Iterator[_Subject]:
    if not isinstance(event, dict):
        return
    if "envelope" in event and isinstance(event.get("messageId"), str):
        yield _Subject(message_id=event["messageId"])
        return
    found = event.get("Records")
    first = found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else {}
    if isinstance(first.get("ses"), dict):
        mail, receipt = (first["ses"].get(part) or {} for part in ("mail", "receipt"))
        invocation = (receipt.get("action") or {}).get("invocationType")
        yield _Subject(
            message_id=str(mail.get("messageId") or ""),
            synchronous=invocation == "RequestResponse",
        )
        return
    records = found if isinstance(found, list) else [{}]
    try:
        read = list(events.records(event))
    except MailroomError:
        return
    for (record_id, item), record in zip(read, [*records, *[{}] * len(read)], strict=False):
        raw = item.raw if isinstance(item, events.SendingEvent) else {}
        mail = raw.get("mail")
        message_id = mail.get("messageId") if isinstance(mail, dict) else None
        attributes = record.get("attributes") or {}
        receives = str(attributes.get("ApproximateReceiveCount", ""))
        yield _Subject(
            # Of what is not an event, the runtime writes a line too, which must be counted.
            message_id=str(message_id or ""),
            record_id=record_id,
            event=identity(raw) if raw else None,
            queue=record.get("eventSourceARN") if receives else None,
            receives=int(receives) if receives.isdigit() else None,
        )


def _parts(log: str) -> tuple[list[tuple[dict[str, Any], list[str]]], list[str]]:
    """The runtime's last word on each mail or event, with what was printed before; and the rest."""
    parts: list[tuple[dict[str, Any], list[str]]] = []
    printed: list[str] = []
    for line in log.splitlines():
        record = _record(line)
        if record.get("event") in _ENDS and "outcome" in record:
            if record["outcome"] != _NOT_KEPT:
                parts.append((record, printed))
                printed = []
                continue
            if parts:
                parts[-1][1].append(line)
        elif "_aws" in record or record.get("event") == _IMPORT:
            # A metric, in the format that CloudWatch reads; and what `_ended` reads.
            continue
        else:
            printed.append(line)
    return parts, printed


def _record(line: str) -> dict[str, Any]:
    if not line.startswith("{"):
        return {}
    try:
        record = json.loads(line)
    except (RecursionError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _reported(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "rule": record.get("rule"),
        "outcome": str(record["outcome"]),
        "ms": record.get("ms"),
        "error": record.get("error"),
        "detail": str(record.get("detail") or "")[:_LETTERS],
        "place": str(record.get("at") or ""),
    }


def _ended(answer: Answer, subject: _Subject, failed: frozenset[str]) -> dict[str, Any]:
    """How the call ended, of which the runtime did not log the end."""
    if answer.error is None:
        outcome = "failed" if subject.record_id in failed else "handled"
        return {"outcome": outcome, "ms": answer.ms, "error": None, "detail": "", "place": ""}
    for line in answer.log.splitlines():
        record = _record(line)
        if record.get("event") == _IMPORT:
            return {**_reported(record), "ms": answer.ms}
    frames = _FRAME.findall(answer.trace)
    named = _TYPE.findall(answer.trace.rpartition("\n  File ")[2]) if answer.trace else []
    return {
        "outcome": "failed",
        "ms": answer.ms,
        "error": named[0] if named else "",
        "detail": answer.error[:_LETTERS],
        "place": f"{frames[-1][0]}:{frames[-1][1]}" if frames else "",
    }


def _shown_trace(trace: str) -> list[str]:
    """The lines of a traceback, with files named as in the function's folder."""
    return [_FOLDER.sub("", line)[:_LETTERS] for line in trace.splitlines()[-_TRACE_LINES:]]


def _failed_records(result: Any) -> frozenset[str]:
    found = result.get("batchItemFailures") if isinstance(result, dict) else None
    return frozenset(
        str(each.get("itemIdentifier")) for each in found or [] if isinstance(each, dict)
    )
