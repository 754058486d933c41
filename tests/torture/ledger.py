"""Who touched which record: what one invocation did, by the record that was being handled.

Entry points take one record after the other, and look at a record only when its turn comes. So the
list of a batch says which record was taken, and whatever happens until the next one is taken (a
call of the user's function, a request to AWS, a line of the log) belongs to it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


class Account:
    """What happened while one record was being handled."""

    __slots__ = ("calls", "effects", "lines", "seconds")

    def __init__(self) -> None:
        self.calls: list[str] = []
        """How the calls of the user's function ended: ``handled``, or an exception's name."""
        self.effects: list[tuple[str, str, Mapping[str, Any]]] = []
        """Service, operation and arguments of each request that AWS accepted."""
        self.lines: list[dict[str, Any]] = []
        self.seconds = 0.0

    def outcomes(self, event: str) -> list[str]:
        """Return the outcomes that the entry point logged."""
        return [line["outcome"] for line in self.lines if line.get("event") == event]

    def metrics(self) -> bool:
        """Return whether a metric was printed."""
        return any("_aws" in line for line in self.lines)

    def errors(self) -> list[str]:
        """Return the names of the exceptions that the log has, each with its place."""
        return [f"{line['error']} at {line.get('at')}" for line in self.lines if "error" in line]


class Ledger:
    """The accounts of one invocation's records."""

    def __init__(self) -> None:
        self.accounts: list[Account] = [Account()]
        self.position = 0
        self._since = 0.0

    def begin(self, count: int) -> None:
        """Forget the invocation before, and expect *count* records."""
        self.accounts = [Account() for _ in range(max(count, 1))]
        self.position = 0
        self._since = time.perf_counter()

    def at(self, position: int) -> None:
        """Note that the record at *position* is being read."""
        if position != self.position:
            self.end()
            self.position = position

    def end(self) -> None:
        """Charge what passed since the last change to the record that was being handled."""
        now = time.perf_counter()
        self.accounts[self.position].seconds += now - self._since
        self._since = now

    def told(self, view: object, how: str) -> None:
        """Take what a user's function says of a call."""
        if how != "called":
            self.accounts[self.position].calls.append(how)

    def note(self, service: str, operation: str, asked: Mapping[str, Any]) -> None:
        """Take a request to AWS."""
        self.accounts[self.position].effects.append((service, operation, asked))

    def write(self, text: str) -> int:
        """Take what is printed, as ``sys.stdout``."""
        if text.startswith('{"_aws"'):  # most lines are metrics, and reading them takes long
            self.accounts[self.position].lines.append({"_aws": text})
        elif text.startswith("{"):
            for line in text.splitlines():
                self.accounts[self.position].lines.append(json.loads(line))
        return len(text)

    def flush(self) -> None:
        """Do nothing, as nothing is held back."""

    @property
    def whole(self) -> Account:
        """The accounts of all records as one, for invocations with one record."""
        if len(self.accounts) == 1:
            return self.accounts[0]
        joined = Account()
        for one in self.accounts:
            joined.calls += one.calls
            joined.effects += one.effects
            joined.lines += one.lines
        return joined


class Batch(list):  # type: ignore[type-arg]
    """The records of an invocation, which tells the ledger when one is taken."""

    def __init__(self, records: Iterable[Any], ledger: Ledger) -> None:
        super().__init__(records)
        self._ledger = ledger

    def __iter__(self) -> Iterator[Any]:
        for position, record in enumerate(super().__iter__()):
            self._ledger.at(position)
            yield record


class Datum(dict):  # type: ignore[type-arg]
    """A record of Firehose, which tells the ledger when its data are read."""

    def __init__(self, record: Mapping[str, Any], ledger: Ledger, position: int) -> None:
        super().__init__(record)
        self._ledger = ledger
        self._position = position

    def __getitem__(self, key: str) -> Any:
        self._ledger.at(self._position)
        return super().__getitem__(key)
