"""The calls of functions for a message or an event, as lines for people."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from mailroom_cli.names import short_name
from mailroom_cli.printed import line
from mailroom_cli.terminal import text

if TYPE_CHECKING:
    from mailroom_local.control import HandlerOutcome

# Of one call, unless a message is shown in full.
_LINES = 8
_INDENT = 4


def lines(
    calls: Sequence[HandlerOutcome], *, full: bool, named: bool = False
) -> list[RenderableType]:
    """Return what the calls of one function printed, and how those that failed did.

    Args:
        calls: The tries, oldest first.
        full: Whether to show every try that differs from the one before, with all of its output.
        named: Whether to begin with the function's name.
    """
    tries = [list(same) for _, same in groupby(calls, _what_it_did)]
    shown: list[RenderableType] = []
    number = 0
    for position, same in enumerate(tries):
        number += len(same)
        last = position == len(tries) - 1
        if not (full or last):
            continue
        call = same[-1]
        if named:
            name = call.function_name if full else short_name(call.function_name)
            shown.append(_indented(_named(name, call)))
        if call.failed:
            shown.append(_indented(_error(call)))
        if note := _tries(call, number, last=last):
            shown.append(_indented(note))
        shown += _output(call, full=full)
    return shown


def _what_it_did(call: HandlerOutcome) -> tuple[object, ...]:
    return call.outcome, call.error, call.detail, call.place, call.output


def _named(name: str, call: HandlerOutcome) -> Text:
    ms = f" in {call.ms:.0f} ms" if call.ms is not None else ""
    style = "red" if call.failed else "green"
    return Text.assemble(text(f"{name}  "), text(call.outcome, style), text(ms))


def _error(call: HandlerOutcome) -> Text:
    said = ": ".join(part for part in (call.error, call.detail.strip()) if part) or "no reason"
    # An exception's text may have several lines.
    whole = Text("\n").join(text(one, "red") for one in said.splitlines())
    if call.place:
        whole.append_text(Text.assemble(text("  "), text(call.place, "bold red")))
    return whole


def _tries(call: HandlerOutcome, number: int, *, last: bool) -> Text | None:
    """What is known of the tries, up to the last of some that failed for the same reason."""
    many = f"{number} tries" if number > 1 else "1 try"
    if not call.failed:
        return text(f"after {many}", "yellow") if number > 1 and last else None
    if not last:
        return text(f"{many} so far", "dim")
    if call.dead_letter_queue:
        name = short_name(call.dead_letter_queue)
        return text(f"{many}, now in the dead-letter queue {name}", "red")
    if not call.final:
        return text(f"{many}, another follows", "yellow")
    return text(f"{many}, and no dead-letter queue keeps it", "red")


def _output(call: HandlerOutcome, *, full: bool) -> list[RenderableType]:
    said = [one for one in map(line, call.output) if one is not None]
    kept = said if full else said[-_LINES:]
    shown = [Text.assemble(text("│ ", "dim"), one) for one in kept]
    above = len(said) - len(kept)
    if above:
        shown.insert(0, text(f"│ … {above} lines above: `mailroom log` with the id", "dim"))
    if call.omitted:
        shown.append(text(f"│ … {call.omitted} lines more: `mailroom tail`", "dim"))
    return [_indented(one) for one in shown]


def _indented(one: Text) -> Padding:
    one.overflow = "fold"
    return Padding(one, (0, 0, 0, _INDENT), expand=False)
