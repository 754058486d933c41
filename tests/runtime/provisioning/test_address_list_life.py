"""The code's members are in the list after each deployment, and those of others always.

CloudFormation and Mail Manager are models; deployments fail, requests come twice, processes die,
and somebody else adds and removes members.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from mailroom import _runtime
from mailroom.provisioning import address_list
from runtime.provisioning.cloudformation import Calls, Conditions, Custom, Native, Stack, conditions
from runtime.provisioning.mail_manager import FakeLists

OURS = [f"{letter}@example.com" for letter in "abcdef"]
THEIRS = [f"{letter}@example.org" for letter in "uvwx"]
HAPPENS = st.just(Conditions()) | conditions(calls=12, deleted_after_failed_create=True)
FAILS = st.just(Conditions(fails_later=True)) | conditions(calls=12, fails_later=True)
chosen = st.lists(st.sampled_from(OURS), unique=True)


class Members(RuleBasedStateMachine):
    """A stack with a list and its members, and somebody else who uses the list too."""

    def __init__(self) -> None:
        super().__init__()
        self.calls, self.lists = Calls(), FakeLists(page=3)
        self.stack = Stack(self.calls)
        self.ours: list[str] = []
        self.theirs: set[str] = set()
        self.list_id = ""
        self.patch = pytest.MonkeyPatch()
        self.begun = self.lists.now()
        clients = {"mailmanager": self.calls.watch(self.lists), "cloudformation": self}
        self.patch.setattr(_runtime, "_clients", clients)
        self.patch.setattr(_runtime, "log", lambda *_, **__: None)
        self.patch.setattr("time.sleep", lambda _: None)
        # Small numbers, so that few members come one by one and more by an import.
        self.patch.setattr(address_list, "_ONE_BY_ONE", 2)
        self.patch.setattr(address_list, "_upload", self.lists.upload)

    def teardown(self) -> None:
        self.patch.undo()

    def describe_stacks(self, **_: str) -> dict[str, Any]:
        """Answer for CloudFormation."""
        stack = {"StackStatus": self.stack.status, "LastUpdatedTime": self.begun}
        return {"Stacks": [stack]}

    def deploy(self, name: str, members: list[str], happens: Conditions | None = None) -> str:
        self.begun = self.lists.now()
        return self.stack.deploy(self.resources(name, members), happens)

    def resources(self, name: str, members: list[str]) -> list[Any]:
        owner = Native(
            "List",
            {"Name": name},
            create=lambda one: self.lists.lists.__setitem__(one["Name"], {}),
            delete=lambda one: self.lists.lists.pop(one["Name"], None),
        )
        given = {"AddressListId": name, "Members": members}
        return [owner, Custom("Members", given, handler=address_list.handler)]

    @initialize(members=chosen)
    def create(self, members: list[str]) -> None:
        assert self.deploy("al-1", members) == "CREATE_COMPLETE"
        self.list_id, self.ours = "al-1", members
        self.check()

    @rule(members=chosen, happens=HAPPENS)
    def update(self, members: list[str], happens: Conditions) -> None:
        self.settle(self.deploy(self.list_id, members, happens), members)

    @rule(members=chosen, happens=HAPPENS)
    def replace(self, members: list[str], happens: Conditions) -> None:
        """The list's name changes."""
        name = "al-2" if self.list_id == "al-1" else "al-1"
        if self.settle(self.deploy(name, members, happens), members, name):
            self.theirs = set()

    @rule(members=st.sets(st.sampled_from(THEIRS)))
    def add_others(self, members: set[str]) -> None:
        self.lists.put(self.list_id, *members)
        self.theirs |= members - set(self.ours)

    @rule(member=st.sampled_from(OURS))
    def add_one_that_the_code_may_name_later(self, member: str) -> None:
        self.add_others({member})

    @precondition(lambda self: self.theirs & set(OURS))
    @rule(members=chosen, happens=FAILS)
    def name_those_of_others_in_an_update_that_fails(
        self, members: list[str], happens: Conditions
    ) -> None:
        """They were there before, and stay."""
        theirs = [one for one in OURS if one in self.theirs and one not in members]
        self.update([*members, *theirs], happens)

    @rule(member=st.sampled_from(OURS))
    def remove_one_of_ours_by_hand(self, member: str) -> None:
        """The next deployment that changes anything puts it back."""
        if member in self.ours:
            del self.lists.lists[self.list_id][member]
            self.deploy(self.list_id, [*self.ours[::-1], "z@example.com"])
            self.deploy(self.list_id, self.ours)
        self.check()

    @precondition(lambda self: self.list_id)
    @rule(happens=HAPPENS)
    def delete(self, happens: Conditions) -> None:
        assert self.stack.delete(happens) == "DELETE_COMPLETE"
        assert self.lists.lists == {}
        self.theirs = set()
        self.stack = Stack(self.calls)
        self.create(self.ours)

    def settle(self, status: str, members: list[str], name: str | None = None) -> bool:
        """Note what holds now: what was deployed, or what was there before."""
        while status == "UPDATE_ROLLBACK_FAILED":  # a fault of AWS at the wrong moment
            status = self.stack.continue_rollback()
        done = status == "UPDATE_COMPLETE"
        if done:
            self.ours, self.list_id = members, name or self.list_id
            # Whom the code names is the code's from then on.
            self.theirs -= set(members)
        if not done and name:
            self.lists.lists.pop(name, None)
        if done and name:
            assert self.lists.members(name) == set(members)
        else:
            self.check()
        return done

    def check(self) -> None:
        assert self.lists.members(self.list_id) == set(self.ours) | self.theirs


TestMembers = Members.TestCase
TestMembers.settings = settings(max_examples=60, stateful_step_count=12, deadline=None)
