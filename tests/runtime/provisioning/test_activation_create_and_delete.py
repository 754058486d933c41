"""Creating an activation displaces no other set, and deleting it leaves nothing behind."""

from __future__ import annotations

import pytest

from mailroom.provisioning.activation import ActivationError
from runtime.provisioning.activation_account import MODES, Stack, account


@pytest.mark.parametrize("mode", MODES)
def test_create_activates_our_set_if_none_is_active(mode: str) -> None:
    """No other set is active, so all modes do the same."""
    ses = account()
    stack = Stack(ses).create("ours", mode)
    assert (ses.current, stack.rule_set) == ("ours", "ours")
    assert stack.id == f"mailroom:activated=ours;mode={mode}"


@pytest.mark.parametrize("mode", MODES)
def test_create_accepts_that_our_set_is_already_active(mode: str) -> None:
    """It was activated by hand; there is nothing to do."""
    ses = account(active="ours")
    stack = Stack(ses).create("ours", mode)
    assert (ses.current, ses.changes, stack.rule_set) == ("ours", [], "ours")


def test_refuse_names_the_set_in_the_way_and_the_remedies() -> None:
    """The reader of the failed deployment must know what to do next."""
    with pytest.raises(ActivationError) as caught:
        Stack(account(active="theirs")).create("ours", "refuse")
    for word in ("'theirs'", "deactivate it", "'join'", "'replace'"):
        assert word in str(caught.value)


def test_refuse_changes_nothing() -> None:
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
def test_join_returns_the_active_set(theirs: str) -> None:
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


@pytest.mark.parametrize("mode", MODES)
def test_delete_deactivates_ours(mode: str) -> None:
    """An active set cannot be deleted, and no other set was displaced."""
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


def test_delete_succeeds_if_the_remembered_set_disappears_meanwhile() -> None:
    """It may disappear between the check and the change."""
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
def test_delete_leaves_alone_what_is_no_longer_ours(mode: str, now: str | None) -> None:
    """Displacing or deactivating our set was someone's decision."""
    ses = account(active="theirs" if mode == "replace" else None)
    stack = Stack(ses).create("ours", mode)
    ses.rule_sets.add("others")
    ses.current = now
    before = list(ses.changes)
    stack.delete()
    assert (ses.current, ses.changes) == (now, before)


@pytest.mark.parametrize("mode", MODES)
def test_delete_succeeds_if_our_set_is_gone(mode: str) -> None:
    """It was deactivated and deleted by hand, which is the goal."""
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
