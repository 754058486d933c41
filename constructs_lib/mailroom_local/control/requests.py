"""HTTP requests to the local AWS that no AWS API covers."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from mailroom_local.control.paths import STATUS_PATH
from mailroom_local.control.state import Server

_ANSWER_SECONDS = 5.0


def get(server: Server, path: str) -> Any:
    """Fetch a path of the server as JSON."""
    return _open(server.endpoint + path)


def post(
    server: Server,
    path: str,
    body: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """Send JSON to a path of the server and return its JSON answer."""
    request = urllib.request.Request(  # noqa: S310  # our own server
        server.endpoint + path, data=json.dumps(body or {}).encode(), headers=dict(headers or {})
    )
    return _open(request)


def answers(server: Server) -> bool:
    """Whether this server, and no other process, listens at its endpoint."""
    try:
        return bool(get(server, STATUS_PATH).get("pid") == server.pid)
    except (OSError, ValueError, urllib.error.URLError):
        return False


def _open(request: str | urllib.request.Request) -> Any:
    # No proxy: the server is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=_ANSWER_SECONDS) as answer:
        return json.load(answer)
