"""What a message of a tenant needs, and tenants in CloudFormation.

ministack has the operations of tenants; a send that names one is checked here.
https://docs.aws.amazon.com/ses/latest/dg/tenants.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mailroom_local._emulator import internals, suppression
from mailroom_local._emulator.cloudformation import CloudFormationErrors
from mailroom_local._ses_error import SesError

_CODES = {"AlreadyExistsException": "AlreadyExists", "NotFoundException": "NotFound"}


def record(name: str | None) -> Mapping[str, Any] | None:
    """The tenant that a message names, if it names one."""
    if not name:
        return None
    found: Mapping[str, Any] | None = internals.ses_v2.tenants.get(name)
    if found is None:
        account = internals.responses.get_account_id()
        raise SesError("NotFound", f"Tenant {name} for AwsAccountId {account} not found.")
    return found


def check(
    name: str | None, *, identity: str, configuration_set: str | None, template: str | None
) -> None:
    """Refuse a message of a tenant that uses what is not associated with it."""
    if not name:
        return
    used = {"identity": identity, "configuration-set": configuration_set, "template": template}
    scope = f"{internals.responses.get_region()}:{internals.responses.get_account_id()}"
    associated = internals.ses_v2.tenant_resources[name]
    missing = [
        arn
        for kind, resource in used.items()
        if resource and (arn := f"arn:aws:ses:{scope}:{kind}/{resource}") not in associated
    ]
    if missing:
        raise SesError(
            "AccessDeniedException",
            f"Tenant not associated with resources [{', '.join(missing)}].",
        )


def _ask(path: str, **data: Any) -> dict[str, Any]:
    """Call one of ministack's operations of tenants."""
    status, headers, body = internals.ses_v2.tenant_request("POST", path, data)
    answered: dict[str, Any] = json.loads(body or b"{}")
    if status >= 400:
        code = headers.get("x-amzn-errortype", "")
        raise SesError(_CODES.get(code, "InvalidParameterValue"), str(answered.get("message", "")))
    return answered


def _create(
    logical_id: str, properties: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    name = str(properties.get("TenantName") or "")
    with CloudFormationErrors():
        _check_associations(properties)
        given = {key: properties[key] for key in ("SuppressionAttributes",) if key in properties}
        made = _ask("/tenants", TenantName=name, Tags=properties.get("Tags") or [], **given)
        for arn in _arns(properties):
            _ask("/tenants/resources", TenantName=name, ResourceArn=arn)
    return name, {"Arn": made["TenantArn"]}


def _update(
    physical_id: str, old: Mapping[str, Any], new: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    with CloudFormationErrors():
        before, after = _arns(old), _arns(new)
        for arn in after:
            if arn not in before:
                _ask("/tenants/resources", TenantName=physical_id, ResourceArn=arn)
        for arn in before:
            if arn not in after:
                _ask("/tenants/resources/delete", TenantName=physical_id, ResourceArn=arn)
        chosen = new.get("SuppressionAttributes") or {}
        _ask("/tenant/suppression", TenantName=physical_id, **chosen)
    found = internals.ses_v2.tenants[physical_id]
    return physical_id, {"Arn": found["TenantArn"]}


def _delete(physical_id: str, properties: Mapping[str, Any]) -> None:
    if physical_id in internals.ses_v2.tenants:
        _ask("/tenants/delete", TenantName=physical_id)
        suppression.forget(physical_id)


def _arns(properties: Mapping[str, Any]) -> Sequence[str]:
    return [each["ResourceArn"] for each in properties.get("ResourceAssociations") or ()]


def _check_associations(properties: Mapping[str, Any]) -> None:
    # Before the tenant is made, so that a stack that fails leaves none behind.
    for arn in _arns(properties):
        _ask("/resources/tenants/list", ResourceArn=arn)


REPLACING: Mapping[str, tuple[str, ...]] = {"AWS::SES::Tenant": ("TenantName",)}
RESOURCES: Mapping[str, Mapping[str, Any]] = {
    "AWS::SES::Tenant": {"create": _create, "update": _update, "delete": _delete},
}
