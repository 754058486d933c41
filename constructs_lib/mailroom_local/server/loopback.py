"""Keeps a process from listening anywhere but on loopback."""

from __future__ import annotations

import ipaddress
import socket
import sys
from typing import Any

LOOPBACK = "127.0.0.1"


def keep_to_loopback() -> None:
    """Refuse every bind to another address, in this process, from now on.

    The gateway gets its address, but some of ministack's services open further ports on every
    interface. An audit hook can be neither circumvented nor removed.
    """

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event != "socket.bind" or not isinstance(arguments[1], tuple):
            return
        host = str(arguments[1][0])
        try:
            local = host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            local = False
        if not local:
            raise PermissionError(f"the local AWS listens on loopback only, not on {host!r}")

    sys.addaudithook(refuse)


def bind(port: int) -> socket.socket:
    """Bind a port on loopback, 0 for any free one; exit if it cannot be used."""
    try:
        return _bound(port)
    except OSError as error:
        sys.exit(f"port {port} cannot be used: {error.strerror}")


def bind_preferring(port: int) -> socket.socket:
    """Bind this port on loopback, or any free one if it cannot be used."""
    try:
        return _bound(port)
    except OSError:
        return _bound(0)


def _bound(port: int) -> socket.socket:
    # asyncio sends small answers at once only where the protocol is named; with Nagle's algorithm,
    # each answer of several lines takes 40 ms.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((LOOPBACK, port))
    except OSError:
        bound.close()
        raise
    return bound
