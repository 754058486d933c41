"""Rule sets.

https://docs.aws.amazon.com/ses/latest/dg/eb-rules.html
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mailroom_local._emulator.gateway.changes import changed
from mailroom_local._emulator.gateway.model import Refused, invalid, known
from mailroom_local._emulator.gateway.store import Resource, Table, now, page

# https://docs.aws.amazon.com/ses/latest/dg/quotas.html
OUTGOING_ACTIONS = 10

table = Table(
    "rule set",
    id_name="RuleSetId",
    arn_name="RuleSetArn",
    name="RuleSetName",
    resource="mailmanager-rule-set",
    prefix="rs-",
    quota=40,
)


def create(given: Mapping[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_CreateRuleSet.html"""
    _check(given)
    at = now()
    fields = known("GetRuleSet", given)
    made = table.new(
        {**fields, "CreatedDate": at, "LastModificationDate": at}, tags=given.get("Tags")
    )
    table.put(made)
    return {"RuleSetId": made.id}


def update(given: Mapping[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_UpdateRuleSet.html"""
    found = table.get(given["RuleSetId"])
    table.check_name(found, given)
    _check(given)
    fields = {**found.fields, **known("GetRuleSet", given), "LastModificationDate": now()}
    table.put(changed(found, fields))
    return {}


def actions(rules: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The kind and the members of every action."""
    for rule in rules or ():
        for action in rule["Actions"]:
            yield from action.items()


def expressions(resource: Resource) -> Iterator[Mapping[str, Any]]:
    """The expressions of all conditions of a rule set."""
    for rule in resource.fields.get("Rules") or ():
        for condition in (*(rule.get("Conditions") or ()), *(rule.get("Unless") or ())):
            yield from condition.values()


def roles(given: Mapping[str, Any]) -> set[str]:
    """The roles that the caller passes."""
    return {fields["RoleArn"] for _, fields in actions(given.get("Rules")) if "RoleArn" in fields}


def _check(given: Mapping[str, Any]) -> None:
    outgoing = sum(kind in ("Relay", "Send") for kind, _ in actions(given.get("Rules")))
    if outgoing > OUTGOING_ACTIONS:
        raise Refused(
            "ServiceQuotaExceededException",
            f"A rule set has {outgoing} relay and send actions; it may have {OUTGOING_ACTIONS}.",
        )
    for kind, fields in actions(given.get("Rules")):
        replacing = fields.get("ReplaceWith") if kind == "ReplaceRecipient" else None
        if kind == "ReplaceRecipient" and not replacing:
            raise invalid("ReplaceRecipient must have at least one address in ReplaceWith.")
        if replacing and len(set(replacing)) < len(replacing):
            raise invalid("The addresses of ReplaceWith must be unique.")
    for rule in given.get("Rules") or ():
        for condition in (*(rule.get("Conditions") or ()), *(rule.get("Unless") or ())):
            for value in (condition.get("IpExpression") or {}).get("Values", ()):
                try:
                    ipaddress.ip_network(value, strict=False)
                except ValueError:
                    raise invalid(f"{value} is not an IP address or a CIDR range.") from None


def _list(given: Mapping[str, Any]) -> dict[str, Any]:
    names = ("RuleSetId", "RuleSetName", "LastModificationDate")
    return page(
        given,
        "RuleSets",
        table.all(),
        each=lambda resource: {name: resource.fields[name] for name in names},
    )


OPERATIONS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "CreateRuleSet": create,
    "GetRuleSet": lambda given: table.get(given["RuleSetId"]).fields,
    "ListRuleSets": _list,
    "UpdateRuleSet": update,
}
