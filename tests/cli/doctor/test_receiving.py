"""Which rule set is active, and the rules that never run or whose actions fail."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from mailroom_cli.doctor.findings import Level
from mailroom_cli.doctor.shadows import shadowed

from .conftest import Account

STOP = {"StopAction": {"Scope": "RuleSet"}}
HEADER = {"AddHeaderAction": {"HeaderName": "X-Seen", "HeaderValue": "yes"}}


def rule(name: str, *recipients: str, actions: Sequence[Any] = (HEADER,)) -> dict[str, Any]:
    return {"Name": name, "Recipients": list(recipients), "Actions": list(actions)}


def test_a_rule_set_that_is_not_active_never_runs(account: Account) -> None:
    account.rule_set(rule("Support", "example.com"), active=False)
    finding = account.mends("receiving", "none-active")
    assert finding.level is Level.PROBLEM
    assert "every message is refused; there are set" in finding.found


def test_a_rule_set_that_displaced_that_of_a_stack_is_a_problem(account: Account) -> None:
    template = {"Resources": {"Set": {"Type": "AWS::SES::ReceiptRuleSet"}}}
    cloudformation = account.client("cloudformation")
    cloudformation.create_stack(StackName="HelpDesk", TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="HelpDesk", WaiterConfig={"Delay": 0.1}
    )
    [stack] = cloudformation.describe_stacks()["Stacks"]
    [made] = cloudformation.describe_stack_resources(StackName="HelpDesk")["StackResources"]
    name = made["PhysicalResourceId"]
    account.client("ses").set_active_receipt_rule_set(RuleSetName=name)
    assert "the stack HelpDesk made it" in account.find("receiving", "active").found
    account.client("ssm").put_parameter(
        Name=f"/cdk-mailroom/{stack['StackId'].rpartition('/')[2]}/active-rule-set",
        Type="String",
        Value=json.dumps({"Activation": {"rule_set": name, "before": None}}),
    )
    assert "the stack HelpDesk activated it" in account.find("receiving", "active").found
    account.rule_set(name="other")
    assert "its owner is unknown" in account.find("receiving", "active").found
    finding = account.mends("receiving", "displaced")
    assert finding.found.startswith(f"the stack HelpDesk activated {name}, and now other is active")


def test_the_ledger_of_a_stack_that_is_gone_is_noted(account: Account) -> None:
    account.client("ssm").put_parameter(
        Name="/cdk-mailroom/0a1b2c3d/active-rule-set",
        Type="String",
        Value=json.dumps({"Activation": {"rule_set": "set", "before": None}}),
    )
    assert account.mends("receiving", "left-ledger").level is Level.NOTE


def test_an_ip_filter_that_blocks_everyone_is_a_problem(account: Account) -> None:
    ses = account.client("ses")
    ses.create_receipt_filter(
        Filter={"Name": "closed", "IpFilter": {"Policy": "Block", "Cidr": "0.0.0.0/0"}}
    )
    ours = {"Name": "ours", "IpFilter": {"Policy": "Allow", "Cidr": "192.0.2.0/24"}}
    account.mends("receiving", "filters", lambda: ses.create_receipt_filter(Filter=ours))
    assert "only 192.0.2.0/24" in account.find("receiving", "filters").found
    ses.delete_receipt_filter(FilterName="ours")
    account.mends("receiving", "filters")


def test_a_rule_behind_one_that_stops_for_all_of_its_recipients_never_runs(
    account: Account,
) -> None:
    account.verify("example.com")
    account.rule_set(
        rule("Everything", "example.com", actions=[STOP]), rule("Support", "support@example.com")
    )
    finding = account.mends("rules", "shadowed")
    assert finding.level is Level.PROBLEM
    assert "rule Support never runs: rule Everything is before it, takes all" in finding.found


@pytest.mark.parametrize(
    ("before", "wanted", "hidden"),
    [
        ([], ["a@example.com", "example.org"], ["a@example.com", "example.org"]),
        (["example.com"], ["a@EXAMPLE.com", "a@example.org"], ["a@EXAMPLE.com"]),
        (["a@example.com"], ["a+list@example.com"], ["a+list@example.com"]),
        (["a+list@example.com"], ["a@example.com"], []),
        ([".example.com"], ["example.com", "a@mail.example.com"], ["a@mail.example.com"]),
        ([".example.com"], [".mail.example.com"], [".mail.example.com"]),
        (["example.com"], [".example.com"], []),
        (["a@example.com"], ["example.com"], []),
        (["example.com"], [], []),
        ([], [], ["every verified domain"]),
    ],
)
def test_an_earlier_rule_hides_the_recipients_that_it_takes_as_well(
    before: list[str], wanted: list[str], hidden: list[str]
) -> None:
    earlier = {"Enabled": True, **rule("Before", *before, actions=[HEADER, STOP])}
    assert list(shadowed(rule("Later", *wanted), [earlier])) == hidden
    assert shadowed(rule("Later", *wanted), [{**earlier, "Enabled": False}]) == {}
    assert shadowed(rule("Later", *wanted), [{**earlier, "Actions": [HEADER]}]) == {}


def test_a_disabled_rule_never_runs(account: Account) -> None:
    account.rule_set({**rule("Support", "example.com"), "Enabled": False})
    assert account.mends("rules", "disabled").level is Level.WARNING


def test_an_active_rule_set_without_rules_refuses_every_message(account: Account) -> None:
    account.rule_set()
    new = {"Enabled": True, **rule("Support", "example.com")}
    account.mends(
        "rules",
        "empty",
        lambda: account.client("ses").create_receipt_rule(RuleSetName="set", Rule=new),
    )


def test_a_rule_for_a_domain_that_is_not_verified_never_runs(account: Account) -> None:
    account.rule_set(rule("Support", "a@mail.example.com", "b@mail.example.com"))
    finding = account.mends("rules", "unverified")
    assert "for a@mail.example.com, b@mail.example.com: mail.example.com is not" in finding.found


def test_a_parent_domain_that_is_verified_is_enough(account: Account) -> None:
    account.verify("example.com")
    account.rule_set(rule("Support", "a@mail.example.com", ".example.com"))
    assert [one.check for one in account.look("rules")] == ["can-run"]


def test_a_bucket_that_is_gone_or_closed_to_ses_is_found(account: Account) -> None:
    bucket = account.bucket()
    account.verify("example.com")
    store = {"S3Action": {"BucketName": bucket, "ObjectKeyPrefix": "in/"}}
    account.rule_set(rule("Support", "example.com", actions=[store]))
    assert [one.check for one in account.look("rules")] == ["can-run"]
    s3 = account.client("s3")
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    s3.delete_bucket_policy(Bucket=bucket)
    account.mends(
        "rules",
        "bucket-permission",
        lambda: s3.put_bucket_policy(Bucket=bucket, Policy=policy),
    )
    s3.delete_object(Bucket=bucket, Key="in/AMAZON_SES_SETUP_NOTIFICATION")
    s3.delete_bucket(Bucket=bucket)
    assert f"its bucket {bucket} does not exist" in account.mends("rules", "bucket").found


def test_a_function_that_is_gone_or_closed_to_ses_is_found(account: Account) -> None:
    account.verify("example.com")
    call = {"LambdaAction": {"FunctionArn": account.function()}}
    account.rule_set(rule("Support", "example.com", actions=[call]))
    assert [one.check for one in account.look("rules")] == ["can-run"]
    account.client("lambda").remove_permission(FunctionName="Support", StatementId="Ses")
    account.mends("rules", "function-permission")
    account.client("lambda").delete_function(FunctionName="Support")
    account.mends("rules", "function", account.function)


def test_a_topic_that_is_gone_is_found(account: Account) -> None:
    account.verify("example.com")
    topic = account.topic(subscribed=False)
    tell = {"SNSAction": {"TopicArn": topic, "Encoding": "UTF-8"}}
    account.rule_set(rule("Support", "example.com", actions=[tell]))
    account.client("sns").delete_topic(TopicArn=topic)
    assert account.mends("rules", "topic").found.startswith("rule Support: its topic events")
