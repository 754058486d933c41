"""An account with an SES in memory, and stacks in it, driven as CloudFormation drives them."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from mailroom import _runtime
from mailroom.provisioning import activation
from mailroom.provisioning.activation import ActivationError

__all__ = [
    "BESIDE",
    "CHANGES",
    "MODES",
    "FakeSes",
    "RollbackFailed",
    "Stack",
    "account",
    "throttle",
    "use",
]

MODES = ("refuse", "join", "replace")


class RuleSetDoesNotExist(ClientError):
    """SES's answer to a name that it does not know."""

    def __init__(self, name: str) -> None:
        error = {"Error": {"Code": "RuleSetDoesNotExist", "Message": name}}
        super().__init__(error, "op")  # type: ignore[arg-type]


class FakeSes:
    """What SES says and does about rule sets; `before_call` runs ahead of each operation."""

    exceptions = SimpleNamespace(
        ClientError=ClientError, RuleSetDoesNotExistException=RuleSetDoesNotExist
    )

    def __init__(self, *rule_sets: str, active: str | None = None) -> None:
        self.rule_sets = set(rule_sets) | ({active} if active else set())
        self.current = active
        self.calls: list[str] = []
        self.errors: list[Exception] = []
        self.before_call: dict[int, Any] = {}

    def describe_active_receipt_rule_set(self) -> dict[str, Any]:
        self._enter("DescribeActive")
        return {"Metadata": {"Name": self.current}, "Rules": []} if self.current else {}

    def describe_receipt_rule_set(self, **arguments: str) -> dict[str, Any]:
        name = arguments["RuleSetName"]
        self._enter(f"Describe {name}")
        self._need(name)
        return {"Metadata": {"Name": name}, "Rules": []}

    def set_active_receipt_rule_set(self, **arguments: str) -> dict[str, Any]:
        name = arguments.get("RuleSetName")
        self._enter(f"SetActive {name}")
        if name is not None:
            self._need(name)
        self.current = name
        return {}

    def delete(self, rule_set: str) -> None:
        assert rule_set != self.current, "CannotDelete"
        self.rule_sets.discard(rule_set)

    @property
    def changes(self) -> list[str]:
        return [call for call in self.calls if call.startswith("SetActive")]

    def _enter(self, call: str) -> None:
        self.calls.append(call)
        if hook := self.before_call.pop(len(self.calls), None):
            hook()
        if self.errors:
            raise self.errors.pop(0)

    def _need(self, rule_set: str) -> None:
        if rule_set not in self.rule_sets:
            raise RuleSetDoesNotExist(rule_set)


class RollbackFailed(Exception):
    """UPDATE_ROLLBACK_FAILED, in which a stack is stuck until someone intervenes."""


class Stack:
    """One stack with a rule set and its activation, driven as CloudFormation drives it."""

    def __init__(self, ses: FakeSes) -> None:
        self.ses = ses
        self.id: str | None = None
        self.properties: dict[str, str] = {}
        self.rule_set: str | None = None

    def create(self, name: str, mode: str) -> Stack:
        self.ses.rule_sets.add(name)
        try:
            self._answer("Create", {"RuleSetName": name, "Mode": mode})
        except ActivationError:
            # The framework swallows the Delete that follows; CloudFormation deletes the rule set.
            self.ses.delete(name)
            raise
        return self

    def update(
        self, *, name: str | None = None, mode: str | None = None, fails: bool = False
    ) -> str:
        """Update, clean up, and return the id; with *fails*, something else fails: roll back."""
        old_id, old = self.id, self.properties
        new = {"RuleSetName": name or old["RuleSetName"], "Mode": mode or old["Mode"]}
        assert new != old
        self.ses.rule_sets.add(new["RuleSetName"])
        try:
            self._answer("Update", new, old)
            if fails:
                raise RuntimeError
        except (ActivationError, RuntimeError) as error:
            new_id = self.id
            try:
                self._answer("Update", old, new)
            except ActivationError as again:
                self.properties = old
                raise RollbackFailed from again
            self._clean_up(new_id, new)
            if isinstance(error, ActivationError):
                raise
        else:
            self._clean_up(old_id, old)
        assert self.id
        return self.id

    def delete(self) -> None:
        self.invoke("Delete", self.properties, physical_id=self.id)
        self.ses.delete(self.properties["RuleSetName"])

    def _clean_up(self, physical_id: str | None, properties: dict[str, str]) -> None:
        if physical_id != self.id:
            active = self.ses.current
            self.invoke("Delete", properties, physical_id=physical_id)
            assert self.ses.current == active, "cleaning up an old id changed the active set"
        if properties["RuleSetName"] != self.properties["RuleSetName"]:
            self.ses.delete(properties["RuleSetName"])

    def _answer(self, kind: str, new: dict[str, str], old: dict[str, str] | None = None) -> None:
        answer = self.invoke(kind, new, old, self.id)
        self.id = answer["PhysicalResourceId"]
        self.rule_set = answer["Data"]["RuleSetName"]
        self.properties = new

    def invoke(
        self,
        kind: str,
        new: dict[str, str],
        old: dict[str, str] | None = None,
        physical_id: str | None = None,
        request_id: str | None = None,
    ) -> dict[str, Any]:
        event: dict[str, Any] = {
            "RequestType": kind,
            "RequestId": request_id or f"request-{next(_numbers)}",
            "ResourceProperties": {"ServiceToken": "arn", **new},
        }
        if old is not None:
            event["OldResourceProperties"] = {"ServiceToken": "arn", **old}
        if physical_id is not None:
            event["PhysicalResourceId"] = physical_id
        before = self.ses.current
        mine = {new["RuleSetName"], (old or new)["RuleSetName"]}
        answer = activation.handler(event, None)
        if before not in (None, *mine) and self.ses.current != before:
            # On every path of every test here, whatever else it is about.
            assert kind != "Delete", f"{before} displaced by a Delete"
            assert new["Mode"] == "replace", f"{before} displaced by {new['Mode']}"
        return answer


_numbers = itertools.count()


def use(ses: Any) -> Any:
    """Make *ses* the client of the runtime until the next test does."""
    _runtime._clients["ses"] = ses
    return ses


def account(active: str | None = None) -> FakeSes:
    """Return an account with that active set, which the handler talks to from now on."""
    fake: FakeSes = use(FakeSes(active=active))
    return fake


def throttle(times: int) -> list[Exception]:
    """Return SES's answer to calls that come too fast, that often."""
    error = {"Error": {"Code": "Throttling", "Message": "Rate exceeded"}}
    return [ClientError(error, "op") for _ in range(times)]  # type: ignore[arg-type]


# (mode of the stack, what its update changes): all of them but the one that changes nothing.
CHANGES: list[tuple[str, dict[str, str]]] = [
    (mode, {key: value for key, value in (("mode", new), ("name", name)) if value})
    for mode, new, name in itertools.product(MODES, (*MODES, None), ("ours-2", None))
    if name or new not in (mode, None)
]
# The same with every set that may be active first; `refuse` is never created with another one.
BESIDE = [
    (*each, active)
    for each in CHANGES
    for active in (None, "theirs")
    if each[0] != "refuse" or not active
]
