"""Show a message, received or sent: its text, headers and attachments, or its bytes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mailroom_cli import local
from mailroom_cli.errors import CommandError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mailroom.mime.parts import Part

# What mail programs show of a header.
_SHOWN = frozenset({"from", "to", "cc", "reply-to", "date", "subject"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("message_id", metavar="ID", help="the message's id, or how it begins")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--headers", action="store_true", help="show every header field, no text")
    what.add_argument("--html", action="store_true", help="show the HTML instead of the text")
    what.add_argument(
        "--raw", action="store_true", help="write the message as it is, byte for byte, to a pipe"
    )
    what.add_argument(
        "--save-attachments", metavar="DIR", help="write the attachments to a folder, no text"
    )
    local.add_state_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Show the message."""
    local.require()
    from mailroom import mime
    from mailroom.mime import words
    from mailroom_cli.terminal import show

    raw = local.opened(options.state).raw(options.message_id)
    if options.raw:
        return _write(raw)
    message = mime.parse(raw)
    if options.save_attachments:
        return _save(message, Path(options.save_attachments))
    fields = [(name, words.decode(value)) for name, value in message.fields]
    if not options.headers:
        fields = [field for field in fields if field[0].lower() in _SHOWN]
    show(*(_field(name, value) for name, value in fields))
    if not options.headers:
        show("", _text(message, "text/html" if options.html else "text/plain"))
        if attached := _attached(message):
            show("", *attached)
    return 0


def _write(raw: bytes) -> int:
    from mailroom_cli.terminal import show

    if sys.stdout.isatty():
        show(raw.decode("utf-8", "surrogateescape"), whole_lines=True)
    else:
        sys.stdout.buffer.write(raw)
        sys.stdout.flush()
    return 0


def _field(name: str, value: str) -> RenderableType:
    from rich.text import Text

    from mailroom_cli.terminal import text

    return Text.assemble(text(f"{name}: ", "bold"), text(" ".join(value.split())))


def _text(message: Part, wanted: str) -> str:
    found = {
        kind: [
            part.text()[0]
            for part in message.walk(into_messages=False)
            if part.content_type == kind
            and not part.children
            and part.disposition.main != "attachment"
            and not part.name
        ]
        for kind in ("text/plain", "text/html")
    }
    if found[wanted]:
        return "\n".join(found[wanted]).replace("\r\n", "\n").rstrip()
    (other,) = found.keys() - {wanted}
    if found[other]:
        return f"(it has no {wanted}, but {other})\n" + "\n".join(found[other]).rstrip()
    return "(no text)"


def _attached(message: Part) -> list[RenderableType]:
    from mailroom.handlers.receiving.save_attachments import attachments
    from mailroom_cli.terminal import text

    return [
        text(f"attachment: {name or '(no name)'}  {kind}  {len(content):,} bytes", "cyan")
        for name, kind, content in attachments(message)
    ]


def _save(message: Part, folder: Path) -> int:
    from mailroom.handlers.receiving.save_attachments import attachments, safe_name, unique_name
    from mailroom_cli.terminal import show

    taken: set[str] = set()
    for name, kind, content in attachments(message):
        # The sender chose the name: it must not lead out of the folder.
        path = folder / unique_name(safe_name(name, kind), taken)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(content)
        except OSError as error:
            raise CommandError(
                f"cannot write {path}: {error.strerror}", remedy="choose another folder"
            ) from error
        show(f"{path}  {len(content):,} bytes")
    if not taken:
        show("no attachments")
    return 0
