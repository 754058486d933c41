"""The server process: ministack with the mail extension, and SMTP, on loopback only.

Started by :class:`mailroom_local.LocalAws` as ``python -m mailroom_local.server``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import ipaddress
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from mailroom_local import clients
from mailroom_local.state import Server, State

STATUS_PATH = "/_mailroom/status"
SENT_PATH = "/_mailroom/sent"
ENFORCE_PATH = "/_mailroom/permissions/enforced"
IGNORE_PATH = "/_mailroom/permissions/ignored"

_LOOPBACK = "127.0.0.1"
_PARENT_SECONDS = 1.0

_App = Callable[..., Awaitable[None]]


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM, or until the process named by ``--parent`` is gone."""
    parser = argparse.ArgumentParser(prog="python -m mailroom_local.server", description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--smtp-port", type=int, default=0)
    parser.add_argument("--region", default=clients.REGION)
    parser.add_argument("--parent", type=int)
    options = parser.parse_args(arguments)

    keep_to_loopback()
    gateway, smtp = _bind(options.port), _bind(options.smtp_port)
    endpoint = f"http://{_LOOPBACK}:{gateway.getsockname()[1]}"
    server = Server(
        pid=os.getpid(),
        endpoint=endpoint,
        smtp_port=smtp.getsockname()[1],
        region=options.region,
        account=clients.ACCOUNT,
    )
    # Lambda functions inherit this environment; a path to this package is not theirs to import by.
    os.environ.pop("PYTHONPATH", None)
    state = State(options.state)
    os.environ.update(_settings(endpoint, region=options.region, folder=state.temporary))
    asyncio.run(_serve(state, server, gateway, smtp, parent=options.parent))


def keep_to_loopback() -> None:
    """Make this process unable to listen anywhere but on loopback.

    The gateway is told its address; some of ministack's services open further ports as resources
    ask for them, on every interface. An audit hook cannot be gone around or taken off again.
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


def _settings(endpoint: str, *, region: str, folder: Path) -> dict[str, str]:
    port = endpoint.rpartition(":")[2]
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ENDPOINT_URL_S3": endpoint,
        "BIND_HOST": _LOOPBACK,
        "GATEWAY_PORT": port,
        "IOT_MTLS_ENABLED": "0",
        "MINISTACK_ACCOUNT_ID": clients.ACCOUNT,
        "MINISTACK_HOST": _LOOPBACK,
        "MINISTACK_REGION": region,
        "S3_DATA_DIR": str(folder / "s3"),
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(folder / "ministack"),
        # A minute between attempts, as on AWS, would make every rehearsal of a failure wait.
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": os.environ.get("LAMBDA_ASYNC_RETRY_BASE_SECONDS", "0.5"),
    }


def _bind(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((_LOOPBACK, port))
    except OSError as error:
        sys.exit(f"port {port} cannot be used: {error.strerror}")
    return bound


async def _serve(
    state: State,
    server: Server,
    gateway: socket.socket,
    smtp_socket: socket.socket,
    *,
    parent: int | None,
) -> None:
    # These modules read the environment, or import ministack, which does; it is set by now.
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    from mailroom_local.acting import Receiver
    from mailroom_local.certificate import server_context
    from mailroom_local.journal import Journal
    from mailroom_local.smtp import SmtpServer

    emulator = import_module("mailroom_local._emulator")
    emulator.install()

    receiver = Receiver(
        endpoint=server.endpoint,
        region=server.region,
        journal=Journal(state.journal),
        on_accepted=emulator.remember_received,
    )
    host_name = f"inbound-smtp.{server.region}.amazonaws.com"
    smtp = SmtpServer(
        receiver=receiver,
        bound=smtp_socket,
        tls=server_context(state.temporary, host_name=host_name),
        host_name=host_name,
    )

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if parent is not None:
        _watch_parent(parent, lambda: loop.call_soon_threadsafe(stop.set))

    config = Config()
    config.bind = [f"fd://{gateway.fileno()}"]
    config.accesslog = None
    config.graceful_timeout = 1
    smtp.start()
    state.announce(server)
    try:
        application: Any = _with_own_paths(
            emulator.asgi_app(),
            {
                STATUS_PATH: lambda: dataclasses.asdict(server),
                SENT_PATH: emulator.sent_messages,
                ENFORCE_PATH: lambda: emulator.enforce_permissions(True),
                IGNORE_PATH: lambda: emulator.enforce_permissions(False),
            },
        )
        await serve(application, config, shutdown_trigger=stop.wait)
    finally:
        state.retract()
        smtp.stop()
        emulator.stop_functions()
        receiver.close()
        gateway.detach()


def _with_own_paths(gateway: _App, answers: dict[str, Callable[[], Any]]) -> _App:
    """The gateway, and beside it what only this server can tell or do."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        answer = answers.get(scope.get("path", "")) if scope["type"] == "http" else None
        if answer is None:
            # To AWS one speaks TLS. Here nothing leaves the machine, but a policy that refuses
            # plain HTTP is to find what it would find there.
            await gateway({**scope, "scheme": "https"}, receive, send)
            return
        content = json.dumps(await asyncio.to_thread(answer)).encode()
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    return application


def _watch_parent(parent: int, stop: Callable[[], Any]) -> None:
    """End with the process that started this one, even when that was killed."""

    def watch() -> None:
        pause = threading.Event()
        while os.getppid() == parent:
            pause.wait(_PARENT_SECONDS)
        with contextlib.suppress(RuntimeError):
            stop()

    threading.Thread(target=watch, name="mailroom-parent", daemon=True).start()


if __name__ == "__main__":
    main()
