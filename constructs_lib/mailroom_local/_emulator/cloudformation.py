"""Shared by the handlers of all CloudFormation types."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from mailroom_local._emulator import internals
from mailroom_local._ses_error import SesError


class CloudFormationErrors:
    """Turns an SES error into the text of a stack event on AWS."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, SesError):
            raise ValueError(
                f"{error.message} (Service: AmazonSimpleEmailService; Status Code: 400; "
                f"Error Code: {error.code}; Request ID: {uuid.uuid4()}; Proxy: null)"
            ) from error


_evaluate: Callable[..., dict[str, bool]] = internals.template_engine.evaluate_conditions


def evaluate_conditions(
    template: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, bool]:
    """The conditions of a template, which may ask for the region and the account."""
    own = {
        "AWS::AccountId": internals.responses.get_account_id(),
        "AWS::Partition": "aws",
        "AWS::Region": internals.responses.get_region(),
        "AWS::URLSuffix": "amazonaws.com",
    }
    named = {name: {"Value": value} for name, value in own.items()}
    return _evaluate(template, {**named, **parameters})


_describe_resources: Callable[[Mapping[str, Any]], Any] = internals.stack_requests.ACTION_HANDLERS[
    "DescribeStackResources"
]


def describe_stack_resources(parameters: Mapping[str, Any]) -> Any:
    """The resources of a stack, which may be named by the physical id of one of them."""
    given = parameters.get("PhysicalResourceId")
    wanted = given[0] if isinstance(given, list) else given
    if not wanted or parameters.get("StackName"):
        return _describe_resources(parameters)
    for stack in internals.stack_records.stacks.values():
        resources = stack.get("_resources", {}).values()
        if any(one.get("PhysicalResourceId") == wanted for one in resources):
            return _describe_resources({**parameters, "StackName": [stack["StackId"]]})
    # As on AWS, the error names what was asked for.
    return _describe_resources({**parameters, "StackName": [wanted]})


def generated_name(stack_name: str, logical_id: str) -> str:
    # SES allows 64 characters; ministack's names end in a letter or digit, as SES requires.
    name: str = internals.provisioners.physical_name(stack_name, logical_id, max_len=63)
    return name
