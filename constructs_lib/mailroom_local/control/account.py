"""The account of a running local AWS: its clients, identities and messages."""

from __future__ import annotations

import base64
import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from mailroom_local.control import clients, gateway, journal, outcomes
from mailroom_local.control.errors import MailroomError, NotRunning
from mailroom_local.control.journal import MessageRecord
from mailroom_local.control.paths import ENFORCE_PATH, IGNORE_PATH, SENT_PATH
from mailroom_local.control.server_process import POLL_SECONDS
from mailroom_local.control.state import Server, State

T = TypeVar("T")


class Account:
    """What can be done with, and read from, a local AWS that runs."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._server: Server | None = None
        self._clients: dict[str, Any] = {}

    @property
    def server(self) -> Server:
        """The addresses of the gateway and the SMTP servers.

        Raises:
            NotRunning: If this local AWS has not been started.
        """
        if self._server is None:
            raise NotRunning(
                "this local AWS has not been started",
                remedy="use it as a context manager, or call start() or attach()",
            )
        return self._server

    def client(self, service: str) -> Any:
        """Return a boto3 client of the local AWS.

        Args:
            service: The name that boto3 gives the service, such as `"sesv2"`.

        Returns:
            One client per service, made at the first call.
        """
        if service not in self._clients:
            session = clients.session(region=self.server.region)
            self._clients[service] = clients.client(session, service, self.server.endpoint)
        return self._clients[service]

    def verify_identity(self, identity: str) -> None:
        """Create a verified identity, without the e-mail or the DNS records that AWS asks for.

        Args:
            identity: An address or a domain.
        """
        ses = self.client("ses")
        if "@" in identity:
            ses.verify_email_identity(EmailAddress=identity)
        else:
            ses.verify_domain_identity(Domain=identity)

    @contextlib.contextmanager
    def permissions_enforced(self) -> Iterator[None]:
        """Enforce IAM while the context is open: functions may do what their roles allow.

        At all other times the local AWS allows everything. The CDK CLI needs that to deploy: the
        roles that it assumes need permissions that the emulator does not support.
        """
        gateway.post(self.server, ENFORCE_PATH)
        try:
            yield
        finally:
            gateway.post(self.server, IGNORE_PATH)

    def messages(self, *, handlers: bool = True, last: int | None = None) -> list[MessageRecord]:
        """Return every message: received, refused and sent.

        Args:
            last: How many of the newest to return; by default all.
            handlers: Whether to read from the log of each function what it reported.

        Returns:
            The messages, oldest first.
        """
        return self._joined(journal.read(self.state.journal, last=last), handlers=handlers)

    def message(self, message_id: str, *, handlers: bool = True) -> MessageRecord:
        """Return one message.

        Args:
            message_id: Its id, or the beginning of it.
            handlers: Whether to read from the log of each function what it reported.

        Returns:
            The message.

        Raises:
            MailroomError: If no message, or more than one, has an id with that beginning.
        """
        found = journal.find(self.state.journal, message_id)
        if len(found) != 1:
            raise MailroomError(
                f"{len(found)} messages have an id that begins with {message_id!r}",
                remedy="`mailroom log` lists the messages and their ids",
            )
        return self._joined(found, handlers=handlers)[0]

    def wait(
        self, message_id: str, *, seconds: float = 30.0, handlers: bool = True
    ) -> MessageRecord:
        """Wait until all actions on a message have run.

        Args:
            message_id: Its id, or the beginning of it.
            seconds: How long to wait at most.
            handlers: Whether to wait, too, until every asynchronous function has reported on it. A
                function that does not use the `mailroom` runtime never does, and costs all of
                `seconds`.

        Returns:
            The message, finished or not.

        Raises:
            MailroomError: If no message, or more than one, has an id with that beginning.
        """
        return self.wait_until(
            lambda: self.message(message_id, handlers=handlers),
            lambda message: (
                message.finished
                and not (handlers and any(action.pending for action in message.actions))
            ),
            seconds=seconds,
        )

    def wait_until(self, read: Callable[[], T], good: Callable[[T], bool], *, seconds: float) -> T:
        """Read repeatedly until the value is good or the time is up.

        Args:
            read: Reads the value.
            good: Whether the value is the one that is waited for.
            seconds: How long to wait at most.

        Returns:
            The last value, good or not.
        """
        deadline = time.monotonic() + seconds
        while not good(value := read()) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return value

    def sent(self) -> list[dict[str, Any]]:
        """Return what the account has sent through SES.

        Returns:
            The messages, oldest first. `To`, `Subject` and so on are those of the call, `Raw` holds
            the bytes that recipients get, `DeliveredTo` the recipients that get them.
        """
        answer: list[dict[str, Any]] = gateway.get(self.server, SENT_PATH)
        for message in answer:
            if "Raw" in message:
                message["Raw"] = base64.b64decode(message["Raw"])
        return answer

    def events(self) -> list[dict[str, Any]]:
        """Return every sending event.

        A message without a configuration set has none. :meth:`messages` tells which destinations
        received an event.

        Returns:
            The payloads as SES publishes them, oldest first.
        """
        return journal.published(self.state.journal)

    def _joined(self, messages: list[MessageRecord], *, handlers: bool) -> list[MessageRecord]:
        called = any(action.function_name for message in messages for action in message.actions)
        if handlers and called and self._server is not None:
            functions, logs = self.client("lambda"), self.client("logs")
            outcomes.join(messages, functions=functions, logs=logs)
        return messages
