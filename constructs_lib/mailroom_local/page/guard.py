"""Answers this page alone: neither other web pages nor, where something changes, a forged request.

A page of another origin is known by ``Host`` (if its name resolves to loopback), by ``Origin`` and
by ``Sec-Fetch-Site``. What changes something needs a token besides, which only the page itself and
the readers of the state directory have.
"""

from __future__ import annotations

import hmac
import json
import logging
from typing import Any

from mailroom_local.page.errors import Refused

_log = logging.getLogger("mailroom")

TOKEN_HEADER = "X-Mailroom-Token"  # noqa: S105  # a header's name
_OWN_SITES = ("none", "same-origin")
_READING = ("GET", "HEAD")


class Guard:
    """An ASGI application in front of the page.

    Args:
        page: The page.
        port: The port at which it is served.
        token: What requests that change something must have.
    """

    def __init__(self, page: Any, *, port: int, token: str) -> None:
        self._page = page
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
        self._token = token.encode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer the request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._page(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._page(scope, receive, send)
            return
        _log.warning("page: %r refused: %s", scope["path"], refusal)
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        body = json.dumps({"error": str(refusal)}).encode()
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 403, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _refusal(self, scope: Any) -> Refused | None:
        given = [(name.decode("latin-1"), value) for name, value in scope["headers"]]

        def every(name: str) -> list[str]:
            return [value.decode("latin-1") for found, value in given if found == name]

        hosts = [host.strip().lower() for host in every("host")]
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return Refused(403, f"Host is {hosts}: open http://{self._hosts[0]}")
        own = f"http://{hosts[0]}"
        for origin in every("origin"):
            if origin.lower() != own:
                return Refused(403, f"Origin is {origin!r}: only {own} itself is answered")
        for site in every("sec-fetch-site"):
            if site not in _OWN_SITES:
                return Refused(403, f"Sec-Fetch-Site is {site!r}: only {own} itself is answered")
        if scope["type"] == "websocket" or scope["method"] not in _READING:
            tokens = [value for found, value in given if found == TOKEN_HEADER.lower()]
            if len(tokens) != 1 or not hmac.compare_digest(tokens[0], self._token):
                remedy = "pass the page_token of `mailroom up --detach --json`"
                return Refused(403, f"{TOKEN_HEADER} is missing or wrong: {remedy}")
        return None
