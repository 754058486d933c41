"""The model of CloudFormation sends what CloudFormation is documented or reported to send."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from runtime.provisioning.cloudformation import Calls, Conditions, Custom, Native, Stack

LATER = Conditions(fails_later=True)


class Account:
    """A function that makes one call, and remembers all in the physical id."""

    def __init__(self) -> None:
        self.calls = Calls()
        self.client = self.calls.watch(SimpleNamespace(put=lambda **_: None))
        self.stack = Stack(self.calls)
        self.made: list[str] = []

    def handler(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        self.client.put()
        if event["RequestType"] == "Delete":
            return {}
        return {"PhysicalResourceId": event["ResourceProperties"]["Id"]}

    def resource(self, physical_id: str, value: str = "") -> Custom:
        return Custom("One", {"Id": physical_id, "Value": value}, handler=self.handler)

    def native(self, name: str) -> Native:
        return Native(
            "Set",
            {"Name": name},
            create=lambda properties: self.made.append(properties["Name"]),
            delete=lambda properties: self.made.remove(properties["Name"]),
        )

    @property
    def seen(self) -> list[str]:
        return [
            f"{event['RequestType']} {event.get('PhysicalResourceId', '')}".strip()
            for event in self.stack.requests
        ]


def test_a_changed_physical_id_is_deleted_after_the_update() -> None:
    """The new one is in use by then."""
    account = Account()
    assert account.stack.deploy([account.resource("a")]) == "CREATE_COMPLETE"
    assert account.stack.deploy([account.resource("b")]) == "UPDATE_COMPLETE"
    assert account.stack.delete() == "DELETE_COMPLETE"
    assert account.seen == ["Create", "Update a", "Delete a", "Delete b"]


@pytest.mark.parametrize(
    ("forgets", "rollback"), [(True, ["Delete b"]), (False, ["Update b", "Delete b"])]
)
def test_a_changed_physical_id_is_rolled_back_in_one_of_two_ways(
    forgets: bool, rollback: list[str]
) -> None:
    """A Delete of the new id is attested; an Update before it is not ruled out."""
    account = Account()
    account.stack.deploy([account.resource("a")])
    conditions = Conditions(fails_later=True, rollback_forgets_old_id=forgets)
    assert account.stack.deploy([account.resource("b")], conditions) == "UPDATE_ROLLBACK_COMPLETE"
    assert account.seen == ["Create", "Update a", *rollback]
    assert account.stack.physical_id("One") == "a"


def test_an_unchanged_physical_id_is_rolled_back_by_an_update_with_the_old_properties() -> None:
    """The properties change places."""
    account = Account()
    account.stack.deploy([account.resource("a", "old")])
    account.stack.deploy([account.resource("a", "new")], LATER)
    last = account.stack.requests[-1]
    assert last["ResourceProperties"]["Value"] == "old"
    assert last["OldResourceProperties"]["Value"] == "new"


def test_a_create_that_fails_later_is_deleted() -> None:
    """Also what it replaces under another logical id stays until the deployment has succeeded."""
    account = Account()
    assert account.stack.deploy([account.resource("a")], LATER) == "ROLLBACK_COMPLETE"
    assert account.seen == ["Create", "Delete a"]


def test_a_renamed_resource_of_aws_is_created_first_and_deleted_last() -> None:
    """Both exist while the custom resource is updated."""
    account = Account()
    account.stack.deploy([account.native("a")])
    account.stack.deploy([account.native("b")], LATER)
    assert account.made == ["a"]
    account.stack.deploy([account.native("b")])
    assert account.made == ["b"]


def test_a_request_whose_process_dies_is_delivered_again() -> None:
    """With the same id, which tells it from a new request."""
    account = Account()
    status = account.stack.deploy([account.resource("a")], Conditions({1: "dies after"}))
    assert (status, account.calls.made) == ("CREATE_COMPLETE", ["put", "put"])


def test_a_rollback_that_fails_can_be_continued() -> None:
    """UPDATE_ROLLBACK_FAILED is where a person has to help."""
    account = Account()
    account.stack.deploy([account.resource("a", "old")])
    conditions = Conditions({2: "fails"}, fails_later=True)
    account.stack.deploy([account.resource("a", "new")], conditions)
    assert account.stack.status == "UPDATE_ROLLBACK_FAILED"
    assert account.stack.continue_rollback() == "UPDATE_ROLLBACK_COMPLETE"
