"""What cdk-nag's AwsSolutions pack finds in these constructs, and why it is intended.

The library acknowledges only what it causes itself, and only the exact finding: a wildcard that
an app adds to the same role is still reported. It has no effect unless an app uses cdk-nag.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import jsii
from aws_cdk import (
    Acknowledgment,
    AspectPriority,
    Aspects,
    CfnResource,
    IAspect,
    Validations,
)
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

from cdk_mailroom._asked import once, stack_of
from cdk_mailroom._checks import resolved

__all__ = ["acknowledge_finding", "reviewed", "reviewed_grant", "reviewed_wildcard"]


def reviewed(scope: Construct, rule: str, reason: str) -> None:
    """Acknowledge the finding *rule* below *scope*."""
    acknowledge_finding(scope, f"AwsSolutions-{rule}", reason)


def reviewed_grant(grantee: iam.IGrantable, pattern: str, reason: str) -> None:
    """Acknowledge a wildcard, as `reviewed_wildcard` does, in the grantee's policy."""
    if _nag():
        reviewed_wildcard(grantee.grant_principal, pattern, reason)


def reviewed_wildcard(granted: object, pattern: str, reason: str) -> None:
    """Acknowledge a resource, or with ``Action::`` in front an action, that ends in ``*``."""
    if isinstance(granted, Construct) and _nag():
        finding = pattern if pattern.startswith("Action::") else f"Resource::{pattern}"
        if not resolved(finding):
            finding = _flat(stack_of(granted).resolve(finding))
        reviewed(granted, f"IAM5[{finding}]", reason)


def acknowledge_finding(scope: IConstruct, rule: str, reason: str) -> None:
    """Acknowledge *rule*, ``ID`` or ``ID[finding]``, below *scope*, for cdk-nag 3 and cdk-nag 2."""
    installed = _nag()
    # aws-cdk-lib 2.262 and older refuse the ids of cdk-nag 3, which needs a newer one itself.
    if installed and not installed.startswith("2."):
        _validations(scope).acknowledge(Acknowledgment(id=rule, reason=reason))
    if installed.startswith("2."):
        # Before cdk-nag, which is an aspect too, looks at what is there by then.
        Aspects.of(scope).add(_Suppression(rule, reason), priority=AspectPriority.MUTATING)


@once
def _validations(scope: IConstruct) -> Validations:
    return Validations.of(scope)


@cache
def _nag() -> str:
    try:
        return version("cdk-nag")
    except PackageNotFoundError:
        return ""


@jsii.implements(IAspect)
class _Suppression:
    """Writes an acknowledged finding where cdk-nag 2 reads it: into the resource's metadata."""

    def __init__(self, rule: str, reason: str) -> None:
        self._rule, _, finding = rule.removesuffix("]").partition("[")
        self._finding = finding
        self._reason = reason

    def visit(self, node: IConstruct) -> None:
        """Add it to *node*, if that is a resource."""
        if not isinstance(node, CfnResource):
            return
        known = (node.get_metadata("cdk_nag") or {}).get("rules_to_suppress", [])
        own: dict[str, Any] = {"id": self._rule, "reason": self._reason}
        if self._finding:
            own["applies_to"] = [self._finding]
        if own not in known:
            node.add_metadata("cdk_nag", {"rules_to_suppress": [*known, own]})


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
