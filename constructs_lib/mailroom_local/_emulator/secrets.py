"""Secrets in CloudFormation: their id is their ARN, and they have a resource policy.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-resourcepolicy.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mailroom_local._emulator import internals

_SECRET, _POLICY = "AWS::SecretsManager::Secret", "AWS::SecretsManager::ResourcePolicy"

# ministack's id of a secret is its name, which a policy of the same template compares with ARNs.
_original: Mapping[str, Any] = dict(internals.provisioners.RESOURCE_HANDLERS[_SECRET])


def _create(
    logical_id: str, properties: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    _, attributes = _original["create"](logical_id, properties, stack_name)
    return attributes["Arn"], attributes


def _update(
    physical_id: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    stack_name: str,
    logical_id: str,
) -> tuple[str, dict[str, Any]]:
    _, attributes = _original["update"](_name(physical_id), old, new, stack_name, logical_id)
    return attributes["Arn"], attributes


def _delete(physical_id: str, properties: Mapping[str, Any]) -> None:
    _original["delete"](_name(physical_id), properties)


def _name(secret_id: str) -> str:
    name, _ = internals.secrets.resolve(secret_id)
    return str(name or secret_id)


def _put_policy(
    logical_id: str, properties: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    policy = properties.get("ResourcePolicy") or {}
    text = policy if isinstance(policy, str) else json.dumps(policy)
    asked = {"SecretId": properties.get("SecretId"), "ResourcePolicy": text}
    status, _, body = internals.secrets.put_resource_policy(asked)
    answer = json.loads(body)
    if status >= 400:
        raise ValueError(str(answer.get("message") or answer))
    return answer["ARN"], {"Id": answer["ARN"]}


def _update_policy(
    physical_id: str, old: Mapping[str, Any], new: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    return _put_policy("", new, stack_name)


def _delete_policy(physical_id: str, properties: Mapping[str, Any]) -> None:
    # The secret may have gone first.
    internals.secrets.delete_resource_policy({"SecretId": physical_id})


REPLACING: Mapping[str, tuple[str, ...]] = {_POLICY: ("SecretId",)}
RESOURCES: Mapping[str, Mapping[str, Any]] = {
    _SECRET: {**_original, "create": _create, "update": _update, "delete": _delete},
    _POLICY: {"create": _put_policy, "update": _update_policy, "delete": _delete_policy},
}
