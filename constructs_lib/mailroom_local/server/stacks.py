"""Answers a request for a stack once it is done, so that the CDK CLI need not ask again."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlencode

App = Callable[..., Awaitable[None]]

_ACTIONS = frozenset({"CreateStack", "UpdateStack", "ExecuteChangeSet", "DeleteStack"})
# The CLI asks at once after the answer, and then every five seconds.
_SECONDS = 4.0
_PAUSE_SECONDS = 0.05
_STATUS = re.compile(rb"<StackStatus>(\w+)</StackStatus>")


def with_finished_stacks(gateway: App) -> App:
    """The gateway, which keeps its answer for a moment while the stack is in progress."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if not _may_name_an_action(scope):
            await gateway(scope, receive, send)
            return
        body = await _body(receive)
        asked = {name: values[0] for name, values in parse_qs(body.decode("latin-1")).items()}
        if asked.get("Action") not in _ACTIONS or "StackName" not in asked:
            await gateway(scope, _given(body), send)
            return
        answer = await _call(gateway, scope, body)
        if answer[0]["status"] == 200:
            await _finished(gateway, scope, asked["StackName"])
        for message in answer:
            await send(message)

    return application


def _may_name_an_action(scope: Any) -> bool:
    if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] != "/":
        return False
    types = [value for name, value in scope["headers"] if name == b"content-type"]
    return any(value.startswith(b"application/x-www-form-urlencoded") for value in types)


async def _finished(gateway: App, scope: Any, stack: str) -> None:
    query = urlencode({"Action": "DescribeStacks", "Version": "2010-05-15", "StackName": stack})
    headers = [item for item in scope["headers"] if item[0] != b"content-length"]
    headers.append((b"content-length", str(len(query)).encode()))
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        await asyncio.sleep(_PAUSE_SECONDS)
        answer = await _call(gateway, {**scope, "headers": headers}, query.encode())
        status = _STATUS.search(b"".join(message.get("body", b"") for message in answer))
        # A stack that is deleted is no longer found.
        if status is None or not status[1].endswith(b"_IN_PROGRESS"):
            return


async def _call(gateway: App, scope: Any, body: bytes) -> list[dict[str, Any]]:
    answer: list[dict[str, Any]] = []

    async def keep(message: dict[str, Any]) -> None:
        answer.append(message)

    await gateway(scope, _given(body), keep)
    return answer


def _given(body: bytes) -> Callable[[], Awaitable[dict[str, Any]]]:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _body(receive: Any) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)
