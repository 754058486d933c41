"""Reads an account: only what describes it, each thing once, and no denial without a word."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from mailroom_cli.errors import CommandError

READING = ("describe_", "get_", "head_", "list_")
"""How the names of operations begin that change nothing."""

_DENIED = (
    "403",
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "NotAuthorized",
    "UnauthorizedOperation",
)
# What a service's permissions begin with, where it is not the name that boto3 gives the service.
_PREFIXES = {"mailmanager": "ses", "sesv2": "ses"}
_PERMISSIONS = {("s3", "head_bucket"): "s3:ListBucket"}


class Absent(Exception):
    """What was asked for does not exist."""


class Unseen(Exception):
    """The answer could not be had; the reader has noted why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The first of some things."""

    items: Sequence[Any]
    complete: bool
    """Whether these are all."""


@dataclass(slots=True)
class _Memory:
    client: Callable[[str], Any]
    answers: dict[str, Future[Any]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)


class Reader:
    """Calls an account's APIs for one subject; subjects share their answers.

    Args:
        client: Returns the boto3 client of a service.
    """

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._memory = _Memory(client)
        self.unseen: dict[str, str] = {}
        """What could not be looked at: the permission, and the reason if it is not that."""

    def for_subject(self) -> Reader:
        """Return a reader that shares the answers, and notes for itself what it could not see."""
        other = Reader(self._memory.client)
        other._memory = self._memory
        return other

    def call(
        self, service: str, operation: str, *, absent: Sequence[str] = (), **arguments: Any
    ) -> dict[str, Any]:
        """Return the answer to one call.

        Args:
            service: The name that boto3 gives the service.
            operation: The name of the method, such as ``get_account``.
            absent: The codes of the errors that mean that there is no such thing.
            arguments: The arguments of the call.

        Raises:
            Absent: There is no such thing.
            Unseen: The call was denied, or failed otherwise.
        """
        found: dict[str, Any] = self._once(
            (service, operation, arguments),
            absent,
            lambda client: getattr(client, operation)(**arguments),
        )
        return found

    def pages(
        self,
        service: str,
        operation: str,
        key: str,
        *,
        most: int,
        absent: Sequence[str] = (),
        **arguments: Any,
    ) -> Listed:
        """Return the first things of an answer that comes in pages.

        Args:
            service: The name that boto3 gives the service.
            operation: The name of the method, such as ``list_email_identities``.
            key: The member of each answer that lists the things.
            most: How many to read at most.
            absent: The codes of the errors that mean that there is no such thing.
            arguments: The arguments of the call.

        Raises:
            Absent: There is no such thing.
            Unseen: A call was denied, or failed otherwise.
        """

        def read(client: Any) -> Listed:
            items: list[Any] = []
            for page in _pages(client, operation, arguments):
                items += page.get(key) or []
                if len(items) > most:
                    return Listed(items=items[:most], complete=False)
            return Listed(items=items, complete=True)

        found: Listed = self._once((service, operation, key, most, arguments), absent, read)
        return found

    def knows(self, service: str, operation: str, member: str) -> bool:
        """Return whether this boto3 reads a member of an answer; an older one leaves it out."""
        client = self._client(service)
        name = client.meta.method_to_api_mapping[operation]
        return member in client.meta.service_model.operation_model(name).output_shape.members

    def region(self) -> str:
        """Return the region of the clients."""
        return str(self._client("sesv2").meta.region_name)

    def _once(
        self, asked: tuple[Any, ...], absent: Sequence[str], read: Callable[[Any], Any]
    ) -> Any:
        service, operation = asked[0], asked[1]
        if not operation.startswith(READING):
            raise ValueError(f"{service}.{operation} may change something")
        key = json.dumps(asked, sort_keys=True, default=str)
        with self._memory.lock:
            future, first = self._memory.answers.get(key), False
            if future is None:
                future, first = self._memory.answers.setdefault(key, Future()), True
        if first:
            try:
                future.set_result(read(self._client(service)))
            except Exception as error:  # it belongs to all who asked
                future.set_exception(error)
        return self._answer(service, operation, absent, future)

    def _answer(
        self, service: str, operation: str, absent: Sequence[str], future: Future[Any]
    ) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return future.result()
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in absent:
                raise Absent from error
            needed = permission(service, operation)
            reason = "" if code in _DENIED else str(error)
            self.unseen.setdefault(needed, reason)
            raise Unseen(needed) from error
        except BotoCoreError as error:
            needed = permission(service, operation)
            self.unseen.setdefault(needed, str(error))
            raise Unseen(needed) from error

    def _client(self, service: str) -> Any:
        # A client may be used by several threads; a session may not.
        with self._memory.lock:
            return self._memory.client(service)


def permission(service: str, operation: str) -> str:
    """Return the IAM action that a call needs, such as ``ses:GetAccount``."""
    if special := _PERMISSIONS.get((service, operation)):
        return special
    name = "".join(part.capitalize() for part in operation.split("_"))
    return f"{_PREFIXES.get(service, service)}:{name}"


def require_account(reader: Reader) -> dict[str, Any]:
    """Return who the credentials belong to, which needs no permission.

    Raises:
        CommandError: There are no credentials, or they are not accepted.
    """
    from botocore.exceptions import BotoCoreError

    try:
        # Without a region there is no client of SES.
        reader.region()
        return reader.call("sts", "get_caller_identity")
    except (BotoCoreError, Unseen) as error:
        raise CommandError(
            f"cannot reach the account: {error.__cause__ or error}",
            remedy="check credentials, profile and region: aws sts get-caller-identity",
        ) from error


def _pages(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
    if client.can_paginate(operation):
        yield from client.get_paginator(operation).paginate(**arguments)
        return
    more: dict[str, Any] = {}
    while True:
        page = getattr(client, operation)(**arguments, **more)
        yield page
        if not page.get("NextToken"):
            return
        more = {"NextToken": page["NextToken"]}
