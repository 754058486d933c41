"""Conditions of a template that ask for the region or the account, as on AWS."""

import json
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("name", "value"), [("AWS::Region", "us-east-1"), ("AWS::Partition", "aws")]
)
def test_a_condition_knows_where_the_stack_is(account: Any, name: str, value: str) -> None:
    template = {
        "Conditions": {
            "Here": {"Fn::Equals": [{"Ref": name}, value]},
            "There": {"Fn::Or": [{"Fn::Equals": [{"Ref": name}, "elsewhere"]}]},
        },
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {one: {"Value": {"Fn::If": [one, "yes", "no"]}} for one in ("Here", "There")},
    }
    stack = account.name("stack")
    account.cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(template))
    found = {one["OutputKey"]: one["OutputValue"] for one in account.settled(stack)["Outputs"]}
    assert found == {"Here": "yes", "There": "no"}
    account.delete(stack)
