"""The server process: ministack with the mail extension, and SMTP both ways, on loopback only.

:class:`mailroom_local.LocalAws` starts it as ``python -m mailroom_local.server.main``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mailroom_local.control import clients
from mailroom_local.control.gateways import INGRESS_PATH
from mailroom_local.control.paths import ENFORCE_PATH, IGNORE_PATH, SENT_PATH, STATUS_PATH
from mailroom_local.control.state import Server, State
from mailroom_local.server.loopback import LOOPBACK, bind, keep_to_loopback

_PARENT_SECONDS = 1.0
# They are served if they are installed.
_PAGE = "mailroom_local.page"
_MAIL_MANAGER = "mailroom_local.gateway"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Sockets:
    gateway: socket.socket
    smtp: socket.socket
    submission: socket.socket
    page: socket.socket | None


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM, or until the process of ``--parent`` is gone."""
    parser = argparse.ArgumentParser(prog="python -m mailroom_local.server.main")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--smtp-port", type=int, default=0)
    parser.add_argument("--submission-port", type=int, default=0)
    parser.add_argument("--page-port", type=int, default=0)
    parser.add_argument("--region", default=clients.REGION)
    parser.add_argument("--parent", type=int)
    options = parser.parse_args(arguments)

    # What a rehearsal leaves on disk is mail.
    os.umask(0o077)
    keep_to_loopback()
    gateway, smtp, submission = (
        bind(port) for port in (options.port, options.smtp_port, options.submission_port)
    )
    page = bind(options.page_port) if find_spec(_PAGE) else None
    endpoint = f"http://{LOOPBACK}:{gateway.getsockname()[1]}"
    server = Server(
        pid=os.getpid(),
        endpoint=endpoint,
        smtp_port=smtp.getsockname()[1],
        submission_port=submission.getsockname()[1],
        region=options.region,
        account=clients.ACCOUNT,
        python=sys.executable,
        page=f"http://{LOOPBACK}:{page.getsockname()[1]}" if page else "",
        page_token=secrets.token_urlsafe() if page else "",
    )
    # Lambda functions inherit this environment and must not import from this package's path.
    os.environ.pop("PYTHONPATH", None)
    state = State(options.state)
    os.environ.update(_settings(endpoint, region=options.region, folder=state.temporary))
    sockets = _Sockets(gateway=gateway, smtp=smtp, submission=submission, page=page)
    asyncio.run(_serve(state, server, sockets, parent=options.parent))


def _settings(endpoint: str, *, region: str, folder: Path) -> dict[str, str]:
    port = endpoint.rpartition(":")[2]
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ENDPOINT_URL_S3": endpoint,
        "BIND_HOST": LOOPBACK,
        "GATEWAY_PORT": port,
        "IOT_MTLS_ENABLED": "0",
        "MINISTACK_ACCOUNT_ID": clients.ACCOUNT,
        "MINISTACK_HOST": LOOPBACK,
        "MINISTACK_REGION": region,
        "S3_DATA_DIR": str(folder / "s3"),
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(folder / "ministack"),
        # Nothing that functions log leaves this machine: error texts, too, are worth reading.
        "MAILROOM_LOG_ADDRESSES": "1",
        # AWS waits a minute between attempts; a rehearsed failure should not.
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": os.environ.get("LAMBDA_ASYNC_RETRY_BASE_SECONDS", "0.5"),
    }


async def _serve(
    state: State,
    server: Server,
    sockets: _Sockets,
    *,
    parent: int | None,
) -> None:
    # These modules read the environment, or import ministack, which does; it is complete now.
    from mailroom_local._background import CLOSE_SECONDS
    from mailroom_local._journal import Journal
    from mailroom_local.receiving import smtp
    from mailroom_local.receiving.environments import Receivers
    from mailroom_local.receiving.runner import Receiver
    from mailroom_local.sending import submission
    from mailroom_local.sending.mailer import Mailer
    from mailroom_local.server import extensions
    from mailroom_local.server.certificate import Certificates
    from mailroom_local.server.guard import guarded
    from mailroom_local.server.in_process import InProcess
    from mailroom_local.server.paths import with_own_paths
    from mailroom_local.server.preparing import Processes
    from mailroom_local.server.smtp import SmtpServer
    from mailroom_local.server.stacks import with_finished_stacks

    loop = asyncio.get_running_loop()
    in_process = InProcess(loop)
    clients.answer_here(server.endpoint, in_process.answer)
    emulator = import_module("mailroom_local._emulator")
    place: Any = {
        "endpoint": server.endpoint,
        "region": server.region,
        "account": server.account,
        "journal": Journal(state.journal),
    }
    mailer = Mailer(**place, put_event=emulator.put_event)
    emulator.install(mailer.send, place["journal"])
    processes = Processes()
    processes.later()
    emulator.start_functions_by(processes)
    receiver = Receivers(
        home=(server.account, server.region),
        make=lambda found: Receiver(
            **{**place, "account": found[0], "region": found[1]},
            in_force=emulator.in_force,
            on_accepted=emulator.remember_received,
        ),
        active=emulator.receiving_places,
    )
    others = list(
        extensions.connected(
            endpoint=server.endpoint, region=server.region, journal=place["journal"]
        )
    )
    submit, application = emulator.submit, with_finished_stacks(emulator.asgi_app())
    for other in others:
        submit, application = other.around_submit(submit), other.around_gateway(application)

    inbound, outbound = (
        f"{name}.{server.region}.amazonaws.com" for name in ("inbound-smtp", "email-smtp")
    )
    certificates = Certificates(state.certificate, host_names=(inbound, outbound))
    tls = certificates.context()
    smtp_servers = (
        SmtpServer(
            bound=sockets.smtp,
            conversation=smtp.conversation(
                receiver=receiver,
                others=[other.receiver for other in others],
                journal=place["journal"],
                tls=tls,
                host_name=inbound,
            ),
        ),
        SmtpServer(
            bound=sockets.submission,
            conversation=submission.conversation(
                authenticate=emulator.authenticate,
                submit=submit,
                journal=place["journal"],
                tls=tls,
                host_name=outbound,
            ),
        ),
    )

    ingress = None
    if find_spec(_MAIL_MANAGER):
        ingress = import_module(f"{_MAIL_MANAGER}.listeners").connect(
            endpoint=server.endpoint,
            journal=place["journal"],
            mailboxes=[other.receiver for other in others],
            context=certificates.context,
        )

    stop, page = asyncio.Event(), None
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if parent is not None:
        _watch_parent(parent, lambda: loop.call_soon_threadsafe(stop.set))

    for smtp_server in smtp_servers:
        smtp_server.start()
    state.announce(server)
    answers = {
        # Whoever can read the state directory has the token, and nobody else.
        ("GET", STATUS_PATH): lambda: dataclasses.asdict(server) | {"page_token": ""},
        ("GET", SENT_PATH): emulator.sent_messages,
        ("GET", INGRESS_PATH): ingress.listed if ingress else list,
        ("POST", ENFORCE_PATH): lambda: emulator.enforce_permissions(True),
        ("POST", IGNORE_PATH): lambda: emulator.enforce_permissions(False),
    }

    def finish() -> None:
        for smtp_server in smtp_servers:
            smtp_server.stop()
        if ingress:
            ingress.close()
        by = time.monotonic() + CLOSE_SECONDS
        receiver.close(by=by)
        if ingress:
            ingress.finish(by=by)
        for other in others:
            other.close(by=by)
        # Last, as what was received may be sent on.
        mailer.close(by=by)

    async def until_finished() -> None:
        await stop.wait()
        # The gateway serves until then, as work that is in progress needs it.
        await asyncio.to_thread(finish)

    try:
        served: Any = with_own_paths(application, answers, mailer.visit)
        served = guarded(served, port=sockets.gateway.getsockname()[1])
        in_process.connect(served)
        listening = [_listen(sockets.gateway, served, until_finished)]
        if sockets.page is not None:
            page = import_module(f"{_PAGE}.serving").Page(
                state=state,
                server=server,
                mailer=mailer,
                receiving=lambda: [
                    *emulator.receiving_places(),
                    *(ingress.places() if ingress else ()),
                ],
                stop=stop,
            )
            listening.append(_listen(sockets.page, page.application, stop.wait))
        await asyncio.gather(*listening)
        # Not after an error: the record tells the next start, and `mailroom up`.
        state.retract(os.getpid())
    finally:
        if page is not None:
            page.close()
        emulator.stop_functions()


async def _listen(
    bound: socket.socket, application: Any, until: Callable[[], Awaitable[object]]
) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{bound.fileno()}"]
    config.accesslog = None
    config.graceful_timeout = 1
    try:
        await serve(application, config, shutdown_trigger=until)
    finally:
        # hypercorn has closed it.
        bound.detach()


def _watch_parent(parent: int, stop: Callable[[], Any]) -> None:
    """Stop when the process that started this one has ended, even if it was killed."""

    def watch() -> None:
        pause = threading.Event()
        while os.getppid() == parent:
            pause.wait(_PARENT_SECONDS)
        with contextlib.suppress(RuntimeError):
            stop()

    threading.Thread(target=watch, name="mailroom-parent", daemon=True).start()


if __name__ == "__main__":
    main()
    # Python would give back every object first, which takes a second.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
