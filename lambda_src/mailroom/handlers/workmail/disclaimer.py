"""Add a disclaimer below each mail, as text and as HTML, once in a conversation.

Settings, as JSON in ``MAILROOM_FLOW_SETTINGS``
    ``text``
        The disclaimer. ``html``: the same as HTML. Default: made from ``text``.

Permissions
    Reading and replacing messages.

Signed and encrypted mail, and mail without a text, passes unchanged. A text that contains the
disclaimer already, for example quoted in a reply, gets no second one, so a retry changes nothing
twice. All other parts keep every byte. Mail that cannot be changed passes unchanged, with a line in
the log.
"""

from __future__ import annotations

import os

from mailroom.handlers.workmail import _settings, _text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.workmail import FlowMail

__all__ = ["below", "on_flow"]


def below(content: str, content_type: str, text: str, html: str | None) -> str | None:
    """Return *content* with the disclaimer below it; ``None`` if it has it already."""
    flat = _text.flat(content, content_type)
    if content_type == "text/html":
        words = html or f"<p>{_text.as_html(text)}</p>"
        if _text.flat(words, content_type) in flat:
            return None
        newline = _newline(content)
        block = f"{newline}<div>{newline.join(words.splitlines())}</div>{newline}"
        end = content.lower().rfind("</body")
        return content[:end] + block + content[end:] if end >= 0 else content + block
    if _text.flat(text, content_type) in flat:
        return None
    newline = _newline(content)
    start = content.rstrip("\r\n")
    return f"{start}{newline}{newline}{newline.join(text.splitlines())}{newline}"


def _newline(content: str) -> str:
    return "\n" if "\n" in content and "\r\n" not in content else "\r\n"


def _init() -> tuple[str, str | None]:
    found = _settings.settings("text")
    return str(found["text"]), found.get("html")


_words = _init() if "MAILROOM_FLOW_SETTINGS" in os.environ else None


def on_flow(mail: FlowMail) -> None:
    """Add the disclaimer to *mail*."""
    global _words
    text, html = _words = _words or _init()
    _text.change_bodies(
        mail, lambda content, kind: below(content, kind, text, html), "mailroom.workmail.disclaimer"
    )
