"""Writes the rules in force to the journal, once for each version that mail meets."""

from __future__ import annotations

import uuid
from threading import Lock

from mailroom_local._journal import Journal
from mailroom_local.receiving.decisions import InForce
from mailroom_local.receiving.explaining import in_words


class InForceRecords:
    """The versions of the rules, each with the name by which messages refer to it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = Lock()
        self._last: InForce | None = None
        self._version = ""

    def version(self, now: InForce) -> str:
        """The name of the version; a new one is written first."""
        with self._lock:
            if self._last is None or not _same(self._last, now):
                self._last, self._version = now, uuid.uuid4().hex[:12]
                self._journal.write("rules", version=self._version, **in_words(now))
            return self._version


def _same(before: InForce, now: InForce) -> bool:
    # Rules are replaced, never changed, so there is no need to compare their content.
    old, new = before.rules or (), now.rules or ()
    return (
        before.name == now.name
        and len(old) == len(new)
        and all(one is other for one, other in zip(old, new, strict=True))
        and before.identities == now.identities
    )
