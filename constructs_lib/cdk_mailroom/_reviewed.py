"""What cdk-nag's AwsSolutions pack finds in these constructs, and why it is intended.

The library acknowledges only what it causes itself, and only the exact finding: a wildcard that
an app adds to the same role is still reported. It has no effect unless an app uses cdk-nag.
"""

from __future__ import annotations

from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import Construct

__all__ = ["reviewed", "reviewed_wildcard"]


def reviewed(scope: Construct, rule: str, reason: str) -> None:
    """Acknowledge the finding *rule* below *scope*."""
    Validations.of(scope).acknowledge(Acknowledgment(id=f"AwsSolutions-{rule}", reason=reason))


def reviewed_wildcard(grantee: object, pattern: str, reason: str) -> None:
    """Acknowledge a resource, or with ``Action::`` in front an action, that ends in ``*``."""
    if isinstance(grantee, Construct):
        finding = pattern if pattern.startswith("Action::") else f"Resource::{pattern}"
        reviewed(grantee, f"IAM5[{_flat(Stack.of(grantee).resolve(finding))}]", reason)


def _flat(value: Any) -> str:
    """Write *value* as cdk-nag does in the names of its findings."""
    match value:
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(_flat(part) for part in parts)
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Ref": name}:
            return f"<{name}>"
    return str(value)
