"""What cfn-lint and cdk-nag find in gateways."""

from __future__ import annotations

import json

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from example_stacks import findings, rules_in
from synthesis import FOLDER, REGION

from cdk_mailroom import MailGateway, PythonHandler, gateway


def test_cfn_lint_finds_nothing(whole):
    """In every action, and in what comes with a gateway."""
    from cfnlint.api import lint
    from cfnlint.config import ManualArgs  # takes two seconds, as it imports sympy

    # W3005: a dependency that a reference has already, which aws-cdk-lib adds.
    config = ManualArgs(regions=[REGION], ignore_checks=["W3005"])
    assert [str(one) for one in lint(json.dumps(whole.raw), config=config)] == []


def test_cdk_nag_finds_nothing_but_access_logs(stack):
    """S1 is the app's to decide; each wildcard is answered for where it is made."""
    key = kms.Key(stack, "Key", enable_key_rotation=True)
    gate = MailGateway(
        stack,
        "Gateway",
        recipients=["@example.com"],
        access=gateway.Authenticated(),
        encryption_key=key,
        logs=gateway.Logs(accepted=True),
    )
    topic = sns.Topic(stack, "Topic", master_key=key, enforce_ssl=True)
    gate.add_rule(
        "Rule",
        handler=PythonHandler(FOLDER, "app:on_mail", remember_handled=True),
        before=[gateway.actions.Publish(topic)],
        after=[gateway.actions.Bounce(sender="postmaster@example.com", diagnostic="No")],
    )
    assert rules_in(findings(cdk.App.of(stack))) == {"AwsSolutions-S1"}
