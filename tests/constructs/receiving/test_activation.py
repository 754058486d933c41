"""`Activation`: which set the rules go into, when it takes over, and what the provider may do."""

from __future__ import annotations

import json

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ses as ses
from aws_cdk.cloudformation_include import CfnInclude, CfnIncludeProps
from synthesis import Template, new_app, new_stack

from cdk_mailroom import Activation, ActiveRuleSet, ConfigurationError, InboundMail

GUID = {"Fn::Select": [2, {"Fn::Split": ["/", "<AWS::StackId>"]}]}
RESOURCE = "Inbound/Activation/Resource/Default"


@pytest.fixture(scope="module")
def templates() -> dict[str, Template]:
    """One stack for each mode, one with two mailrooms, and one that only adds rules."""
    stacks = {
        name: new_stack(app, name.title())
        for app in (new_app(),)
        for name in ("default", "join", "replace", "none")
    }
    for name, stack in stacks.items():
        options = {} if name == "default" else {"activation": name}
        inbound = InboundMail(stack, "Inbound", **options)
        for rule in ("One", "Two"):
            inbound.add_rule(rule, recipients=[f"{rule.lower()}@example.com"])
    app = cdk.App.of(stacks["default"])
    stacks["two"] = new_stack(app, "TwoOfThem")
    for name in ("Inbound", "Second"):
        InboundMail(stacks["two"], name, activation=Activation.JOIN).add_rule(
            "One", recipients=["a@example.com"]
        )
    stacks["given"] = new_stack(app, "Given")
    given = ses.ReceiptRuleSet.from_receipt_rule_set_name(stacks["given"], "Set", "shared")
    InboundMail(stacks["given"], "Inbound", rule_set=given).add_rule(
        "One", recipients=["a@example.com"]
    )
    InboundMail(stacks["given"], "Asked", rule_set=given, activation="replace")
    return {name: Template(stack) for name, stack in stacks.items()}


def test_the_default_refuses_to_displace_anybody(templates):
    """Nobody's mail is taken away without being asked for."""
    assert templates["default"].at(RESOURCE)["Mode"] == "refuse"


@pytest.mark.parametrize("mode", ["join", "replace"])
def test_the_mode_reaches_the_provider(templates, mode):
    """activation= takes the enumeration and its text alike."""
    assert templates[mode].at(RESOURCE)["Mode"] == mode


@pytest.mark.parametrize("mode", ["default", "replace"])
def test_a_set_is_activated_only_when_it_is_complete(templates, mode):
    """Mail that comes meanwhile would meet half the rules, and be refused by the rest."""
    assert {"Inbound/One/Rule", "Inbound/Two/Rule"} <= templates[mode].needs(RESOURCE)


@pytest.mark.parametrize("mode", ["default", "replace"])
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


def test_none_activates_nothing(templates):
    """The rule set is activated by another stack, or by hand."""
    assert templates["none"].of("Custom::SesActiveReceiptRuleSet") == {}


def test_a_given_rule_set_is_activated_only_if_asked_for(templates):
    """It belongs to somebody else, who may have activated it or not."""
    activations = templates["given"].of("Custom::SesActiveReceiptRuleSet")
    assert list(activations) == ["Asked/Activation/Resource/Default"]
    [activation] = activations.values()
    assert (activation["RuleSetName"], activation["Made"]) == ("shared", "false")


def test_a_rule_set_that_the_stack_makes_is_known_as_such(templates):
    """It is deactivated before it is deleted, whoever activated it."""
    assert templates["default"].at(RESOURCE)["Made"] == "true"


def test_a_set_is_made_by_a_stack_that_cfn_include_loaded(tmp_path):
    """Such a stack is another object in Python whenever it is asked for."""
    child, parent = tmp_path / "child.json", tmp_path / "parent.json"
    child.write_text('{"Resources": {}}')
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "replaced"}}
    parent.write_text(json.dumps({"Resources": {"Child": nested}}))
    stack = new_stack()
    included = CfnInclude(
        stack,
        "Included",
        template_file=str(parent),
        load_nested_stacks={"Child": CfnIncludeProps(template_file=str(child))},
    )
    InboundMail(included.get_nested_stack("Child").stack, "Inbound")
    [written] = Template(stack).folder.glob("*.nested.template.json")
    resources = json.loads(written.read_text())["Resources"].values()
    [activation] = (one for one in resources if "ActiveReceiptRuleSet" in one["Type"])
    assert activation["Properties"]["Made"] == "true"


def test_two_mailrooms_of_a_stack_share_one_function(templates):
    """One less to look at."""
    template = templates["two"]
    assert len(template.of("AWS::Lambda::Function")) == 1
    tokens = {
        one["ServiceToken"] for one in template.of("Custom::SesActiveReceiptRuleSet").values()
    }
    assert tokens == {"<MailroomReceiptRules/Function.Arn>"}


def test_two_activations_of_a_stack_know_of_each_other_and_take_turns(templates):
    """They share the ledger, and a set that the other one holds is not in the way by mistake."""
    template = templates["two"]
    second = "Second/Activation/Resource/Default"
    assert RESOURCE in template.needs(second)
    assert len(template.at(RESOURCE)["Siblings"]) == len(template.at(second)["Siblings"]) == 1
    assert template.at(RESOURCE)["Siblings"] != template.at(second)["Siblings"]
    assert "Siblings" not in templates["default"].at(RESOURCE)


def test_the_function_may_activate_remember_and_order_and_nothing_else(templates):
    """Creating, changing and deleting rules and sets is CloudFormation's part.

    The calls of SES know no resource: Service Authorization Reference, Amazon SES.
    """
    granted = {}
    for one in templates["default"].statements("MailroomReceiptRules/Function"):
        actions = one["Action"] if isinstance(one["Action"], list) else [one["Action"]]
        granted.setdefault(str(one["Resource"]), set()).update(actions)
    name = f"/cdk-mailroom/{GUID}/active-rule-set"
    assert granted == {
        "*": {
            "ses:DescribeActiveReceiptRuleSet",
            "ses:DescribeReceiptRuleSet",
            "ses:SetActiveReceiptRuleSet",
            "ses:SetReceiptRulePosition",
        },
        f"arn:aws:ssm:eu-west-1:111122223333:parameter{name}": {
            "ssm:DeleteParameter",
            "ssm:GetParameter",
            "ssm:PutParameter",
        },
        "<AWS::StackId>": {"cloudformation:DescribeStacks"},
        "<MailroomReceiptRules/Logs.Arn>": {"logs:CreateLogStream", "logs:PutLogEvents"},
    }


def test_a_stack_that_only_orders_may_not_activate(templates):
    """Each custom resource adds what it needs itself."""
    actions = str(templates["none"].statements("MailroomReceiptRules/Function"))
    assert "ses:SetReceiptRulePosition" in actions
    assert "Active" not in actions


def test_the_function_runs_our_python_code(templates):
    """With time enough to wait for SES's one call a second."""
    function = templates["default"].at("MailroomReceiptRules/Function")
    assert function["Handler"] == "mailroom.provisioning.entry.handler"
    assert function["Environment"]["Variables"] == {
        "MAILROOM_RESOURCE": "mailroom.provisioning.receipt_rules"
    }
    assert (function["Runtime"], function["Timeout"]) == ("python3.13", 300)


def test_every_name_is_handed_on_as_a_reference(templates):
    """Renaming the set is an update of the custom resource."""
    assert templates["default"].at(RESOURCE)["RuleSetName"] == "<Inbound/RuleSet>"


@pytest.mark.parametrize("region", [None, "eu-west-1"])
def test_two_that_refuse_in_one_environment_are_an_error_that_names_both(region):
    """The second deployment would fail, and say so only then."""
    app = new_app()
    InboundMail(new_stack(app, "Dev", region=region), "Inbound")
    with pytest.raises(ConfigurationError) as caught:
        InboundMail(new_stack(app, "Prod", region=region), "Inbound")
    for word in ("Prod/Inbound", "Dev/Inbound", "'join'", "rule_set", "env"):
        assert word in str(caught.value)


def test_two_that_refuse_in_different_environments_are_accepted():
    """One rule set is active in each."""
    app = new_app()
    for name, region in (("Here", "eu-west-1"), ("There", "us-east-1"), ("Anywhere", None)):
        InboundMail(new_stack(app, name, region=region), "Inbound")


def test_a_refused_mailroom_is_not_in_the_way_of_its_correction():
    """Nothing is left of a call that failed."""
    app = new_app()
    first = InboundMail(new_stack(app, "First"), "Inbound")
    first.node.scope.node.try_remove_child("Inbound")
    InboundMail(new_stack(app, "Second"), "Inbound")


def test_an_active_rule_set_needs_a_mode_that_activates():
    """A construct that does nothing would only look like one that does."""
    stack = new_stack()
    with pytest.raises(ConfigurationError, match="activation is 'none': use one of"):
        ActiveRuleSet(stack, "Active", rule_set=ses.ReceiptRuleSet(stack, "Set"), activation="none")
