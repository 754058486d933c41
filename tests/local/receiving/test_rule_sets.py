"""The operations on rule sets, rules and filters that the emulator lacked, and SES's quotas."""

from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def three(account: Any) -> tuple[str, list[str]]:
    """A rule set and its three rules, in order."""
    rule_set = account.rule_set()
    return rule_set, [account.rule(rule_set) for _ in range(3)]


def test_without_after_a_rule_is_inserted_first(account: Any, three: Any) -> None:
    """As the API reference says."""
    rule_set, names = three
    first = account.rule(rule_set, after=None)
    assert account.order(rule_set) == [first, *names]


def test_a_rule_is_moved_behind_another_or_to_the_front(account: Any, three: Any) -> None:
    """SetReceiptRulePosition."""
    rule_set, (a, b, c) = three
    move = account.ses.set_receipt_rule_position
    move(RuleSetName=rule_set, RuleName=a, After=b)
    assert account.order(rule_set) == [b, a, c]
    move(RuleSetName=rule_set, RuleName=c)
    assert account.order(rule_set) == [c, b, a]
    with pytest.raises(account.ses.exceptions.RuleDoesNotExistException):
        move(RuleSetName=rule_set, RuleName=a, After="gone")
    assert account.order(rule_set) == [c, b, a]


def test_a_rule_set_is_reordered_only_as_a_whole(account: Any, three: Any) -> None:
    """ReorderReceiptRuleSet must name every rule."""
    rule_set, (a, b, c) = three
    account.ses.reorder_receipt_rule_set(RuleSetName=rule_set, RuleNames=[c, a, b])
    assert account.order(rule_set) == [c, a, b]
    with pytest.raises(ClientError, match="exactly once"):
        account.ses.reorder_receipt_rule_set(RuleSetName=rule_set, RuleNames=[a, b])
    assert account.order(rule_set) == [c, a, b]


def test_a_clone_is_independent(account: Any, three: Any) -> None:
    """A rule deleted from the clone stays in the original."""
    rule_set, names = three
    clone = account.name("clone")
    account.ses.clone_receipt_rule_set(RuleSetName=clone, OriginalRuleSetName=rule_set)
    assert account.order(clone) == names
    account.ses.delete_receipt_rule(RuleSetName=clone, RuleName=names[0])
    assert account.order(rule_set) == names
    with pytest.raises(account.ses.exceptions.AlreadyExistsException):
        account.ses.clone_receipt_rule_set(RuleSetName=clone, OriginalRuleSetName=rule_set)
    with pytest.raises(account.ses.exceptions.RuleSetDoesNotExistException):
        account.ses.clone_receipt_rule_set(RuleSetName="new", OriginalRuleSetName="gone")


def test_an_update_replaces_the_rule_where_it_stands(account: Any, three: Any) -> None:
    """UpdateReceiptRule keeps name and place, and nothing else."""
    rule_set, names = three
    rule = {"Name": names[1], "Enabled": False, "Recipients": ["Sales@Example.com"]}
    account.ses.update_receipt_rule(RuleSetName=rule_set, Rule=rule)
    assert account.order(rule_set) == names
    found = account.ses.describe_receipt_rule(RuleSetName=rule_set, RuleName=names[1])["Rule"]
    assert (found["Enabled"], found["Recipients"]) == (False, ["sales@example.com"])
    with pytest.raises(account.ses.exceptions.RuleDoesNotExistException):
        account.ses.update_receipt_rule(RuleSetName=rule_set, Rule={"Name": "gone"})


def test_the_active_rule_set_cannot_be_deleted(account: Any, active: str) -> None:
    """CannotDelete, until another one is active, or none."""
    with pytest.raises(account.ses.exceptions.CannotDeleteException):
        account.ses.delete_receipt_rule_set(RuleSetName=active)
    assert account.order(active) == []


def test_filters_are_kept_and_checked(account: Any) -> None:
    """Name, policy and address range; the same name only once."""
    name = account.name("filter")
    good = {"Name": name, "IpFilter": {"Policy": "Block", "Cidr": "203.0.113.0/24"}}
    account.ses.create_receipt_filter(Filter=good)
    assert good in account.ses.list_receipt_filters()["Filters"]
    with pytest.raises(account.ses.exceptions.AlreadyExistsException):
        account.ses.create_receipt_filter(Filter=good)
    account.ses.delete_receipt_filter(FilterName=name)
    assert good not in account.ses.list_receipt_filters()["Filters"]
    for bad in (
        {"Name": "-x", "IpFilter": {"Policy": "Block", "Cidr": "203.0.113.0/24"}},
        {"Name": name, "IpFilter": {"Policy": "Deny", "Cidr": "203.0.113.0/24"}},
        {"Name": name, "IpFilter": {"Policy": "Block", "Cidr": "203.0.113.0/99"}},
    ):
        with pytest.raises(ClientError):
            account.ses.create_receipt_filter(Filter=bad)


def test_a_rule_has_at_most_ten_actions_and_500_recipients(account: Any) -> None:
    """The eleventh and the 501st are LimitExceeded, on creation and on update."""
    rule_set = account.rule_set()
    header = {"AddHeaderAction": {"HeaderName": "X-A", "HeaderValue": "b"}}
    recipients = [f"r{number}@example.com" for number in range(501)]
    name = account.rule(rule_set, *[header] * 10, Recipients=recipients[:500])
    with pytest.raises(account.ses.exceptions.LimitExceededException):
        account.rule(rule_set, *[header] * 11)
    with pytest.raises(account.ses.exceptions.LimitExceededException):
        account.rule(rule_set, Recipients=recipients)
    with pytest.raises(account.ses.exceptions.LimitExceededException):
        account.ses.update_receipt_rule(
            RuleSetName=rule_set, Rule={"Name": name, "Recipients": recipients}
        )


def test_a_rule_set_has_at_most_200_rules(account: Any, refusal: Any) -> None:
    """The 201st is refused, with the recorded words."""
    rule_set = account.rule_set()
    for number in range(200):
        account.ses.create_receipt_rule(RuleSetName=rule_set, Rule={"Name": f"r{number}"})
    with pytest.raises(account.ses.exceptions.LimitExceededException) as error:
        account.ses.create_receipt_rule(RuleSetName=rule_set, Rule={"Name": "one-more"})
    assert refusal(error) == ("LimitExceeded", "Too many rules")


def test_an_account_has_at_most_40_rule_sets_and_100_filters(account: Any) -> None:
    """The next one of either is LimitExceeded, a clone included."""
    made: list[str] = []
    address = {"Policy": "Block", "Cidr": "203.0.113.0/24"}
    limited = account.ses.exceptions.LimitExceededException
    try:
        while len(account.ses.list_receipt_rule_sets()["RuleSets"]) < 40:
            made.append(account.rule_set())
        with pytest.raises(limited):
            account.rule_set()
        with pytest.raises(limited):
            account.ses.clone_receipt_rule_set(RuleSetName="c", OriginalRuleSetName=made[0])
        for number in range(100):
            name = f"limit-{number}"
            account.ses.create_receipt_filter(Filter={"Name": name, "IpFilter": address})
        with pytest.raises(limited):
            account.ses.create_receipt_filter(Filter={"Name": "one-more", "IpFilter": address})
    finally:
        for name in made:
            account.ses.delete_receipt_rule_set(RuleSetName=name)
        for number in range(100):
            account.ses.delete_receipt_filter(FilterName=f"limit-{number}")
