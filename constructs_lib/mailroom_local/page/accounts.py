"""The accounts and regions of the local AWS, and their boto3 clients."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from botocore.exceptions import ClientError

from mailroom_local.control import clients, outcomes
from mailroom_local.control.environments import Environment, of_arn, of_assembly
from mailroom_local.control.state import Server, State

_IDENTITIES = ("list_identities", "Identities")


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
            names = {name.lower() for name in pages(self.client("ses", place), *_IDENTITIES)}
            if any(name == address or f".{domain}".endswith(f".{name}") for name in names):
                return place
        return self.home


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue, as it is now."""

    url: str
    arn: str
    depth: int
    in_flight: int
    dead_letter_queue: str | None

    @property
    def name(self) -> str:
        """Its name."""
        return self.arn.rpartition(":")[2]


def queues(sqs: Any) -> Iterator[Queue]:
    """The queues of an account."""
    depth, in_flight = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
    wanted = ["QueueArn", depth, in_flight, "RedrivePolicy"]
    for url in pages(sqs, "list_queues", "QueueUrls"):
        answer = unless_missing(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=wanted)
        found = answer.get("Attributes")
        if found:
            policy = json.loads(found.get("RedrivePolicy") or "{}")
            yield Queue(
                url=url,
                arn=found["QueueArn"],
                depth=int(found[depth]),
                in_flight=int(found[in_flight]),
                dead_letter_queue=policy.get("deadLetterTargetArn"),
            )


def on_failure(functions: Any, function: Mapping[str, Any]) -> str | None:
    """The ARN of the queue that gets the invocations of a function that failed for good."""
    arn = function["FunctionArn"]
    target = outcomes.asynchronous(functions, arn)[1]
    if target is None:
        # Of a synchronous one, the runtime keeps it.
        variables = (function.get("Environment") or {}).get("Variables") or {}
        url = str(variables.get("MAILROOM_FAILURE_QUEUE") or "")
        place = of_arn(arn)
        if url and place:
            target = f"arn:aws:sqs:{place.region}:{place.account}:{url.rpartition('/')[2]}"
    return target


def pages(client: Any, operation: str, name: str) -> Iterator[Any]:
    """Everything that a list operation returns, page by page."""
    for page in client.get_paginator(operation).paginate():
        yield from page.get(name, [])


def unless_missing(ask: Callable[..., Any], **arguments: Any) -> dict[str, Any]:
    """The answer; empty if what it is about does not exist, for example because it was deleted."""
    try:
        found: dict[str, Any] = ask(**arguments)
    except ClientError:
        return {}
    return found
