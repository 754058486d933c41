"""The order of rules: what is handed to the custom resource that checks it, and when it runs."""

from __future__ import annotations

import pytest
from aws_cdk import aws_ses as ses
from synthesis import Template, new_app, new_stack

from cdk_mailroom import InboundMail

RESOURCE = "Inbound/Order/Resource/Default"
ACTIVATION = "Inbound/Activation/Resource/Default"


@pytest.fixture(scope="module")
def templates() -> dict[str, Template]:
    """A stack of its own, one that joins, one with a single rule, and one that follows a rule."""
    app = new_app()
    stacks = {name: new_stack(app, name.title()) for name in ("own", "join", "single", "after")}
    for name in ("own", "join"):
        options = {"activation": "join"} if name == "join" else {}
        inbound = InboundMail(stacks[name], "Inbound", **options)
        for rule in ("Gate", "Support", "Sales"):
            inbound.add_rule(rule, recipients=[f"{rule.lower()}@example.com"])
    for name in ("single", "after"):
        given = ses.ReceiptRuleSet.from_receipt_rule_set_name(stacks[name], "Set", "shared")
        options = {}
        if name == "after":
            options["after_rule"] = ses.ReceiptRule.from_receipt_rule_name(
                stacks[name], "Theirs", "theirs"
            )
        inbound = InboundMail(stacks[name], "Inbound", rule_set=given, **options)
        inbound.add_rule("Only", recipients=["a@example.com"])
    return {name: Template(stack) for name, stack in stacks.items()}


def test_the_rules_are_named_in_the_order_in_which_they_were_added(templates):
    """As references, so that they exist by then, and another name is another request."""
    assert templates["own"].at(RESOURCE)["Rules"] == [
        "<Inbound/Gate/Rule>",
        "<Inbound/Support/Rule>",
        "<Inbound/Sales/Rule>",
    ]


def test_a_set_is_activated_after_its_rules_are_in_order(templates):
    """Otherwise the first mail might pass a gate that runs last."""
    assert RESOURCE in templates["own"].needs(ACTIVATION)


def test_joining_rules_are_ordered_in_the_set_that_was_joined(templates):
    """Which is what the activation answers."""
    template = templates["join"]
    assert template.at(RESOURCE)["RuleSetName"] == f"<{ACTIVATION}.RuleSetName>"


def test_a_single_rule_has_no_order(templates):
    """And a stack without activation then has no custom resource at all."""
    assert "AWS::CloudFormation::CustomResource" not in str(templates["single"].raw)
    assert templates["single"].of("Custom::SesReceiptRuleOrder") == {}


def test_a_single_rule_that_follows_another_ones_is_checked(templates):
    """Its place among the rules of others is an order too."""
    assert templates["after"].at(RESOURCE)["After"] == "theirs"
    assert templates["after"].at(RESOURCE)["Rules"] == ["<Inbound/Only/Rule>"]
