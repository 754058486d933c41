"""Answers this process's own requests to the gateway without a socket.

Receiving and sending are clients of the account like any other, so that nothing is kinder to them
than AWS is. They run in the gateway's own process, where HTTP would take most of a mail's time.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from mailroom_local.server.loopback import LOOPBACK

App = Callable[..., Awaitable[None]]


class InProcess:
    """Carries requests to the gateway in the event loop that serves it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._gateway: App | None = None

    def connect(self, gateway: App) -> None:
        """Answer requests from now on; until then they fail as without a server."""
        self._gateway = gateway

    def answer(self, request: AWSPreparedRequest, *, seconds: float) -> AWSResponse:
        """Answer a request of botocore, or raise what it would raise."""
        if self._gateway is None:
            raise EndpointConnectionError(endpoint_url=request.url)
        call = _call(self._gateway, request)
        pending: Future[AWSResponse] = asyncio.run_coroutine_threadsafe(call, self._loop)
        try:
            return pending.result(seconds)
        except TooLate as error:
            pending.cancel()
            raise ReadTimeoutError(endpoint_url=request.url) from error


class _Body(io.BytesIO):
    def stream(self, **options: Any) -> Iterator[bytes]:
        """Yield everything; botocore reads bodies of urllib3 so."""
        yield self.read()


async def _call(gateway: App, request: AWSPreparedRequest) -> AWSResponse:
    waiting: list[dict[str, Any]] = [
        {"type": "http.request", "body": _content(request.body), "more_body": False}
    ]
    status, headers, parts = 500, HTTPHeaders(), list[bytes]()

    async def receive() -> dict[str, Any]:
        if not waiting:
            # The caller never hangs up before it has its answer.
            await asyncio.Future()
        return waiting.pop()

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            for name, value in message.get("headers", ()):
                headers[name.decode("latin-1")] = value.decode("latin-1")
        else:
            parts.append(message.get("body", b""))

    await gateway(_scope(request), receive, send)
    return AWSResponse(request.url, status, headers, _Body(b"".join(parts)))


def _scope(request: AWSPreparedRequest) -> dict[str, Any]:
    url = urlsplit(request.url)
    headers = [(b"host", url.netloc.encode())]
    for name, value in request.headers.items():
        content = value if isinstance(value, bytes) else str(value).encode("latin-1")
        headers.append((name.lower().encode("latin-1"), content))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": url.scheme,
        "path": unquote(url.path) or "/",
        "raw_path": (url.path or "/").encode(),
        "query_string": url.query.encode(),
        "root_path": "",
        "headers": headers,
        "client": (LOOPBACK, 0),
        "server": (url.hostname, url.port),
    }


def _content(body: Any) -> bytes:
    if body is None:
        return b""
    content = body.read() if hasattr(body, "read") else body
    return content.encode() if isinstance(content, str) else bytes(content)
