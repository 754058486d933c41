"""Our rules run in the order in which they were added, and rules of others keep their places."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from mailroom.provisioning import rule_order
from mailroom.provisioning.rule_order import RuleOrderError, moves, wanted_order
from runtime.provisioning.account import Account
from runtime.provisioning.cloudformation import Conditions, Custom, Native, Resource, Stack

SET = "shared"


class Rules:
    """A stack whose rules CloudFormation creates in their places, and never moves afterwards."""

    def __init__(self, account: Account, name: str) -> None:
        self.ses = account.ses
        self.name = name
        self.stack: Stack = account.stack(name)
        self.wanted: list[str] = []

    def deploy(self, *rules: str, conditions: Conditions | None = None) -> Any:
        """Deploy these rules; CDK puts each one after the one before it."""
        names = [f"{self.name}-{rule}" for rule in rules]
        resources: list[Resource] = [self._rule(name) for name in names]
        self._after = dict(zip(names, [None, *names], strict=False))
        properties = {"RuleSetName": SET, "Rules": names}
        resources.append(Custom("Order", properties, handler=rule_order.handler))
        self.wanted = names
        return self.stack.deploy(resources, conditions)

    def _rule(self, name: str) -> Native:
        def create(_: Any) -> None:
            after = self._after[name]
            rules = self.ses.rule_sets[SET]
            rules.insert(0 if after is None else rules.index(after) + 1, name)

        return Native(
            name,
            {"Name": name},
            create=create,
            delete=lambda _: self.ses.rule_sets[SET].remove(name),
        )


@pytest.fixture
def account() -> Account:
    return Account(SET)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("ab", "nab", id="inserted first"),
        pytest.param("abc", "anbc", id="inserted in the middle"),
        pytest.param("abc", "cba", id="swapped"),
        pytest.param("abc", "ac", id="removed from the middle"),
        pytest.param("abc", "cb", id="removed first and swapped"),
        pytest.param("abc", "anc", id="renamed"),
        pytest.param("abc", "cnab", id="moved and inserted"),
    ],
)
def test_a_change_of_rules_is_also_one_of_their_order(
    account: Account, before: str, after: str
) -> None:
    """Although CloudFormation moves no rule that exists."""
    rules = Rules(account, "one")
    rules.deploy(*before)
    assert rules.deploy(*after) == "UPDATE_COMPLETE"
    assert account.ses.rule_sets[SET] == rules.wanted


def test_without_the_custom_resource_swapped_rules_would_stay_as_they_were(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the other tests rest on."""
    monkeypatch.setattr(rule_order, "handler", lambda event, context: {})
    rules = Rules(account, "one")
    rules.deploy("a", "b")
    rules.deploy("b", "a")
    assert account.ses.rule_sets[SET] == ["one-a", "one-b"]


def test_an_update_that_is_rolled_back_restores_the_order(account: Account) -> None:
    """The request then has the old rules, all of which exist."""
    rules = Rules(account, "one")
    rules.deploy("a", "b", "c")
    status = rules.deploy("n", "c", "a", conditions=Conditions(fails_later=True))
    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert account.ses.rule_sets[SET] == ["one-a", "one-b", "one-c"]


def test_rules_of_others_keep_their_places() -> None:
    """Ours change places with each other."""
    assert wanted_order(["x", "a", "y", "b", "z"], ["b", "a"]) == ["x", "b", "y", "a", "z"]


def test_none_of_ours_stays_before_the_rule_that_they_follow() -> None:
    """`after_rule` of the construct."""
    assert wanted_order(["a", "x", "b", "y"], ["b", "a"], "x") == ["x", "b", "a", "y"]
    assert wanted_order(["w", "a", "x", "y"], ["a"], "x") == ["w", "x", "a", "y"]


def test_the_rule_that_ours_follow_is_taken_from_the_request(account: Account) -> None:
    """As `after_rule=` has it."""
    account.ses.rule_sets[SET] = ["a", "b", "gate", "theirs"]
    request = event("a", "b")
    request["ResourceProperties"]["After"] = "gate"
    rule_order.handler(request)
    assert account.ses.rule_sets[SET] == ["gate", "a", "b", "theirs"]


def test_a_rule_that_was_deleted_by_hand_is_passed_over(account: Account) -> None:
    """The order of the rest matters all the more, and a rollback must not fail."""
    account.ses.rule_sets[SET] = ["b", "a"]
    rule_order.handler(event("a", "gone", "b"))
    assert account.ses.rule_sets[SET] == ["a", "b"]


def test_nothing_is_called_if_the_order_is_right(account: Account) -> None:
    """SES allows one control call a second."""
    account.ses.rule_sets[SET] = ["a", "b"]
    rule_order.handler(event("a", "b"))
    assert account.calls.made == ["describe_receipt_rule_set"]


def test_throttling_is_waited_out(account: Account, naps: list[float]) -> None:
    """Each move is a control call."""
    account.ses.rule_sets[SET] = ["b", "a"]
    account.calls.trouble = {2: "throttled", 3: "throttled"}
    rule_order.handler(event("a", "b"))
    assert (account.ses.rule_sets[SET], len(naps)) == (["a", "b"], 2)


def test_a_request_that_died_between_two_moves_goes_on(account: Account) -> None:
    """Lambda delivers it again."""
    rules = Rules(account, "one")
    rules.deploy(*"abcd")
    rules.deploy(*"dcba", conditions=Conditions({2: "dies after", 4: "dies before"}))
    assert account.ses.rule_sets[SET] == rules.wanted


def test_a_rule_that_somebody_deletes_meanwhile_is_looked_at_again(account: Account) -> None:
    """The next look does not find it."""
    account.ses.rule_sets[SET] = ["b", "x", "a"]
    account.calls.meanwhile = {2: lambda: account.ses.rule_sets[SET].remove("x")}
    rule_order.handler(event("a", "b"))
    assert account.ses.rule_sets[SET] == ["a", "b"]


def test_an_order_that_somebody_else_keeps_changing_is_an_error(account: Account) -> None:
    """A gate that runs last is a hole, so this is not left to chance."""
    rules = account.ses.rule_sets[SET]
    rules += ["b", "a"]
    account.ses.set_receipt_rule_position = lambda **_: {}  # type: ignore[method-assign]
    with pytest.raises(RuleOrderError, match="'shared' are not in their order"):
        rule_order.handler(event("a", "b"))


def test_an_error_of_ses_is_not_hidden(account: Account) -> None:
    """A missing permission, for one."""
    account.ses.rule_sets[SET] = ["b", "a"]
    account.calls.trouble = {2: "fails"}
    with pytest.raises(ClientError, match="InternalFailure"):
        rule_order.handler(event("a", "b"))


def event(*rules: str) -> dict[str, Any]:
    """Return a request for this order."""
    return {
        "RequestType": "Update",
        "ResourceProperties": {"RuleSetName": SET, "Rules": list(rules)},
    }


deployments = st.lists(
    st.tuples(
        st.sampled_from(["one", "two"]),
        st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True),
        st.booleans(),
    ),
    max_size=6,
)


@given(deployments)
def test_after_any_deployments_of_two_stacks_each_has_its_rules_in_order(
    deployments: list[tuple[str, list[str], bool]],
) -> None:
    """And a rule of neither stack stays between the same two rules of others."""
    account = Account(SET)
    account.ses.rule_sets[SET] = ["x", "y"]
    stacks = {name: Rules(account, name) for name in ("one", "two")}
    for name, rules, fails in deployments:
        before = stacks[name].wanted
        status = stacks[name].deploy(*rules, conditions=Conditions(fails_later=fails))
        if fails:
            stacks[name].wanted = before if status == "UPDATE_ROLLBACK_COMPLETE" else []
        order = account.ses.rule_sets[SET]
        for one in stacks.values():
            assert [rule for rule in order if rule.startswith(one.name)] == one.wanted
        assert [rule for rule in order if rule in "xy"] == ["x", "y"]


@given(st.permutations(list("abcdexyz")), st.permutations(list("abcde")))
def test_only_ours_are_moved_and_lead_to_the_wanted_order(
    present: list[str], ours: list[str]
) -> None:
    """Rules of others are never moved, since their stack may be moving them."""
    account = Account(SET)
    account.ses.rule_sets[SET] = list(present)
    wanted = wanted_order(present, ours)
    for name, after in moves(present, wanted, ours):
        assert name in ours
        arguments = {"RuleSetName": SET, "RuleName": name}
        account.ses.set_receipt_rule_position(**arguments, **({"After": after} if after else {}))
    assert account.ses.rule_sets[SET] == wanted


def test_one_rule_that_comes_to_the_front_is_one_move() -> None:
    """Not one for each rule behind it."""
    present = [f"rule-{number}" for number in range(50)]
    wanted = [present[-1], *present[:-1]]
    assert list(moves(present, wanted, wanted)) == [("rule-49", None)]
