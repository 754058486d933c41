"""Keeps web pages away from the gateway: whoever reaches it may do anything in the account.

A browser sends requests to loopback for any page. The page cannot hide that it is one: the browser
names it in ``Origin``, ``Referer`` and ``Sec-Fetch-Site``. A page whose own host name resolves to
127.0.0.1 (DNS rebinding) is of the same origin, but its name is in ``Host``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from mailroom_local.sending.tracking import PREFIX

App = Callable[..., Awaitable[None]]

_log = logging.getLogger("mailroom")

# Names below `localhost` never leave the machine (RFC 6761); SDKs put the bucket in front of it.
_HOST = re.compile(r"(?:127\.0\.0\.1|\[::1\]|(?:[a-z0-9._-]+\.)?localhost)(?::(\d+))?")
_HTTP_PORT = "80"
# SDKs, curl and Lambda functions send none of these; browsers send at least one.
_OF_BROWSERS = ("origin", "referer", "sec-fetch-site")
_CORS = b"access-control-"


def guarded(gateway: App, *, port: int) -> App:
    """The gateway, for programs on this machine, and for the links in mail that people open."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket"):
            await gateway(scope, receive, send)
            return
        reason = _refusal(scope, port)
        if reason is None:
            await gateway(scope, receive, _without_cors(send))
            return
        _log.warning("%s %r refused: %s", scope.get("method", "WebSocket"), scope["path"], reason)
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        await send({"type": "http.response.start", "status": 403, "headers": headers})
        await send({"type": "http.response.body", "body": f"{reason}\n".encode()})

    return application


def _refusal(scope: Any, port: int) -> str | None:
    headers = [(name.decode("latin-1"), text.decode("latin-1")) for name, text in scope["headers"]]
    hosts = [text.strip().lower() for name, text in headers if name == "host"]
    match = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
    if match is None or (match[1] or _HTTP_PORT) != str(port):
        return f"Host is {hosts}: the local AWS answers only to http://127.0.0.1:{port}"
    if scope["type"] == "http" and scope["path"].startswith(PREFIX):
        return None
    found = next(((name, text) for name, text in headers if name in _OF_BROWSERS), None)
    if found is not None:
        return f"{found[0]} is {found[1]!r}: the local AWS does not answer web browsers"
    return None


def _without_cors(send: Any) -> Any:
    async def filtered(message: dict[str, Any]) -> None:
        if "headers" in message:
            kept = [pair for pair in message["headers"] if not pair[0].lower().startswith(_CORS)]
            message = {**message, "headers": kept}
        await send(message)

    return filtered
