"""Acknowledge cdk-nag's findings, each with a reason, at the construct that it is about.

It works with cdk-nag 3 and cdk-nag 2. Neither is needed: without it an acknowledgement has no
effect.
"""

from __future__ import annotations

from collections.abc import Mapping

from constructs import Construct, IConstruct

from cdk_mailroom._reviewed import acknowledge_finding

__all__ = ["acknowledge"]


def acknowledge(scope: Construct, findings: Mapping[str, Mapping[str, str]]) -> None:
    """Acknowledge findings at constructs below *scope*.

    The library acknowledges the findings that its own resources cause. Use this for the others::

        acknowledge(stack, {"Inbound/Bucket": {"AwsSolutions-S1": "CloudTrail logs reads"}})

    Args:
        scope: A stack, or another construct.
        findings: The reason of each finding, by construct path below *scope* and by rule. A rule
            may name one finding: ``AwsSolutions-IAM4[Policy::…]``.

    Raises:
        KeyError: There is no construct at a path.
    """
    for path, reasons in findings.items():
        found: IConstruct = scope
        for name in path.split("/"):
            child = found.node.try_find_child(name)
            if child is None:
                raise KeyError(f"no construct {path!r} below {scope.node.path!r}")
            found = child
        for rule, reason in reasons.items():
            acknowledge_finding(found, rule, reason)
