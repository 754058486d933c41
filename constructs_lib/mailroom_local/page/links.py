"""Which message was sent because of which.

A bounce names the message that it returns. A function's own calls carry the trace id of its
invocation, as on AWS; what it sends by SMTP does not, so there the fields of the message tell.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A message, and one that was sent because of it."""

    cause: str
    sent: str
    relation: str
    """`bounce`, `reply` or `sent`."""
    function: str | None = None
    certain: bool = True
    """Whether it is known of which message of a batch it is the consequence."""


class Links:
    """The links between messages; grows with the journal."""

    def __init__(self) -> None:
        self._bounces: dict[str, str] = {}
        self._bounced_by: dict[str, list[str]] = defaultdict(list)
        # By the trace id of an invocation: what it was about, and what it sent.
        self._about: dict[str, dict[str, str]] = defaultdict(dict)
        self._sent_by: dict[str, list[str]] = defaultdict(list)
        self._trace_of: dict[str, str] = {}
        self._traces_about: dict[str, set[str]] = defaultdict(set)
        # By the Message-ID of a received message.
        self._received: dict[str, str] = {}
        self._header_id: dict[str, str] = {}
        self._answers: dict[str, list[str]] = {}
        self._answered_by: dict[str, list[str]] = defaultdict(list)

    def add(self, key: str, record: dict[str, Any]) -> None:
        """Take a record of the journal that is about the message of this key."""
        kind = record["type"]
        if kind == "accepted" and record.get("header_id"):
            self._received[record["header_id"]] = key
            self._header_id[key] = record["header_id"]
        elif kind == "sent":
            if record.get("bounce_of"):
                self._bounces[key] = record["bounce_of"]
                self._bounced_by[record["bounce_of"]].append(key)
            if record.get("trace"):
                self._trace_of[key] = record["trace"]
                self._sent_by[record["trace"]].append(key)
            self._answers[key] = list(dict.fromkeys(record.get("answers") or ()))
            for identifier in self._answers[key]:
                self._answered_by[identifier].append(key)
        elif kind == "call" and record.get("trace"):
            self._about[record["trace"]][key] = record["function"]
            self._traces_about[key].add(record["trace"])

    def causes(self, key: str) -> list[Link]:
        """Why a message was sent."""
        if key in self._bounces:
            return [Link(cause=self._bounces[key], sent=key, relation="bounce")]
        replied = {
            self._received[one] for one in self._answers.get(key, ()) if one in self._received
        }
        about = self._about.get(self._trace_of.get(key, ""), {})
        # Of a batch, the message's own fields may tell which of its events it is about.
        likely = [cause for cause in about if cause in replied] or list(about)
        found = [
            Link(
                cause=cause,
                sent=key,
                relation="reply" if cause in replied else "sent",
                function=(about[cause].split(":") + [""] * 7)[6],
                certain=len(likely) == 1,
            )
            for cause in likely
        ]
        if found:
            return found
        return [Link(cause=cause, sent=key, relation="reply") for cause in replied]

    def consequences(self, key: str) -> list[Link]:
        """What was sent because of a message."""
        sent = [one for trace in self._traces_about.get(key, ()) for one in self._sent_by[trace]]
        sent += self._answered_by.get(self._header_id.get(key, ""), ())
        sent += self._bounced_by.get(key, ())
        found = [link for one in dict.fromkeys(sent) for link in self.causes(one)]
        return [link for link in found if link.cause == key]
