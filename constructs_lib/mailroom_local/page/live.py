"""Tells open pages what changes, as server-sent events."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

from starlette.concurrency import run_in_threadpool

from mailroom_local.page.index import Index

_COMMENT_SECONDS = 15.0
# Mail may come by the hundred; a page needs to hear of it a few times a second.
_PAUSE_SECONDS = 0.2


class Live:
    """The stream of changes.

    Args:
        index: The messages and deployments.
        stop: Set when the server ends.
    """

    def __init__(self, index: Index, stop: asyncio.Event) -> None:
        self._index = index
        self._stop = stop
        # A number of another server means nothing here.
        self._server = secrets.token_hex(4)

    async def events(self, last_id: str | None) -> AsyncIterator[bytes]:
        """Yield what has changed since an event, or from now on, until the server ends."""
        loop = asyncio.get_running_loop()
        fresh = asyncio.Event()
        end = self._index.listen(lambda: loop.call_soon_threadsafe(fresh.set))
        try:
            await run_in_threadpool(self._index.catch_up)
            version = self._since(last_id)
            yield self._event("hello", {}, version)
            while not self._stop.is_set():
                version, events = await run_in_threadpool(self._news, version)
                for event in events:
                    yield event
                await self._wait(_PAUSE_SECONDS)
                if not await self._wait_for(fresh):
                    yield b": still here\n\n"
                fresh.clear()
        finally:
            end()

    def _since(self, last_id: str | None) -> int:
        server, _, number = (last_id or "").partition("-")
        if not last_id:
            return self._index.version
        known = server == self._server and number.isascii() and number.isdigit()
        return int(number[:16]) if known else 0

    def _news(self, since: int) -> tuple[int, list[bytes]]:
        with self._index.reading():
            version = self._index.version
            changed = [entry.key for entry in self._index.changed_since(since)]
            found = [one for one in self._index.deployments if one["version"] > since]
            counts = self._index.tally.counts()
        events = []
        if changed:
            events.append(self._event("messages", {"keys": changed, "counts": counts}, version))
        for one in found:
            shown = {name: value for name, value in one.items() if name != "version"}
            events.append(self._event("deployment", shown, version))
        if any(one["state"] != "started" for one in found):
            events.append(self._event("stack", {}, version))
        return version, events

    def _event(self, kind: str, data: dict[str, Any], version: int) -> bytes:
        text = json.dumps(data)
        return f"id: {self._server}-{version}\nevent: {kind}\ndata: {text}\n\n".encode()

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return

    async def _wait_for(self, fresh: asyncio.Event) -> bool:
        """Wait for a change, or the end of the server; return whether there was one in time."""
        waiting = [asyncio.ensure_future(one.wait()) for one in (fresh, self._stop)]
        try:
            done, _ = await asyncio.wait(
                waiting, timeout=_COMMENT_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            return bool(done)
        finally:
            for one in waiting:
                one.cancel()
