"""A receiver of webhooks on loopback, which tells the ledger what it got."""

from __future__ import annotations

import socket
import threading

from torture.ledger import Ledger

_ANSWER = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


def listen(ledger: Ledger) -> str:
    """Start to listen, and return the URL."""
    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_serve, args=(server, ledger), daemon=True).start()
    return f"http://127.0.0.1:{server.getsockname()[1]}/hook"


def _serve(server: socket.socket, ledger: Ledger) -> None:
    while True:
        connection, _ = server.accept()
        with connection, connection.makefile("rb") as request:
            length = 0
            while (line := request.readline().strip().lower()) != b"":
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            body = request.read(length)
            ledger.note("webhook", "POST", {"body": body})
            connection.sendall(_ANSWER)
