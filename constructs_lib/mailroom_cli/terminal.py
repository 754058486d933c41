"""Writes to a terminal, a pipe or a file, and makes text from mail safe to show there."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable
from typing import IO, Any, NoReturn

from rich.console import Console, RenderableType
from rich.text import Text

# Outside a terminal, lines are not wrapped: that is left to the reader.
_UNBOUNDED = 100_000

# C0 and C1 controls, marks that change the direction of text or cannot be seen, and surrogates,
# which no stream can encode; U+FFFE and U+FFFF, which XML cannot contain. Joiners (U+200C, U+200D)
# stay: scripts and emoji need them.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)


def visible(value: object) -> str:
    r"""Return *value* as one line, its control characters as visible escapes such as ``\x1b``.

    Mail is hostile input: without this, a subject could rename the window, clear the screen, or
    hide part of itself.

    Args:
        value: What to show; anything but text is converted by `str`.
    """
    return _UNSAFE.sub(_escape, str(value))


def text(value: object, style: str = "") -> Text:
    """Return *value* as one line of harmless text; brackets in it are not markup.

    Args:
        value: What to show.
        style: A style of rich, such as ``bold red``. Default: none.
    """
    return Text(visible(value), style=style)


def say(value: str, *, stream: IO[str] | None = None) -> None:
    """Write *value* as it is, for programs: neither wrapped, nor styled, nor escaped.

    Args:
        value: The text, without its last line break.
        stream: Where to. Default: standard output.
    """
    target = stream or sys.stdout
    target.write(value + "\n")
    target.flush()


def say_json(document: Any, *, indent: int | None = 2) -> None:
    """Write *document* to standard output as JSON, in ASCII.

    Args:
        document: What `json.dumps` takes.
        indent: The indentation; ``None`` means a single line.
    """
    say(json.dumps(document, indent=indent))


def say_json_array(documents: Iterable[Any], *, stream: IO[str] | None = None) -> None:
    """Write *documents* as a JSON array, each on a line of its own, as they come.

    Args:
        documents: What `json.dumps` takes.
        stream: Where to. Default: standard output.
    """
    target = stream or sys.stdout
    opening = "["
    for document in documents:
        target.write(opening + "\n" + json.dumps(document))
        opening = ","
    say("[]" if opening == "[" else "\n]", stream=stream)


def show(
    *things: RenderableType,
    stream: IO[str] | None = None,
    on: Console | None = None,
    whole_lines: bool = False,
) -> None:
    """Write things for people to read, each on a separate line.

    Strings are shown harmlessly, and keep their line breaks.

    Args:
        things: Strings and rich's renderables.
        stream: Where to. Default: standard output.
        on: The console of a live display, above which to write.
        whole_lines: Whether to leave the wrapping of long lines to the terminal, so that they can
            be copied.
    """
    console = on or console_of(stream)
    rendered = [_lines(thing) if isinstance(thing, str) else thing for thing in things]
    if console.is_terminal:
        console.print(*rendered, sep="\n", soft_wrap=whole_lines)
        return
    with console.capture() as captured:
        console.print(*rendered, sep="\n", soft_wrap=whole_lines)
    # Cells are padded to their columns, and the padding of the last column is useless to a program.
    lines = captured.get().removesuffix("\n").split("\n")
    say("\n".join(line.rstrip() for line in lines), stream=console.file)


def console_of(stream: IO[str] | None = None) -> Console:
    """Return a console for *stream*: colour and the terminal's width only on a terminal.

    NO_COLOR switches every style off. https://no-color.org

    Args:
        stream: Where it writes to. Default: standard output.
    """
    target = stream or sys.stdout
    is_terminal = target.isatty()
    return _Console(
        file=target,
        force_terminal=is_terminal,
        width=None if is_terminal else _UNBOUNDED,
        # Told NO_COLOR, rich itself would still write bold and dim.
        color_system=None if os.environ.get("NO_COLOR") else "auto",
        markup=False,
        emoji=False,
        highlight=False,
    )


def can_redraw(console: Console) -> bool:
    """Return whether lines can be drawn again in place."""
    return console.is_terminal and not console.is_dumb_terminal


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        # rich would exit with status 1; `main` decides that.
        raise BrokenPipeError


def _lines(value: str) -> Text:
    lines = (line.removesuffix("\r").expandtabs(4) for line in value.split("\n"))
    return Text("\n").join(map(text, lines))


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
