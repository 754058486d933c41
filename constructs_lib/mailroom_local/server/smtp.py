"""Serves SMTP in a thread, until it is stopped."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

# A machine that is busy with other things takes its time.
_START_SECONDS = 30.0


class SmtpServer(Controller):
    """Serves SMTP on a socket that is bound already.

    It has its own event loop: receiving 40 MB must not hold up the gateway.
    """

    def __init__(self, *, bound: socket.socket, conversation: Callable[[], SMTP]) -> None:
        host, port = bound.getsockname()
        super().__init__(None, hostname=host, port=port, ready_timeout=_START_SECONDS)
        self._bound = bound
        self._conversation = conversation

    def factory(self) -> SMTP:
        """Begin a conversation with a client."""
        return self._conversation()

    def _create_server(self) -> Awaitable[asyncio.AbstractServer]:
        return self.loop.create_server(self._factory_invoker, sock=self._bound)
