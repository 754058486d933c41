"""`Activation`: which set the rules go into, when it takes over, and what the provider may do."""

from __future__ import annotations

import pytest
from synthesis import Template, new_app, new_stack

from cdk_mailroom import Activation, InboundMail

RESOURCE = "Inbound/Activation/Resource/Default"


@pytest.fixture(scope="module")
def templates() -> dict[str, Template]:
    """One stack for each mode, and one with two mailrooms."""
    app = new_app()
    stacks = {
        name: new_stack(app, name.title()) for name in ("default", "refuse", "join", "replace")
    }
    for name, stack in stacks.items():
        options = {} if name == "default" else {"activation": name}
        inbound = InboundMail(stack, "Inbound", **options)
        for rule in ("One", "Two"):
            inbound.add_rule(rule, recipients=[f"{rule.lower()}@example.com"])
    stacks["two"] = new_stack(app, "TwoOfThem")
    for name in ("Inbound", "Second"):
        InboundMail(stacks["two"], name, activation=Activation.JOIN).add_rule(
            "One", recipients=["a@example.com"]
        )
    return {name: Template(stack) for name, stack in stacks.items()}


def test_by_default_no_other_set_is_displaced(templates):
    """Taking over mail must be requested explicitly."""
    assert templates["default"].at(RESOURCE)["Mode"] == "refuse"


@pytest.mark.parametrize("mode", ["refuse", "join", "replace"])
def test_the_mode_reaches_the_provider(templates, mode):
    """activation= takes the enumeration and its text alike."""
    assert templates[mode].at(RESOURCE)["Mode"] == mode


@pytest.mark.parametrize("mode", ["refuse", "replace"])
def test_a_set_is_activated_only_when_it_is_complete(templates, mode):
    """Otherwise mail that arrives in between would meet only half of the rules."""
    assert {"Inbound/One/Rule", "Inbound/Two/Rule"} <= templates[mode].needs(RESOURCE)


@pytest.mark.parametrize("mode", ["refuse", "replace"])
def test_rules_go_into_our_own_set(templates, mode):
    """The set that is then activated."""
    for rule in templates[mode].of("AWS::SES::ReceiptRule").values():
        assert rule["RuleSetName"] == "<Inbound/RuleSet>"


def test_joining_rules_go_into_the_set_that_was_found(templates):
    """Its name is what the custom resource answers, so the rules come after it."""
    template = templates["join"]
    for path, rule in template.of("AWS::SES::ReceiptRule").items():
        assert rule["RuleSetName"] == f"<{RESOURCE}.RuleSetName>"
        assert RESOURCE in template.needs(path)


def test_joining_permissions_are_for_the_set_that_was_found(templates):
    """SES acts in the name of the set that holds the rule."""
    statements = templates["join"].at("Inbound/Bucket/Policy")["PolicyDocument"]["Statement"]
    [source] = [
        one["Condition"]["ArnLike"]["aws:SourceArn"]
        for one in statements
        if "ArnLike" in one.get("Condition", {})
    ]
    assert source.endswith(f"receipt-rule-set/<{RESOURCE}.RuleSetName>:receipt-rule/*")


def test_two_mailrooms_of_a_stack_share_one_provider(templates):
    """This saves three functions."""
    template = templates["two"]
    assert len(template.of("AWS::Lambda::Function")) == 2
    tokens = {
        one["ServiceToken"] for one in template.of("Custom::SesActiveReceiptRuleSet").values()
    }
    assert tokens == {"<MailroomActivation/Framework/framework-onEvent.Arn>"}


def test_the_provider_may_only_look_up_and_activate(templates):
    """Creating, changing and deleting rules and sets is CloudFormation's part.

    The three calls know no resource: Service Authorization Reference, Amazon SES.
    """
    statements = templates["default"].statements("MailroomActivation/Function")
    assert [(one["Action"], one["Resource"]) for one in statements if "ses:" in str(one)] == [
        (
            [
                "ses:DescribeActiveReceiptRuleSet",
                "ses:DescribeReceiptRuleSet",
                "ses:SetActiveReceiptRuleSet",
            ],
            "*",
        )
    ]


def test_the_provider_may_write_its_own_log_and_no_other(templates):
    """Beside SES, this is all that it may do."""
    statements = templates["default"].statements("MailroomActivation/Function")
    assert [one["Resource"] for one in statements if "ses:" not in str(one)] == [
        "<MailroomActivation/Logs.Arn>"
    ]


def test_the_framework_may_call_our_function_and_no_other(templates):
    """Log, call, and look at the function's configuration."""
    statements = templates["default"].statements("MailroomActivation/Framework/framework-onEvent")
    resources = {
        resource
        for one in statements
        for resource in ([one["Resource"]] if isinstance(one["Resource"], str) else one["Resource"])
    }
    assert resources == {
        "<MailroomActivation/FrameworkLogs.Arn>",
        "<MailroomActivation/Function.Arn>",
        "<MailroomActivation/Function.Arn>:*",
    }


def test_the_provider_runs_our_python_code(templates):
    """With time enough to wait for SES's one call a second."""
    function = templates["default"].at("MailroomActivation/Function")
    assert function["Handler"] == "mailroom.provisioning.activation.handler"
    assert function["Runtime"] == "python3.13"
    assert function["Timeout"] == 300


def test_every_name_is_handed_on_as_a_reference(templates):
    """Renaming the set is an update of the custom resource."""
    assert templates["default"].at(RESOURCE)["RuleSetName"] == "<Inbound/RuleSet>"
