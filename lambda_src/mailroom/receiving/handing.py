"""A mail as one JSON event, for what does not run a handler of ours.

What each key means is in docs/handing-on.md; `mailroom.receiving.handed` reads it. Keys may be
added to version 1; a key that changes its meaning, or goes, makes another version.
"""

from __future__ import annotations

import json
import re

from mailroom.errors import NotConfigured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from mailroom.mime.mailboxes import Address
    from mailroom.receiving.attachments import Attachment
    from mailroom.receiving.mail import ReceivedMail

__all__ = ["MOST_BYTES", "VERSION", "event"]

VERSION = 1
MOST_BYTES = 240_000
"""An event in UTF-8: within the 256 KB of each target, with room for what the target adds."""

_LINE_BYTES = 1_000
_MOST_ITEMS = 100


def event(mail: ReceivedMail, *, event_id: str, rule: str | None, text_bytes: int) -> str:
    """Return the event of *mail* as JSON; at most `MOST_BYTES`, whatever the sender wrote.

    Args:
        mail: The mail; loaded if the rule stores it.
        event_id: The same for each delivery of this mail, and no other event's.
        rule: The rule's name.
        text_bytes: How much of the text is in it.
    """
    # Named here, so that the zip of a bundled behaviour contains what these properties import.
    from mailroom.mime import automatic, bodies, ids, mailboxes  # noqa: F401
    from mailroom.receiving import attachments  # noqa: F401

    cut: list[str] = []

    def line(path: str, text: str | None, most: int = _LINE_BYTES) -> str | None:
        return None if text is None else _short(path, text, most, cut)

    def some(path: str, items: Iterable[Any]) -> list[Any]:
        found = list(items)
        if len(found) > _MOST_ITEMS:
            cut.append(path)
        return found[:_MOST_ITEMS]

    def people(path: str, found: list[Address]) -> list[dict[str, str | None]]:
        return [
            {"name": line(path, one.name), "address": line(path, one.ascii_address)}
            for one in some(path, found)
        ]

    stored = mail.stored_at
    text, attached = _content(mail)
    made: dict[str, Any] = {
        "version": VERSION,
        "id": event_id,
        "message_id": mail.message_id,
        "rule": rule,
        "received_at": mail.raw["mail"].get("timestamp"),
        "envelope": {
            "sender": line("envelope.sender", mail.source),
            "recipients": [line("envelope.recipients", one) for one in mail.recipients],
        },
        "fields": {
            "from": people("fields.from", mail.senders),
            "to": people("fields.to", mail.to_addresses),
            "cc": people("fields.cc", mail.cc_addresses),
            "reply_to": people("fields.reply_to", mail.reply_to_addresses),
            "subject": line("fields.subject", mail.subject),
            "date": line("fields.date", mail.date),
            "message_id": line("fields.message_id", mail.header_message_id),
            "in_reply_to": mail.in_reply_to,
            "references": some("fields.references", mail.references),
        },
        "thread_id": mail.thread_id,
        "label": line("label", mail.label),
        "automatic": mail.automatic_reason,
        "verdicts": {
            "spam": mail.spam.status,
            "virus": mail.virus.status,
            "spf": mail.spf.status,
            "dkim": mail.dkim.status,
            "dmarc": mail.dmarc.status,
            "dmarc_policy": mail.dmarc_policy,
        },
        "text": line("text", text, text_bytes),
        "attachments": None
        if attached is None
        else [
            {
                "name": line("attachments", one.name),
                "content_type": line("attachments", one.content_type),
                "size": one.size,
                "inline": one.inline,
                "content_id": line("attachments", one.content_id),
            }
            for one in some("attachments", attached)
        ],
        "stored": None if stored is None else {"bucket": stored[0], "key": stored[1]},
        "cut": cut,
    }
    return _fitting(made, cut)


def _content(mail: ReceivedMail) -> tuple[str | None, list[Attachment] | None]:
    try:
        return mail.text, mail.attachments
    except NotConfigured:  # the rule stores no mail
        return None, None


def _short(path: str, text: str, most: int, cut: list[str]) -> str:
    data = _REFUSED.sub("\ufffd", text[: most + 1]).encode()
    if len(data) > most:
        if path not in cut:
            cut.append(path)
        data = data[:most]
    return data.decode("utf-8", "ignore")


# What SQS, SNS or a parser of JSON refuses: NUL, halves of surrogate pairs, noncharacters.
_REFUSED = re.compile("[\0\ud800-\udfff\ufffe\uffff]")


def _fitting(made: dict[str, Any], cut: list[str]) -> str:
    """Return *made* as JSON, with less text, and then shorter lists, if it would be too large."""
    while True:
        cut[:] = dict.fromkeys(cut)
        body = _json(made)
        excess = len(body.encode()) - MOST_BYTES
        if excess <= 0:
            return body
        if made["text"]:
            cut.append("text")
            excess += len('"text",')
            made["text"] = _without(made["text"], excess)
            continue
        lists = {
            "attachments": made,
            "fields.from": made["fields"],
            "fields.to": made["fields"],
            "fields.cc": made["fields"],
            "fields.reply_to": made["fields"],
            "fields.references": made["fields"],
            "envelope.recipients": made["envelope"],
        }
        sizes = {
            path: len(_json(holder[path.rpartition(".")[2]])) for path, holder in lists.items()
        }
        longest = max(sizes, key=sizes.__getitem__)
        key = longest.rpartition(".")[2]
        lists[longest][key] = lists[longest][key][: len(lists[longest][key]) // 2]
        cut.append(longest)


def _without(text: str, excess: int) -> str:
    """Return the longest beginning of *text* that has *excess* bytes less as JSON."""
    allowed = len(_json(text).encode()) - excess
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if len(_json(text[:middle]).encode()) <= allowed:
            low = middle
        else:
            high = middle - 1
    return text[:low]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
