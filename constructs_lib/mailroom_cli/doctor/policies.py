"""Whether a resource's policy lets an AWS service use it, as far as can be told from outside."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

_ARN_TESTS = ("ArnEquals", "ArnLike", "StringEquals", "StringLike")


def admits(
    policy: str | Mapping[str, Any] | None,
    *,
    principal: str,
    action: str,
    resource: str,
    source_arn: str,
    account: str,
) -> bool:
    """Return whether a policy lets a service do something for a resource of the account.

    A condition that is not about the source counts as met: what it compares is not known here.

    Args:
        policy: The policy; ``None`` if there is none.
        principal: The service, such as ``ses.amazonaws.com``.
        action: The IAM action, such as ``sns:Publish``.
        resource: The ARN of what is used.
        source_arn: The ARN of what the service acts for.
        account: The account that the service acts for.
    """
    document = json.loads(policy) if isinstance(policy, str) else policy or {}
    context = {
        "aws:sourceaccount": account,
        "aws:sourceowner": account,
        "aws:referer": account,
        "aws:sourcearn": source_arn,
    }
    found = [
        statement
        for statement in _listed(document.get("Statement"))
        if _names(statement, principal)
        and _matches(statement.get("Action"), action, ignore_case=True)
        and _matches(statement.get("Resource", "*"), resource)
        and _met(statement.get("Condition") or {}, context)
    ]
    # A denial with a condition that cannot be judged here, such as on TLS, is left aside.
    denied = any(one["Effect"] == "Deny" and not one.get("Condition") for one in found)
    return not denied and any(one["Effect"] == "Allow" for one in found)


def allows(policy: Mapping[str, Any], actions: Sequence[str]) -> bool:
    """Return whether a policy of an identity has a statement that allows one of the actions."""
    return any(
        statement.get("Effect") == "Allow" and _matches(statement.get("Action"), action)
        for statement in _listed(policy.get("Statement"))
        for action in actions
    )


def _names(statement: Mapping[str, Any], principal: str) -> bool:
    given = statement.get("Principal")
    if given == "*":
        return True
    if not isinstance(given, Mapping):
        return False
    return principal in _listed(given.get("Service")) or "*" in _listed(given.get("AWS"))


def _matches(patterns: Any, value: str, *, ignore_case: bool = False) -> bool:
    return any(
        fnmatchcase(value.lower(), str(pattern).lower())
        if ignore_case
        else fnmatchcase(value, str(pattern))
        for pattern in _listed(patterns)
    )


def _met(conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    for test, keys in conditions.items():
        for key, wanted in keys.items():
            known = context.get(key.lower())
            plain = test.removesuffix("IfExists")
            if known is None or plain not in _ARN_TESTS:
                continue
            if not any(fnmatchcase(known, str(one)) for one in _listed(wanted)):
                return False
    return True


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
