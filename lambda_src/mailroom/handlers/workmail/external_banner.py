"""Add a warning to mail from outside of the organization, where no sender can keep it away.

Settings, as JSON in ``MAILROOM_FLOW_SETTINGS``
    ``domains``
        The organization's domains. Mail is from outside unless both its envelope sender and its
        header's sender are in one of them.
    ``text``
        The warning. ``html``: the same as HTML. Default: made from ``text``.
    ``unreadable``
        What happens to mail to which no warning can be added: ``junk`` (default), ``bounce``, or
        ``deliver`` unchanged.

Permissions
    Reading and replacing messages.

Where the warning is
    Above the text, in each of its alternatives; in HTML before everything else, with a style that
    no other style overrules. Where a program may show something else first (attached texts, odd
    types, unknown charsets, malformed parts), it is a part of its own above the whole message.
    Signed and encrypted mail keeps every byte of its content and has the warning in the subject.
    The log says which, unless it is above the text.

Outbound mail passes unchanged. Only a text that *begins* with the banner gets no second one, so
nobody can avoid the banner by writing it somewhere else.
"""

from __future__ import annotations

import os

from mailroom import _runtime
from mailroom.handlers.workmail import _settings, _text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mailroom.mime.parts import Part
    from mailroom.workmail import Answer, FlowMail

__all__ = ["above", "on_flow", "with_banner"]

_EVENT = "mailroom.workmail.external_banner"
_ACTIONS = ("junk", "bounce", "deliver")
# What a sender's style sheet could hide it with, against which only this is proof.
_FIXED = (
    "display:block",
    "visibility:visible",
    "opacity:1",
    "position:static",
    "float:none",
    "width:auto",
    "height:auto",
    "max-width:none",
    "max-height:none",
    "overflow:visible",
    "clip:auto",
    "clip-path:none",
    "transform:none",
    "filter:none",
    "text-indent:0",
    "line-height:1.4",
    "font-size:16px",
    "margin:0 0 12px",
    "padding:8px",
    "color:#000",
    "background:#fff4e0",
)
_STYLE = "border:1px solid #b36b00;" + ";".join(f"{one}!important" for one in _FIXED)
_SUBJECT_LENGTH = 60


def above(content: str, content_type: str, text: str, html: str | None) -> str | None:
    """Return *content* with the banner above it; ``None`` if it begins with it already."""
    newline = "\n" if "\n" in content and "\r\n" not in content else "\r\n"
    if content_type == "text/html":
        words = newline.join((html or _text.as_html(text)).splitlines())
        block = f'<div style="{_STYLE}">{words}</div>{newline}'
    else:
        block = newline.join(text.splitlines()) + newline * 2
    # Before everything in HTML too: what looks like the body may be in a comment or a title.
    place = 1 if content.startswith("\ufeff") else 0
    if content.startswith(block, place):
        return None
    return content[:place] + block + content[place:]


def with_banner(message: Part, text: str, html: str | None) -> tuple[bytes | None, str]:
    """Return *message* with the banner, ``None`` if it has it already, and where the banner is."""
    from mailroom.handlers.workmail import _message

    if message.content_type in _message.ENCRYPTED or message.content_type in _message.SIGNED:
        return _in_subject(message, text), "in the subject"
    if _is_wrapped(message, text):
        return None, "above the whole"
    if _message.ordinary(message):
        return (
            _text.changed(message, lambda content, kind: above(content, kind, text, html)),
            "above the text",
        )
    return _message.wrapped(message, text), "above the whole"


def _is_wrapped(message: Part, text: str) -> bool:
    # The first part of a mixed one is shown first, whoever wrote it.
    if message.content_type != "multipart/mixed" or not message.children:
        return False
    first = message.children[0]
    plain = (
        first.content_type == "text/plain" and not first.file_names and not first.disposition.main
    )
    return plain and first.text()[0].split() == text.split()


def _in_subject(message: Part, text: str) -> bytes | None:
    from email.header import Header

    from mailroom.handlers.workmail import _message
    from mailroom.mime import headers, words

    prefix = f"[{' '.join(text.split())[:_SUBJECT_LENGTH].strip()}]"
    encoded = Header(prefix, None if prefix.isascii() else "utf-8").encode(linesep="\r\n").encode()
    data, edits = message.data, []
    for name, _, value, end in headers.ranges(data, *message.header):
        if name.lower() == b"subject":
            subject = words.decode(data[value:end].decode("utf-8", "replace"))
            if subject.strip().startswith(prefix):
                return None
            edits.append((value, value, b" " + encoded))
    if not edits:
        place = message.header[0]
        edits = [(place, place, b"Subject: " + encoded + b"\r\n")]
    return _message.apply(data, edits)


def _init() -> dict[str, Any]:
    return _settings.settings("domains", "text", unreadable=_ACTIONS)


_found = _init() if "MAILROOM_FLOW_SETTINGS" in os.environ else None


def on_flow(mail: FlowMail) -> Answer | None:
    """Add the banner to *mail* if it is from outside."""
    global _found
    settings = _found = _found or _init()
    if mail.direction != "INBOUND" or _settings.internal_sender(
        mail, _settings.words(settings["domains"])
    ):
        return None
    from mailroom.handlers.workmail import _message
    from mailroom.workmail import MessageFrozen, NotReplaceable

    with mail.open() as stream:
        message = _message.read(stream.read())
    content, where = with_banner(message, str(settings["text"]), settings.get("html"))
    if content is None:
        return None
    try:
        mail.replace(content)
    except (NotReplaceable, MessageFrozen) as error:
        reason = f"{type(error).__name__}: {error}"
        return _settings.strict(mail, _EVENT, _settings.action(settings, _ACTIONS), reason)
    if where != "above the text":
        _runtime.log("INFO", _EVENT, message_id=mail.message_id, outcome=f"banner {where}")
    return None
