"""Address lists of Mail Manager."""

from __future__ import annotations

from typing import Any

from conformance.check import Json, check
from conformance.place import Place

LIST = ("ses:CreateAddressList", "ses:DeleteAddressList")


def _list(place: Place) -> str:
    api = place.client("mailmanager")
    made = api.create_address_list(AddressListName=place.name("list"))["AddressListId"]
    place.cleanup.add("address list", api.delete_address_list, AddressListId=made)
    return str(made)


@check(
    "Import jobs with the same `ClientToken` are one job",
    actions=(*LIST, "ses:CreateAddressListImportJob", "ses:ListAddressListImportJobs"),
    creates="an address list, import jobs that are not started",
    expects={"with one token": "the same job"},
)
def client_token(place: Place) -> Json:
    """Create a job twice with one token, and once with another."""
    api, addresses = place.client("mailmanager"), _list(place)
    given: dict[str, Any] = {
        "AddressListId": addresses,
        "Name": place.name("job"),
        "ImportDataFormat": {"ImportDataType": "CSV"},
    }
    tokens = ("token-one", "token-one", "token-two")
    ids = [
        api.create_address_list_import_job(**given, ClientToken=f"{addresses}-{token}")
        for token in tokens
    ]
    first, second, third = (each["JobId"] for each in ids)
    listed = api.list_address_list_import_jobs(AddressListId=addresses)["ImportJobs"]
    return {
        "with one token": "the same job" if first == second else "another job",
        "with another token": "the same job" if third in (first, second) else "another job",
        "jobs listed": len(listed),
    }


@check(
    "Members of the time before a rollback can be told by `CreatedTimestamp`",
    actions=(
        *LIST,
        "ses:GetMemberOfAddressList",
        "ses:RegisterMemberToAddressList",
    ),
    creates="an address list",
    minutes=0.3,
)
def time_of_members(place: Place) -> Json:
    """Register two members one after the other, and the first one again."""
    api, addresses = place.client("mailmanager"), _list(place)

    def register(address: str) -> Any:
        of = {"AddressListId": addresses, "Address": address}
        api.register_member_to_address_list(**of)
        return place.until(lambda: api.get_member_of_address_list(**of)["CreatedTimestamp"])

    first = register("first@example.net")
    place.pause(5)
    second = register("second@example.net")
    place.pause(5)
    again = register("first@example.net")
    return {"the later one is later": second > first, "registering again keeps it": again == first}
