"""The accounts and regions of the local AWS, and their boto3 clients."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from typing import Any

from botocore.exceptions import ClientError

from mailroom_local.control import clients
from mailroom_local.control.environments import Environment, of_arn, of_assembly
from mailroom_local.control.state import Server, State


class Accounts:
    """Where the app is deployed.

    Args:
        state: The state directory.
        server: The local AWS.
        receiving: Returns the accounts and regions in which a rule set is active.
    """

    def __init__(
        self, state: State, server: Server, receiving: Callable[[], Sequence[tuple[str, str]]]
    ) -> None:
        self.state = state
        self.server = server
        self._receiving = receiving
        self._lock = Lock()
        self._clients: dict[tuple[str, Environment], Any] = {}

    @property
    def home(self) -> Environment:
        """The account and region of the app's first stack."""
        # A deployment writes it.
        server = self.state.server() or self.server
        return Environment(account=server.account, region=server.region)

    @property
    def all(self) -> list[Environment]:
        """Every account and region in use, those of the app first."""
        found = []
        with contextlib.suppress(OSError, ValueError, KeyError):
            found = of_assembly(self.state.cdk_out, default=self.home)
        places = (Environment(account=one, region=region) for one, region in self._receiving())
        return list(dict.fromkeys([*(found or [self.home]), *places]))

    def client(self, service: str, place: Environment | None = None) -> Any:
        """The client of a service, at home unless another place is given."""
        chosen = place or self.home
        with self._lock:
            if (service, chosen) not in self._clients:
                session = clients.session(region=chosen.region, account=chosen.account)
                made = clients.client(session, service, self.server.endpoint)
                self._clients[service, chosen] = made
            return self._clients[service, chosen]

    def of_arn(self, service: str, arn: str) -> Any:
        """The client of a service in the account and region that an ARN names."""
        return self.client(service, of_arn(arn))

    def of_sender(self, address: str) -> Environment:
        """Where an address or its domain is verified; by default the place of :attr:`home`."""
        address = address.lower()
        domain = address.rpartition("@")[2]
        for place in self.all:
            names = {name.lower() for name in identities(self.client("ses", place))}
            if any(name == address or f".{domain}".endswith(f".{name}") for name in names):
                return place
        return self.home


def identities(ses: Any) -> Iterator[str]:
    """The names of an account's identities."""
    for page in ses.get_paginator("list_identities").paginate():
        yield from page["Identities"]


def unless_missing(ask: Callable[[], Any], default: Any) -> Any:
    """The answer, or the default if what it is about was deleted meanwhile."""
    try:
        return ask()
    except ClientError:
        return default
