"""Which events a replay is about."""

from __future__ import annotations

import re
from dataclasses import dataclass

UNKNOWN_DAY = "unknown"
"""The day of an event without a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The events of some types and days; everything by default."""

    types: frozenset[str] = frozenset()
    """The types, as `slug` spells them; all if empty."""
    first: str | None = None
    """The first day, as ``YYYY-MM-DD`` in UTC."""
    last: str | None = None
    """The last day, inclusive."""

    def has_type(self, type_slug: str) -> bool:
        """Return whether events of a type are selected."""
        return not self.types or type_slug in self.types

    def has_day(self, day: str) -> bool:
        """Return whether events of a day are selected."""
        if day == UNKNOWN_DAY:
            return not (self.first or self.last)
        return (not self.first or day >= self.first) and (not self.last or day <= self.last)


def slug(kind: str) -> str:
    """Return an event type in the lake's spelling: ``Rendering Failure`` is ``rendering_failure``.

    Args:
        kind: The type in any spelling.
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind)
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_") or "unknown"
