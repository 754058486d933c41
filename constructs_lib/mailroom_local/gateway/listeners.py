"""Serves SMTP for every ingress point, from when it is created until it is deleted."""

from __future__ import annotations

import logging
import socket
import ssl
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from threading import Lock
from typing import Any

from mailroom_local._journal import Journal
from mailroom_local.gateway import smtp
from mailroom_local.gateway.points import IngressPoint
from mailroom_local.gateway.runner import Runner
from mailroom_local.gateway.services import Services
from mailroom_local.receiving.smtp import OtherReceiver
from mailroom_local.server.loopback import LOOPBACK, bind_preferring
from mailroom_local.server.smtp import SmtpServer

_log = logging.getLogger("mailroom")

# Below those that systems choose by themselves.
_FIRST_PORT, _PORTS = 20_000, 10_000


class Listeners:
    """The SMTP servers of all ingress points.

    Args:
        runner: Decides about mail, and accepts it.
        services: The emulator's Mail Manager.
        journal: Gets every refusal.
        context: Returns a new TLS context of a server.
    """

    def __init__(
        self,
        *,
        runner: Runner,
        services: Services,
        journal: Journal,
        context: Callable[[], ssl.SSLContext],
    ) -> None:
        self._runner = runner
        self._services = services
        self._journal = journal
        self._context = context
        self._lock = Lock()
        self._servers: dict[str, SmtpServer] = {}
        # A request that creates an ingress point must not wait for its server.
        self._starting = ThreadPoolExecutor(1, thread_name_prefix="mailroom-listeners")

    def refresh(self) -> None:
        """Begin and end servers, so that each ingress point has one."""
        with self._lock:
            points = {point.id: point for point in self._services.ingress_points()}
            for gone in self._servers.keys() - points.keys():
                self._starting.submit(self._stop, self._servers.pop(gone))
            for point_id in points.keys() - self._servers.keys():
                server = self._server(points[point_id])
                self._servers[point_id] = server
                self._starting.submit(self._start, server)

    def host_port(self, point_id: str) -> tuple[str, int] | None:
        """Where an ingress point is reached."""
        with self._lock:
            server = self._servers.get(point_id)
        return (LOOPBACK, server.port) if server else None

    def places(self) -> list[tuple[str, str]]:
        """The accounts and regions that have an ingress point."""
        points = self._services.ingress_points()
        return sorted({(point.account, point.region) for point in points})

    def listed(self) -> list[dict[str, Any]]:
        """Every ingress point, and where it is reached; without its passwords."""
        return [
            {
                "id": point.id,
                "name": point.name,
                "account": point.account,
                "region": point.region,
                "kind": point.kind,
                "status": point.status,
                "tls_policy": point.tls_policy,
                "traffic_policy": point.policy.get("TrafficPolicyName", ""),
                "rule_set": point.rule_set.get("RuleSetName", ""),
                "host": reached[0],
                "port": reached[1],
            }
            for point in self._services.ingress_points()
            if (reached := self.host_port(point.id)) is not None
        ]

    def close(self) -> None:
        """Accept no more mail."""
        with self._lock:
            servers, self._servers = self._servers, {}
        for server in servers.values():
            self._starting.submit(self._stop, server)
        self._starting.shutdown(wait=True)

    def finish(self, *, by: float) -> None:
        """Finish what was accepted; the journal has what the time did not allow."""
        self._runner.close(by=by)

    def _server(self, point: IngressPoint) -> SmtpServer:
        def current() -> IngressPoint | None:
            found = (one for one in self._services.ingress_points() if one.id == point.id)
            return next(found, None)

        bound = _bound(point)
        # From now on clients can connect, and wait until the server has started.
        bound.listen()
        conversation = smtp.conversation(
            runner=self._runner, current=current, journal=self._journal, context=self._context
        )
        return SmtpServer(bound=bound, conversation=conversation)

    def _start(self, server: SmtpServer) -> None:
        try:
            server.start()
        except Exception:
            _log.exception("the server of an ingress point did not start")

    def _stop(self, server: SmtpServer) -> None:
        try:
            server.stop()
        except Exception:
            _log.exception("the server of an ingress point did not stop")


def connect(
    *,
    endpoint: str,
    journal: Journal,
    mailboxes: Sequence[OtherReceiver],
    context: Callable[[], ssl.SSLContext],
) -> Listeners:
    """Serve the ingress points of the local AWS."""
    # By name: importing it imports ministack, which reads the environment.
    services = import_module("mailroom_local._emulator.gateway")
    runner = Runner(endpoint=endpoint, journal=journal, services=services, mailboxes=mailboxes)
    made = Listeners(runner=runner, services=services, journal=journal, context=context)
    services.on_change(made.refresh)
    return made


def _bound(point: IngressPoint) -> socket.socket:
    """A port that the same ingress point of a stack gets again, if it is free."""
    name = f"{point.account}/{point.region}/{point.name}"
    return bind_preferring(_FIRST_PORT + zlib.crc32(name.encode()) % _PORTS)
