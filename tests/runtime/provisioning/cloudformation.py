"""A model of what CloudFormation does to a stack with custom resources, for property tests.

A stack is a list of resources, deployed in their order. What CloudFormation documents is always so.
What is only reported, or differs from one case to the next, is an argument of `Conditions`, and a
handler has to survive all of them::

    calls = Calls()
    stack = Stack(calls, restart=forget_answers)
    secret = Custom("Secret", {"UserName": "ann"}, handler=module.handler)
    module._clients["iam"] = calls.watch(FakeIam())
    stack.deploy([secret])
    stack.deploy([secret.changed(UserName="bob")], Conditions(fails_later=True))
    stack.delete()

A deployment that fails is rolled back, and returns its status; only the tests know what is right.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import SimpleNamespace
from typing import Any, Literal

from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import strategies as st

__all__ = [
    "Calls",
    "Conditions",
    "Custom",
    "Native",
    "Resource",
    "Stack",
    "Trouble",
    "conditions",
]

Trouble = Literal["dies before", "dies after", "answer lost", "throttled", "fails"]
Handler = Callable[[Mapping[str, Any], Any], dict[str, Any]]
Status = Literal[
    "CREATE_IN_PROGRESS",
    "CREATE_COMPLETE",
    "ROLLBACK_IN_PROGRESS",
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "UPDATE_IN_PROGRESS",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_FAILED",
    "DELETE_IN_PROGRESS",
    "DELETE_COMPLETE",
    "DELETE_FAILED",
]

_numbers = itertools.count(1)


class Death(BaseException):
    """The function's process ends; nothing in it can catch this."""


class Failed(Exception):
    """A resource's operation failed; the cause says why."""


class Calls:
    """Every call of the API, numbered from 1 in each operation, and what goes wrong with it."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.trouble: dict[int, Trouble] = {}
        self.meanwhile: dict[int, Callable[[], None]] = {}

    def watch(self, client: Any) -> Any:
        """Return *client* with its methods watched; attributes and `exceptions` stay the same."""
        return _Watched(self, client)

    def make(self, name: str, method: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        self.made.append(name)
        number = len(self.made)
        if someone_else := self.meanwhile.pop(number, None):
            someone_else()
        trouble = self.trouble.pop(number, None)
        if trouble == "dies before":
            raise Death
        if trouble in ("throttled", "fails"):
            code = "Throttling" if trouble == "throttled" else "InternalFailure"
            raise ClientError({"Error": {"Code": code, "Message": trouble}}, name)
        answer = method(**arguments)
        if trouble == "dies after":
            raise Death
        if trouble == "answer lost":
            raise ReadTimeoutError(endpoint_url=name)
        return answer


class _Watched:
    def __init__(self, calls: Calls, client: Any) -> None:
        self._calls = calls
        self._client = client

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name == "exceptions" or not callable(found):
            return found
        return lambda **arguments: self._calls.make(name, found, arguments)


@dataclass(frozen=True)
class Resource:
    """One resource of a template; *properties* are as they reach its handler."""

    logical_id: str
    properties: dict[str, Any] = field(default_factory=dict)

    def changed(self, **properties: Any) -> Any:
        """Return the same resource with other properties."""
        return replace(self, properties=self.properties | properties)


@dataclass(frozen=True)
class Custom(Resource):
    """A custom resource; *handler* is the function behind it."""

    handler: Handler = field(kw_only=True)
    attributes: Callable[[dict[str, Any]], None] = field(kw_only=True, default=lambda _: None)
    """Called with what Create and Update answer as ``Data``."""


@dataclass(frozen=True)
class Native(Resource):
    """A resource of AWS's own whose physical id is its property *name*: another one replaces it."""

    name: str = field(kw_only=True, default="Name")
    create: Callable[[dict[str, Any]], None] = field(kw_only=True)
    delete: Callable[[dict[str, Any]], None] = field(kw_only=True)


@dataclass(frozen=True)
class Conditions:
    """What else happens while CloudFormation carries out one operation on a stack."""

    trouble: Mapping[int, Trouble] = field(default_factory=dict)
    """What goes wrong at which call, counted over the whole operation."""
    meanwhile: Mapping[int, Callable[[], None]] = field(default_factory=dict)
    """What somebody else does ahead of which call."""
    fails_later: bool = False
    """Another resource, which comes after all of these, fails."""
    delivered_twice: bool = False
    """Each request is delivered once more, at once, as Lambda's asynchronous invocation may do."""
    another_try: bool = True
    """A request whose process dies is delivered again, and otherwise fails."""
    deleted_after_failed_create: bool = True
    """A Create that fails is followed by a Delete; CDK's Provider framework swallows it."""
    rollback_forgets_old_id: bool = False
    """An update that gave another physical id is rolled back by a Delete of the new one alone."""


def conditions(*, calls: int = 8, **fixed: Any) -> st.SearchStrategy[Conditions]:
    """Return all conditions, with trouble at up to two of so many *calls*; *fixed* are as given."""
    kinds = st.sampled_from(["dies before", "dies after", "answer lost", "throttled", "fails"])
    booleans = (
        "fails_later",
        "delivered_twice",
        "another_try",
        "deleted_after_failed_create",
        "rollback_forgets_old_id",
    )
    drawn: dict[str, Any] = {name: st.booleans() for name in booleans}
    drawn["trouble"] = st.dictionaries(st.integers(1, calls), kinds, max_size=2)
    return st.builds(
        Conditions, **(drawn | {name: st.just(value) for name, value in fixed.items()})
    )


@dataclass
class _Live:
    resource: Resource
    physical_id: str


class Stack:
    """A stack of the resources that it was last deployed with.

    Args:
        calls: The calls of the clients that the handlers use.
        restart: Forgets what the handlers' process remembers, since another one takes over.
        stack_id: The stack's id.
    """

    def __init__(
        self,
        calls: Calls,
        *,
        restart: Callable[[], None] = lambda: None,
        stack_id: str = "arn:aws:cloudformation:eu-west-1:111122223333:stack/Mail/0a1b",
    ) -> None:
        self.calls = calls
        self.restart = restart
        self.stack_id = stack_id
        self.status: Status | None = None
        """What DescribeStacks answers, also while a request is handled."""
        self.reason = ""
        self.requests: list[dict[str, Any]] = []
        self._live: dict[str, _Live] = {}
        self._undo: list[Callable[[], None]] = []
        self._conditions = Conditions()

    @property
    def resources(self) -> list[Resource]:
        """What the stack consists of."""
        return [live.resource for live in self._live.values()]

    def physical_id(self, logical_id: str) -> str:
        """Return the physical id of a resource of the stack."""
        return self._live[logical_id].physical_id

    def deploy(self, resources: Sequence[Resource], conditions: Conditions | None = None) -> Status:
        """Create or update the stack; roll back if anything fails."""
        first = not self._live
        self._begin(conditions, "CREATE_IN_PROGRESS" if first else "UPDATE_IN_PROGRESS")
        before = {key: replace(live) for key, live in self._live.items()}
        created: list[_Live] = []
        updated: list[tuple[_Live, _Live]] = []
        try:
            for resource in resources:
                self._apply(resource, before.get(resource.logical_id), created, updated)
            if self._conditions.fails_later:
                raise Failed("another resource failed")
        except Failed as failure:
            self.reason = str(failure.__cause__ or failure)
            return self._roll_back(first, before, created, updated)
        for old, new in reversed(updated):
            if old.physical_id != new.physical_id:
                self._clean_up(old)
        wanted = {resource.logical_id for resource in resources}
        for key in [key for key in reversed(self._live) if key not in wanted]:
            self._clean_up(self._live.pop(key))
        # Deletes go against the order of the template.
        self._live = {one.logical_id: self._live[one.logical_id] for one in resources}
        return self._ended("CREATE_COMPLETE" if first else "UPDATE_COMPLETE")

    def continue_rollback(self) -> Status:
        """Do what is left of a rollback that failed."""
        assert self.status == "UPDATE_ROLLBACK_FAILED"
        self._begin(None, "UPDATE_ROLLBACK_IN_PROGRESS")
        return self._finish_rollback()

    def delete(self, conditions: Conditions | None = None) -> Status:
        """Delete the stack."""
        self._begin(conditions, "DELETE_IN_PROGRESS")
        for key in list(reversed(self._live)):
            try:
                self._delete(self._live[key])
            except Failed as failure:
                self.reason = str(failure.__cause__)
                return self._ended("DELETE_FAILED")
            del self._live[key]
        return self._ended("DELETE_COMPLETE")

    def _begin(self, conditions: Conditions | None, status: Status) -> None:
        self.status = status
        self._conditions = conditions or Conditions()
        self.calls.made.clear()
        self.calls.trouble = dict(self._conditions.trouble)
        self.calls.meanwhile = dict(self._conditions.meanwhile)

    def _ended(self, status: Status) -> Status:
        self.status = status
        self.calls.trouble.clear()
        self.calls.meanwhile.clear()
        return status

    def _apply(
        self,
        resource: Resource,
        before: _Live | None,
        created: list[_Live],
        updated: list[tuple[_Live, _Live]],
    ) -> None:
        if before is None:
            live = _Live(resource, resource.logical_id)
            if isinstance(resource, Native):
                live.physical_id = self._make(resource)
            else:
                try:
                    live.physical_id = self._request("Create", live)
                except Failed:
                    if self._conditions.deleted_after_failed_create:
                        created.append(live)
                    raise
            created.append(live)
            self._live[resource.logical_id] = live
        elif before.resource.properties != resource.properties:
            live = _Live(resource, before.physical_id)
            updated.append((before, live))
            if isinstance(resource, Native):
                if before.resource.properties[resource.name] != resource.properties[resource.name]:
                    live.physical_id = self._make(resource)
            else:
                live.physical_id = self._request("Update", live, before.resource)
            self._live[resource.logical_id] = live

    def _roll_back(
        self,
        first: bool,
        before: dict[str, _Live],
        created: list[_Live],
        updated: list[tuple[_Live, _Live]],
    ) -> Status:
        self.status = "ROLLBACK_IN_PROGRESS" if first else "UPDATE_ROLLBACK_IN_PROGRESS"
        self._undo = []
        leftovers: list[_Live] = []
        for old, new in updated:
            changed = old.physical_id != new.physical_id
            if isinstance(new.resource, Custom) and not (
                changed and self._conditions.rollback_forgets_old_id
            ):
                self._undo.append(partial(self._revert, old, new))
            elif changed:
                leftovers.append(new)
        self._undo += [partial(self._delete, one) for one in [*reversed(created), *leftovers]]
        self._live = before or {one.resource.logical_id: one for one in created}
        status = self._finish_rollback(first)
        if status == "ROLLBACK_COMPLETE":
            self._live = {}
        return status

    def _revert(self, old: _Live, new: _Live) -> None:
        reverted = self._request("Update", _Live(old.resource, new.physical_id), new.resource)
        if reverted != new.physical_id:
            self._undo.append(partial(self._delete, new))
        old.physical_id = reverted

    def _finish_rollback(self, first: bool = False) -> Status:
        while self._undo:
            try:
                self._undo[0]()
            except Failed as failure:
                self.reason += f"; rollback: {failure.__cause__}"
                return self._ended("ROLLBACK_FAILED" if first else "UPDATE_ROLLBACK_FAILED")
            del self._undo[0]
        return self._ended("ROLLBACK_COMPLETE" if first else "UPDATE_ROLLBACK_COMPLETE")

    def _clean_up(self, live: _Live) -> None:
        # CloudFormation tries this a few times, and leaves behind what cannot be deleted.
        for _ in range(3):
            try:
                return self._delete(live)
            except Failed as failure:
                self.reason = str(failure.__cause__)
        return None

    def _make(self, resource: Native) -> str:
        try:
            resource.create(resource.properties)
        except Exception as error:
            raise Failed from error
        return str(resource.properties[resource.name])

    def _delete(self, live: _Live) -> None:
        if isinstance(live.resource, Native):
            try:
                live.resource.delete(live.resource.properties)
            except Exception as error:
                raise Failed from error
        else:
            self._request("Delete", live)

    def _request(self, kind: str, live: _Live, before: Resource | None = None) -> str:
        """Send a request to the handler, and return the physical id that it answers."""
        resource = live.resource
        assert isinstance(resource, Custom)
        event: dict[str, Any] = {
            "RequestType": kind,
            "RequestId": f"request-{next(_numbers)}",
            "StackId": self.stack_id,
            "LogicalResourceId": resource.logical_id,
            "ResourceType": "Custom::Resource",
            "ResourceProperties": {"ServiceToken": "arn", **resource.properties},
        }
        if kind != "Create":
            event["PhysicalResourceId"] = live.physical_id
        if before is not None:
            event["OldResourceProperties"] = {"ServiceToken": "arn", **before.properties}
        self.requests.append(event)
        try:
            answer = self._deliver(resource.handler, event)
        except Failed:
            if self._conditions.delivered_twice:
                self._deliver_again(resource.handler, event)
            raise
        if self._conditions.delivered_twice:
            self._deliver_again(resource.handler, event)
        if kind != "Delete":
            resource.attributes(answer.get("Data") or {})
        return str(answer.get("PhysicalResourceId") or live.physical_id)

    def _deliver(self, handler: Handler, event: dict[str, Any]) -> dict[str, Any]:
        # Lambda tries an asynchronous invocation up to three times.
        for _ in range(3 if self._conditions.another_try else 1):
            try:
                return handler(event, SimpleNamespace(aws_request_id="1"))
            except Death:
                self.restart()
            except Exception as error:
                raise Failed from error
        raise Failed("the process died") from RuntimeError("the process died")

    def _deliver_again(self, handler: Handler, event: dict[str, Any]) -> None:
        """Deliver a request again to another process; the first answer is the one that counts."""
        self.restart()
        with contextlib.suppress(Failed):
            self._deliver(handler, event)
