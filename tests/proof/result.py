"""What a part of the proof found: tables, notes, and whether it holds."""

from __future__ import annotations

import datetime
import json
import os
import platform
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import rich.markup
import rich.table
from rich.console import Console

FOLDER = Path(__file__).resolve().parents[2] / "build" / "proof"


@dataclass(kw_only=True)
class Table:
    """Figures under a title; every row has a cell for each column."""

    title: str
    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)
    numeric: int = 0
    """How many columns, counted from the right, hold numbers."""


@dataclass(kw_only=True)
class Result:
    """The result of one part, such as ``torture``."""

    part: str
    claim: str
    """What is shown, in a sentence."""
    command: str
    """The command that shows it again, such as ``make torture``."""
    holds: bool = True
    seconds: float = 0.0
    tables: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Sentences for the reader: what was not run, what to know about a figure, what failed."""
    pictures: list[str] = field(default_factory=list)
    """Pictures in ``docs/images``, by file name."""
    date: str = field(default_factory=lambda: datetime.date.today().isoformat())
    machine: str = field(default_factory=lambda: machine())

    def write(self) -> Path:
        """Keep the result for ``docs/proof.md``."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        path = FOLDER / f"{self.part}.json"
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        return path

    def show(self) -> None:
        """Print the tables and the notes."""
        console = Console(file=sys.stdout, highlight=False)
        for table in self.tables:
            shown = rich.table.Table(title=table.title, title_justify="left")
            for index, column in enumerate(table.columns):
                right = index >= len(table.columns) - table.numeric
                shown.add_column(column, justify="right" if right else "left")
            for row in table.rows:
                shown.add_row(*(rich.markup.escape(cell) for cell in row))
            console.print(shown)
        for note in self.notes:
            console.print(f"- {rich.markup.escape(note)}")
        verdict = "holds" if self.holds else "does not hold"
        console.print(f"{self.part}: {self.claim}: {verdict} ({self.seconds:.0f} s)", markup=False)

    @classmethod
    def read(cls, path: Path) -> Result:
        """Return a result that `write` kept."""
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        kept["tables"] = [Table(**table) for table in kept["tables"]]
        return cls(**kept)


def machine() -> str:
    """Return what the figures were measured on, without the machine's name."""
    system = f"{platform.system()} {platform.machine()}"
    return f"{os.cpu_count()} cores, {system}, Python {platform.python_version()}"
