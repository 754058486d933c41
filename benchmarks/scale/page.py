"""The tables of the docs: each is written between a mark with its name and an end mark."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from scale import tables as made
from scale.flows import Paper
from scale.inputs import ROOT

PAGES = [ROOT / "docs" / name for name in ("scaling.md", "gateway.md")]
PICTURE = ROOT / "docs/images/limits.svg"
_BLOCK = re.compile(r"<!-- calculated: ([a-z-]+) -->\n.*?<!-- end -->", re.DOTALL)


def tables(paper: Paper) -> list[Any]:
    """Return all tables, as a part of the proof shows them."""
    from proof.result import Table

    return [
        Table(title=one.title, columns=one.columns, rows=one.rows, numeric=one.numeric)
        for one in made.all_tables(paper).values()
    ]


def outdated(kept: dict[str, Any]) -> list[str]:
    """Return the names of the pages that are not as `write` would write them."""
    return [path.name for path in PAGES if path.read_text("utf-8") != _written(path, kept)]


def write(kept: dict[str, Any]) -> None:
    """Write the tables and the picture."""
    import sys

    for path in PAGES:
        path.write_text(_written(path, kept), encoding="utf-8")
    sys.path.append(str(ROOT / "website"))
    import pictures

    PICTURE.write_text(dict(pictures.draw())[PICTURE.name], encoding="utf-8")


def _written(path: Path, kept: dict[str, Any]) -> str:
    found = made.all_tables(Paper(kept["inputs"]))
    measured = f"Measured on {kept['date']}: {kept['machine']}."

    def block(match: re.Match[str]) -> str:
        name = match[1]
        text = measured if name == "machine" else found[name].markdown()
        return f"<!-- calculated: {name} -->\n\n{text}\n\n<!-- end -->"

    return _BLOCK.sub(block, path.read_text("utf-8"))
