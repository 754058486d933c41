"""Shows findings: in a terminal, the worst of each subject first, or as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from rich.padding import Padding
from rich.table import Table

from mailroom_cli.doctor import run
from mailroom_cli.doctor.findings import ORDER, Finding, Level
from mailroom_cli.terminal import show, text

_SIGNS = {
    Level.PROBLEM: ("✗", "bold red"),
    Level.WARNING: ("!", "yellow"),
    Level.NOTE: ("·", "cyan"),
    Level.OK: ("✓", "green"),
}
_STYLES = {Level.PROBLEM: "bold", Level.OK: "dim"}


def in_terminal(findings: Sequence[Finding]) -> None:
    """Write findings for people.

    Args:
        findings: What was found, by account, region and subject.
    """
    several = len({(one.account, one.region) for one in findings if one.account}) > 1
    groups = groupby(findings, key=lambda one: (one.account, one.region, one.subject))
    for position, ((account, region, subject), group) in enumerate(groups):
        where = f"  {account}, {region}" if several and account else ""
        title = text(run.title(subject), "bold")
        show(*([""] if position else []), title.append_text(text(where, "dim")))
        for one in run.worst_first(list(group)):
            _show(one)
    show("", _summary(findings))


def document(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return findings for programs."""
    counts = Counter(one.level for one in findings)
    return {
        "ok": not counts[Level.PROBLEM],
        "counts": {level.value: counts[level] for level in ORDER},
        "findings": [asdict(one) for one in findings],
    }


def _show(one: Finding) -> None:
    sign, style = _SIGNS[one.level]
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(text(sign, style), text(one.found, _STYLES.get(one.level, "")))
    if one.remedy:
        table.add_row("", text(one.remedy, "yellow"))
    show(Padding(table, (0, 0, 0, 2), expand=False))
    if one.command:
        # Never wrapped by us, so that it can be copied from the terminal.
        show(text(f"      {one.command}"), whole_lines=True)
    if one.source and one.level in (Level.PROBLEM, Level.WARNING):
        show(text(f"    {one.source}", "dim"), whole_lines=True)


def _summary(findings: Sequence[Finding]) -> Any:
    counts = Counter(one.level for one in findings)
    words = [
        f"{counts[level]} {level.value}{'' if counts[level] == 1 else 's'}"
        for level in (Level.PROBLEM, Level.WARNING, Level.NOTE)
        if counts[level]
    ]
    style = next((_SIGNS[level][1] for level in ORDER if counts[level]), "")
    return text(", ".join(words) or "nothing to complain about", style)
