"""Organizations, messages in flow, and what WorkMail refuses."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Protocol

INBOUND, OUTBOUND = "Inbound", "Outbound"

Rule = Mapping[str, Any]
Place = tuple[str, str]
"""An account and a region."""

NOT_DELIVERED = "The message was not delivered."


class Refused(Exception):
    """WorkMail's refusal of a call, by its code."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class WrongAnswer(Exception):
    """An answer that WorkMail does not accept, so that it invokes the function again."""


class Account(Protocol):
    """What an account's policies allow WorkMail."""

    def may_invoke(self, function: str, *, organization: Organization) -> bool:
        """Whether the function's policy lets WorkMail invoke it for this organization."""
        ...

    def fetch(
        self, bucket: str, key: str, version: str | None, *, message: str, place: Place
    ) -> bytes | None:
        """The object, if the bucket's policy lets WorkMail read it for this message."""
        ...


@dataclass(slots=True, kw_only=True)
class Organization:
    """An organization; its rules by direction and name."""

    id: str
    place: Place
    pinned: bool
    """Whether it was created for this place; if not, its first rule brings it to its function's."""
    domains: frozenset[str]
    users: frozenset[str]
    answer_seconds: float
    seconds_per_minute: float
    rules: dict[str, dict[str, Rule]] = field(default_factory=lambda: {INBOUND: {}, OUTBOUND: {}})

    @property
    def arn(self) -> str:
        """Its ARN."""
        account, region = self.place
        return f"arn:aws:workmail:{region}:{account}:organization/{self.id}"

    @property
    def log_group(self) -> str:
        """Where its RULE_APPLIED events are logged."""
        return f"/aws/workmail/events/{self.id}"

    def holds(self, address: str) -> bool:
        """Whether the address is in one of the organization's domains."""
        return address.casefold().rpartition("@")[2] in self.domains


@dataclass(slots=True, kw_only=True)
class Flow:
    """A message in flow; ``open`` while a synchronous function works on it."""

    id: str
    organization: Organization
    direction: str
    raw: bytes
    mail_from: str
    rcpt_tos: Sequence[str]
    submit: Callable[[bytes, list[str]], str] | None = None
    open: bool = False
    since: float = field(default_factory=time.monotonic)
    _lock: Lock = field(default_factory=Lock)

    def close(self) -> None:
        """Ignore further changes of the content."""
        with self._lock:
            self.open = False

    def replace(self, content: bytes) -> None:
        """Change the content, if a synchronous function is working on it."""
        with self._lock:
            if self.open:
                self.raw = content


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to a message for an address; ``added`` if an answer added the address."""

    kind: str
    text: str = NOT_DELIVERED
    added: bool = False
