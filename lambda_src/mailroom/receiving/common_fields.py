"""The header fields that SES's event has decoded, read from the header where the event has none."""

from __future__ import annotations

from mailroom._views import strings
from mailroom.mime import mailboxes, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mailroom._views import Headers

__all__ = ["read"]

_LISTS = {"from": "From", "to": "To", "cc": "Cc", "replyTo": "Reply-To"}
_TEXTS = {
    "returnPath": "Return-Path",
    "date": "Date",
    "messageId": "Message-ID",
    "subject": "Subject",
}


def read(headers: Headers) -> dict[str, Any]:
    """Return what ``mail.commonHeaders`` would have, under SES's names."""
    found: dict[str, Any] = {}
    for key, name in _LISTS.items():
        people = mailboxes.parse(strings(headers.get_all(name), "headers", "mail"))
        if people:
            found[key] = [str(one) for one in people]
    for key, name in _TEXTS.items():
        value = headers.get(name)
        if value is not None:
            found[key] = words.decode(value)
    if "returnPath" in found:
        found["returnPath"] = found["returnPath"].strip().strip("<>")
    return found
