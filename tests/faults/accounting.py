"""What came in, what came out and where everything is; pure, so that its verdict can be tested."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

KEPT = "dead-letter queue"
"""Where what no function could handle waits for a person, under an alarm."""


@dataclass(kw_only=True)
class Item:
    """One thing that came in: a mail that was accepted or refused, or an event."""

    id: str
    """Its id, or what the sender calls it if it was refused."""
    what: str
    """What it is, such as ``mail``."""
    due: tuple[str, ...]
    """What must come of it, each of them alone."""
    done: list[str] = field(default_factory=list)
    """What came of it; the same twice if it was done twice."""
    kept: list[str] = field(default_factory=list)
    """Where it waits for somebody."""
    covered: set[str] = field(default_factory=set)
    """What of that which is due waits there."""
    held: list[str] = field(default_factory=list)
    """Where it can be found, whatever became of it; accounts for nothing."""
    stack: str = "Faults"
    """The stack whose functions handle it, if it is an event."""
    at_most_once: tuple[str, ...] = ()
    """What must not be done twice."""

    @property
    def lost(self) -> list[str]:
        """What is due, was not done, and waits nowhere."""
        return [one for one in self.due if one not in self.done and one not in self.covered]

    @property
    def repeated(self) -> list[str]:
        """What was done twice and must not be."""
        counted = Counter(self.done)
        return [one for one in self.at_most_once if counted[one] > 1]


@dataclass(kw_only=True)
class Account:
    """The account of one fault."""

    fault: str
    """What went wrong."""
    items: Sequence[Item] = ()
    """What came in."""
    problems: list[str] = field(default_factory=list)
    """What else is wrong, such as a control that let mail pass."""
    remark: str = ""
    """What the reader should know."""

    @property
    def found(self) -> list[str]:
        """Everything that is wrong: what was lost, what was done twice, and the problems."""
        lost = [f"{item.what} {item.id}: {one} is lost" for item in self.items for one in item.lost]
        twice = [
            f"{item.what} {item.id}: {one} happened twice"
            for item in self.items
            for one in item.repeated
        ]
        nothing = [] if self.items or self.problems else ["nothing came in"]
        return [*lost, *twice, *self.problems, *nothing]

    @property
    def holds(self) -> bool:
        """Whether everything is accounted for."""
        return not self.found

    def row(self) -> list[str]:
        """Return the account as a row of a table."""
        return [
            self.fault,
            _counted(item.what for item in self.items),
            _counted(one for item in self.items for one in item.done) or "nothing",
            _counted(one for item in self.items for one in (*item.kept, *item.held)) or "-",
            "in = out + kept" if self.holds else "; ".join(self.found[:3]),
        ]


COLUMNS = ["fault", "what came in", "what came out", "what is where", "verdict"]


def _counted(names: object) -> str:
    counted = Counter(names)  # type: ignore[call-overload]
    return ", ".join(f"{count} {name}" for name, count in counted.items())
