"""Starts a function's process as soon as its code is updated, not at the next mail."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote
from weakref import WeakSet

from mailroom_local._emulator import internals

App = Callable[..., Awaitable[None]]

_log = logging.getLogger("mailroom")

never_started: WeakSet[Any] = WeakSet()
"""Processes that ended while they were started here."""

_CODE = re.compile(r"/2015-03-31/functions/([^/]+)/code")


def with_warm_functions(gateway: App) -> App:
    """The gateway; whoever edits a function sees at the next mail what it does, half a second on.

    A process that cannot be started is started, and its error reported, at the next call.
    """

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await gateway(scope, receive, send)
        match = _CODE.fullmatch(scope.get("path", "")) if scope["type"] == "http" else None
        if match is not None and scope["method"] == "PUT":
            # ministack has set the account and the region of the request in this context.
            context = contextvars.copy_context()
            name = unquote(match[1]).rpartition(":")[2]
            asyncio.get_running_loop().run_in_executor(None, context.run, _start, name)

    return application


def start_functions_by(processes: Any) -> None:
    """Let functions be started by this instead of the module `subprocess`."""
    internals.workers.patch(subprocess=processes)


def _start(name: str) -> None:
    function = internals.functions.functions.get(name)
    if function is None or not function.get("code_zip"):
        return
    make = internals.workers.get_or_create_worker
    worker = make(name, function["config"], function["code_zip"])
    try:
        internals.workers.ensure_spawned(worker)
    except Exception as error:
        never_started.add(worker)
        _log.info("function %s could not be started: %s", name, error)
