"""Add a warning above mail from outside of the organization.

Settings, as JSON in ``MAILROOM_FLOW_SETTINGS``
    ``domains``
        The organization's domains. Mail is from outside unless both its envelope sender and its
        header's sender are in one of them.
    ``text``
        The warning. ``html``: the same as HTML. Default: made from ``text``.

Permissions
    Reading and replacing messages.

Outbound mail passes unchanged, and so does signed or encrypted mail. Only a text that *begins* with
the banner gets no second one, so nobody can avoid the banner by writing it somewhere else.
"""

from __future__ import annotations

import os
import re

from mailroom.handlers.workmail import _settings, _text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mailroom.workmail import FlowMail

__all__ = ["above", "on_flow"]

_BODY = re.compile(r"<body\b[^<>]*>", re.IGNORECASE)
_HTML = re.compile(r"<html\b[^<>]*>", re.IGNORECASE)
_STYLE = "border:1px solid #b36b00;background:#fff4e0;color:#000;padding:8px;margin:0 0 12px"


def above(content: str, content_type: str, text: str, html: str | None) -> str | None:
    """Return *content* with the banner above it; ``None`` if it begins with it already."""
    newline = "\n" if "\n" in content and "\r\n" not in content else "\r\n"
    if content_type == "text/html":
        words = newline.join((html or _text.as_html(text)).splitlines())
        block = f'<div style="{_STYLE}">{words}</div>{newline}'
        found = _BODY.search(content) or _HTML.search(content)
        place = 0 if found is None else found.end()
    else:
        block = newline.join(text.splitlines()) + newline * 2
        place = 0
    if content.startswith(block, place):
        return None
    return content[:place] + block + content[place:]


_found = _settings.settings("domains", "text") if "MAILROOM_FLOW_SETTINGS" in os.environ else None


def on_flow(mail: FlowMail) -> None:
    """Add the banner to *mail* if it is from outside."""
    global _found
    settings: dict[str, Any] = _found or _settings.settings("domains", "text")
    _found = settings
    if mail.direction != "INBOUND" or _settings.internal_sender(
        mail, _settings.words(settings["domains"])
    ):
        return
    text, html = settings["text"], settings.get("html")
    _text.change_bodies(
        mail,
        lambda content, kind: above(content, kind, text, html),
        "mailroom.workmail.external_banner",
    )
