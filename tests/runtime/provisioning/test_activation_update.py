"""Updating an activation changes the set, the mode, or both."""

from __future__ import annotations

import itertools

import pytest

from mailroom.provisioning.activation import ActivationError
from runtime.provisioning.activation_account import MODES, Stack, account


@pytest.mark.parametrize("mode", MODES)
def test_a_new_set_takes_over_from_our_old_one(mode: str) -> None:
    """The old set belongs to this stack, so every mode allows it."""
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
def test_a_new_set_does_not_displace_the_set_that_replaced_the_old_one(mode: str) -> None:
    """A set that someone else activated since is named and left alone."""
    ses = account()
    stack = Stack(ses).create("ours", mode)
    ses.rule_sets.add("others")
    ses.current = "others"
    with pytest.raises(ActivationError, match=r"'others' is active.*after 'ours'"):
        stack.update(name="ours-2")
    assert ses.current == "others"


@pytest.mark.parametrize("mode", MODES)
def test_an_update_activates_ours_again_if_no_set_is_active(mode: str) -> None:
    """After deactivation by hand, no set is in the way."""
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


def test_an_update_of_an_unknown_set_refuses_too() -> None:
    """A property of the construct may change without these two; a displaced set is still named."""
    ses = account()
    stack = Stack(ses).create("ours", "refuse")
    ses.rule_sets.add("others")
    ses.current = "others"
    with pytest.raises(ActivationError, match="'others'"):
        stack.invoke("Update", stack.properties, stack.properties, stack.id)


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


def test_join_activates_our_set_if_the_joined_set_is_no_longer_active() -> None:
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


@pytest.mark.parametrize(("old", "new"), list(itertools.permutations(MODES, 2)))
def test_a_mode_change_keeps_the_id_while_our_set_is_active(old: str, new: str) -> None:
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
    """To join means to share, so the displaced set is restored first."""
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
def test_the_workaround_works(mode: str) -> None:
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
