"""The page of the proof: a section for each part, between two lines that mark it."""

from __future__ import annotations

import re

from proof.result import Result, Table

_SECTION = re.compile(r"<!-- part: (\S+) -->\n.*?<!-- end -->\n", re.DOTALL)

_HEAD = re.compile(
    r"<!-- part: (?P<part>\S+) -->\n## (?P<title>.+)\n\n"
    r"(?P<claim>.+?)\. (?P<verdict>It holds|\*\*It does not hold)\..*\n\n"
    r"`.+`, (?P<date>[-0-9]+), (?P<seconds>[0-9]+) s"
)

_VERDICTS = {"It holds": "holds", "**It does not hold": "**does not hold**"}

# Longer cells are for the terminal and for JSON.
_LONGEST = 160


def section(result: Result) -> str:
    """Return the Markdown of a result, with its marks."""
    verdict = "It holds." if result.holds else "**It does not hold.**"
    claim = result.claim[0].upper() + result.claim[1:].rstrip(".")
    blocks = [
        f"<!-- part: {result.part} -->\n## {result.part.capitalize()}",
        f"{claim}. {verdict}",
        f"`{result.command}`, {result.date}, {result.seconds:.0f} s, on {result.machine}.",
        *(f"![{result.part}](images/{name})" for name in result.pictures),
        *(_table(table) for table in result.tables),
    ]
    if result.notes:
        blocks.append("\n".join(f"- {_escaped(note)}" for note in result.notes))
    return "\n\n".join(blocks) + "\n\n<!-- end -->\n"


def written(page: str, sections: dict[str, str], *, order: list[str]) -> str:
    """Return the page with new sections; those of other parts stay as they are.

    Args:
        page: The page as it is.
        sections: The Markdown of each part that was run.
        order: Parts in the order of the page; a section of any other part is dropped.
    """
    kept = {match[1]: match[0] for match in _SECTION.finditer(page)}
    introduction = _SECTION.sub("", page).rstrip("\n")
    found = {**kept, **sections}
    shown = [found[name] for name in order if name in found]
    return "\n".join([f"{introduction}\n", *_summary(shown), *shown])


def _summary(sections: list[str]) -> list[str]:
    """Return a table with a line for each section, or nothing."""
    found = [match for match in map(_HEAD.match, sections) if match]
    if not found:
        return []
    rows = [
        f"| [{one['title']}](#{one['part']}) | {one['claim']} | {_VERDICTS[one['verdict']]} "
        f"| {one['date']} | {one['seconds']} s |"
        for one in found
    ]
    head = ["| part | what is shown | | last run | took |", "| --- | --- | --- | --- | ---: |"]
    return ["\n".join(["<!-- part: summary -->", *head, *rows, "", "<!-- end -->", ""])]


def _table(table: Table) -> str:
    first = len(table.columns) - table.numeric
    rules = ["---" if index < first else "---:" for index in range(len(table.columns))]
    rows = [table.columns, rules, *table.rows]
    lines = ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return f"### {table.title}\n\n" + "\n".join(lines)


def _cell(text: str) -> str:
    shown = " ".join(text.split())
    if len(shown) > _LONGEST:
        shown = f"{shown[:_LONGEST]} …"
    return _escaped(shown).replace("|", r"\|")


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;")
