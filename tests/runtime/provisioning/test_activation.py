"""Which rule set an activation makes active, what it refuses, and what it gives back.

The rules, one by one; `test_activation_life` has every way in which they could be broken.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mailroom.errors import MissingField
from mailroom.provisioning import activation
from mailroom.provisioning._ledger import Entry
from mailroom.provisioning.activation import ActivationError
from runtime.provisioning.account import Account
from runtime.provisioning.cloudformation import Conditions, Custom, Stack

MODES = ("refuse", "join", "replace")
LEDGER = "/cdk-mailroom/0a1b/active-rule-set"


def resource(
    rule_set: str = "ours", mode: str = "refuse", *, made: bool = True, name: str = "Activation"
) -> Custom:
    """Return an activation as the construct declares it."""
    properties = {
        "RuleSetName": rule_set,
        "Mode": mode,
        "Ledger": LEDGER,
        "Made": "true" if made else "false",
    }
    return Custom(name, properties, handler=activation.handler)


def deployed(account: Account, *resources: Custom) -> Stack:
    """Return a stack of these."""
    stack = account.stack("Mail")
    assert stack.deploy(list(resources)) == "CREATE_COMPLETE", stack.reason
    return stack


@pytest.mark.parametrize("mode", MODES)
def test_ours_is_activated_if_none_is_active_and_deactivated_on_delete(mode: str) -> None:
    """Nobody is in the way, so the modes do not differ."""
    account = Account("ours")
    stack = deployed(account, resource(mode=mode))
    assert account.ses.active == "ours"
    stack.delete()
    assert account.ses.active is None
    assert account.ssm.parameters == {}


@pytest.mark.parametrize("changed", [True, False])
@pytest.mark.parametrize("fresh", [True, False])
def test_an_entry_of_the_ledger_is_read_back_as_it_was(changed: bool, fresh: bool) -> None:
    facts = Entry("ours", "theirs", taking="other", changed=changed, fresh=fresh).facts()
    found = Entry(**json.loads(json.dumps(facts)))
    assert (found.rule_set, found.before, found.taking) == ("ours", "theirs", "other")
    assert (found.changed, found.fresh) == (changed, fresh)


def test_refuse_names_the_set_in_the_way_and_the_remedies() -> None:
    """The reader of the failed deployment must know what to do next."""
    account = Account("ours", active="theirs")
    stack = account.stack("Mail")
    assert stack.deploy([resource()]) == "ROLLBACK_COMPLETE"
    for word in ("'theirs'", "deactivate it", "'join'", "'replace'", "'none'"):
        assert word in stack.reason
    assert account.ses.active == "theirs"
    assert "set_active_receipt_rule_set" not in account.calls.made


def test_refuse_warns_what_displacing_workmail_means() -> None:
    """The general remedy would stop an organization's mail."""
    stack = Account("ours", active="INBOUND_MAIL").stack("Mail")
    stack.deploy([resource()])
    assert "stops all mail of the organization" in stack.reason
    assert "deactivate it" not in stack.reason


@pytest.mark.parametrize("theirs", ["theirs", "INBOUND_MAIL"])
def test_join_answers_the_active_set_and_never_deactivates_it(theirs: str) -> None:
    """The rules go where the mail comes in."""
    account = Account("ours", active=theirs)
    answer = activation.handler(event(mode="join"))
    assert answer == {"Data": {"RuleSetName": theirs}}
    activation.handler(event("Delete", mode="join"))
    assert account.ses.active == theirs


@pytest.mark.parametrize("theirs", ["theirs", "INBOUND_MAIL"])
def test_replace_activates_what_was_active_before_on_delete(theirs: str) -> None:
    """The mail goes back to whom it was taken from."""
    account = Account("ours", active=theirs)
    stack = deployed(account, resource(mode="replace"))
    assert account.ses.active == "ours"
    stack.delete()
    assert account.ses.active == theirs


def test_delete_deactivates_if_what_was_active_before_is_gone() -> None:
    """What was deleted by hand meanwhile cannot be put back."""
    account = Account("ours", active="theirs")
    stack = deployed(account, resource(mode="replace"))
    del account.ses.rule_sets["theirs"]
    assert stack.delete() == "DELETE_COMPLETE"
    assert account.ses.active is None


@pytest.mark.parametrize("now", ["others", None])
def test_delete_touches_nothing_that_is_no_longer_ours(now: str | None) -> None:
    """Whoever displaced or deactivated our set meant it."""
    account = Account("ours", "others", active="theirs")
    stack = deployed(account, resource(mode="replace"))
    account.ses.active = now
    stack.delete()
    assert account.ses.active == now


@pytest.mark.parametrize("mode", ["refuse", "replace"])
def test_a_given_set_that_was_active_stays_active_on_delete(mode: str) -> None:
    """It was not this stack that activated it, so it receives mail for somebody else too."""
    account = Account(active="shared")
    stack = deployed(account, resource("shared", mode, made=False))
    stack.delete()
    assert account.ses.active == "shared"


def test_a_given_set_that_this_stack_activated_is_deactivated_on_delete() -> None:
    """It was not active before."""
    account = Account("shared")
    deployed(account, resource("shared", made=False)).delete()
    assert account.ses.active is None


def test_a_set_that_the_stack_made_is_deactivated_whoever_activated_it() -> None:
    """An active set cannot be deleted, so the stack could not be either."""
    account = Account("ours", active="ours")
    deployed(account, resource()).delete()
    assert account.ses.active is None


@pytest.mark.parametrize("fails", [False, True])
def test_another_name_is_not_refused_because_of_the_old_one(fails: bool) -> None:
    """And if the update fails, the old one is active again."""
    account = Account("one", "two")
    stack = deployed(account, resource("one"))
    stack.deploy([resource("two")], Conditions(fails_later=fails))
    assert account.ses.active == ("one" if fails else "two")


@pytest.mark.parametrize("fails", [False, True])
def test_another_construct_id_is_not_refused_because_of_the_old_one(fails: bool) -> None:
    """CloudFormation creates the new resource before it deletes the old one."""
    account = Account("one", "two", active="theirs")
    stack = deployed(account, resource("one", "replace"))
    stack.deploy([resource("two", "refuse", name="Other")], Conditions(fails_later=fails))
    assert account.ses.active == ("one" if fails else "two")
    stack.delete()
    assert account.ses.active == "theirs"


def test_another_construct_id_for_the_same_set_keeps_it_active() -> None:
    """Two resources hold it for a while."""
    account = Account("shared", active="theirs")
    stack = deployed(account, resource("shared", "replace", made=False))
    stack.deploy([resource("shared", "replace", made=False, name="Other")])
    assert account.ses.active == "shared"
    stack.delete()
    assert account.ses.active == "theirs"


def test_a_second_join_of_a_stack_joins_the_first() -> None:
    """The first one's set is not left behind, as it is with a renamed construct."""
    account = Account("one", "two")
    siblings = {"First": ["Second"], "Second": ["First"]}
    deployed(
        account,
        *(
            resource(rule_set, "join", name=name).changed(Siblings=siblings[name])
            for rule_set, name in (("one", "First"), ("two", "Second"))
        ),
    )
    assert account.ses.active == "one"


def test_join_after_replace_hands_back_what_was_displaced() -> None:
    """As if it had joined in the first place."""
    account = Account("ours", active="theirs")
    stack = deployed(account, resource(mode="replace"))
    stack.deploy([resource(mode="join")])
    assert account.ses.active == "theirs"


def test_replace_does_not_displace_who_came_after_it() -> None:
    """Two stacks would take the mail from each other in turn."""
    account = Account("one", "two", "others", active="theirs")
    stack = deployed(account, resource("one", "replace"))
    account.ses.active = "others"
    assert stack.deploy([resource("two", "replace")]) == "UPDATE_ROLLBACK_COMPLETE"
    assert "somebody activated it after" in stack.reason
    assert account.ses.active == "others"


def test_a_rollback_leaves_who_came_meanwhile_and_warns(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It must not end in UPDATE_ROLLBACK_FAILED, and the deployment shows nothing of it."""
    account = Account("ours", "others")
    stack = deployed(account, resource())
    account.ses.active = "others"
    assert stack.deploy([resource(mode="replace")]) == "UPDATE_ROLLBACK_COMPLETE"
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["outcome"] for line in lines if line["level"] == "WARNING"] == ["left displaced"]


@pytest.mark.parametrize("mode", MODES)
def test_a_set_that_does_not_exist_is_named_with_the_remedy(mode: str) -> None:
    """It was deleted by hand."""
    Account()
    with pytest.raises(ActivationError, match=r"'ours' does not exist.*create it again"):
        activation.handler(event(mode=mode))


def test_losing_a_race_is_an_error_that_names_the_winner() -> None:
    """Setting again would only make the other stack lose."""
    account = Account("ours", "others")
    # 1 look, 2 ledger, 3 ledger, 4 activation, 5 look
    account.calls.meanwhile = {5: lambda: setattr(account.ses, "active", "others")}
    with pytest.raises(ActivationError, match="'others' is active"):
        activation.handler(event())
    assert account.ses.active == "others"


def test_the_ledger_is_written_before_ses_is_called() -> None:
    """So that a process that dies in between leaves no set active that nobody knows of."""
    account = Account("ours")
    activation.handler(event())
    made = account.calls.made
    assert made.index("put_parameter") < made.index("set_active_receipt_rule_set")
    assert json.loads(account.ssm.parameters[LEDGER]) == {
        "Activation": {"rule_set": "ours", "before": None}
    }


def test_throttling_is_waited_out_within_the_functions_time(naps: list[float]) -> None:
    """SES allows one control call a second; better its error than an hour without an answer."""
    account = Account("ours")
    account.calls.trouble = {1: "throttled", 2: "throttled", 4: "throttled"}
    activation.handler(event())
    assert (account.ses.active, len(naps)) == ("ours", 3)
    account.calls.trouble = dict.fromkeys(range(1, 100), "throttled")
    with pytest.raises(ClientError, match="Throttling"):
        activation.handler(event())
    assert sum(naps) <= 100


@pytest.mark.parametrize(
    ("properties", "error"),
    [
        ({"RuleSetName": ""}, "missing 'ResourceProperties.RuleSetName'"),
        ({"Ledger": ""}, "missing 'ResourceProperties.Ledger'"),
        ({"RuleSetName": "a b"}, "RuleSetName is 'a b': use 1 to 64"),
        ({"Mode": "none"}, "Mode is 'none': use one of refuse, join, replace"),
    ],
)
def test_properties_that_cannot_be_acted_on_are_errors(
    properties: dict[str, str], error: str
) -> None:
    """Before anything is called."""
    account = Account("ours")
    request = event()
    request["ResourceProperties"] |= properties
    with pytest.raises((MissingField, ActivationError), match=error):
        activation.handler(request)
    assert account.calls.made == []


def event(kind: str = "Create", **properties: str) -> dict[str, Any]:
    """Return one request for our rule set."""
    declared = resource(**properties)  # type: ignore[arg-type]
    return {
        "RequestType": kind,
        "LogicalResourceId": "Activation",
        "ResourceProperties": dict(declared.properties),
    }
