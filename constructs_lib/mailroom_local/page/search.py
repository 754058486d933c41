"""Finds messages by parts of words: their fields in memory, their texts by SQLite."""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Iterator
from html import unescape
from threading import Event, Lock, Thread

from mailroom_local.page.entry import Entry
from mailroom_local.page.index import Index
from mailroom_local.page.mail import Mail

_log = logging.getLogger("mailroom")

# The shortest that a trigram index finds.
_LEAST_LETTERS = 3
_TEXT_LETTERS = 100_000
_BATCH = 50
_IDLE_SECONDS = 0.2
_MARKUP = re.compile(r"<(?:style|script|title)\b.*?(?:</|\Z)|<[^<>]*>", re.IGNORECASE | re.DOTALL)


class Search:
    """The texts of an index's messages, which a thread of its own reads.

    Args:
        index: The messages.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._read = 0
        self._lock = Lock()
        self._texts = sqlite3.connect(":memory:", check_same_thread=False)
        self._texts.execute("CREATE VIRTUAL TABLE texts USING fts5(body, tokenize='trigram')")
        self._closed = Event()
        self._thread: Thread | None = None

    def begin(self) -> None:
        """Read texts from now on."""
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._fill, name="mailroom-search", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Read no more."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()
        self._texts.close()

    @property
    def unread(self) -> int:
        """How many messages have a text that is not searched yet."""
        return max(len(self._index.entries) - self._read, 0)

    def matching(self, asked: str, entries: list[Entry]) -> list[Entry]:
        """Those of the messages that have every word of what was asked, in field or text."""
        found = entries
        for word in asked.casefold().split():
            in_texts = self._in_texts(word)
            found = [e for e in found if e.position in in_texts or word in e.words]
        return found

    def complete(self, entry: Entry) -> None:
        """Read of a message what the list shows, unless that is known."""
        if entry.from_name is None:
            raw = self._index.raw(entry.key)
            mail = Mail(raw) if raw is not None else None
            entry.named(mail.from_name if mail else "", attachments=len(mail.files) if mail else 0)

    def _in_texts(self, word: str) -> set[int]:
        # SQLite reads a word up to its first NUL, and no text has one.
        if len(word) < _LEAST_LETTERS or "\0" in word:
            return set()
        quoted = '"' + word.replace('"', '""') + '"'
        with self._lock:
            rows = self._texts.execute("SELECT rowid FROM texts WHERE texts MATCH ?", [quoted])
            return {row[0] for row in rows}

    def _fill(self) -> None:
        while not self._closed.is_set():
            with self._index.reading():
                fresh = self._index.entries[self._read : self._read + _BATCH]
            rows = list(self._rows(fresh))
            with self._lock:
                self._texts.executemany("INSERT INTO texts(rowid, body) VALUES (?, ?)", rows)
            self._read += len(fresh)
            # A pause in between, so that the mail that comes meanwhile is not slower.
            self._closed.wait(_IDLE_SECONDS if not fresh else 0.001 * len(fresh))

    def _rows(self, entries: list[Entry]) -> Iterator[tuple[int, str]]:
        for entry in entries:
            raw = self._index.raw(entry.key)
            if raw is None:
                continue
            try:
                mail = Mail(raw)
                entry.named(mail.from_name, attachments=len(mail.files))
                yield entry.position, text_of(mail)[:_TEXT_LETTERS]
            except Exception:
                # One message must not end the search for all others.
                _log.exception("page: %s cannot be searched", entry.key)


def text_of(mail: Mail) -> str:
    """What a reader sees of a message, as far as a search needs it."""
    text = mail.text or ""
    if mail.html:
        text += "\n" + unescape(_MARKUP.sub(" ", mail.html[: 4 * _TEXT_LETTERS]))
    named = [f"{field['name']}: {field['value']}" for field in mail.headers() if _shown(field)]
    return "\n".join([text, *named, *(part.name or "" for part in mail.files)])


def _shown(field: dict[str, str]) -> bool:
    return field["name"].lower() in ("from", "to", "cc", "reply-to", "subject")
