"""The members of an address list."""

from __future__ import annotations

import time

from mailroom.errors import GatewayFailed, InvalidMember
from mailroom.gateway._calls import Calls, told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

__all__ = ["AddressList"]

_PATIENCE = 10.0


class AddressList:
    """An address list that this function may read or change.

    Mail Manager takes one call a second for the whole account, so each method may wait for a
    second, and is tried again for ten seconds while calls are throttled. When a change has reached
    the conditions that look into the list, AWS does not say.

    Args:
        name: The construct id of the list. Default: the only list that the function was granted.
        address_list_id: The id of a list instead, for functions that were not granted one by a
            construct.
        client: A boto3 client of ``mailmanager``. Default: one of this process, made on first use.
        clock: Returns seconds, for tests. Default: `time.monotonic`.
        sleep: Waits for a number of seconds, for tests. Default: `time.sleep`.

    Raises:
        NotConfigured: The function was granted no such list.
    """

    __slots__ = ("_call", "address_list_id")

    def __init__(
        self,
        name: str | None = None,
        *,
        address_list_id: str | None = None,
        client: Any = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.address_list_id = address_list_id or told(
            "MAILROOM_ADDRESS_LISTS", name, "AddressList.grant_manage"
        )
        self._call = Calls(client=client, patience=_PATIENCE, clock=clock, sleep=sleep)

    def add(self, address: str) -> None:
        """Add an address, a domain, or a pattern with one ``*``; no effect if it is there.

        Args:
            address: What to add, such as ``ann@example.com`` or ``*@example.com``.

        Raises:
            InvalidMember: It cannot be a member; Mail Manager was not asked.
            GatewayFailed: Mail Manager refused it: permissions, syntax, or 100,000 members.
        """
        try:
            self._call(
                "register_member_to_address_list",
                AddressListId=self.address_list_id,
                Address=_checked(address),
            )
        except GatewayFailed as error:
            # It is not documented what is in conflict.
            if error.code != "ConflictException" or not self.contains(address):
                raise

    def remove(self, address: str) -> None:
        """Remove a member; no effect if it is not there.

        Args:
            address: The member as it is in the list.

        Raises:
            InvalidMember: As in `add`.
            GatewayFailed: Mail Manager refused it.
        """
        try:
            self._call(
                "deregister_member_from_address_list",
                AddressListId=self.address_list_id,
                Address=_checked(address),
            )
        except GatewayFailed as error:
            if error.code != "ResourceNotFoundException":
                raise

    def contains(self, address: str) -> bool:
        """Return whether the list has this very member; patterns of the list are not applied.

        Args:
            address: The member to look for.

        Raises:
            InvalidMember: As in `add`.
            GatewayFailed: Mail Manager refused it.
        """
        try:
            self._call(
                "get_member_of_address_list",
                AddressListId=self.address_list_id,
                Address=_checked(address),
            )
        except GatewayFailed as error:
            if error.code != "ResourceNotFoundException":
                raise
            return False
        return True

    def members(self, prefix: str | None = None) -> Iterator[str]:
        """Yield the members, a thousand in a second.

        Args:
            prefix: What they begin with. Default: all.

        Raises:
            GatewayFailed: Mail Manager refused it.
        """
        request: dict[str, Any] = {"AddressListId": self.address_list_id, "PageSize": 1000}
        if prefix:
            request["Filter"] = {"AddressPrefix": prefix}
        while True:
            page = self._call("list_members_of_address_list", **request)
            for one in page["Addresses"]:
                yield one["Address"]
            if not page.get("NextToken"):
                return
            request["NextToken"] = page["NextToken"]

    def __repr__(self) -> str:
        return f"<AddressList {self.address_list_id}>"


def _checked(address: object) -> str:
    # The rest is for Mail Manager to judge; these would be refused without a word about them.
    if not isinstance(address, str) or not 3 <= len(address) <= 320:
        raise InvalidMember(f"address is {address!r:.80}: pass a text of 3 to 320 characters")
    if any(char.isspace() for char in address) or address.count("*") > 1:
        raise InvalidMember(
            f"address is {address!r:.80}: pass one bare address or domain, with one * at most"
        )
    return address
