"""How many messages are in each folder, and what they can be filtered by, at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mailroom_local.page.entry import Entry

FOLDERS = ("all", "received", "sent", "refused", "failed")
_FILTERS = ("rules", "outcomes", "events")


@dataclass(frozen=True, slots=True)
class _Counted:
    """What a message counts as."""

    folders: Sequence[str]
    unread: bool
    values: Mapping[str, Sequence[str]]


class Tally:
    """The counts of an index."""

    def __init__(self) -> None:
        self._counted: dict[str, _Counted] = {}
        self._total: Counter[str] = Counter()
        self._unread: Counter[str] = Counter()
        self._values: dict[str, Counter[str]] = {name: Counter() for name in _FILTERS}

    def update(self, entry: Entry) -> None:
        """Count a message as it is now."""
        if (before := self._counted.get(entry.key)) is not None:
            self._add(before, -1)
        summary = entry.summarized()
        values = {name: tuple(summary[name]) for name in _FILTERS}
        now = _Counted(entry.folders, entry.unread, values)
        self._counted[entry.key] = now
        self._add(now, 1)

    def counts(self) -> dict[str, dict[str, int]]:
        """How many messages there are in each folder, and how many of them are unread."""
        return {
            folder: {"total": self._total[folder], "unread": self._unread[folder]}
            for folder in FOLDERS
        }

    def filters(self) -> dict[str, list[str]]:
        """What messages can be filtered by: names of rules, outcomes and events."""
        return {
            name: sorted(value for value, count in found.items() if count)
            for name, found in self._values.items()
        }

    def _add(self, counted: _Counted, count: int) -> None:
        for folder in counted.folders:
            self._total[folder] += count
            self._unread[folder] += count if counted.unread else 0
        for name, values in counted.values.items():
            for value in values:
                self._values[name][value] += count
