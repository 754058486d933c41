"""Traffic policies.

https://docs.aws.amazon.com/ses/latest/dg/eb-filters.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mailroom_local._emulator.gateway.changes import changed
from mailroom_local._emulator.gateway.model import Refused, known
from mailroom_local._emulator.gateway.store import Resource, Table, now, page

# https://docs.aws.amazon.com/ses/latest/dg/quotas.html
STATEMENTS, CONDITIONS = 20, 10

table = Table(
    "traffic policy",
    id_name="TrafficPolicyId",
    arn_name="TrafficPolicyArn",
    name="TrafficPolicyName",
    resource="mailmanager-traffic-policy",
    prefix="tp-",
    quota=100,
)


def create(given: Mapping[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_CreateTrafficPolicy.html"""
    _check(given)
    at = now()
    fields = known("GetTrafficPolicy", given)
    made = table.new(
        {**fields, "CreatedTimestamp": at, "LastUpdatedTimestamp": at}, tags=given.get("Tags")
    )
    table.put(made)
    return {"TrafficPolicyId": made.id}


def update(given: Mapping[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_UpdateTrafficPolicy.html"""
    found = table.get(given["TrafficPolicyId"])
    table.check_name(found, given)
    _check(given)
    fields = {**found.fields, **known("GetTrafficPolicy", given), "LastUpdatedTimestamp": now()}
    table.put(changed(found, fields))
    return {}


def expressions(resource: Resource) -> Iterator[Mapping[str, Any]]:
    """The expressions of all conditions of a policy."""
    for statement in resource.fields.get("PolicyStatements") or ():
        for condition in statement["Conditions"]:
            yield from condition.values()


def _check(given: Mapping[str, Any]) -> None:
    statements = given.get("PolicyStatements") or ()
    if len(statements) > STATEMENTS:
        raise Refused(
            "ServiceQuotaExceededException",
            f"A traffic policy has {len(statements)} statements; it may have {STATEMENTS}.",
        )
    for number, statement in enumerate(statements, 1):
        if len(statement["Conditions"]) > CONDITIONS:
            raise Refused(
                "ServiceQuotaExceededException",
                f"Policy statement {number} has {len(statement['Conditions'])} conditions; it may "
                f"have {CONDITIONS}.",
            )


def _list(given: Mapping[str, Any]) -> dict[str, Any]:
    names = ("TrafficPolicyName", "TrafficPolicyId", "DefaultAction")
    return page(
        given,
        "TrafficPolicies",
        table.all(),
        each=lambda resource: {name: resource.fields[name] for name in names},
    )


OPERATIONS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "CreateTrafficPolicy": create,
    "GetTrafficPolicy": lambda given: table.get(given["TrafficPolicyId"]).fields,
    "ListTrafficPolicies": _list,
    "UpdateTrafficPolicy": update,
}
