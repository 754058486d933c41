"""What is written to a terminal, a pipe and a file."""

import io
import json
from typing import Any

import pytest
from rich.table import Table

from mailroom_cli.terminal import say_json, show, text, visible

# Renames the window, clears the screen; then the same by a C1 control, and a reversed file name.
HOSTILE = "\x1b]0;PWNED\x07\x1b[2J \x9b31m invoice\u202efdp.exe [red]loud[/red] :smile:"
HARMLESS = "\\x1b]0;PWNED\\x07\\x1b[2J \\x9b31m invoice\\u202efdp.exe [red]loud[/red] :smile:"


@pytest.mark.parametrize("where", ["line", "text", "cell"])
def test_hostile_text_is_shown_as_visible_escapes(screen: Any, where: str) -> None:
    table = Table.grid()
    table.add_row(text(HOSTILE))
    things = {"line": HOSTILE, "text": text(HOSTILE), "cell": table}
    pipe = io.StringIO()
    for stream in (screen, pipe):
        show(things[where], stream=stream)
        shown = " ".join(stream.getvalue().split())
        assert shown == HARMLESS


@pytest.mark.parametrize(
    ("character", "expected"),
    [
        ("\n", "\\x0a"),
        ("\t", "\\x09"),
        ("\x7f", "\\x7f"),
        ("\x80", "\\x80"),
        ("\x9f", "\\x9f"),
        ("\u200b", "\\u200b"),
        ("\u2028", "\\u2028"),
        ("\u202a", "\\u202a"),
        ("\u2066", "\\u2066"),
        ("\u2069", "\\u2069"),
        ("\u061c", "\\u061c"),
        ("\ufeff", "\\ufeff"),
        ("\udcff", "\\udcff"),
        ("\U000e0041", "\\U000e0041"),
    ],
    ids=ascii,
)
def test_invisible_and_unencodable_characters_are_escaped(character: str, expected: str) -> None:
    assert visible(f"a{character}b") == f"a{expected}b"


@pytest.mark.parametrize(
    "harmless", ["Grüße, 世界", "\xa0", "नमस्ते", "👩\u200d👧", "~ !", "a\u200cb"], ids=ascii
)
def test_letters_of_every_script_stay_as_they_are(harmless: str) -> None:
    assert visible(harmless) == harmless


def test_line_breaks_of_a_message_are_kept_and_tabs_expanded() -> None:
    pipe = io.StringIO()
    show("one\r\n\ttwo\nthree", stream=pipe)
    assert pipe.getvalue() == "one\n    two\nthree\n"


def test_a_pipe_gets_whole_lines_without_styles_or_padding(screen: Any) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_row(text("long", "bold red"), text("word " * 200))
    table.add_row(text("short"), text("word"))
    pipe = io.StringIO()
    show(table, stream=pipe)
    assert pipe.getvalue().splitlines() == ["long   " + ("word " * 200).rstrip(), "short  word"]


def test_a_terminal_wraps_by_words(screen: Any) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_row(text("label"), text("conveniently " * 12))
    show(table, stream=screen)
    lines = screen.getvalue().splitlines()
    assert len(lines) == 3
    assert all(len(line) <= 80 for line in lines)
    assert {word for line in lines for word in line.split()} == {"label", "conveniently"}


def test_a_message_wraps_by_words_on_a_terminal(screen: Any) -> None:
    show("conveniently " * 12, stream=screen)
    lines = screen.getvalue().splitlines()
    assert len(lines) == 2
    assert {word for line in lines for word in line.split()} == {"conveniently"}


def test_a_pipe_gets_each_thing_at_once() -> None:
    class Pipe(io.StringIO):
        flushed = ""

        def flush(self) -> None:
            self.flushed = self.getvalue()

    pipe = Pipe()
    show("one", stream=pipe)
    assert pipe.flushed == "one\n"


def test_whole_lines_are_left_to_the_terminal(screen: Any) -> None:
    command = "aws lambda add-permission " + "--option value " * 10
    show(text(command), stream=screen, whole_lines=True)
    assert screen.getvalue() == command + "\n"


def test_a_terminal_is_coloured_and_a_pipe_is_not(
    screen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = io.StringIO()
    monkeypatch.setenv("FORCE_COLOR", "1")
    for stream in (screen, pipe):
        show(text("failed", "bold red"), stream=stream)
    assert screen.getvalue() == "\x1b[1;31mfailed\x1b[0m\n"
    assert pipe.getvalue() == "failed\n"


def test_no_color_leaves_no_style_at_all(screen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    show(text("failed", "bold red"), stream=screen)
    assert screen.getvalue() == "failed\n"


def test_json_is_ascii_and_never_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    document = {"subject": HOSTILE * 10, "name": "Jürgen"}
    say_json(document, indent=None)
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert len(printed.splitlines()) == 1
    assert json.loads(printed) == document
