"""Add a disclaimer below each mail, as text and as HTML, once in a conversation.

Settings, as JSON in ``MAILROOM_FLOW_SETTINGS``
    ``text``
        The disclaimer. ``html``: the same as HTML. Default: made from ``text``.
    ``unreadable``
        What happens to mail that cannot be read or changed: ``deliver`` (default), unchanged,
        because delivering it matters more than the added words; or ``bounce``.

Permissions
    Reading and replacing messages.

Signed and encrypted mail, and mail without a text, passes unchanged. A text that contains the
disclaimer already, for example quoted in a reply, gets no second one, so a retry changes nothing
twice. All other parts keep every byte. The log has a line for each mail that is not changed.
"""

from __future__ import annotations

import os

from mailroom.handlers.workmail import _settings, _text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mailroom.workmail import Answer, FlowMail

__all__ = ["below", "on_flow"]

_EVENT = "mailroom.workmail.disclaimer"
_ACTIONS = ("deliver", "bounce")


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


def _init() -> dict[str, Any]:
    return _settings.settings("text", unreadable=_ACTIONS)


_found = _init() if "MAILROOM_FLOW_SETTINGS" in os.environ else None


def on_flow(mail: FlowMail) -> Answer | None:
    """Add the disclaimer to *mail*."""
    global _found
    settings = _found = _found or _init()
    from mailroom.handlers.workmail import _message
    from mailroom.workmail import MessageFrozen, NotReplaceable

    text, html = str(settings["text"]), settings.get("html")
    with mail.open() as stream:
        message = _message.read(stream.read())
    try:
        if _message.sealed(message):
            return _settings.strict(mail, _EVENT, "unchanged", "signed or encrypted")
        if reasons := _message.unread(message):
            raise _message.Unreadable(reasons[0])
        content = _text.changed(message, lambda words, kind: below(words, kind, text, html))
        if content is None:
            return _settings.strict(mail, _EVENT, "unchanged", "no text, or added before")
        mail.replace(content)
    except (_message.Unreadable, NotReplaceable, MessageFrozen) as error:
        reason = f"{type(error).__name__}: {error}"
        action = _settings.action(settings, _ACTIONS)
        return _settings.strict(
            mail, _EVENT, "unchanged" if action == "deliver" else action, reason
        )
    return None
