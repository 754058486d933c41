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

from mailroom_local._calls import identity


@dataclass(slots=True, kw_only=True)
class HandlerOutcome:
    """A call of a function for a message or an event: what it printed, and how it ended."""

    outcome: str
    """`handled`, `failed`, or the disposition of a synchronous function."""
    function_arn: str = ""
    """The function."""
    ms: float | None = None
    """How long it ran, in milliseconds."""
    error: str | None = None
    """The exception's class, if it failed."""
    detail: str = ""
    """The exception's text."""
    at: datetime | None = None
    """When it ended."""
    traceback: list[str] = field(default_factory=list)
    """The lines of the traceback, if the invocation failed as a whole."""
    place: str = ""
    """The file and line that raised it, from the current folder if it is the app's."""
    output: list[str] = field(default_factory=list)
    """The lines that it printed."""
    omitted: int = 0
    """How many more lines it printed; `mailroom tail` shows them all."""
    queue: str | None = None
    """The ARN of the queue from which the event came, if it came from one."""
    receives: int | None = None
    """How many times the event has been received from a queue."""
    final: bool = True
    """Whether it is not called again for this: it succeeded, or there are no more tries."""
    dead_letter_queue: str | None = None
    """The name of the queue that keeps what failed, if no other try follows."""

    @property
    def function_name(self) -> str:
        """The function's name."""
        return (self.function_arn.split(":") + [""] * 7)[6]

    @property
    def failed(self) -> bool:
        """Whether it failed."""
        return self.outcome == "failed"


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
    at: datetime | None = None
    """When it ended."""
    detail: dict[str, Any] = field(default_factory=dict)
    """The action's settings, and an error if there was one."""
    handler: list[HandlerOutcome] = field(default_factory=list)
    """The calls of the function, one for each try."""

    @property
    def function_name(self) -> str | None:
        """The name of the function that a Lambda action invokes."""
        arn = self.detail.get("functionArn")
        return str(arn).split(":")[6] if arn else None

    @property
    def pending(self) -> bool:
        """Whether an asynchronous function has not ended yet, or is tried again."""
        called = self.handler and self.handler[-1].final
        invoked = self.kind in ("Lambda", "InvokeLambda") and self.outcome == "accepted"
        return invoked and not called


@dataclass(slots=True, kw_only=True)
class RuleRecord:
    """A rule that matched a message; of a gateway, every rule that was tried."""

    name: str
    """The name of the rule."""
    recipients: list[str]
    """The recipients that it matched."""
    verdicts: dict[str, str]
    """The verdicts of spam, virus, SPF, DKIM and DMARC checks."""
    because: list[str] = field(default_factory=list)
    """Of a gateway's rule: the conditions that decided, for each group of recipients."""


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
    handlers: list[HandlerOutcome] = field(default_factory=list)
    """The calls of functions with it."""


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
    gateway: dict[str, str] | None = None
    """The ingress point that it came by: `point` is its id, `name` its name, `traffic_policy` and
    `rule_set` the names of what decided."""
    policy: list[str] = field(default_factory=list)
    """What the traffic policy of the ingress point decided about each recipient, and why."""
    outgoing: bool = False
    """Whether it was sent, not received."""
    operation: str | None = None
    """The API operation that sent it."""
    configuration_set: str | None = None
    """The configuration set that it was sent with."""
    relayed_to: str | None = None
    """The host and port of the relay that it was handed to, if a gateway relayed it."""
    events: list[EventRecord] = field(default_factory=list)
    """Its sending events."""
    calls: list[HandlerOutcome] = field(default_factory=list)
    """The calls of functions that neither an action nor an event of it explains."""

    @property
    def outcomes(self) -> list[HandlerOutcome]:
        """Every call of a function for it: those of its actions, of its events, and the others."""
        of_actions = [outcome for action in self.actions for outcome in action.handler]
        of_events = [outcome for event in self.events for outcome in event.handlers]
        return [*of_actions, *of_events, *self.calls]


_BEGINNINGS = ("accepted", "refused", "sent")
_WITH_CALLS = ("action", "event", "call")

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
    combined = Messages()
    for record in records:
        combined.add(record)
    return combined.all


class Messages:
    """Combines the journal's records, one by one, into messages."""

    def __init__(self) -> None:
        self.all: list[MessageRecord] = []
        """The messages, oldest first."""
        self._by_id: dict[str, MessageRecord] = {}
        self._calls: dict[str, list[dict[str, Any]]] = {}

    def get(self, message_id: str) -> MessageRecord | None:
        """The message of that id."""
        return self._by_id.get(message_id)

    def add(self, record: dict[str, Any]) -> MessageRecord | None:
        """Add a record, and return the message that it is about, if it is known."""
        kind = record["type"]
        message_id = record.get("message_id") or ""
        if kind in _BEGINNINGS:
            message = _message(record)
            self.all.append(message)
            if message_id:
                self._by_id[message_id] = message
                self._place_calls(message_id, message)
            return message
        if kind == "call":
            self._calls.setdefault(message_id, []).append(record)
        known = self._by_id.get(message_id)
        if known is not None:
            _extend(known, record)
            if kind in _WITH_CALLS:
                self._place_calls(message_id, known)
        return known

    def _place_calls(self, message_id: str, message: MessageRecord) -> None:
        """Give each call to what explains it, all anew: a function may end before that is known."""
        calls = self._calls.get(message_id)
        if not calls:
            return
        message.calls = []
        for part in message.actions:
            part.handler = []
        for event in message.events:
            event.handlers = []
        for call in calls:
            _called(message, call)


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
        refused=record.get("reply"),
        reason=record.get("reason"),
        finished=record["type"] == "refused",
        outgoing=bool(record.get("operation")),
        operation=record.get("operation"),
        configuration_set=record.get("configuration_set"),
        relayed_to=record.get("relayed_to"),
        gateway=record.get("gateway"),
        policy=[_decided(decision) for decision in record.get("policy", ())],
    )


def _decided(decision: dict[str, Any]) -> str:
    verdict = "accepted" if decision["traffic_policy_verdict"] == "ACCEPT" else "rejected"
    return f"{decision['recipient']} {verdict}: {decision['because']}"


def _extend(message: MessageRecord, record: dict[str, Any]) -> None:
    if record["type"] == "rule":
        message.rules.append(
            RuleRecord(
                name=record["rule"],
                recipients=record["recipients"],
                verdicts=record.get("verdicts", {}),
                because=[reason["text"] for reason in record.get("because", ())],
            )
        )
    elif record["type"] == "action":
        message.actions.append(
            ActionRecord(
                rule=record["rule"],
                kind=record["action"],
                outcome=record["outcome"],
                ms=record["ms"],
                at=datetime.fromisoformat(record["at"]),
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
        place = f" ({record['place']})" if record.get("place") else ""
        message.problems.append(record["error"] + place)
    elif record["type"] == "finished":
        message.finished = True
        message.stopped_by = record.get("stopped_by")
        message.ms = record.get("ms")


def _called(message: MessageRecord, record: dict[str, Any]) -> None:
    kept = record["kept_in"]
    outcome = HandlerOutcome(
        outcome=record["outcome"],
        function_arn=record["function"],
        ms=record["ms"],
        error=record["error"],
        detail=record["detail"],
        at=datetime.fromisoformat(record["at"]),
        traceback=record["traceback"],
        place=record["place"],
        output=record["output"],
        omitted=record["omitted"],
        queue=record["queue"],
        receives=record["receives"],
        # Only who knows the function's retries knows better.
        final=record["outcome"] != "failed" or kept is not None,
        dead_letter_queue=kept.rpartition("/")[2] if kept else None,
    )
    actions = [each for each in message.actions if each.function_name == outcome.function_name]
    # One function may serve two rules of the same message.
    for action in [each for each in actions if each.rule == record["rule"]] or actions:
        action.handler.append(outcome)
    event = record["event"]
    events = [each for each in message.events if event and identity(each.payload) == event]
    for each in events:
        each.handlers.append(outcome)
    if not actions and not events:
        message.calls.append(outcome)
