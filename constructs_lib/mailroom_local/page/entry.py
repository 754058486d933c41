"""One message of the page's list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mailroom_local.control.journal import EventRecord, HandlerOutcome, MessageRecord

_WHY_LETTERS = 200


@dataclass(slots=True, kw_only=True)
class Entry:
    """A message: what the journal says of it, and what is only known here."""

    key: str
    """Its id, or `refused-N`."""
    position: int
    """Its place in the order of the journal."""
    record: MessageRecord
    """What happened to it."""
    begun: dict[str, Any]
    """The record of the journal with which it began."""
    version: int = 0
    """When it was changed last."""
    unread: bool = True
    """Whether nobody has marked it as read."""
    from_name: str | None = None
    """The name in its From field; `None` before its bytes were read."""
    attachments: int = 0
    """How many files are in it."""
    _summary: dict[str, Any] | None = field(default=None, repr=False)
    _words: str | None = field(default=None, repr=False)
    _folders: tuple[str, ...] | None = field(default=None, repr=False)

    @property
    def kind(self) -> str:
        """`received`, `sent` or `refused`."""
        record = self.record
        return "refused" if record.refused else "sent" if record.outgoing else "received"

    @property
    def maybe_tried_again(self) -> bool:
        """Whether a call failed of which only the function's configuration says what follows."""
        return any(one.failed and not one.final for one in _last_tries(self.record))

    def changed(self, version: int) -> None:
        """Take note that it is not what it was."""
        self.version = version
        self._summary = self._words = self._folders = None

    def named(self, from_name: str, *, attachments: int) -> None:
        """Take note of what only its bytes say."""
        self.from_name, self.attachments = from_name, attachments
        self._words = None

    def summarized(self) -> dict[str, Any]:
        """What the list shows of it."""
        return {
            **self._known(),
            "from_name": self.from_name or "",
            "attachments": self.attachments,
            "unread": self.unread,
        }

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders that it is in."""
        if self._folders is None:
            failed = self._known()["status"] == "failed"
            self._folders = ("all", self.kind, "failed") if failed else ("all", self.kind)
        return self._folders

    def has(self, field: str, value: str) -> bool:
        """Whether its summary has a value among those of a field."""
        return value in self._known()[field]

    @property
    def words(self) -> str:
        """What is searched besides its text, in one case."""
        if self._words is None:
            record = self.record
            sender = (record.mail_from, self.from_name or "")
            parts = (self.key, record.subject, *sender, *record.rcpt_tos)
            self._words = "\n".join(parts).casefold()
        return self._words

    def _known(self) -> dict[str, Any]:
        if self._summary is None:
            self._summary = self._summarize()
        return self._summary

    def _summarize(self) -> dict[str, Any]:
        record = self.record
        why = record.reason or "" if record.refused else self._failure()
        done = "ok" if self._done() else "pending"
        status = "refused" if record.refused else "failed" if why else done
        calls = {outcome.outcome for outcome in record.outcomes}
        return {
            "key": self.key,
            "message_id": record.message_id,
            "kind": self.kind,
            "at": record.at.isoformat(),
            "from": record.mail_from,
            "to": record.rcpt_tos,
            "subject": record.subject,
            "size": record.size,
            "status": status,
            "why": why[:_WHY_LETTERS],
            # Of a gateway, the record has those, too, that did not apply.
            "rules": [one.name for one in record.rules if one.recipients or not record.gateway],
            "gateway": record.gateway["name"] if record.gateway else None,
            "events": dict(Counter(event.kind for event in record.events)),
            "outcomes": sorted({action.outcome for action in record.actions} | calls),
        }

    def _done(self) -> bool:
        record = self.record
        pending = any(action.pending for action in record.actions)
        return record.finished and not pending and not self.maybe_tried_again

    def _failure(self) -> str:
        return next(filter(None, self._failures()), "")

    def _failures(self) -> Iterator[str]:
        for action in self.record.actions:
            if action.outcome == "failed":
                yield f"{action.kind}: {action.detail.get('error') or 'failed'}"
        for call in _last_tries(self.record):
            if call.failed and call.final:
                yield f"{call.function_name}: {call.error or 'failed'}" + (
                    f": {call.detail}" if call.detail else ""
                )
        for event in self.record.events:
            yield _of_event(event)
            for taken in event.destinations:
                if taken["outcome"] == "failed":
                    yield f"destination {taken['name']}: {taken.get('error', 'failed')}"
        yield from self.record.problems


def _last_tries(record: MessageRecord) -> list[HandlerOutcome]:
    """The last call of each function, by what it was called for."""
    groups = [action.handler for action in record.actions]
    groups += [event.handlers for event in record.events]
    groups.append(record.calls)
    return [call for group in groups for call in {one.function_arn: one for one in group}.values()]


def _of_event(event: EventRecord) -> str:
    """Why the message has not reached somebody, if that is what the event says."""
    payload = event.payload
    if event.kind == "Bounce":
        bounce = payload["bounce"]
        # An automatic reply is a bounce, too, of a message that was delivered.
        if (bounce["bounceType"], bounce["bounceSubType"]) == ("Transient", "General"):
            return ""
        return f"bounced: {bounce['bounceType']}, {bounce['bounceSubType']}"
    if event.kind == "Reject":
        return f"rejected: {payload['reject']['reason']}"
    if event.kind == "Rendering Failure":
        return str(payload["failure"]["errorMessage"])
    return ""
