"""The content of a message as mail programs show it, by the reader that handlers have, too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from mailroom import mime
from mailroom.mime import words
from mailroom.mime.parts import Part
from mailroom_local.mail.headers import mailboxes, printable

_TEXT_LETTERS = 2_000_000
_PREVIEWS = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
}
_ADDRESSES = frozenset({"from", "to", "cc", "bcc", "reply-to", "sender"})


class Mail:
    """A message.

    Args:
        raw: Its bytes.
    """

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.root = mime.parse(raw)
        self._leaves = list(_leaves(self.root))
        bodies = list(_bodies(self.root))
        self._html = next((part for part in bodies if part.content_type == "text/html"), None)
        self._text = next((part for part in bodies if part.content_type != "text/html"), None)
        shown = {id(self._html), id(self._text)}
        self.files = [part for part in self._leaves if id(part) not in shown]

    @property
    def text(self) -> str | None:
        """The plain text."""
        return None if self._text is None else _content(self._text)

    @property
    def html(self) -> str | None:
        """The HTML as it came: not to be shown before it is cleaned."""
        return None if self._html is None else _content(self._html)

    @property
    def from_name(self) -> str:
        """The name in the From field."""
        values = [value for name, value in self.root.fields if name.lower() == "from"]
        found = mailboxes(values)
        return printable(found[0][0]) if found else ""

    def headers(self) -> list[dict[str, str]]:
        """The header fields, decoded and as they came."""
        return [
            {
                "name": name,
                "value": printable(words.decode(re.sub(r"\r?\n(?=[ \t])", "", value))),
                "raw": printable(value),
            }
            for name, value in self.root.fields
        ]

    def attachments(self) -> list[dict[str, Any]]:
        """What is in it besides its text."""
        return [
            {
                "index": index,
                "name": printable(part.name or _unnamed(part, index)),
                "type": part.content_type,
                "size": len(content(part)),
                "content_id": content_id(part),
                "inline": content_id(part) is not None and part.disposition.main != "attachment",
                "preview": preview_type(part) is not None,
            }
            for index, part in enumerate(self.files)
        ]

    def tree(self) -> dict[str, Any]:
        """The parts of its parts."""
        return _tree(self.root)

    def defects(self) -> list[str]:
        """What could not be read, each once."""
        encodings = (part.content()[1] for part in self._leaves)
        return list(dict.fromkeys([*self.root.problems(), *(one for one in encodings if one)]))


@lru_cache(maxsize=4)
def read(raw: bytes) -> Mail:
    """Read a message; kept for the requests that follow the first one about it."""
    return Mail(raw)


def content(part: Part) -> bytes:
    """The decoded content of a part; that of an attached message is the message."""
    return part.raw if part.is_message else part.content()[0]


def content_id(part: Part) -> str | None:
    """The name by which HTML refers to a part."""
    found = part.all("content-id")
    return found[0].strip().strip("<>") or None if found else None


def preview_type(part: Part) -> str | None:
    """The type of an image that a browser may show, if its bytes say so."""
    begin = content(part)[:16]
    if begin[:4] == b"RIFF" and begin[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for kind, marks in _PREVIEWS.items() if begin.startswith(marks)), None)


def _leaves(root: Part) -> Iterator[Part]:
    return (part for part in root.walk(into_messages=False) if part.is_message or not part.children)


def _bodies(root: Part) -> Iterator[Part]:
    """The texts that a mail program shows without a click."""
    for part in _leaves(root):
        if part.content_type in ("text/plain", "text/html") and not part.is_message:
            if part.disposition.main != "attachment" and not part.name:
                yield part
        elif part.content_type.startswith("multipart/"):
            # A multipart in which no part was found is shown as text.
            yield part


def _content(part: Part) -> str:
    return printable(part.text()[0][:_TEXT_LETTERS]).replace("\0", "")


def _unnamed(part: Part, index: int) -> str:
    return f"message-{index}.eml" if part.is_message else f"part-{index}"


def _tree(root: Part) -> dict[str, Any]:
    # Not by recursion: parts are nested as deep as a sender likes.
    made = {id(part): _node(part) for part in root.walk()}
    for part in root.walk():
        made[id(part)]["children"] = [made[id(child)] for child in part.children]
    return made[id(root)]


def _node(part: Part) -> dict[str, Any]:
    encoding = (part.all("content-transfer-encoding") or [""])[0].strip()
    return {
        "type": part.content_type,
        "name": printable(part.name) if part.name else None,
        "size": part.end - part.body,
        "encoding": printable(encoding) or None,
        "charset": printable(part.charset) if part.charset else None,
        "children": [],
    }
