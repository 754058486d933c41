"""URLs that need no signature: where an import's file is put, and an archived message is read.

AWS gives pre-signed URLs of Amazon S3; these are of this server, with a secret in their path.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

PREFIX = "/mail-manager/"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html
_UPLOAD_BYTES = 50 * 1024 * 1024

_App = Callable[..., Awaitable[None]]

_files: dict[str, bytes | None] = {}


def clear() -> None:
    """Forget everything."""
    _files.clear()


def upload(name: str) -> str:
    """A URL that takes a file by PUT."""
    return _link("imports", name, None)


def download(name: str, content: bytes) -> str:
    """A URL that gives this content by GET."""
    return _link("messages", name, content)


def uploaded(url: str) -> bytes | None:
    """What was put there, or None."""
    return _files.get(PREFIX + url.partition(PREFIX)[2])


def with_links(gateway: _App) -> _App:
    """The gateway with these URLs."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await gateway(scope, receive, send)
            return
        path, status, content = scope["path"], 403, b""
        writable = path.startswith(f"{PREFIX}imports/")
        if path in _files and scope["method"] == "PUT" and writable:
            body = await _body(receive)
            status = 200 if body is not None else 400
            _files[path] = body if body is not None else _files[path]
        elif path in _files and scope["method"] == "GET" and not writable:
            status, content = 200, _files[path] or b""
        # A browser must not read mail as a page of this server.
        headers = [
            (b"content-type", b"application/octet-stream"),
            (b"content-disposition", b"attachment"),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    return application


def _link(kind: str, name: str, content: bytes | None) -> str:
    path = f"{PREFIX}{kind}/{name}/{secrets.token_urlsafe(24)}"
    _files[path] = content
    return os.environ.get("AWS_ENDPOINT_URL", "") + path


async def _body(receive: Any) -> bytes | None:
    body, more = b"", True
    while more:
        event = await receive()
        body += event.get("body", b"")
        more = event.get("more_body", False)
        if len(body) > _UPLOAD_BYTES:
            return None
    return body
