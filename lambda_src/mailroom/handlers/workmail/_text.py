"""Add words above or below what a person wrote, once, in text and in HTML."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mailroom.mime.parts import Part

    Change = Callable[[str, str], str | None]

__all__ = ["as_html", "changed", "flat", "visible"]

_HIDDEN = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style|title)\b.*?(?:</\1\s*>|\Z)", re.I | re.S)
_TAGS = re.compile(r"<[^<>]*>")


def as_html(text: str) -> str:
    """Return plain *text* as HTML."""
    from html import escape

    return "<br>\n".join(escape(line) for line in text.splitlines())


def visible(html: str, between: str = " ") -> str:
    """Return what a person sees of *html*, with *between* in the place of each tag."""
    from html import unescape

    return unescape(_TAGS.sub(between, _HIDDEN.sub(between, html)))


def flat(text: str, content_type: str) -> str:
    """Return *text* without tags and quote marks of replies, with white space made equal."""
    if content_type == "text/html":
        text = visible(text)
    return " ".join(re.sub(r"^[> \t]+", "", text, flags=re.MULTILINE).split())


def changed(message: Part, change: Change) -> bytes | None:
    """Return *message* with each text replaced by what *change* returns for it and its type.

    If *change* returns ``None``, that text is kept; if it does so for all, the result is ``None``.
    """
    from mailroom.handlers.workmail import _message

    edits: list[_message.Edit] = []
    for part in _message.bodies(message):
        content, wrong = part.text()
        if wrong:
            raise _message.Unreadable(wrong)
        text = change(content, part.content_type)
        if text is not None:
            edits += _message.rewritten(part, text)
    if not edits:
        return None
    return _message.apply(message.data, [*edits, *_message.closed(message)])
