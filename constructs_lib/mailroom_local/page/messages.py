"""The API's answers about messages: the list, a message, and its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mailroom_local.control.journal import MessageRecord
from mailroom_local.page import cleaning, mail
from mailroom_local.page.entry import Entry
from mailroom_local.page.errors import Refused, bad
from mailroom_local.page.index import Index
from mailroom_local.page.links_of_mail import links
from mailroom_local.page.search import Search
from mailroom_local.page.story import Teller
from mailroom_local.page.tally import FOLDERS

_MOST = 500
_CHECKS = ("spam", "virus", "spf", "dkim", "dmarc")


@dataclass(frozen=True, slots=True)
class Reader:
    """Answers requests that change nothing."""

    index: Index
    search: Search
    teller: Teller

    def page(self, query: Mapping[str, str]) -> dict[str, Any]:
        """A page of the list, newest first."""
        folder = query.get("folder") or "all"
        if folder not in FOLDERS:
            raise bad("folder", folder, f"pass one of {', '.join(FOLDERS)}")
        limit = _number("limit", query.get("limit") or "100")
        before = _number("before", query["before"]) if query.get("before") else None
        self.index.catch_up()
        self.search.begin()
        with self.index.reading():
            found = [entry for entry in self.index.entries if folder in entry.folders]
            counts, filters = self.index.tally.counts(), self.index.tally.filters()
        for name, field in (("rule", "rules"), ("outcome", "outcomes"), ("event", "events")):
            if wanted := query.get(name):
                found = [entry for entry in found if entry.has(field, wanted)]
        if asked := query.get("q", "").strip():
            found = self.search.matching(asked, found)
        total = len(found)
        if before is not None:
            found = [entry for entry in found if entry.position < before]
        shown = found[::-1][: min(limit, _MOST)]
        for entry in shown:
            self.search.complete(entry)
        return {
            "messages": [entry.summarized() for entry in shown],
            "next": str(shown[-1].position) if len(shown) < len(found) and shown else None,
            "total": total,
            "unsearched": self.search.unread,
            "counts": counts,
            "filters": filters,
        }

    def message(self, key: str) -> dict[str, Any]:
        """A message with its story."""
        entry = self.entry(key)
        self.search.complete(entry)
        record, begun = entry.record, entry.begun
        raw = self.index.raw(key)
        read = mail.read(raw) if raw is not None else None
        markup = read.html if read else None
        return {
            **entry.summarized(),
            "mail_from": record.mail_from,
            "rcpt_tos": record.rcpt_tos,
            "tls": record.tls,
            "client_address": begun.get("client_address"),
            "operation": record.operation,
            "configuration_set": record.configuration_set,
            "tags": begun.get("tags") or {},
            "ms": record.ms,
            "raw": raw is not None,
            "headers": read.headers() if read else [],
            "text": read.text if read else None,
            "html": markup is not None,
            "remote": markup is not None and cleaning.asks_for_remote_content(markup),
            "verdicts": {check: _verdict(record, check) for check in _CHECKS},
            "defects": read.defects() if read else [],
            "attachments": read.attachments() if read else [],
            "attachment_count": entry.attachments,
            "tree": read.tree() if read else None,
            "links": links(read) if read else [],
            "story": self.teller.story(entry),
        }

    def entry(self, key: str) -> Entry:
        """The message with that key."""
        found = self.index.get(key)
        if found is None:
            raise Refused(404, f"no message has the key {key!r}: GET /api/messages lists them")
        return found

    def raw(self, key: str) -> bytes:
        """The bytes of a message."""
        found = self.index.raw(self.entry(key).key)
        if found is None:
            raise Refused(404, f"the bytes of {key!r} were not kept: it was refused before DATA")
        return found

    def changed(self, keys: list[str] | None, *, unread: bool) -> dict[str, Any]:
        """Mark messages as read or unread."""
        self.index.catch_up()
        self.index.mark(keys, unread=unread)
        with self.index.reading():
            return {"counts": self.index.tally.counts()}


def _verdict(record: MessageRecord, check: str) -> str | None:
    """The result of a check; of spam and virus, that of a rule which scans."""
    found = [rule.verdicts[check] for rule in record.rules if check in rule.verdicts]
    return next((one for one in found if one != "DISABLED"), found[0] if found else None)


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 16):
        raise bad(name, value, "pass a whole number")
    return int(value)
