"""The receipt rule that we hand out is one of aws-cdk-lib's, and works like any other."""

from __future__ import annotations

import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ses as ses
from aws_cdk import aws_ses_actions as ses_actions
from synthesis import FOLDER, synthesized

from cdk_mailroom import (
    ConfigurationError,
    HandledRule,
    InboundMail,
    InboundRule,
    PythonHandler,
    actions,
    handlers,
)


def kinds(template, rule="Rule"):
    """Return the kinds of a rule's actions, in order."""
    return [next(iter(action)) for action in template.actions(rule)]


def with_rule(change, **options):
    """Return the template of a stack with one rule that *change* was called with."""

    def build(stack):
        options.setdefault("recipients", ["a@example.com"])
        rule = InboundMail(stack, "Inbound").add_rule("Rule", **options)
        change(stack, rule)

    return synthesized(build)


def test_an_action_added_to_the_receipt_rule_runs_after_ours():
    """`rule.rule` is a `ReceiptRule` like any other."""
    template = with_rule(
        lambda _, rule: rule.rule.add_action(ses_actions.Stop()),
        handler=PythonHandler(FOLDER, "app:on_mail"),
    )
    assert kinds(template) == ["S3Action", "LambdaAction", "StopAction"]


def test_adding_an_action_keeps_the_role_on_its_own_action():
    """The role is set by its action's position, as aws-cdk-lib has no name for it."""

    def change(stack, rule):
        rule.rule.add_action(ses_actions.AddHeader(name="X-Seen", value="1"))
        role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ses.amazonaws.com"))
        bucket = rule.stored.bucket
        rule.add_action("Copy", actions.S3(bucket=bucket, prefix="copy/", role=role))
        rule.rule.add_action(ses_actions.Stop())

    template = with_rule(change)
    assert kinds(template) == ["S3Action", "AddHeaderAction", "S3Action", "StopAction"]
    assert [action["S3Action"].get("IamRoleArn") for action in template.actions("Rule")[0:3:2]] == [
        None,
        "<Role.Arn>",
    ]


def test_our_actions_can_be_added_later_with_what_they_grant():
    """`add_action` binds as `add_rule` does."""
    template = with_rule(
        lambda _, rule: rule.add_action("Second", PythonHandler(FOLDER, "app:with_default"))
    )
    assert kinds(template) == ["S3Action", "LambdaAction"]
    assert "Inbound/Rule/Second/Function/AllowSes" in template.needs("Inbound/Rule/Rule")


def test_an_action_added_later_is_checked_like_the_others(stack):
    """With its position in the whole rule."""
    rule = InboundMail(stack, "Inbound").add_rule("Rule", recipients=["a@example.com"])
    with pytest.raises(ConfigurationError, match=r"actions\[1\] is 'stop'"):
        rule.add_action("Late", "stop")
    assert rule.node.try_find_child("Late") is None


def test_an_action_added_after_a_stop_is_refused(stack):
    """It could never run."""
    rule = InboundMail(stack, "Inbound").add_rule(
        "Rule", recipients=["a@example.com"], after=[ses_actions.Stop()]
    )
    with pytest.raises(ConfigurationError, match="could never run"):
        rule.add_action("Late", handlers.SaveAttachments())


def test_an_eleventh_action_added_later_is_refused(stack):
    """What was added to the receipt rule itself counts."""
    rule = InboundMail(stack, "Inbound").add_rule("Rule", recipients=["a@example.com"])
    for number in range(9):
        rule.rule.add_action(ses_actions.AddHeader(name=f"X-{number}", value="1"))
    with pytest.raises(ConfigurationError, match=r"len\(actions\) is 11"):
        rule.add_action("Late", ses_actions.Stop())


def test_a_property_of_the_l1_can_still_be_overridden():
    """Escape hatches work as on every L2."""
    template = with_rule(
        lambda _, rule: rule.rule.node.default_child.add_property_override(
            "Rule.ScanEnabled", False
        )
    )
    assert template.rule("Rule")["ScanEnabled"] is False


def test_a_rule_with_python_code_has_a_function(stack):
    """So that a type checker lets `grant_send(rule.function)` pass."""
    inbound = InboundMail(stack, "Inbound")
    handled = inbound.add_rule(
        "Handled", recipients=["a@example.com"], handler=PythonHandler(FOLDER, "app:on_mail")
    )
    assert isinstance(handled, HandledRule)
    assert isinstance(handled.function, lambda_.Function)


def test_a_rule_that_calls_a_given_function_has_that_one(stack):
    """It may be an imported one."""
    theirs = lambda_.Function.from_function_name(stack, "Theirs", "theirs")
    rule = InboundMail(stack, "Inbound").add_rule(
        "Rule", recipients=["a@example.com"], handler=actions.InvokeFunction(theirs)
    )
    assert type(rule) is InboundRule
    assert rule.function is theirs


def test_a_rule_without_a_handler_has_no_function(stack):
    """Only what stands as handler= counts, not what runs before or after it."""
    rule = InboundMail(stack, "Inbound").add_rule(
        "Rule", recipients=["a@example.com"], after=[PythonHandler(FOLDER, "app:on_mail")]
    )
    assert rule.function is None


def test_options_of_the_rule_reach_ses():
    """enabled=, scan=, require_tls=, rule_name=."""
    template = with_rule(
        lambda *_: None, enabled=False, scan=False, require_tls=False, rule_name="theirs"
    )
    told = template.rule("Rule")
    assert (told["Enabled"], told["ScanEnabled"], told["TlsPolicy"], told["Name"]) == (
        False,
        False,
        "Optional",
        "theirs",
    )


def test_the_rule_is_an_l2(stack):
    """What other constructs take."""
    rule = InboundMail(stack, "Inbound").add_rule("Rule", recipients=["a@example.com"])
    assert isinstance(rule.rule, ses.ReceiptRule)
