"""The reference of the command line, from what its parser says."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

from mailroom_cli.main import parser


def page() -> str:
    """Return the page."""
    whole = parser()
    parts = [
        "---\ntitle: The command mailroom\n---",
        "# The command `mailroom`",
        whole.description or "",
        *_commands(whole, 2),
    ]
    return "\n\n".join(parts) + "\n"


def _commands(whole: argparse.ArgumentParser, level: int) -> Iterator[str]:
    for action in whole._actions:  # noqa: SLF001  # argparse offers no other way to its commands
        if not isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            continue
        for one in action.choices.values():
            yield f"{'#' * level} `{one.prog}`"
            yield _prose(one.description or "")
            usage = " ".join(one.format_usage().removeprefix("usage: ").split())
            yield f"```text\n{usage}\n```"
            yield from _table(one)
            yield from _commands(one, level + 1)


def _table(one: argparse.ArgumentParser) -> Iterator[str]:
    formatter = one.formatter_class(one.prog)
    rows = []
    for action in one._actions:  # noqa: SLF001
        if isinstance(action, argparse._SubParsersAction | argparse._HelpAction):  # noqa: SLF001
            continue
        if action.help is argparse.SUPPRESS:
            continue
        if not action.help:
            raise SystemExit(f"{one.prog}: {action.dest} has no help")
        text = formatter._expand_help(action)  # noqa: SLF001
        name = formatter._format_action_invocation(action)  # noqa: SLF001
        rows.append(f"| `{_cell(name)}` | {_cell(_prose(text))} |")
    if rows:
        yield "\n".join(["| argument | what |", "| --- | --- |", *rows])


def _prose(text: str) -> str:
    # What is not in backquotes means itself, such as *EventTable or NAME_OF_IT.
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(
        part if part.startswith("`") else re.sub(r"([*_<>\[\]])", r"\\\1", part) for part in parts
    )


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
