"""Relays.

https://docs.aws.amazon.com/ses/latest/dg/eb-relay.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mailroom_local._emulator.gateway import readable
from mailroom_local._emulator.gateway.changes import changed
from mailroom_local._emulator.gateway.model import invalid, known
from mailroom_local._emulator.gateway.store import Resource, Table, now, page

table = Table(
    "relay",
    id_name="RelayId",
    arn_name="RelayArn",
    name="RelayName",
    resource="mailmanager-smtp-relay",
    prefix="r-",
    quota=40,
)


def create(given: Mapping[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_CreateRelay.html"""
    at = now()
    fields = known("GetRelay", given)
    made = table.new(
        {**fields, "CreatedTimestamp": at, "LastModifiedTimestamp": at}, tags=given.get("Tags")
    )
    _check(made, given)
    table.put(made)
    return {"RelayId": made.id}


def update(given: Mapping[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_UpdateRelay.html"""
    found = table.get(given["RelayId"])
    table.check_name(found, given)
    _check(found, given)
    fields = {**found.fields, **known("GetRelay", given), "LastModifiedTimestamp": now()}
    table.put(changed(found, fields))
    return {}


def login(resource: Resource) -> tuple[str, str] | None:
    """The user and the password that a relay authenticates with, or None without."""
    arn = resource.fields["Authentication"].get("SecretArn")
    if arn is None:
        return None
    value = readable.secret_values(arn, source=resource.arn, describe=True)[0]
    return str(value["username"]), str(value["password"])


def _check(resource: Resource, given: Mapping[str, Any]) -> None:
    arn = (given.get("Authentication") or {}).get("SecretArn")
    if arn is not None:
        values = readable.secret_values(arn, source=resource.arn, describe=True)
        if not values or not {"username", "password"} <= set(values[0]):
            raise invalid(f"The secret {arn} must have the keys username and password.")


def _list(given: Mapping[str, Any]) -> dict[str, Any]:
    names = ("RelayId", "RelayName", "LastModifiedTimestamp")
    return page(
        given,
        "Relays",
        table.all(),
        each=lambda resource: {name: resource.fields[name] for name in names},
    )


OPERATIONS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "CreateRelay": create,
    "GetRelay": lambda given: table.get(given["RelayId"]).fields,
    "ListRelays": _list,
    "UpdateRelay": update,
}
