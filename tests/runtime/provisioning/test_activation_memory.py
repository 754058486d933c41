"""The physical id is activation's only memory; what is in it, and in the properties, is checked."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailroom.errors import MissingField
from mailroom.provisioning import activation
from mailroom.provisioning.activation import Activated, ActivationError, Joined, parse
from runtime.provisioning.activation_account import Stack, account

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
def test_an_unknown_id_restores_nothing(physical_id: str | None) -> None:
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


def test_the_default_mode_is_refuse() -> None:
    """Omitting a property takes over no mail."""
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
