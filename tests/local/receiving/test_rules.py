"""What SES requires of rules and filters, without a server."""

from typing import Any

import pytest

from mailroom.ses import ACTIONS_PER_RULE, RECIPIENTS_PER_RULE
from mailroom_local._ses_error import SesError
from mailroom_local.receiving import rules


def named(*names: str) -> list[dict[str, Any]]:
    """Rules of these names."""
    return [{"Name": name} for name in names]


def test_a_template_becomes_a_rule() -> None:
    """With the defaults of the API, booleans from text, and the known fields of each action."""
    stop = {"Scope": "RuleSet", "Unknown": "x"}
    declared = {"Enabled": "true", "Actions": [{"StopAction": stop, "Other": {}}]}
    assert rules.rule_from_properties(declared, name="r") == {
        "Name": "r",
        "Enabled": True,
        "TlsPolicy": "Optional",
        "Actions": [{"StopAction": {"Scope": "RuleSet"}}],
        "ScanEnabled": False,
    }
    more = {"TlsPolicy": "Require", "ScanEnabled": True, "Recipients": ["a@x.org"]}
    made = rules.rule_from_properties(more, name="r")
    assert {key: made[key] for key in more} == more
    assert made["Enabled"] is False


def test_a_rule_is_inserted_first_or_after_another() -> None:
    """The others keep their order."""
    rule = {"Name": "new"}
    for after, order in ((None, "new a b"), ("a", "a new b"), ("b", "a b new")):
        found = rules.insert(named("a", "b"), rule, after=after)
        assert [each["Name"] for each in found] == order.split()
    with pytest.raises(SesError) as error:
        rules.insert(named("a"), rule, after="c")
    assert error.value.code == "RuleDoesNotExist"


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["a"], "InvalidParameterValue"),
        (["a", "b", "b"], "InvalidParameterValue"),
        (["a", "c"], "RuleDoesNotExist"),
    ],
)
def test_an_order_names_each_rule_once(names: list[str], code: str) -> None:
    """No fewer, no more, no others."""
    assert rules.reorder(named("a", "b"), ["b", "a"]) == named("b", "a")
    with pytest.raises(SesError) as error:
        rules.reorder(named("a", "b"), names)
    assert error.value.code == code


@pytest.mark.parametrize("field", ["Actions", "Recipients"])
def test_a_rule_is_held_to_ses_limits(field: str) -> None:
    """Ten actions and 500 recipients."""
    most = {"Actions": ACTIONS_PER_RULE, "Recipients": RECIPIENTS_PER_RULE}[field]
    rules.check_form({"Name": "r", field: [{}] * most})
    with pytest.raises(SesError, match=f"Too many {field.lower()}"):
        rules.check_form({"Name": "r", field: [{}] * (most + 1)})


@pytest.mark.parametrize(
    ("change", "good"),
    [
        ({}, True),
        ({"Name": "a"}, True),
        ({"Name": "a" * 64}, True),
        ({"Name": "a" * 65}, False),
        ({"Name": "-a"}, False),
        ({"Name": ""}, False),
        ({"IpFilter": {"Policy": "Allow", "Cidr": "192.0.2.1"}}, True),
        ({"IpFilter": {"Policy": "Deny", "Cidr": "192.0.2.1"}}, False),
        ({"IpFilter": {"Policy": "Block", "Cidr": "192.0.2.300"}}, False),
        ({"IpFilter": {"Policy": "Block"}}, False),
        ({"IpFilter": None}, False),
    ],
)
def test_a_filter_needs_a_name_a_policy_and_a_range(change: dict[str, Any], good: bool) -> None:
    """As the API's reference has them."""
    given = {"Name": "f.1", "IpFilter": {"Policy": "Block", "Cidr": "192.0.2.0/24"}, **change}
    if good:
        rules.check_filter(given)
    else:
        with pytest.raises(SesError):
            rules.check_filter(given)
