"""Rules of `mailroom.provisioning.activation`, against an SES in memory and against moto."""

from __future__ import annotations

import contextlib
import itertools
import json
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from mailroom import _runtime
from mailroom.errors import MissingField
from mailroom.provisioning import activation
from mailroom.provisioning.activation import Activated, ActivationError, Joined, parse

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
    """UPDATE_ROLLBACK_FAILED, in which a stack is stuck until somebody helps."""


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


@pytest.fixture(autouse=True)
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that were slept, without sleeping them; and no memory of other tests' requests."""
    slept: list[float] = []
    monkeypatch.setattr("mailroom.provisioning.activation.time.sleep", slept.append)
    monkeypatch.setattr(activation, "_answers", {})
    return slept


def use(ses: Any) -> Any:
    """Make *ses* the client of the runtime until the next test does."""
    _runtime._clients["ses"] = ses
    return ses


@pytest.fixture(autouse=True)
def _forget_client() -> Any:
    yield
    _runtime._clients.pop("ses", None)


def account(active: str | None = None) -> FakeSes:
    """Return an account with that active set, which the handler talks to from now on."""
    fake: FakeSes = use(FakeSes(active=active))
    return fake


def throttle(times: int) -> list[Exception]:
    """Return SES's answer to calls that come too fast, that often."""
    error = {"Error": {"Code": "Throttling", "Message": "Rate exceeded"}}
    return [ClientError(error, "op") for _ in range(times)]  # type: ignore[arg-type]


# The physical id.

STRANGE_IDS = [
    None,
    "",
    "AWSCDK::CustomResourceProviderFramework::CREATE_FAILED",
    "AWSCDK::CustomResourceProviderFramework::MISSING_PHYSICAL_ID",
    "f1c6ad26-b16f-4f10-9a3b-33c2ab9a4f3c",
    "ours",
    "mailroom:activated=ours",
    "mailroom:activated=ours;mode=other",
    "mailroom:activated=ours;mode=refuse\n",
    "mailroom:activated=ours;mode=refuse;previous=",
    "mailroom:joined=theirs;own=ours;was=refuse",
    "old-mailroom:joined=theirs;own=ours",
]


def facts(state: Activated | Joined | None) -> object:
    """Return everything that *state* holds, in a form that compares."""
    if isinstance(state, Activated):
        return ("activated", state.name, state.mode, state.previous)
    if isinstance(state, Joined):
        return ("joined", state.rule_set, state.own, facts(state.was))
    return None


@pytest.mark.parametrize(
    "state",
    [
        Activated("ours", "refuse"),
        Activated("ours", "replace", "INBOUND_MAIL"),
        Joined("theirs", "ours"),
        Joined("theirs", "ours.2", Activated("ours", "refuse")),
        Joined("theirs", "ours.2", Activated("ours", "replace", "first")),
    ],
)
def test_an_id_reads_back_as_what_was_written(state: Activated | Joined) -> None:
    """The id is the only memory, so nothing may get lost in it."""
    assert facts(parse(str(state))) == facts(state)


@pytest.mark.parametrize("physical_id", STRANGE_IDS)
def test_a_strange_id_remembers_nothing(physical_id: str | None) -> None:
    """Only an id that this module wrote, whole, is its memory."""
    assert parse(physical_id) is None


def test_the_longest_id_fits() -> None:
    """CloudFormation cuts nothing: an id above 1,024 characters fails the request."""
    names = [letter * 64 for letter in "abcde"]
    longest = Joined(names[0], names[1], Activated(names[2], "replace", names[3]))
    assert len(str(longest)) <= 1024


@pytest.mark.parametrize("physical_id", STRANGE_IDS)
def test_deleting_an_unreadable_id_touches_nothing(physical_id: str | None) -> None:
    """A Create that failed leaves the framework's id, and our set may be another resource's."""
    ses = account(active="ours")
    answer = Stack(ses).invoke(
        "Delete", {"RuleSetName": "ours", "Mode": "refuse"}, physical_id=physical_id
    )
    assert (ses.current, ses.calls) == ("ours", [])
    assert answer.get("PhysicalResourceId") in (physical_id, None)


@pytest.mark.parametrize("physical_id", STRANGE_IDS)
def test_updating_an_unreadable_id_is_like_creating(physical_id: str | None) -> None:
    """With nothing remembered there is nothing to carry over."""
    ses = account(active="theirs")
    ses.rule_sets.add("ours")
    old = {"RuleSetName": "ours", "Mode": "refuse"}
    answer = Stack(ses).invoke("Update", {**old, "Mode": "replace"}, old, physical_id)
    assert answer["PhysicalResourceId"] == "mailroom:activated=ours;mode=replace;previous=theirs"


@given(
    st.sampled_from(("", "mailroom:activated=a;mode=join", "mailroom:joined=a;own=b")),
    st.text() | st.from_regex(r"\A;(previous|was)=[a-z,]{0,9}\Z"),
)
@settings(deadline=None)
def test_any_text_can_be_an_id(start: str, rest: str) -> None:
    """Whatever CloudFormation hands over is read or ignored, and never read as something else."""
    state = parse(start + rest)
    assert state is None or str(state) == start + rest


# Properties.


def test_mode_is_refuse_unless_said_otherwise() -> None:
    """Nobody's mail is taken away by leaving a property out."""
    ses = account(active="theirs")
    event = {"RequestType": "Create", "ResourceProperties": {"RuleSetName": "ours"}}
    with pytest.raises(ActivationError, match="'theirs'"):
        activation.handler(event, None)
    assert ses.current == "theirs"


def test_an_unknown_mode_is_named_with_the_known_ones() -> None:
    """An error gives the value and the remedy."""
    with pytest.raises(ActivationError, match=r"Mode is 'steal'.*refuse, join, replace"):
        Stack(account()).create("ours", "steal")


def test_a_missing_rule_set_name_is_named() -> None:
    """An error gives the path of what is missing."""
    with pytest.raises(MissingField, match="RuleSetName"):
        activation.handler({"RequestType": "Create", "ResourceProperties": {}}, None)


@pytest.mark.parametrize("name", ["a b", "x;previous=y", "a" * 65, "a,b"])
def test_a_name_that_would_break_the_id_is_an_error(name: str) -> None:
    """What cannot be read back must not be written."""
    with pytest.raises(ActivationError, match="RuleSetName is"):
        Stack(account()).create(name, "refuse")


def test_an_unknown_request_type_is_an_error() -> None:
    """Anything but CloudFormation's three requests touches nothing."""
    ses = account()
    with pytest.raises(ActivationError, match="RequestType is 'Read'"):
        Stack(ses).invoke("Read", {"RuleSetName": "ours"})
    assert ses.calls == []


# Create.


@pytest.mark.parametrize("mode", MODES)
def test_create_activates_ours_if_no_set_is_active(mode: str) -> None:
    """Nobody is in the way, so the modes do not differ."""
    ses = account()
    stack = Stack(ses).create("ours", mode)
    assert (ses.current, stack.rule_set) == ("ours", "ours")
    assert stack.id == f"mailroom:activated=ours;mode={mode}"


@pytest.mark.parametrize("mode", MODES)
def test_create_accepts_that_ours_is_active_already(mode: str) -> None:
    """Somebody activated it by hand; there is nothing to set."""
    ses = account(active="ours")
    stack = Stack(ses).create("ours", mode)
    assert (ses.current, ses.changes, stack.rule_set) == ("ours", [], "ours")


def test_refuse_names_the_set_in_the_way_and_the_remedies() -> None:
    """The reader of the failed deployment must know what to do next."""
    with pytest.raises(ActivationError) as caught:
        Stack(account(active="theirs")).create("ours", "refuse")
    for word in ("'theirs'", "deactivate it", "'join'", "'replace'"):
        assert word in str(caught.value)


def test_refuse_leaves_everything_as_it_was() -> None:
    """A Create that fails must leave nothing changed, since its Delete never reaches us."""
    ses = account(active="theirs")
    with pytest.raises(ActivationError):
        Stack(ses).create("ours", "refuse")
    assert (ses.current, ses.changes) == ("theirs", [])


def test_refuse_warns_what_displacing_workmail_means() -> None:
    """INBOUND_MAIL is where a WorkMail organization's mail comes in."""
    with pytest.raises(ActivationError, match=r"WorkMail receives through it.*stops all mail"):
        Stack(account(active="INBOUND_MAIL")).create("ours", "refuse")


def test_refuse_does_not_advise_to_deactivate_workmail() -> None:
    """The general remedy would stop an organization's mail."""
    with pytest.raises(ActivationError) as caught:
        Stack(account(active="INBOUND_MAIL")).create("ours", "refuse")
    assert "deactivate" not in str(caught.value)


@pytest.mark.parametrize("theirs", ["theirs", "INBOUND_MAIL"])
def test_join_answers_the_active_set(theirs: str) -> None:
    """The rules go where the mail comes in."""
    ses = account(active=theirs)
    stack = Stack(ses).create("ours", "join")
    assert (ses.current, ses.changes, stack.rule_set) == (theirs, [], theirs)
    assert stack.id == f"mailroom:joined={theirs};own=ours"


def test_replace_activates_ours_and_remembers_theirs() -> None:
    """What was displaced stands in the id, the only memory there is."""
    ses = account(active="theirs")
    stack = Stack(ses).create("ours", "replace")
    assert (ses.current, stack.rule_set) == ("ours", "ours")
    assert stack.id == "mailroom:activated=ours;mode=replace;previous=theirs"


@pytest.mark.parametrize("mode", MODES)
def test_create_says_that_our_set_was_deleted_by_hand(mode: str) -> None:
    """RuleSetDoesNotExist becomes an error that names the set and the remedy."""
    ses = account()
    with pytest.raises(ActivationError, match=r"'ours' does not exist.*create it again"):
        Stack(ses).invoke("Create", {"RuleSetName": "ours", "Mode": mode})
    assert ses.current is None


# Delete.


@pytest.mark.parametrize("mode", MODES)
def test_delete_deactivates_ours(mode: str) -> None:
    """An active set cannot be deleted, and nobody was displaced."""
    ses = account()
    Stack(ses).create("ours", mode).delete()
    assert ses.current is None


@pytest.mark.parametrize("theirs", ["theirs", "INBOUND_MAIL"])
def test_delete_puts_back_what_was_replaced(theirs: str) -> None:
    """The mail goes back to whom it was taken from."""
    ses = account(active=theirs)
    Stack(ses).create("ours", "replace").delete()
    assert ses.current == theirs


def test_delete_deactivates_if_the_remembered_set_is_gone() -> None:
    """What was deleted by hand meanwhile cannot be put back."""
    ses = account(active="theirs")
    stack = Stack(ses).create("ours", "replace")
    ses.delete("theirs")
    stack.delete()
    assert ses.current is None


def test_delete_survives_that_the_remembered_set_goes_at_that_moment() -> None:
    """Between the look and the deed somebody may be quicker."""
    ses = account(active="theirs")
    stack = Stack(ses).create("ours", "replace")
    ses.before_call = {len(ses.calls) + 2: lambda: ses.delete("theirs")}
    stack.delete()
    assert ses.current is None


def test_delete_after_joining_touches_nothing() -> None:
    """We activated nothing."""
    ses = account(active="theirs")
    Stack(ses).create("ours", "join").delete()
    assert (ses.current, ses.changes) == ("theirs", [])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("now", ["others", None])
def test_delete_touches_nothing_that_is_no_longer_ours(mode: str, now: str | None) -> None:
    """Whoever displaced or deactivated our set meant it."""
    ses = account(active="theirs" if mode == "replace" else None)
    stack = Stack(ses).create("ours", mode)
    ses.rule_sets.add("others")
    ses.current = now
    before = list(ses.changes)
    stack.delete()
    assert (ses.current, ses.changes) == (now, before)


@pytest.mark.parametrize("mode", MODES)
def test_delete_succeeds_if_our_set_is_gone(mode: str) -> None:
    """Somebody deactivated and deleted it by hand; that is what was wanted."""
    ses = account()
    stack = Stack(ses).create("ours", mode)
    ses.current = None
    ses.delete("ours")
    stack.delete()
    assert ses.current is None


def test_delete_answers_the_id_it_was_given() -> None:
    """The Provider framework fails a Delete that answers with another id."""
    ses = account()
    stack = Stack(ses).create("ours", "refuse")
    answer = stack.invoke("Delete", stack.properties, physical_id=stack.id)
    assert answer == {"PhysicalResourceId": stack.id}


# Update: our set is replaced by another one of ours.


@pytest.mark.parametrize("mode", MODES)
def test_a_new_set_takes_over_from_our_old_one(mode: str) -> None:
    """The old set of this stack is nobody's but ours, so no mode minds."""
    ses = account()
    stack = Stack(ses).create("ours", mode)
    stack.update(name="ours-2")
    assert (ses.current, stack.rule_set) == ("ours-2", "ours-2")


def test_a_new_set_carries_the_memory_over() -> None:
    """What is put back is the foreign set, never our own old one."""
    ses = account(active="theirs")
    stack = Stack(ses).create("ours", "replace")
    stack.update(name="ours-2")
    assert stack.id == "mailroom:activated=ours-2;mode=replace;previous=theirs"
    stack.delete()
    assert ses.current == "theirs"


def test_a_new_set_that_is_active_already_is_taken_as_ours() -> None:
    """The second delivery of an update finds its work done, and the memory in the old id."""
    ses = account(active="theirs")
    stack = Stack(ses).create("ours", "replace")
    ses.rule_sets.add("ours-2")
    ses.current = "ours-2"
    stack.update(name="ours-2")
    assert stack.id == "mailroom:activated=ours-2;mode=replace;previous=theirs"


@pytest.mark.parametrize("mode", ["refuse", "replace"])
def test_a_new_set_displaces_nobody_who_displaced_the_old_one(mode: str) -> None:
    """Somebody activated another set meanwhile; they are named and left alone."""
    ses = account()
    stack = Stack(ses).create("ours", mode)
    ses.rule_sets.add("others")
    ses.current = "others"
    with pytest.raises(ActivationError, match=r"'others' is active.*after 'ours'"):
        stack.update(name="ours-2")
    assert ses.current == "others"


@pytest.mark.parametrize("mode", MODES)
def test_an_update_activates_ours_again_if_no_set_is_active(mode: str) -> None:
    """Deactivating by hand leaves nobody in the way."""
    ses = account()
    stack = Stack(ses).create("ours", mode)
    ses.current = None
    stack.update(name="ours-2")
    assert ses.current == "ours-2"


def test_update_says_that_our_new_set_was_deleted_by_hand() -> None:
    """The error names the set; the old one stays active."""
    ses = account()
    stack = Stack(ses).create("ours", "refuse")
    old = stack.properties
    with pytest.raises(ActivationError, match="'gone' does not exist"):
        stack.invoke("Update", {**old, "RuleSetName": "gone"}, old, stack.id)
    assert ses.current == "ours"


def test_an_update_of_nothing_that_we_know_refuses_too() -> None:
    """A property of the construct may change without these two; a displaced set is still named."""
    ses = account()
    stack = Stack(ses).create("ours", "refuse")
    ses.rule_sets.add("others")
    ses.current = "others"
    with pytest.raises(ActivationError, match="'others'"):
        stack.invoke("Update", stack.properties, stack.properties, stack.id)


# Update in join mode.


def test_join_stays_with_the_set_it_joined() -> None:
    """Rules that need not move do not move."""
    ses = account(active="theirs")
    stack = Stack(ses).create("ours", "join")
    stack.update(name="ours-2")
    assert (ses.current, stack.rule_set) == ("theirs", "theirs")


def test_join_follows_to_the_set_that_is_active_now() -> None:
    """Rules in a set that is no longer active receive nothing."""
    ses = account(active="theirs")
    stack = Stack(ses).create("ours", "join")
    ses.rule_sets.add("others")
    ses.current = "others"
    stack.update(name="ours-2")
    assert (ses.current, stack.rule_set) == ("others", "others")


def test_join_activates_ours_if_the_set_it_joined_is_no_longer_active() -> None:
    """No set is active any more, as if created now; and deletion cleans up."""
    ses = account(active="theirs")
    stack = Stack(ses).create("ours", "join")
    ses.current = None
    stack.update(name="ours-2")
    assert [ses.current, stack.rule_set] == ["ours-2", "ours-2"]
    stack.delete()
    assert ses.current is None


def test_join_joins_whoever_displaced_ours() -> None:
    """Ours was activated because none was; now one is."""
    ses = account()
    stack = Stack(ses).create("ours", "join")
    ses.rule_sets.add("others")
    ses.current = "others"
    stack.update(name="ours-2")
    assert (ses.current, stack.rule_set) == ("others", "others")


# Update: mode changes.


@pytest.mark.parametrize(("old", "new"), list(itertools.permutations(MODES, 2)))
def test_a_mode_change_keeps_the_id_while_ours_is_active(old: str, new: str) -> None:
    """Another id would make CloudFormation delete this one, and so deactivate our set."""
    ses = account()
    stack = Stack(ses).create("ours", old)
    before = stack.id
    assert stack.update(mode=new) == before
    assert (ses.current, stack.rule_set) == ("ours", "ours")


def test_join_to_refuse_names_the_set_that_was_joined() -> None:
    """The joined set is in the way of our own."""
    ses = account(active="theirs")
    stack = Stack(ses).create("ours", "join")
    with pytest.raises(ActivationError, match="'theirs'"):
        stack.update(mode="refuse")
    assert (ses.current, stack.id) == ("theirs", "mailroom:joined=theirs;own=ours")


def test_join_to_replace_remembers_the_set_that_was_joined() -> None:
    """The set in which our rules were becomes the one that is put back."""
    ses = account(active="theirs")
    stack = Stack(ses).create("ours", "join")
    stack.update(mode="replace")
    assert (ses.current, stack.rule_set) == ("ours", "ours")
    stack.delete()
    assert ses.current == "theirs"


def test_replace_to_join_puts_back_and_joins() -> None:
    """Joining means to live beside what is there, so what was displaced returns first."""
    ses = account(active="theirs")
    stack = Stack(ses).create("ours", "replace")
    stack.update(mode="join")
    assert (ses.current, stack.rule_set) == ("theirs", "theirs")


def test_replace_to_join_keeps_ours_if_the_remembered_set_is_gone() -> None:
    """There is nothing to join."""
    ses = account(active="theirs")
    stack = Stack(ses).create("ours", "replace")
    ses.delete("theirs")
    stack.update(mode="join")
    assert (ses.current, stack.rule_set) == ("ours", "ours")


def test_replace_to_refuse_keeps_the_memory() -> None:
    """What we took we give back, whatever the mode is called by then."""
    ses = account(active="theirs")
    stack = Stack(ses).create("ours", "replace")
    stack.update(mode="refuse")
    assert ses.current == "ours"
    stack.delete()
    assert ses.current == "theirs"


def test_refuse_to_join_with_a_memory_keeps_ours() -> None:
    """Only replace -> join puts back: a rollback to refuse could not take ours again."""
    ses = account(active="theirs")
    stack = Stack(ses).create("ours", "replace")
    stack.update(mode="refuse")
    stack.update(mode="join")
    assert ses.current == "ours"


def test_mode_and_set_may_change_together() -> None:
    """replace -> join with a new set of ours puts back and joins all the same."""
    ses = account(active="theirs")
    stack = Stack(ses).create("ours", "replace")
    stack.update(mode="join", name="ours-2")
    assert stack.id == "mailroom:joined=theirs;own=ours-2"


@pytest.mark.parametrize(("old", "new"), [("refuse", "replace"), ("replace", "refuse")])
def test_a_displaced_set_is_not_taken_back_by_a_mode_change(old: str, new: str) -> None:
    """The id cannot remember one more set while ours is held: an error, and the way around it."""
    ses = account()
    stack = Stack(ses).create("ours", old)
    ses.rule_sets.add("others")
    ses.current = "others"
    with pytest.raises(ActivationError, match="deploy once with 'join', then with 'replace'"):
        stack.update(mode=new)
    assert ses.current == "others"


@pytest.mark.parametrize("mode", ["refuse", "replace"])
def test_the_way_around_works(mode: str) -> None:
    """join, then replace: the set that displaced ours is remembered and put back."""
    ses = account()
    stack = Stack(ses).create("ours", mode)
    ses.rule_sets.add("others")
    ses.current = "others"
    stack.update(mode="join")
    stack.update(mode="replace")
    assert ses.current == "ours"
    stack.delete()
    assert ses.current == "others"


# Rollback.

# (mode of the stack, what its update changes): all of them but the one that changes nothing.
CHANGES: list[tuple[str, dict[str, str]]] = [
    (mode, {key: value for key, value in (("mode", new), ("name", name)) if value})
    for mode, new, name in itertools.product(MODES, (*MODES, None), ("ours-2", None))
    if name or new not in (mode, None)
]
# The same with every set that may be active first; `refuse` is never created beside another one.
BESIDE = [
    (*each, active)
    for each in CHANGES
    for active in (None, "theirs")
    if each[0] != "refuse" or not active
]


@pytest.mark.parametrize(("mode", "change", "active"), BESIDE, ids=str)
def test_a_rollback_ends_where_the_update_began(
    mode: str, change: dict[str, str], active: str | None
) -> None:
    """Whatever the update did, undoing it gives the same id and the same active set."""
    ses = account(active=active)
    stack = Stack(ses).create("ours", mode)
    before = (ses.current, stack.id, stack.rule_set)
    try:
        stack.update(name=change.get("name"), mode=change.get("mode"), fails=True)
    except ActivationError:
        assert (mode, active, change.get("mode")) == ("join", "theirs", "refuse")
    assert (ses.current, stack.id, stack.rule_set) == before
    stack.delete()
    assert ses.current == active


@pytest.mark.parametrize(("mode", "change"), [e for e in CHANGES if e[0] != "join"], ids=str)
def test_a_rollback_succeeds_after_somebody_displaced_ours(
    mode: str, change: dict[str, str]
) -> None:
    """A refused update must not end in UPDATE_ROLLBACK_FAILED, nor take anything back."""
    ses = account()
    stack = Stack(ses).create("ours", mode)
    ses.rule_sets.add("others")
    ses.current = "others"
    before = stack.id
    with contextlib.suppress(ActivationError):
        stack.update(name=change.get("name"), mode=change.get("mode"), fails=True)
    if mode == "replace" and change.get("mode") == "join":
        # The one exception: replace takes the set, and remembers it.
        assert stack.id == "mailroom:activated=ours;mode=replace;previous=others"
    else:
        assert (ses.current, stack.id) == ("others", before)


def test_a_refused_new_set_rolls_back_in_a_mode_that_came_later() -> None:
    """The id tells the mode of the first activation, but never a set that was not activated."""
    ses = account()
    stack = Stack(ses).create("ours", "refuse")
    stack.update(mode="replace")
    ses.rule_sets.add("others")
    ses.current = "others"
    with pytest.raises(ActivationError, match="'others' is active"):
        stack.update(name="ours-2")
    assert (ses.current, stack.rule_set) == ("others", "ours")


def test_a_rollback_to_a_mode_that_came_later_fails_if_ours_is_displaced() -> None:
    """The documented limit: this looks like choosing `refuse` anew, which must name the set."""
    ses = account()
    stack = Stack(ses).create("ours", "join")
    stack.update(mode="refuse")
    ses.rule_sets.add("others")
    ses.current = "others"
    with pytest.raises(RollbackFailed):
        stack.update(mode="replace")
    assert ses.current == "others"


def test_a_rollback_that_leaves_ours_displaced_warns(capsys: pytest.CaptureFixture[str]) -> None:
    """The deployment shows nothing of it, so the log must."""
    ses = account()
    stack = Stack(ses).create("ours", "refuse")
    ses.rule_sets.add("others")
    ses.current = "others"
    with pytest.raises(ActivationError):
        stack.update(mode="replace")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["outcome"] for line in lines if line["level"] == "WARNING"] == ["left displaced"]


# Two stacks in one account.


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("first", [0, 1])
def test_two_stacks_leave_nothing_behind(mode: str, first: int) -> None:
    """A refuses; B does what it does; deleted in either order, no set of theirs stays active."""
    ses = account()
    stacks = [Stack(ses).create("a", "refuse"), Stack(ses)]
    if mode == "refuse":
        with pytest.raises(ActivationError, match="'a'"):
            stacks[1].create("b", mode)
        assert ses.current == "a"
        stacks.pop()
    else:
        stacks[1].create("b", mode)
        assert ses.current == {"join": "a", "replace": "b"}[mode]
    for stack in reversed(stacks) if first else stacks:
        stack.delete()
    assert ses.current is None


def test_deleting_the_stack_on_top_gives_the_mail_back_to_the_one_below() -> None:
    """B replaced A's set; A's set still exists."""
    ses = account()
    Stack(ses).create("a", "refuse")
    Stack(ses).create("b", "replace").delete()
    assert ses.current == "a"


def test_deleting_the_stack_below_leaves_the_one_on_top_active() -> None:
    """A's set is no longer active, so A touches nothing."""
    ses = account()
    a = Stack(ses).create("a", "refuse")
    Stack(ses).create("b", "replace")
    a.delete()
    assert ses.current == "b"


def test_deleting_the_joining_stack_leaves_its_host_active() -> None:
    """B joined A's set and owns none of it."""
    ses = account()
    Stack(ses).create("a", "refuse")
    Stack(ses).create("b", "join").delete()
    assert ses.current == "a"


STEPS = st.tuples(
    st.integers(0, 1),
    st.sampled_from((*MODES, None)),
    st.booleans(),
    st.booleans(),
    st.sampled_from((None, None, None, "none", "theirs", "others")),
)


def walk(ses: FakeSes, stacks: list[Stack], steps: list[Any], *, modes: bool) -> None:
    """Take *steps*; with *modes* also change modes, and activate other sets by hand."""
    for number, (which, mode, rename, fails, by_hand) in enumerate(steps):
        if by_hand and modes:
            ses.current = None if by_hand == "none" else by_hand
        stack = stacks[which]
        change: dict[str, Any] = {}
        if modes and mode and mode != stack.properties["Mode"]:
            change["mode"] = mode
        if rename or not modes:
            change["name"] = f"{'ab'[which]}-{number}"
        if change:
            try:
                stack.update(**change, fails=fails)
            except RollbackFailed:
                # The documented limit: the id tells the mode of the first activation only.
                state = parse(stack.id)
                assert isinstance(state, Activated)
                assert state.mode != stack.properties["Mode"]
                return
            except ActivationError:
                pass


@given(st.lists(STEPS, max_size=8), st.sampled_from(["INBOUND_MAIL", "theirs"]))
@settings(max_examples=300, deadline=None)
def test_two_replacing_stacks_deleted_last_first_restore_the_foreign_set(
    steps: list[Any], theirs: str
) -> None:
    """Whatever they did to their own sets, and whichever of it was rolled back."""
    activation._answers.clear()
    ses = account(active=theirs)
    stacks = [Stack(ses).create("a", "replace"), Stack(ses).create("b", "replace")]
    walk(ses, stacks, steps, modes=False)
    for stack in reversed(stacks):
        stack.delete()
    assert ses.current == theirs


@given(st.lists(STEPS, max_size=8), st.tuples(*[st.sampled_from(MODES)] * 2), st.booleans())
@settings(max_examples=500, deadline=None)
def test_refuse_and_join_never_displace_a_foreign_set(
    steps: list[Any], modes: tuple[str, str], foreign: bool
) -> None:
    """Any modes, changes and interference by hand; `Stack.invoke` and `_clean_up` assert it."""
    activation._answers.clear()
    ses = account(active="theirs" if foreign else None)
    ses.rule_sets |= {"theirs", "others"}
    stacks = []
    for name, mode in zip("ab", modes, strict=True):
        try:
            stacks.append(Stack(ses).create(name, mode))
        except ActivationError:
            return
    walk(ses, stacks, steps, modes=True)
    for stack in stacks:
        stack.invoke("Delete", stack.properties, physical_id=stack.id)


# Second deliveries.


@pytest.mark.parametrize("mode", ["join", "replace"])
def test_a_second_delivery_of_a_create_gets_the_first_answer(mode: str) -> None:
    """SES shows only that ours is active; what it displaced is known to the first answer alone."""
    ses = account(active="theirs")
    ses.rule_sets.add("ours")
    new = {"RuleSetName": "ours", "Mode": mode}
    answers = [Stack(ses).invoke("Create", new, request_id="same") for _ in range(2)]
    assert answers[0] == answers[1]


@pytest.mark.parametrize(("mode", "change", "active"), BESIDE, ids=str)
def test_a_second_delivery_of_an_update_answers_the_same_in_another_process(
    mode: str, change: dict[str, str], active: str | None
) -> None:
    """The old id holds all that is needed, so no process's memory is."""
    ses = account(active=active)
    stack = Stack(ses).create("ours", mode)
    ses.rule_sets.add("ours-2")
    old = stack.properties
    new = {"RuleSetName": change.get("name", "ours"), "Mode": change.get("mode", mode)}
    answers = []
    for _ in range(2):
        activation._answers.clear()
        try:
            answers.append((stack.invoke("Update", new, old, stack.id), ses.current))
        except ActivationError as error:
            answers.append((str(error), ses.current))  # type: ignore[arg-type]
    assert answers[0] == answers[1]


def test_a_second_delivery_of_a_delete_touches_nothing() -> None:
    """The first one put the foreign set back; it is not ours to deactivate."""
    ses = account(active="theirs")
    stack = Stack(ses).create("ours", "replace")
    stack.invoke("Delete", stack.properties, physical_id=stack.id)
    before = list(ses.changes)
    stack.invoke("Delete", stack.properties, physical_id=stack.id)
    assert (ses.current, ses.changes) == ("theirs", before)


# Throttling, lost answers, races.


@pytest.mark.parametrize("times", [1, 5, 10])
def test_throttling_is_waited_out(times: int, naps: list[float]) -> None:
    """SES allows one control call a second to the whole account."""
    ses = account()
    ses.errors = throttle(times)
    Stack(ses).create("ours", "refuse")
    assert (ses.current, len(naps)) == ("ours", times)


def test_waiting_stays_inside_the_function_timeout(naps: list[float]) -> None:
    """Better the throttling error in CloudFormation than an hour without an answer."""
    ses = account()
    ses.errors = throttle(1000)
    with pytest.raises(ClientError, match="Rate exceeded"):
        Stack(ses).create("ours", "refuse")
    assert 60 <= sum(naps) <= 90


def test_another_error_is_not_tried_again(naps: list[float]) -> None:
    """A missing permission does not come with patience."""
    ses = account()
    ses.errors = [ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "op")]
    with pytest.raises(ClientError, match="AccessDenied"):
        Stack(ses).create("ours", "refuse")
    assert naps == []


def test_an_activation_whose_answer_got_lost_counts() -> None:
    """Failing now would leave our set active with nobody to deactivate it."""
    ses = account()

    def lose() -> None:
        ses.current = "ours"
        ses.errors = [ConnectionError("reset")]

    ses.before_call = {2: lose}
    assert Stack(ses).create("ours", "refuse").id == "mailroom:activated=ours;mode=refuse"


def test_an_activation_that_failed_is_an_error() -> None:
    """Looking again shows that nothing happened."""
    ses = account()
    ses.before_call = {2: lambda: ses.errors.append(ConnectionError("reset"))}
    with pytest.raises(ConnectionError):
        Stack(ses).create("ours", "refuse")
    assert ses.current is None


def test_a_second_look_that_fails_does_not_fail_the_request() -> None:
    """Ours was activated; an error now would leave it active after a Create that failed."""
    ses = account()
    ses.before_call = {3: lambda: ses.errors.append(ConnectionError("reset"))}
    Stack(ses).create("ours", "refuse")
    assert ses.current == "ours"


def overtake(ses: FakeSes, winner: str | None) -> None:
    """Let somebody set *winner* after our set was activated and before we look again."""

    def win() -> None:
        if winner:
            ses.rule_sets.add(winner)
        ses.current = winner

    ses.before_call = {3: win}


@pytest.mark.parametrize("mode", ["refuse", "replace"])
def test_losing_the_race_is_an_error_that_names_the_winner(mode: str) -> None:
    """Setting again would only make the other stack lose."""
    ses = account()
    overtake(ses, "others")
    with pytest.raises(ActivationError, match="'others' was activated while 'ours'"):
        Stack(ses).create("ours", mode)
    assert ses.current == "others"


def test_join_joins_the_winner_of_the_race() -> None:
    """Whoever is active is the one to join."""
    ses = account()
    overtake(ses, "others")
    stack = Stack(ses).create("ours", "join")
    assert (ses.current, stack.rule_set) == ("others", "others")


@pytest.mark.parametrize("mode", MODES)
def test_being_deactivated_in_the_race_is_an_error(mode: str) -> None:
    """A stack that receives nothing must not report success."""
    ses = account()
    overtake(ses, None)
    with pytest.raises(ActivationError, match="all sets were deactivated"):
        Stack(ses).create("ours", mode)


# Permissions, log, wire.


def test_one_line_is_logged_for_a_transition(capsys: pytest.CaptureFixture[str]) -> None:
    """An operator can read who displaced whom, and when."""
    Stack(account(active="theirs")).create("ours", "replace")
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    line.pop("timestamp")
    assert line == {
        "level": "INFO",
        "event": "mailroom.provisioning.activation",
        "request": "Create",
        "rule_set": "ours",
        "mode": "replace",
        "outcome": "replaced",
        "before": "theirs",
        "after": "ours",
        "physical_id": "mailroom:activated=ours;mode=replace;previous=theirs",
    }


@pytest.mark.parametrize("active", [None, "theirs"])
@pytest.mark.parametrize("mode", ["join", "replace"])
def test_the_real_client_speaks_as_the_fake_does(
    mode: str, active: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """botocore's parameters, errors and answers, through moto: set, describe, restore, none."""
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(key, "testing")
    with mock_aws():
        client = use(
            boto3.client("ses", "us-east-1", config=Config(retries={"total_max_attempts": 1}))
        )
        for name in ("ours", "theirs"):
            client.create_receipt_rule_set(RuleSetName=name)
        if active:
            client.set_active_receipt_rule_set(RuleSetName=active)
        event: dict[str, Any] = {
            "RequestType": "Create",
            "RequestId": "1",
            "ResourceProperties": {"RuleSetName": "ours", "Mode": mode},
        }
        answer = activation.handler(event, None)
        expected = active if active and mode == "join" else "ours"
        assert answer["Data"]["RuleSetName"] == expected
        now = client.describe_active_receipt_rule_set()
        assert now["Metadata"]["Name"] == expected
        event |= {"RequestType": "Delete", "RequestId": "2", **answer}
        activation.handler(event, None)
        then = client.describe_active_receipt_rule_set()
        assert then.get("Metadata", {}).get("Name") == active
        with pytest.raises(ActivationError, match="'gone' does not exist"):
            activation.handler(
                {
                    "RequestType": "Update",
                    "PhysicalResourceId": "mailroom:activated=ours;mode=refuse",
                    "ResourceProperties": {"RuleSetName": "gone"},
                }
                if active is None
                else {
                    "RequestType": "Create",
                    "ResourceProperties": {"RuleSetName": "gone", "Mode": "replace"},
                },
                None,
            )
