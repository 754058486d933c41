"""The journal: one JSON line for everything that happened to a message.

The server appends to it while it works, so a message that is still on its way can be read too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(slots=True, kw_only=True)
class HandlerOutcome:
    """What a function itself reported about a message, in its log."""

    outcome: str
    ms: float | None = None
    error: str | None = None


@dataclass(slots=True, kw_only=True)
class ActionRecord:
    """One action of one rule. ``handler`` holds one outcome for each attempt of a function."""

    rule: str
    kind: str
    outcome: str
    ms: float
    detail: dict[str, Any] = field(default_factory=dict)
    handler: list[HandlerOutcome] = field(default_factory=list)

    @property
    def function_name(self) -> str | None:
        """The function that a Lambda action invokes."""
        arn = self.detail.get("functionArn")
        return str(arn).split(":")[6] if arn else None

    @property
    def pending(self) -> bool:
        """Whether an asynchronous function has not reported yet; not all functions ever do."""
        return self.kind == "Lambda" and self.outcome == "accepted" and not self.handler


@dataclass(slots=True, kw_only=True)
class RuleRecord:
    """A rule that took the message."""

    name: str
    recipients: list[str]
    verdicts: dict[str, str]


@dataclass(slots=True, kw_only=True)
class EventRecord:
    """A sending event; ``destinations`` holds those that wanted it, and what became of that."""

    kind: str
    at: datetime
    recipient: str | None
    destinations: list[dict[str, str]]
    payload: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class MessageRecord:
    """The path of one message: received, refused during the SMTP conversation, or sent.

    A message that is ``outgoing`` has events instead of rules and actions; some come late.
    """

    message_id: str | None
    at: datetime
    mail_from: str
    rcpt_tos: list[str]
    subject: str = ""
    size: int = 0
    tls: bool = False
    rules: list[RuleRecord] = field(default_factory=list)
    actions: list[ActionRecord] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)
    refused: str | None = None
    reason: str | None = None
    finished: bool = False
    stopped_by: str | None = None
    ms: float | None = None
    outgoing: bool = False
    operation: str | None = None
    configuration_set: str | None = None
    events: list[EventRecord] = field(default_factory=list)


def read(path: Path) -> list[MessageRecord]:
    """Every message of the journal, oldest first."""
    return collect(_records(path))


def published(path: Path) -> list[dict[str, Any]]:
    """The payload of every sending event of the journal, oldest first."""
    return [record["payload"] for record in _records(path) if record["type"] == "event"]


def collect(records: Iterable[dict[str, Any]]) -> list[MessageRecord]:
    """Put the records of each message together."""
    messages: list[MessageRecord] = []
    by_id: dict[str, MessageRecord] = {}
    for record in records:
        if record["type"] in ("accepted", "refused", "sent"):
            message = _message(record)
            messages.append(message)
            if message.message_id is not None:
                by_id[message.message_id] = message
            continue
        known = by_id.get(record.get("message_id", ""))
        if known is not None:
            _extend(known, record)
    return messages


def _records(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return
    # A line that does not end yet is still being written.
    yield from (json.loads(line) for line in lines if line.endswith(b"\n"))


def _message(record: dict[str, Any]) -> MessageRecord:
    return MessageRecord(
        message_id=record.get("message_id"),
        at=datetime.fromisoformat(record["at"]),
        mail_from=record.get("mail_from", ""),
        rcpt_tos=record.get("rcpt_tos", []),
        subject=record.get("subject", ""),
        size=record.get("size", 0),
        tls=record.get("tls", False),
        unverified=record.get("unverified", []),
        refused=record.get("reply"),
        reason=record.get("reason"),
        finished=record["type"] == "refused",
        outgoing=record["type"] == "sent",
        operation=record.get("operation"),
        configuration_set=record.get("configuration_set"),
    )


def _extend(message: MessageRecord, record: dict[str, Any]) -> None:
    if record["type"] == "rule":
        message.rules.append(
            RuleRecord(
                name=record["rule"],
                recipients=record["recipients"],
                verdicts=record.get("verdicts", {}),
            )
        )
    elif record["type"] == "action":
        message.actions.append(
            ActionRecord(
                rule=record["rule"],
                kind=record["action"],
                outcome=record["outcome"],
                ms=record["ms"],
                detail=record.get("detail", {}),
            )
        )
    elif record["type"] == "event":
        message.events.append(
            EventRecord(
                kind=record["event"],
                at=datetime.fromisoformat(record["happened_at"]),
                recipient=record.get("recipient"),
                destinations=record["destinations"],
                payload=record["payload"],
            )
        )
    elif record["type"] == "finished":
        message.finished = True
        message.stopped_by = record.get("stopped_by")
        message.ms = record.get("ms")
