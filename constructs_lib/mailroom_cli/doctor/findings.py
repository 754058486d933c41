"""What is found: one thing, how bad it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is, the worst first."""

    PROBLEM = "problem"
    """Something does not work, or mail or events are lost."""
    WARNING = "warning"
    """Something is likely to go wrong, or could not be looked at."""
    NOTE = "note"
    """Something to know."""
    OK = "ok"
    """Looked at, and as it should be."""


ORDER = tuple(Level)
"""The levels, the worst first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found."""

    subject: str
    """The part of the machine or the account: the name of the module that looked."""
    check: str
    """What was looked at, in a word or two that stay the same from release to release."""
    level: Level
    """How bad it is."""
    found: str
    """What was found, with the values."""
    remedy: str = ""
    """What to do about it."""
    command: str = ""
    """A shell command that does it, to be copied."""
    source: str = ""
    """The page of AWS, or of another maker, with the rule that this rests on."""
    account: str = ""
    """The account; empty for the machine."""
    region: str = ""
    """The region; empty for the machine."""
