"""The server process: ministack with the mail extension, and SMTP both ways, on loopback only.

Started by :class:`mailroom_local.LocalAws` as ``python -m mailroom_local.server.main``.
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
from urllib.parse import quote

from mailroom_local.control import clients
from mailroom_local.control.paths import ENFORCE_PATH, IGNORE_PATH, SENT_PATH, STATUS_PATH
from mailroom_local.control.state import Server, State
from mailroom_local.sending.tracking import PREFIX, Answer

_LOOPBACK = "127.0.0.1"
_PARENT_SECONDS = 1.0
# Everything that may stand in a URL unencoded, and what is encoded already.
_URL_SAFE = "%:/?#[]@!$&'()*+,;=~"

_App = Callable[..., Awaitable[None]]


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM, or until the process named by ``--parent`` is gone."""
    parser = argparse.ArgumentParser(prog="python -m mailroom_local.server", description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--smtp-port", type=int, default=0)
    parser.add_argument("--submission-port", type=int, default=0)
    parser.add_argument("--region", default=clients.REGION)
    parser.add_argument("--parent", type=int)
    options = parser.parse_args(arguments)

    keep_to_loopback()
    gateway, smtp = _bind(options.port), _bind(options.smtp_port)
    submission = _bind(options.submission_port)
    endpoint = f"http://{_LOOPBACK}:{gateway.getsockname()[1]}"
    server = Server(
        pid=os.getpid(),
        endpoint=endpoint,
        smtp_port=smtp.getsockname()[1],
        submission_port=submission.getsockname()[1],
        region=options.region,
        account=clients.ACCOUNT,
    )
    # Lambda functions inherit this environment; a path to this package is not theirs to import by.
    os.environ.pop("PYTHONPATH", None)
    state = State(options.state)
    os.environ.update(_settings(endpoint, region=options.region, folder=state.temporary))
    asyncio.run(_serve(state, server, gateway, smtp, submission, parent=options.parent))


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
    submission_socket: socket.socket,
    *,
    parent: int | None,
) -> None:
    # These modules read the environment, or import ministack, which does; it is set by now.
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    from mailroom_local.receiving import smtp
    from mailroom_local.receiving.runner import Receiver
    from mailroom_local.sending import submission
    from mailroom_local.sending.mailer import Mailer
    from mailroom_local.server.certificate import server_context
    from mailroom_local.server.journal import Journal
    from mailroom_local.workmail.service import WorkMail

    emulator = import_module("mailroom_local._emulator")
    journal = Journal(state.journal)
    mailer = Mailer(
        endpoint=server.endpoint,
        region=server.region,
        journal=journal,
        put_event=emulator.put_event,
    )
    emulator.install(mailer.send)

    receiver = Receiver(
        endpoint=server.endpoint,
        region=server.region,
        journal=journal,
        on_accepted=emulator.remember_received,
    )
    workmail = WorkMail(
        endpoint=server.endpoint,
        region=server.region,
        journal=journal,
        account=emulator.WorkMailAccount(server.region),
    )
    inbound, outbound = (
        f"{name}.{server.region}.amazonaws.com" for name in ("inbound-smtp", "email-smtp")
    )
    tls = server_context(state.temporary, host_name=inbound)
    smtp_servers = (
        smtp.SmtpServer(
            bound=smtp_socket,
            conversation=smtp.conversation(
                receiver=receiver, workmail=workmail, tls=tls, host_name=inbound
            ),
        ),
        smtp.SmtpServer(
            bound=submission_socket,
            conversation=submission.conversation(
                authenticate=lambda user, password: emulator.authenticate(
                    user, password, region=server.region
                ),
                submit=submission.by_way_of(workmail, emulator.submit),
                tls=tls,
                host_name=outbound,
            ),
        ),
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
    for smtp_server in smtp_servers:
        smtp_server.start()
    state.announce(server)
    try:
        application: Any = _with_own_paths(
            emulator.around_workmail(emulator.asgi_app(), workmail),
            {
                STATUS_PATH: lambda: dataclasses.asdict(server),
                SENT_PATH: emulator.sent_messages,
                ENFORCE_PATH: lambda: emulator.enforce_permissions(True),
                IGNORE_PATH: lambda: emulator.enforce_permissions(False),
            },
            mailer.visit,
        )
        await serve(application, config, shutdown_trigger=stop.wait)
    finally:
        state.retract()
        for smtp_server in smtp_servers:
            smtp_server.stop()
        emulator.stop_functions()
        receiver.close()
        workmail.close()
        mailer.close()
        gateway.detach()


def _with_own_paths(
    gateway: _App, answers: dict[str, Callable[[], Any]], visit: Callable[..., Answer]
) -> _App:
    """The gateway, beside it what only this server can tell or do, and the links of sent mail."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "") if scope["type"] == "http" else ""
        if path in answers:
            content = json.dumps(await asyncio.to_thread(answers[path])).encode()
            await _respond(send, Answer(status=200, body=content, content_type="application/json"))
        elif path.startswith(PREFIX):
            headers = {name.decode("latin-1"): value for name, value in scope["headers"]}
            answer = await asyncio.to_thread(
                visit,
                path,
                method=scope["method"],
                client_address=(scope.get("client") or (_LOOPBACK,))[0],
                user_agent=headers.get("user-agent", b"").decode("latin-1"),
            )
            await _respond(send, answer)
        else:
            # To AWS one speaks TLS. Here nothing leaves the machine, but a policy that refuses
            # plain HTTP is to find what it would find there.
            await gateway({**scope, "scheme": "https"}, receive, send)

    return application


async def _respond(send: Any, answer: Answer) -> None:
    headers = [(b"content-type", answer.content_type.encode()), (b"cache-control", b"no-store")]
    if answer.location is not None:
        headers.append((b"location", quote(answer.location, safe=_URL_SAFE).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


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
