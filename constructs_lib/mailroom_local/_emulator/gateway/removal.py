"""Deleting resources: what something else still uses stays.

Relays and archives go: an action whose relay or archive was deleted fails, as the API reference
says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mailroom_local._emulator.gateway import (
    addons,
    address_lists,
    archives,
    points,
    relays,
    rule_sets,
    traffic_policies,
)
from mailroom_local._emulator.gateway.changes import changed
from mailroom_local._emulator.gateway.model import Refused
from mailroom_local._emulator.gateway.store import Resource, Table, in_use, now


def _delete_archive(given: Mapping[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_DeleteArchive.html"""
    found = archives.table.find(given["ArchiveId"])
    if found is not None and found.fields["ArchiveState"] == archives.ACTIVE:
        gone = {"ArchiveState": archives.DELETED, "LastUpdatedTimestamp": now()}
        archives.table.put(changed(found, {**found.fields, **gone}))
    return {}


def _delete_relay(given: Mapping[str, Any]) -> dict[str, Any]:
    relays.table.get(given["RelayId"])
    relays.table.remove(given["RelayId"])
    return {}


def _delete_ingress_point(given: Mapping[str, Any]) -> dict[str, Any]:
    found = points.table.get(given["IngressPointId"])
    points.table.remove(found.id)
    points.changes.call()
    return {}


def _deletion(
    table: Table, users: Callable[[Resource], Iterator[str]]
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    def delete(given: Mapping[str, Any]) -> dict[str, Any]:
        resource_id = given[table.id_name]
        found = table.find(resource_id)
        for user in users(found) if found is not None else ():
            raise in_use(table.noun, resource_id, user)
        table.remove(resource_id)
        return {}

    return delete


def _of_points(name: str) -> Callable[[Resource], Iterator[str]]:
    def users(resource: Resource) -> Iterator[str]:
        for point in points.table.all():
            if point.fields[name] == resource.id:
                yield f"the ingress point {point.id}"

    return users


def _of_conditions(resource: Resource) -> Iterator[str]:
    """What evaluates an address list or an add-on instance."""
    for part in (traffic_policies, rule_sets):
        for user in part.table.all():
            for expression in part.expressions(user):
                evaluated = expression.get("Evaluate") or {}
                listed = (evaluated.get("IsInAddressList") or {}).get("AddressLists") or ()
                analyzer = (evaluated.get("Analysis") or {}).get("Analyzer")
                if resource.arn in (*listed, analyzer):
                    yield f"the {part.table.noun} {user.id}"


def _of_subscription(resource: Resource) -> Iterator[str]:
    for instance in addons.instances.all():
        if instance.fields["AddonSubscriptionId"] == resource.id:
            yield f"the add-on instance {instance.id}"


OPERATIONS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "DeleteAddonInstance": _deletion(addons.instances, _of_conditions),
    "DeleteAddonSubscription": _deletion(addons.subscriptions, _of_subscription),
    "DeleteAddressList": _deletion(address_lists.table, _of_conditions),
    "DeleteArchive": _delete_archive,
    "DeleteIngressPoint": _delete_ingress_point,
    "DeleteRelay": _delete_relay,
    "DeleteRuleSet": _deletion(rule_sets.table, _of_points("RuleSetId")),
    "DeleteTrafficPolicy": _deletion(traffic_policies.table, _of_points("TrafficPolicyId")),
}

TABLES: tuple[Table, ...] = (
    addons.instances,
    addons.subscriptions,
    address_lists.table,
    archives.table,
    points.table,
    relays.table,
    rule_sets.table,
    traffic_policies.table,
)


def resource_of(arn: str) -> tuple[Table, Resource]:
    """The resource of an ARN, and where it is kept."""
    for table in TABLES:
        found = table.find(arn)
        if found is not None and found.arn == arn:
            return table, found
    raise Refused("ResourceNotFoundException", f"The resource {arn} does not exist.")
