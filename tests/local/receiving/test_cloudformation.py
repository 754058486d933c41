"""The CloudFormation types of receiving, as CDK templates use them."""

from typing import Any

import pytest


def rule_set(name: str | None = None) -> dict[str, Any]:
    """A rule set resource."""
    properties = {"RuleSetName": name} if name else {}
    return {"Type": "AWS::SES::ReceiptRuleSet", "Properties": properties}


def rule(*actions: dict[str, Any], after: Any = None, to: Any = None, **fields: Any) -> Any:
    """A rule resource, in the rule set of the template."""
    declared = {"Enabled": True, "Actions": list(actions), **fields}
    properties: dict[str, Any] = {"RuleSetName": to or {"Ref": "Set"}, "Rule": declared}
    if after:
        properties["After"] = after
    return {"Type": "AWS::SES::ReceiptRule", "Properties": properties}


def stop(**fields: str) -> dict[str, Any]:
    """A Stop action."""
    return {"StopAction": {"Scope": "RuleSet", **fields}}


def test_names_that_are_not_given_are_generated(account: Any) -> None:
    """And Ref is the name, for sets, rules and filters alike."""
    cidr = {"Policy": "Block", "Cidr": "203.0.113.0/24"}
    stack = account.deploy(
        {
            "Set": rule_set(),
            "Rule": rule(stop(), Recipients=["example.com"], ScanEnabled=True),
            "Filter": {
                "Type": "AWS::SES::ReceiptFilter",
                "Properties": {"Filter": {"IpFilter": cidr}},
            },
        }
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    name = account.physical_id(stack["StackName"], "Set")
    assert account.order(name) == [account.physical_id(stack["StackName"], "Rule")]
    created = account.ses.describe_receipt_rule_set(RuleSetName=name)["Rules"][0]
    assert created["Recipients"] == ["example.com"]
    assert (created["ScanEnabled"], created["TlsPolicy"]) == (True, "Optional")
    listed = account.ses.list_receipt_filters()["Filters"]
    filter_name = account.physical_id(stack["StackName"], "Filter")
    assert {"Name": filter_name, "IpFilter": cidr} in listed

    assert account.delete(stack["StackName"])["StackStatus"] == "DELETE_COMPLETE"
    sets = account.ses.list_receipt_rule_sets()["RuleSets"]
    assert name not in [found["Name"] for found in sets]
    assert account.ses.list_receipt_filters()["Filters"] == []


def test_after_places_a_rule_and_its_absence_puts_it_in_front(account: Any) -> None:
    """Rules are created in the order of their dependencies."""
    name = account.name("set")
    stack = account.deploy(
        {
            "Set": rule_set(name),
            "First": rule(Name="first"),
            "Third": rule(Name="third", after={"Ref": "First"}),
            "Second": {**rule(Name="second", after={"Ref": "First"}), "DependsOn": "Third"},
            "Front": {**rule(Name="front"), "DependsOn": "Second"},
        },
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert account.order(name) == ["front", "first", "second", "third"]


def test_a_rule_is_updated_in_place(account: Any) -> None:
    """Everything but its name and its set; another `After` does not move it."""
    name = account.name("set")
    before = {
        "Set": rule_set(name),
        "A": rule(Name="a"),
        "B": rule(Name="b", after={"Ref": "A"}),
        "C": rule(Name="c", after={"Ref": "B"}),
    }
    stack = account.deploy(before)["StackName"]
    after = {
        **before,
        "B": rule(stop(), Name="b", after={"Ref": "C"}, Recipients=["example.com"]),
        "C": rule(Name="c", after={"Ref": "A"}),
    }
    assert account.deploy(after, stack=stack)["StackStatus"] == "UPDATE_COMPLETE"
    assert account.order(name) == ["a", "b", "c"]
    found = account.ses.describe_receipt_rule(RuleSetName=name, RuleName="b")["Rule"]
    assert found["Recipients"] == ["example.com"]


@pytest.mark.parametrize("changed", ["rule name", "set of the rule", "set name", "filter"])
def test_a_new_name_is_a_replacement(account: Any, changed: str) -> None:
    """The new one is there, and the old one is gone."""
    one, two = account.name("set"), account.name("set")

    def template(*, set_name: str, rule_name: str, to: str, filter_name: str) -> dict[str, Any]:
        ip_filter = {"Policy": "Block", "Cidr": "203.0.113.0/24"}
        declared = {"Filter": {"Name": filter_name, "IpFilter": ip_filter}}
        return {
            "Set": rule_set(set_name),
            "Other": rule_set(two),
            "Rule": rule(Name=rule_name, to={"Ref": to}),
            "Filter": {"Type": "AWS::SES::ReceiptFilter", "Properties": declared},
        }

    usual = {"set_name": one, "rule_name": "old", "to": "Set", "filter_name": f"{one}-old"}
    stack = account.deploy(template(**usual))["StackName"]
    new = {
        "rule name": {"rule_name": "new"},
        "set of the rule": {"to": "Other"},
        "set name": {"set_name": one + "-new"},
        "filter": {"filter_name": f"{one}-new"},
    }[changed]
    ended = account.deploy(template(**{**usual, **new}), stack=stack)
    assert ended["StackStatus"] == "UPDATE_COMPLETE"
    expected = {**usual, **new}
    sets = {found["Name"] for found in account.ses.list_receipt_rule_sets()["RuleSets"]}
    holder = two if expected["to"] == "Other" else expected["set_name"]
    assert account.order(holder) == [expected["rule_name"]]
    assert sets & {one, one + "-new"} == {expected["set_name"]}
    if changed == "set of the rule":
        assert account.order(one) == []
    filters = {found["Name"] for found in account.ses.list_receipt_filters()["Filters"]}
    assert filters & {f"{one}-old", f"{one}-new"} == {expected["filter_name"]}
    assert account.delete(stack)["StackStatus"] == "DELETE_COMPLETE"


def test_a_rule_that_fails_its_live_check_rolls_the_stack_back(account: Any) -> None:
    """The event says what SES says, and the stack leaves nothing behind."""
    name = account.name("set")
    arn = account.function(permission=False)
    stack = account.deploy(
        {"Set": rule_set(name), "Rule": rule({"LambdaAction": {"FunctionArn": arn}})}
    )
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    said = account.reasons(stack["StackName"])
    assert f"Could not invoke Lambda function: {arn}" in said
    assert "Error Code: InvalidLambdaFunction" in said
    sets = account.ses.list_receipt_rule_sets()["RuleSets"]
    assert name not in [found["Name"] for found in sets]


def test_the_order_of_permission_and_rule_decides(account: Any) -> None:
    """With DependsOn the same template succeeds; the permission is part of it."""
    arn = account.function(permission=False)
    permission = {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "FunctionName": arn,
            "Action": "lambda:InvokeFunction",
            "Principal": "ses.amazonaws.com",
            "SourceAccount": {"Ref": "AWS::AccountId"},
        },
    }
    invoke = rule({"LambdaAction": {"FunctionArn": arn}})
    stack = account.deploy(
        {
            "Set": rule_set(),
            "ZPermission": permission,
            "Rule": {**invoke, "DependsOn": "ZPermission"},
        }
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE"


def test_an_update_that_fails_its_live_check_is_rolled_back(account: Any) -> None:
    """The rule is afterwards what it was before."""
    name = account.name("set")
    before = {"Set": rule_set(name), "Rule": rule(Name="r", Recipients=["example.com"])}
    stack = account.deploy(before)["StackName"]
    bad = rule({"S3Action": {"BucketName": "no-such-bucket"}}, Name="r")
    ended = account.deploy({**before, "Rule": bad}, stack=stack)
    assert ended["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Error Code: InvalidS3Configuration" in account.reasons(stack)
    found = account.ses.describe_receipt_rule(RuleSetName=name, RuleName="r")["Rule"]
    assert found["Recipients"] == ["example.com"]


def test_a_failed_move_to_another_rule_set_is_rolled_back(account: Any) -> None:
    """The rule is in its old set again, and only there."""
    one, two = account.name("set"), account.name("set")
    before = {"One": rule_set(one), "Two": rule_set(two), "Rule": rule(Name="r", to={"Ref": "One"})}
    stack = account.deploy(before)["StackName"]
    bad = rule({"S3Action": {"BucketName": "no-such-bucket"}}, to={"Ref": "Two"})
    moved = {**before, "Rule": rule(Name="r", to={"Ref": "Two"}), "Bad": bad}
    moved["Bad"]["DependsOn"] = "Rule"
    assert account.deploy(moved, stack=stack)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert (account.order(one), account.order(two)) == (["r"], [])


def test_a_stack_cannot_delete_the_active_rule_set(account: Any) -> None:
    """Until it is no longer active."""
    name = account.name("set")
    stack = account.deploy({"Set": rule_set(name)})["StackName"]
    account.ses.set_active_receipt_rule_set(RuleSetName=name)
    assert account.delete(stack)["StackStatus"] == "DELETE_FAILED"
    assert "Error Code: CannotDelete" in account.reasons(stack)
    account.ses.set_active_receipt_rule_set()
    assert account.delete(stack)["StackStatus"] == "DELETE_COMPLETE"


def test_two_stacks_cannot_have_the_same_rule_set(account: Any) -> None:
    """AlreadyExists, and the first one's stays."""
    name = account.name("set")
    account.deploy({"Set": rule_set(name)})
    second = account.deploy({"Set": rule_set(name)})
    assert second["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Error Code: AlreadyExists" in account.reasons(second["StackName"])
    assert account.order(name) == []


def test_an_identity_exposes_the_dns_records_of_its_keys(account: Any) -> None:
    """Three names and values, by which a template publishes them; also after an update."""
    domain = f"{account.name('domain')}.example"
    resources: dict[str, Any] = {
        "Identity": {"Type": "AWS::SES::EmailIdentity", "Properties": {"EmailIdentity": domain}}
    }
    for number in range(1, 4):
        resources[f"Topic{number}"] = {
            "Type": "AWS::SNS::Topic",
            "Properties": {
                "DisplayName": {"Fn::GetAtt": ["Identity", f"DkimDNSTokenName{number}"]},
                "Tags": [
                    {
                        "Key": "value",
                        "Value": {"Fn::GetAtt": ["Identity", f"DkimDNSTokenValue{number}"]},
                    }
                ],
            },
        }
    stack = account.deploy(resources)["StackName"]
    resources["Identity"]["Properties"]["FeedbackAttributes"] = {"EmailForwardingEnabled": False}
    assert account.deploy(resources, stack=stack)["StackStatus"] == "UPDATE_COMPLETE"
    arn = account.physical_id(stack, "Topic1")
    name = account.sns.get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"]
    listed = account.sns.list_tags_for_resource(ResourceArn=arn)["Tags"]
    (value,) = [tag["Value"] for tag in listed if tag["Key"] == "value"]
    assert name == value.replace(".dkim.amazonses.com", f"._domainkey.{domain}")
    assert account.delete(stack)["StackStatus"] == "DELETE_COMPLETE"
