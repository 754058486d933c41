"""The eight CloudFormation types of Mail Manager.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_SES.html
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from mailroom_local._emulator.cloudformation import generated_name
from mailroom_local._emulator.gateway import (
    addons,
    address_lists,
    archives,
    points,
    relays,
    rule_sets,
    serving,
    tags,
    traffic_policies,
)
from mailroom_local._emulator.gateway.model import Refused, invalid, members, typed
from mailroom_local._emulator.gateway.store import Resource, Table

_HANDLER_CODES: Mapping[str, str] = {
    "AccessDeniedException": "AccessDenied",
    "ConflictException": "ResourceConflict",
    "ResourceNotFoundException": "NotFound",
    "ServiceQuotaExceededException": "ServiceLimitExceeded",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Type:
    """A CloudFormation type, and what it is to Mail Manager."""

    noun: str
    table: Table
    named: str | None = None
    """The property that gets a made-up name if it is missing."""
    replacing: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    """Those besides the id and the ARN."""
    only_if_changed: tuple[str, ...] = ()
    """Properties that an update must not repeat."""
    settle: Callable[[str], None] = lambda _: None
    """Waits until a change of this resource has come to an end, as CloudFormation does."""
    only_updated: tuple[str, ...] = ()
    """Properties that cannot be set when it is created."""


_TYPES: Mapping[str, _Type] = {
    "AWS::SES::MailManagerAddonInstance": _Type(
        noun="AddonInstance",
        table=addons.instances,
        replacing=("AddonSubscriptionId",),
        attributes=("AddonName",),
    ),
    "AWS::SES::MailManagerAddonSubscription": _Type(
        noun="AddonSubscription", table=addons.subscriptions, replacing=("AddonName",)
    ),
    "AWS::SES::MailManagerAddressList": _Type(
        noun="AddressList",
        table=address_lists.table,
        named="AddressListName",
        replacing=("AddressListName",),
    ),
    "AWS::SES::MailManagerArchive": _Type(
        noun="Archive",
        table=archives.table,
        named="ArchiveName",
        replacing=("KmsKeyArn",),
        attributes=("ArchiveState",),
    ),
    "AWS::SES::MailManagerIngressPoint": _Type(
        noun="IngressPoint",
        table=points.table,
        named="IngressPointName",
        replacing=("Type", "NetworkConfiguration"),
        attributes=("ARecord", "Status"),
        # The same password again would be a new one, and the TLS policy FIPS cannot be set.
        only_if_changed=("IngressPointConfiguration", "TlsPolicy"),
        settle=points.settle,
        only_updated=("StatusToUpdate",),
    ),
    "AWS::SES::MailManagerRelay": _Type(noun="Relay", table=relays.table, named="RelayName"),
    "AWS::SES::MailManagerRuleSet": _Type(
        noun="RuleSet", table=rule_sets.table, named="RuleSetName"
    ),
    "AWS::SES::MailManagerTrafficPolicy": _Type(
        noun="TrafficPolicy",
        table=traffic_policies.table,
        named="TrafficPolicyName",
    ),
}


def _create(
    kind: _Type, logical_id: str, properties: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    with _as_stack_events(creating=True):
        operation = f"Create{kind.noun}"
        for name in kind.only_updated:
            if properties.get(name) is not None:
                raise invalid(f"{name} cannot be set when the {kind.table.noun} is created.")
        given = _input(operation, kind, properties)
        if kind.named and not given.get(kind.named):
            given[kind.named] = generated_name(stack_name, logical_id)
        made = str(serving.call(operation, given)[kind.table.id_name])
        kind.settle(made)
        return _described(kind, kind.table.get(made))


def _update(
    kind: _Type,
    physical_id: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    stack_name: str,
) -> tuple[str, dict[str, Any]]:
    with _as_stack_events(creating=False):
        found = kind.table.get(physical_id)
        operation = f"Update{kind.noun}"
        if operation in serving.OPERATIONS:
            given = _input(operation, kind, new)
            for name in kind.only_if_changed:
                if given.get(name) == old.get(name):
                    given.pop(name, None)
            serving.call(operation, {**given, kind.table.id_name: physical_id})
            kind.settle(physical_id)
        if old.get("Tags") != new.get("Tags"):
            others = {
                key: value
                for key, value in found.tags.items()
                if key not in tags.as_map(old.get("Tags"))
            }
            tags.put(found.arn, {**others, **tags.as_map(new.get("Tags"))})
        return _described(kind, kind.table.get(physical_id))


def _delete(kind: _Type, physical_id: str, properties: Mapping[str, Any]) -> None:
    # One that somebody deleted is gone, as the stack wants it.
    if kind.table.find(physical_id) is not None:
        with _as_stack_events(creating=False):
            serving.call(f"Delete{kind.noun}", {kind.table.id_name: physical_id})


def _described(kind: _Type, resource: Resource) -> tuple[str, dict[str, Any]]:
    names = (kind.table.id_name, kind.table.arn_name, *kind.attributes)
    # A private ingress point has no ARecord; a template that asks for one fails, as on AWS.
    found = {name: resource.fields[name] for name in names if name in resource.fields}
    return resource.id, found


def _input(operation: str, kind: _Type, properties: Mapping[str, Any]) -> dict[str, Any]:
    known = {*members(f"Create{kind.noun}"), *kind.only_updated} - {"ClientToken"}
    for name in properties:
        if name not in known:
            raise invalid(f"Encountered unsupported property {name}")
    taken = members(operation)
    return typed(operation, {k: v for k, v in properties.items() if k in taken})


@contextmanager
def _as_stack_events(*, creating: bool) -> Iterator[None]:
    """Turn a refusal into the text of a stack event on AWS."""
    try:
        yield
    except Refused as error:
        code = _HANDLER_CODES.get(error.code, "InvalidRequest")
        if creating and code == "ResourceConflict":
            code = "AlreadyExists"
        raise ValueError(
            f'Resource handler returned message: "{error.message} (Service: MailManager, Status '
            f'Code: 400, Request ID: {uuid.uuid4()})" (RequestToken: {uuid.uuid4()}, '
            f"HandlerErrorCode: {code})"
        ) from error


def _handlers(kind: _Type) -> Mapping[str, Callable[..., Any]]:
    return {
        "create": partial(_create, kind),
        "update": partial(_update, kind),
        "delete": partial(_delete, kind),
    }


TAGS: Mapping[str, tuple[str, str]] = dict.fromkeys(_TYPES, ("Tags", "list"))
REPLACING: Mapping[str, tuple[str, ...]] = {
    name: kind.replacing for name, kind in _TYPES.items() if kind.replacing
}
RESOURCES: Mapping[str, Mapping[str, Any]] = {
    name: _handlers(kind) for name, kind in _TYPES.items()
}
