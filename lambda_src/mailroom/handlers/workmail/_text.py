"""Add words above or below what a person wrote, once, in text and in HTML."""

from __future__ import annotations

import re

from mailroom import _runtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mailroom.workmail import FlowMail

    Change = Callable[[str, str], str | None]

__all__ = ["as_html", "change_bodies", "flat"]

_TAGS = re.compile(r"<[^<>]*>")


def as_html(text: str) -> str:
    """Return plain *text* as HTML."""
    from html import escape

    return "<br>\n".join(escape(line) for line in text.splitlines())


def flat(text: str, content_type: str) -> str:
    """Return *text* without tags and quote marks of replies, with white space made equal."""
    if content_type == "text/html":
        from html import unescape

        text = unescape(_TAGS.sub(" ", text))
    return " ".join(re.sub(r"^[> \t]+", "", text, flags=re.MULTILINE).split())


def change_bodies(mail: FlowMail, change: Change, event: str) -> None:
    """Replace each text of the message by what *change* returns for its text and content type.

    If *change* returns ``None``, that text is kept. Signed and encrypted mail passes unchanged, and
    so does mail that is malformed or whose change WorkMail refuses, with a line in the log:
    delivering the mail matters more than the added words.
    """
    from mailroom.handlers.workmail import _message
    from mailroom.workmail import MessageFrozen, NotReplaceable

    with mail.open() as stream:
        data = stream.read()
    reason: str | None = None
    try:
        message = _message.read(data)
        if _message.encrypted(message):
            reason = "signed or encrypted"
        else:
            edits = [
                edit
                for part in _message.bodies(message)
                if (text := change(part.text(), part.content_type)) is not None
                for edit in _message.rewritten(part, text)
            ]
            if edits:
                mail.replace(_message.apply(data, edits))
                return
            reason = "no text, or added before"
    except (_message.Unreadable, NotReplaceable, MessageFrozen) as error:
        reason = f"{type(error).__name__}: {error}"
    _runtime.log("INFO", event, message_id=mail.message_id, outcome="unchanged", reason=reason)
