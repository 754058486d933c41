"""Rollbacks and second deliveries end where they began; two stacks do not harm each other."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailroom.provisioning import activation
from mailroom.provisioning.activation import Activated, ActivationError, parse
from runtime.provisioning.activation_account import (
    BESIDE,
    CHANGES,
    MODES,
    FakeSes,
    RollbackFailed,
    Stack,
    account,
)


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
def test_a_rollback_succeeds_after_another_set_displaced_ours(
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
    """The id has the mode of the first activation, but never a set that was not activated."""
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
                # The documented limit: the id has the mode of the first activation only.
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
