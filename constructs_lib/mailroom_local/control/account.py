"""The account of a running local AWS: its clients, identities and messages."""

from __future__ import annotations

import base64
import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from mailroom_local._journal import kept
from mailroom_local.control import clients, journal, outcomes, requests, sources
from mailroom_local.control.environments import Environment, of_arn
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
        self._clients: dict[tuple[str, Environment], Any] = {}
        self._verified: list[str] = []

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

    @property
    def environment(self) -> Environment:
        """The account and region that clients use, unless they name another.

        A deployment makes it that of the app's first stack, if no stack is in the present one.
        """
        return Environment(account=self.server.account, region=self.server.region)

    def client(self, service: str, *, account: str | None = None, region: str | None = None) -> Any:
        """Return a boto3 client of the local AWS.

        Args:
            service: The name that boto3 gives the service, such as `"sesv2"`.
            account: The id of the account; by default that of :attr:`environment`.
            region: The region; by default that of :attr:`environment`.

        Returns:
            One client per service, account and region, made at the first call.
        """
        home = self.environment
        chosen = Environment(account=account or home.account, region=region or home.region)
        if (service, chosen) not in self._clients:
            session = clients.session(region=chosen.region, account=chosen.account)
            made = clients.client(session, service, self.server.endpoint)
            self._clients[service, chosen] = made
        return self._clients[service, chosen]

    def verify_identity(
        self, identity: str, *, account: str | None = None, region: str | None = None
    ) -> None:
        """Create a verified identity, without the e-mail or the DNS records that AWS asks for.

        Args:
            identity: An address or a domain.
            account: The id of the account; by default that of :attr:`environment`, and those that
                are deployed to later.
            region: The region; by default that of :attr:`environment`, and those that are deployed
                to later.
        """
        ses = self.client("ses", account=account, region=region)
        if "@" in identity:
            ses.verify_email_identity(EmailAddress=identity)
        else:
            ses.verify_domain_identity(Domain=identity)
        if account is None and region is None and identity not in self._verified:
            self._verified.append(identity)

    @contextlib.contextmanager
    def permissions_enforced(self) -> Iterator[None]:
        """Enforce IAM while the context is open: functions may do what their roles allow.

        At all other times the local AWS allows everything. The CDK CLI needs that to deploy: the
        roles that it assumes need permissions that the emulator does not support.
        """
        requests.post(self.server, ENFORCE_PATH)
        try:
            yield
        finally:
            requests.post(self.server, IGNORE_PATH)

    def messages(self, *, handlers: bool = True, last: int | None = None) -> list[MessageRecord]:
        """Return every message: received, refused and sent.

        Args:
            last: How many of the newest to return; by default all.
            handlers: Whether to find out if failed calls of functions are tried again, and which
                dead-letter queue has what failed for good.

        Returns:
            The messages, oldest first.
        """
        return self._settled(journal.read(self.state.journal, last=last), handlers=handlers)

    def message(self, message_id: str, *, handlers: bool = True) -> MessageRecord:
        """Return one message.

        Args:
            message_id: Its id, or the beginning of it.
            handlers: Whether to find out if failed calls of functions are tried again, and which
                dead-letter queue has what failed for good.

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
        return self._settled(found, handlers=handlers)[0]

    def raw(self, message_id: str) -> bytes:
        """Return the bytes of a message, whatever its rules do with it.

        Args:
            message_id: Its id, or the beginning of it.

        Returns:
            A received message as its sender sent it, without the header fields that SES adds; a
            sent one as its recipients get it.

        Raises:
            MailroomError: If no message, or more than one, has an id with that beginning.
        """
        found = self.message(message_id, handlers=False)
        return kept(self.state.journal, str(found.message_id)).read_bytes()

    def wait(
        self, message_id: str, *, seconds: float = 30.0, handlers: bool = True
    ) -> MessageRecord:
        """Wait until all actions on a message have run.

        Args:
            message_id: Its id, or the beginning of it.
            seconds: How long to wait at most.
            handlers: Whether to wait, too, until every asynchronous function has succeeded or
                used up its tries.

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
        answer: list[dict[str, Any]] = requests.get(self.server, SENT_PATH)
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

    def _settled(self, messages: list[MessageRecord], *, handlers: bool) -> list[MessageRecord]:
        if handlers and self._server is not None:
            outcomes.settle(messages, client=self._client_of)
        placed = [one for message in messages for one in message.outcomes if one.place]
        if placed:
            known = sources.folders(self.state.cdk_out)
            for one in {id(one): one for one in placed}.values():
                one.place = sources.located(one.place, sources.folder_of(one.function_name, known))
        return messages

    def _client_of(self, service: str, arn: str) -> Any:
        """The client of the account and region that an ARN names."""
        place = of_arn(arn) or self.environment
        return self.client(service, account=place.account, region=place.region)
