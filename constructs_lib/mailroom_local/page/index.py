"""Everything that the journal says of messages, in memory and up to date.

Nothing is read before somebody asks, so that mail is not slower for a page that nobody looks at.
"""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, RLock, Thread
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from mailroom_local._journal import kept
from mailroom_local.control import outcomes
from mailroom_local.control.journal import MessageRecord, Messages
from mailroom_local.page.entry import Entry
from mailroom_local.page.links import Links
from mailroom_local.page.tally import Tally

_log = logging.getLogger("mailroom")

_POLL_SECONDS = 0.1
_CHUNK_BYTES = 4_000_000


class Index:
    """The messages and deployments of a journal.

    Args:
        journal: The journal.
        client: Returns the boto3 client of a service in the account and region of an ARN.
    """

    def __init__(self, journal: Path, *, client: Callable[[str, str], Any]) -> None:
        self.journal = journal
        self.entries: list[Entry] = []
        """The messages, oldest first; read it while :meth:`reading`."""
        self.links = Links()
        self.tally = Tally()
        self.deployments: list[dict[str, Any]] = []
        self.rules: dict[str, dict[str, Any]] = {}
        self.version = 0
        self._client = client
        self._messages = Messages()
        self._by_key: dict[str, Entry] = {}
        self._refusals = itertools.count(1)
        self._lock = RLock()
        self._offset = 0
        self._thread: Thread | None = None
        self._closed = Event()
        self._listeners: set[Callable[[], object]] = set()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Nothing changes while the context is open."""
        with self._lock:
            yield

    def catch_up(self) -> None:
        """Read what is in the journal now, and from now on everything as it comes."""
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._follow, name="mailroom-page", daemon=True)
                self._thread.start()
        self._read()

    def close(self) -> None:
        """Read no more."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    def get(self, key: str) -> Entry | None:
        """The message with that key."""
        self.catch_up()
        return self._by_key.get(key)

    def raw(self, key: str) -> bytes | None:
        """The bytes of a message, if they are kept."""
        entry = self._by_key.get(key)
        if entry is None or entry.record.message_id is None:
            return None
        try:
            return kept(self.journal, entry.record.message_id).read_bytes()
        except OSError:
            return None

    def changed_since(self, version: int) -> list[Entry]:
        """The messages that are new or different since then, oldest first."""
        with self._lock:
            return [entry for entry in self.entries if entry.version > version]

    def mark(self, keys: list[str] | None, *, unread: bool) -> None:
        """Mark messages, or all, as read or unread."""
        with self._lock:
            found = self.entries if keys is None else map(self._by_key.get, keys)
            changed = [entry for entry in found if entry and entry.unread is not unread]
            for entry in changed:
                entry.unread = unread
            self._changed(changed)
        self._tell()

    def listen(self, listener: Callable[[], object]) -> Callable[[], None]:
        """Call the listener at each change, in any thread; return what ends that."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def _follow(self) -> None:
        while not self._closed.wait(_POLL_SECONDS):
            try:
                self._read()
            except Exception:
                # The next line may be read again.
                _log.exception("page: the journal cannot be read")

    def _read(self) -> None:
        news = False
        failed: dict[str, Entry] = {}
        with self._lock:
            while lines := self._lines():
                news = True
                changed: dict[str, Entry] = {}
                for line in lines:
                    entry = self._add(json.loads(line))
                    if entry is not None:
                        changed[entry.key] = entry
                self._changed(list(changed.values()))
                failed |= {key: entry for key, entry in changed.items() if entry.maybe_tried_again}
        if failed:
            self._settle(list(failed.values()))
        if news:
            self._tell()

    def _lines(self) -> list[bytes]:
        try:
            with self.journal.open("rb") as file:
                file.seek(self._offset)
                data = file.read(_CHUNK_BYTES)
                # A line may be longer than a chunk.
                while len(data) >= _CHUNK_BYTES and b"\n" not in data[-_CHUNK_BYTES:]:
                    data += file.read(_CHUNK_BYTES)
        except FileNotFoundError:
            return []
        # A line without its end is still being written.
        data = data[: data.rfind(b"\n") + 1]
        self._offset += len(data)
        return data.splitlines()

    def _add(self, raw: dict[str, Any]) -> Entry | None:
        kind = raw["type"]
        if kind == "rules":
            self.rules[raw["version"]] = raw
        elif kind == "deployment":
            self.version += 1
            fields = {name: raw[name] for name in ("at", "state", "text", "ms")}
            self.deployments.append({**fields, "version": self.version})
        record = self._messages.add(raw)
        if record is None:
            return None
        entry = self._entry(record, raw)
        self.links.add(entry.key, raw)
        return entry

    def _entry(self, record: MessageRecord, raw: dict[str, Any]) -> Entry:
        if record.message_id is not None and record.message_id in self._by_key:
            return self._by_key[record.message_id]
        entry = Entry(
            key=record.message_id or f"refused-{next(self._refusals)}",
            position=len(self.entries),
            record=record,
            begun=raw,
        )
        self.entries.append(entry)
        self._by_key[entry.key] = entry
        return entry

    def _changed(self, entries: list[Entry]) -> None:
        for entry in entries:
            self.version += 1
            entry.changed(self.version)
            self.tally.update(entry)

    def _settle(self, entries: list[Entry]) -> None:
        """Find out whether a failed function is called again; without the lock, as it asks AWS."""
        try:
            outcomes.settle([entry.record for entry in entries], client=self._client)
        except (BotoCoreError, ClientError):
            _log.exception("page: it is unknown which functions are called again")
        with self._lock:
            self._changed(entries)

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()
