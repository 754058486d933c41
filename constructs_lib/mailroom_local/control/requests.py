"""HTTP requests to the local AWS that no AWS API covers."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from mailroom_local.control.paths import STATUS_PATH
from mailroom_local.control.state import Server

_STATUS_SECONDS = 5.0
# To enforce permissions ends the processes of all functions, and there may be much mail to read.
_ANSWER_SECONDS = 60.0


def get(server: Server, path: str, *, seconds: float = _ANSWER_SECONDS) -> Any:
    """Fetch a path of the server as JSON."""
    return _open(server.endpoint + path, seconds)


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
    return _open(request, _ANSWER_SECONDS)


def answers(server: Server) -> bool:
    """Whether this server, and no other process, listens at its endpoint."""
    try:
        found = get(server, STATUS_PATH, seconds=_STATUS_SECONDS)
        return bool(found.get("pid") == server.pid)
    except (OSError, ValueError, urllib.error.URLError):
        return False


def _open(request: str | urllib.request.Request, seconds: float) -> Any:
    # No proxy: the server is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=seconds) as answer:
        return json.load(answer)
