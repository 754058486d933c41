"""Put a disclaimer below each mail: text below text, HTML below HTML, once in a conversation.

Settings, as JSON in ``MAILROOM_FLOW_SETTINGS``
    ``text``
        The disclaimer. ``html``: the same for HTML; made from ``text`` if it is not given.

Permissions
    Reading and replacing messages.

Signed and encrypted mail, and mail without a text, is not touched. A text that has the disclaimer
already, quoted in a reply for example, gets no second one; so a retry changes nothing twice. All
other parts keep every byte. What cannot be changed passes unchanged, with a line in the log.
"""

from __future__ import annotations

import os

from mailroom.handlers.workmail import _settings, _text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.workmail import FlowMail

__all__ = ["below", "on_flow"]


def below(content: str, content_type: str, text: str, html: str | None) -> str | None:
    """Return *content* with the disclaimer below it; ``None`` if it is there already."""
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
    """Put the disclaimer below *mail*, and let it pass."""
    global _words
    text, html = _words = _words or _init()
    _text.change_bodies(
        mail, lambda content, kind: below(content, kind, text, html), "mailroom.workmail.disclaimer"
    )
