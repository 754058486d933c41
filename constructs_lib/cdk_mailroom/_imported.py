"""Warnings about what is imported, each with the statement to paste into its policy."""

from __future__ import annotations

import json
from typing import Any

from aws_cdk import Annotations, Stack
from aws_cdk import aws_iam as iam
from constructs import IConstruct

from cdk_mailroom._asked import stack_of
from cdk_mailroom._checks import resolved

__all__ = ["warn_of_import"]


def warn_of_import(
    scope: IConstruct,
    kind: str,
    imported: IConstruct,
    statement: iam.PolicyStatement,
    consequence: str,
    *,
    code: str | None = None,
) -> None:
    """Warn that *imported* needs *statement* in its policy, which this app cannot change.

    Args:
        scope: Where the warning is shown.
        kind: ``bucket``, ``function``, ``key`` or ``topic``.
        imported: What needs the statement.
        statement: The statement, whose values may be tokens.
        consequence: What happens without it.
        code: The id of the warning; ``cdk-mailroom:imported-KIND`` by default.
    """
    stack = stack_of(scope)
    arn = _readable(stack, stack.resolve(getattr(imported, f"{kind}_arn")))
    text = json.dumps(_readable(stack, stack.resolve(statement.to_statement_json())))
    Annotations.of(scope).add_warning_v2(
        code or f"cdk-mailroom:imported-{kind}",
        f"the {kind} {arn} is imported, so this app cannot change its policy: add "
        f"this statement to it, or {consequence}: {text}",
    )


def _readable(stack: Stack, value: Any) -> Any:
    match value:
        case {"Ref": "AWS::Partition"}:
            return _partition(stack.region)
        case {"Ref": "AWS::AccountId"}:
            return "ACCOUNT"
        case {"Ref": "AWS::Region"}:
            return "REGION"
        case {"Ref": name} | {"Fn::GetAtt": [name, _]}:
            return f"<{name}>"
        case {"Fn::Join": [separator, [*parts]]}:
            return str(separator).join(str(_readable(stack, part)) for part in parts)
        case {"Fn::Select": _} | {"Fn::Split": _} | {"Fn::ImportValue": _} | {"Fn::Sub": _}:
            return "*"
        case dict():
            return {key: _readable(stack, item) for key, item in value.items()}
        case list():
            return [_readable(stack, item) for item in value]
    return value


def _partition(region: str) -> str:
    if resolved(region):
        for start, partition in (("us-gov-", "aws-us-gov"), ("cn-", "aws-cn")):
            if region.startswith(start):
                return partition
    return "aws"
