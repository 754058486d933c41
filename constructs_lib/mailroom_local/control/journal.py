"""Reads the journal: one JSON line for everything that happened to a message.

The server appends to it while it works, so a message may not be finished yet.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(slots=True, kw_only=True)
class HandlerOutcome:
    """What a function reported about a message, in its log."""

    outcome: str
    """`handled`, `failed`, or the disposition of a synchronous function."""
    ms: float | None = None
    """How long the handler ran, in milliseconds."""
    error: str | None = None
    """The exception, if it failed."""


@dataclass(slots=True, kw_only=True)
class ActionRecord:
    """One action of a rule on a message."""

    rule: str
    """The name of the rule."""
    kind: str
    """`S3`, `Lambda`, `SNS`, `Bounce`, `AddHeader`, `Stop` and so on."""
    outcome: str
    """`done`, `accepted`, `failed`, `skipped` and so on, or the disposition of a function."""
    ms: float
    """How long it took, in milliseconds."""
    detail: dict[str, Any] = field(default_factory=dict)
    """The action's settings, and an error if there was one."""
    handler: list[HandlerOutcome] = field(default_factory=list)
    """What the function reported, one outcome for each attempt."""

    @property
    def function_name(self) -> str | None:
        """The name of the function that a Lambda action invokes."""
        arn = self.detail.get("functionArn")
        return str(arn).split(":")[6] if arn else None

    @property
    def pending(self) -> bool:
        """Whether an asynchronous function has not reported yet. Some functions never do."""
        return self.kind == "Lambda" and self.outcome == "accepted" and not self.handler


@dataclass(slots=True, kw_only=True)
class RuleRecord:
    """A rule that matched a message."""

    name: str
    """The name of the rule."""
    recipients: list[str]
    """The recipients that it matched."""
    verdicts: dict[str, str]
    """The verdicts of spam, virus, SPF, DKIM and DMARC checks."""


@dataclass(slots=True, kw_only=True)
class EventRecord:
    """A sending event."""

    kind: str
    """The event type, as in the payload's `eventType`."""
    at: datetime
    """When it happened."""
    recipient: str | None
    """The recipient to whom it happened; `None` if it concerns the whole message."""
    destinations: list[dict[str, str]]
    """The event destinations that it matched, each with the `outcome` of publishing there."""
    payload: dict[str, Any]
    """What SES published."""


@dataclass(slots=True, kw_only=True)
class MessageRecord:
    """What happened to a message: received, refused during the SMTP conversation, or sent.

    A received message has rules and actions, an outgoing one has events, some of them much later.
    """

    message_id: str | None
    """The id that SES gave it; `None` if it was refused."""
    at: datetime
    """When it was accepted or refused."""
    mail_from: str
    """The envelope sender."""
    rcpt_tos: list[str]
    """The envelope recipients."""
    subject: str = ""
    """Its subject."""
    size: int = 0
    """Its bytes."""
    tls: bool = False
    """Whether it was received over TLS."""
    rules: list[RuleRecord] = field(default_factory=list)
    """The rules that matched it, in order."""
    actions: list[ActionRecord] = field(default_factory=list)
    """The actions that ran, in order."""
    unverified: list[str] = field(default_factory=list)
    """The recipients outside all verified identities, for which SES on AWS receives no mail."""
    refused: str | None = None
    """The SMTP reply of a refusal."""
    reason: str | None = None
    """Why it was refused."""
    problems: list[str] = field(default_factory=list)
    """What went wrong while it was handled, apart from its actions: the error, and its place."""
    finished: bool = False
    """Whether all its actions have run, or its first events are published."""
    stopped_by: str | None = None
    """The rule that stopped the rule set."""
    ms: float | None = None
    """How long it took from acceptance to the end, in milliseconds."""
    outgoing: bool = False
    """Whether it was sent, not received."""
    operation: str | None = None
    """The API operation that sent it."""
    configuration_set: str | None = None
    """The configuration set that it was sent with."""
    events: list[EventRecord] = field(default_factory=list)
    """Its sending events."""


# How a message's first line begins, and that of an event. The rest is parsed only if it is needed.
_FIRST = (b'{"type":"accepted"', b'{"type":"refused"', b'{"type":"sent"')
_EVENT = b'{"type":"event"'


def read(path: Path, *, last: int | None = None) -> list[MessageRecord]:
    """The messages of the journal, oldest first: the last ones, or every one."""
    lines = _lines(path)
    if last is not None:
        first = [number for number, line in enumerate(lines) if line.startswith(_FIRST)]
        lines = lines[first[-last] :] if 0 < last <= len(first) else lines if last else []
    return collect(map(json.loads, lines))


def find(path: Path, message_id: str) -> list[MessageRecord]:
    """The messages whose ids begin so, oldest first."""
    begin = f'"message_id":{json.dumps(message_id)[:-1]}'.encode()
    found = collect(json.loads(line) for line in _lines(path) if begin in line)
    return [message for message in found if (message.message_id or "").startswith(message_id)]


def published(path: Path) -> list[dict[str, Any]]:
    """The payload of every sending event of the journal, oldest first."""
    return [json.loads(line)["payload"] for line in _lines(path) if line.startswith(_EVENT)]


def collect(records: Iterable[dict[str, Any]]) -> list[MessageRecord]:
    """Combine the records of each message."""
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


def _lines(path: Path) -> list[bytes]:
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    # A line without its end is still being written.
    return lines[:-1] if lines and not lines[-1].endswith(b"\n") else lines


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
        outgoing=bool(record.get("operation")),
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
    elif record["type"] == "problem":
        message.problems.append(f"{record['error']} ({record['place']})")
    elif record["type"] == "finished":
        message.finished = True
        message.stopped_by = record.get("stopped_by")
        message.ms = record.get("ms")
