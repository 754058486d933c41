"""Which message was sent because of which.

A bounce names the message that it returns, and an action of a gateway says what it has sent or
relayed. A function's own calls carry the trace id of its invocation, as on AWS; what it sends by
SMTP does not, so there the fields of the message tell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A message, and one that was sent because of it."""

    cause: str
    sent: str
    relation: str
    """`bounce`, `relay`, `reply` or `sent`."""
    function: str | None = None
    certain: bool = True
    """Whether it is known of which message of a batch it is the consequence."""


class Links:
    """The links between messages; grows with the journal."""

    def __init__(self) -> None:
        # What the journal says itself: the message before, and how this one follows from it.
        self._cause_of: dict[str, tuple[str, str]] = {}
        self._caused: dict[str, list[str]] = defaultdict(list)
        # By the trace id of an invocation: what it was about, with the function, and what it sent.
        self._about: dict[str, dict[str, str]] = defaultdict(dict)
        self._sent_by: dict[str, list[str]] = defaultdict(list)
        self._trace_of: dict[str, str] = {}
        self._traces_about: dict[str, list[str]] = defaultdict(list)
        # By the Message-ID of a received message.
        self._received: dict[str, str] = {}
        self._header_id: dict[str, str] = {}
        self._replies: dict[str, list[str]] = {}
        self._names: dict[str, list[str]] = {}
        self._named_by: dict[str, list[str]] = defaultdict(list)

    def add(self, key: str, record: dict[str, Any]) -> None:
        """Take a record of the journal that is about the message of this key."""
        kind = record["type"]
        if kind == "accepted" and record.get("header_id"):
            self._received[record["header_id"]] = key
            self._header_id[key] = record["header_id"]
        elif kind == "sent":
            self._add_sent(key, record)
        elif kind == "action":
            for sent in filter(None, str(record["detail"].get("sentAs", "")).split(", ")):
                self._caused_by(key, sent, "sent")
        elif kind == "call" and record.get("trace"):
            self._about[record["trace"]][key] = record["function"]
            self._traces_about[key].append(record["trace"])

    def causes(self, key: str) -> list[Link]:
        """Why a message was sent."""
        if key in self._cause_of:
            cause, relation = self._cause_of[key]
            return [Link(cause=cause, sent=key, relation=relation)]
        named = self._known(self._names.get(key, ()))
        replied = self._known(self._replies.get(key, ()))
        about = self._about.get(self._trace_of.get(key, ""), {})
        # Of a batch, the message's own fields may tell which of its events it is about.
        likely = [cause for cause in about if cause in named] or list(about)
        return [
            Link(
                cause=cause,
                sent=key,
                relation="reply" if cause in replied else "sent",
                function=(about[cause].split(":") + [""] * 7)[6] if cause in about else None,
                certain=len(likely) <= 1,
            )
            for cause in likely or named
        ]

    def consequences(self, key: str) -> list[Link]:
        """What was sent because of a message."""
        sent = [one for trace in self._traces_about.get(key, ()) for one in self._sent_by[trace]]
        sent += self._named_by.get(self._header_id.get(key, ""), ())
        sent += self._caused.get(key, ())
        found = [link for one in dict.fromkeys(sent) for link in self.causes(one)]
        return [link for link in found if link.cause == key]

    def _add_sent(self, key: str, record: dict[str, Any]) -> None:
        for field, relation in (("bounce_of", "bounce"), ("relay_of", "relay")):
            if original := record.get(field):
                self._caused_by(original, key, relation)
        if trace := record.get("trace"):
            self._trace_of[key] = trace
            self._sent_by[trace].append(key)
        self._replies[key] = record.get("in_reply_to") or []
        # A forwarded message names the one before it as well, but does not reply to it.
        named = dict.fromkeys([*self._replies[key], *(record.get("references") or ())])
        self._names[key] = list(named)
        for identifier in named:
            self._named_by[identifier].append(key)

    def _caused_by(self, cause: str, sent: str, relation: str) -> None:
        self._cause_of[sent] = (cause, relation)
        self._caused[cause].append(sent)

    def _known(self, identifiers: Iterable[str]) -> list[str]:
        return [self._received[one] for one in identifiers if one in self._received]
