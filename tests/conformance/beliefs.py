"""The rows of the pages of assumptions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
SOURCES = ("unknown", "inferred", "reported", "recorded", "documented")
BY_HAND = "By hand: "


@dataclass(frozen=True, kw_only=True)
class Belief:
    """One row."""

    section: str
    text: str
    source: str
    """One of `SOURCES`: the first that the row names."""
    how: str
    """The column that says how to check it."""

    @property
    def checks(self) -> list[str]:
        """The checks that the row names."""
        return re.findall(r"`(\w+\.\w+)`", self.how.partition(BY_HAND)[0])

    @property
    def by_hand(self) -> str:
        """Why no program can check it, and what to do by hand; empty if one can."""
        return self.how.partition(BY_HAND)[2]


def all_beliefs() -> list[Belief]:
    """The rows of every page ``docs/*assumptions.md``, in their order."""
    return [row for page in sorted(DOCS.glob("*assumptions.md")) for row in rows_of(page)]


def of(words: str, beliefs: list[Belief]) -> Belief:
    """The one row that begins with these words.

    Raises:
        LookupError: If none does, or several.
    """
    found = [row for row in beliefs if row.text.startswith(words)]
    if len(found) != 1:
        raise LookupError(f"{len(found)} rows of docs/*assumptions.md begin with {words!r}")
    return found[0]


def rows_of(page: Path) -> list[Belief]:
    """The rows of one page."""
    section, found = "WorkMail" if "workmail" in page.name else "", []
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 4 and cells[0] != "assumption" and set(cells[0]) != {"-", " "} - {" "}:
            text, source, _, how = cells
            found.append(Belief(section=section, text=text, source=_source(source), how=how))
    return found


def _source(cell: str) -> str:
    at = {word: cell.find(word) for word in SOURCES if word in cell}
    return min(at, key=lambda word: at[word]) if at else "inferred"
