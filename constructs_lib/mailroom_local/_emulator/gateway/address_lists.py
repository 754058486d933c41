"""Address lists and their members.

https://docs.aws.amazon.com/ses/latest/dg/eb-addlist.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from mailroom.ses import DOMAIN
from mailroom_local._emulator.gateway.changes import changed
from mailroom_local._emulator.gateway.model import Refused, invalid
from mailroom_local._emulator.gateway.store import Resource, Table, now, page

MEMBERS = 100_000
_LENGTHS = range(3, 321)
# How much may stand beside an asterisk in the local part, and how many labels behind another one.
_BESIDE, _LABELS = 19, range(2, 10)
_LOCAL_PART = re.compile(r"[^@\s*]*")
_DOMAIN = re.compile(DOMAIN)

table = Table(
    "address list",
    id_name="AddressListId",
    arn_name="AddressListArn",
    name="AddressListName",
    resource="mailmanager-address-list",
    prefix="al-",
    quota=100,
)


def create(given: Mapping[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_CreateAddressList.html"""
    at = now()
    made = table.new(
        {
            "AddressListName": given["AddressListName"],
            "CreatedTimestamp": at,
            "LastUpdatedTimestamp": at,
        },
        tags=given.get("Tags"),
        private={"members": {}},
    )
    table.put(made)
    return {"AddressListId": made.id}


def members(resource: Resource) -> dict[str, tuple[str, float]]:
    """By address in lower case: the address as it was registered, and when."""
    found: dict[str, tuple[str, float]] = resource.private["members"]
    return found


def add(resource: Resource, addresses: list[str]) -> None:
    """Register addresses; one that is a member already stays as it is."""
    at = now()
    kept = {each.lower(): (each, at) for each in addresses} | members(resource)
    if len(kept) > MEMBERS:
        raise Refused(
            "ServiceQuotaExceededException", f"An address list may have {MEMBERS:,} addresses."
        )
    _keep(resource, kept)


def acceptable(member: object) -> bool:
    """Whether an address list takes this: an address or a domain, with one asterisk at most."""
    if not isinstance(member, str) or len(member) not in _LENGTHS or member.count("*") > 1:
        return False
    local, at, domain = member.rpartition("@")
    if at and not (local and _LOCAL_PART.fullmatch(local.replace("*", ""))):
        return False
    if "*" in local and len(local) > _BESIDE + 1:
        return False
    if domain.startswith("*."):
        domain = domain.removeprefix("*.")
        if domain.count(".") + 1 not in _LABELS:
            return False
    return _DOMAIN.fullmatch(domain) is not None


def _register(given: Mapping[str, Any]) -> dict[str, Any]:
    found = table.get(given["AddressListId"])
    if not acceptable(given["Address"]):
        raise invalid(
            "The address is not valid: use an address or a domain, with at most one asterisk: in "
            "front of the @ with at most 19 other characters, or as the first label of the domain "
            "with 2 to 9 labels behind it."
        )
    add(found, [given["Address"]])
    return {}


def _deregister(given: Mapping[str, Any]) -> dict[str, Any]:
    found = table.get(given["AddressListId"])
    _member(found, given["Address"])
    kept = dict(members(found))
    del kept[given["Address"].lower()]
    _keep(found, kept)
    return {}


def _get_member(given: Mapping[str, Any]) -> dict[str, Any]:
    return _view(_member(table.get(given["AddressListId"]), given["Address"]))


def _list_members(given: Mapping[str, Any]) -> dict[str, Any]:
    found = members(table.get(given["AddressListId"]))
    prefix = str((given.get("Filter") or {}).get("AddressPrefix") or "").lower()
    listed = [member for key, member in sorted(found.items()) if key.startswith(prefix)]
    return page(given, "Addresses", listed, each=_view)


def _member(resource: Resource, address: str) -> tuple[str, float]:
    found = members(resource).get(address.lower())
    if found is None:
        raise Refused(
            "ResourceNotFoundException",
            f"The address is not a member of the address list {resource.id}.",
        )
    return found


def _view(member: tuple[str, float]) -> dict[str, Any]:
    return {"Address": member[0], "CreatedTimestamp": member[1]}


def _keep(resource: Resource, kept: Mapping[str, tuple[str, float]]) -> None:
    fields = {**resource.fields, "LastUpdatedTimestamp": now()}
    table.put(changed(resource, fields, {"members": kept}))


OPERATIONS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "CreateAddressList": create,
    "DeregisterMemberFromAddressList": _deregister,
    "GetAddressList": lambda given: table.get(given["AddressListId"]).fields,
    "GetMemberOfAddressList": _get_member,
    "ListAddressLists": lambda given: page(
        given, "AddressLists", table.all(), each=lambda resource: resource.fields
    ),
    "ListMembersOfAddressList": _list_members,
    "RegisterMemberToAddressList": _register,
}
