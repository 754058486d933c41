"""What Mail Manager keeps of its resources, by account and region."""

from __future__ import annotations

import base64
import json
import secrets
import string
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mailroom_local._emulator import internals
from mailroom_local._emulator.gateway.model import Refused, invalid

_PAGE = 50
_LETTERS = string.ascii_lowercase + string.digits

Place = tuple[str, str]


@dataclass(slots=True, kw_only=True)
class Resource:
    """One resource, as operations return it."""

    id: str
    arn: str
    fields: dict[str, Any]
    """What the Get operation returns."""
    private: dict[str, Any] = field(default_factory=dict)
    """What no operation returns."""
    tags: dict[str, str] = field(default_factory=dict)


class Table:
    """All resources of one kind.

    Args:
        noun: How messages name one.
        id_name: The member that is its id, such as ``RelayId``.
        arn_name: The member that is its ARN.
        name: The member that is its name, which is unique; None without one.
        resource: The kind in ARNs.
        prefix: What ids begin with.
        digits: How many characters follow the prefix.
        quota: How many an account may have in a region; None where the quota depends on more.
    """

    def __init__(
        self,
        noun: str,
        *,
        id_name: str,
        arn_name: str,
        name: str | None,
        resource: str,
        prefix: str,
        digits: int = 26,
        quota: int | None = None,
    ) -> None:
        self.noun, self.id_name, self.arn_name, self.name = noun, id_name, arn_name, name
        self.resource, self.quota = resource, quota
        self._prefix, self._digits = prefix, digits
        self._stored: Any = internals.responses.AccountRegionScopedDict()

    def arn(self, resource_id: str) -> str:
        """The ARN of a resource of this kind, in the account and region of the request."""
        region, account = internals.responses.get_region(), internals.responses.get_account_id()
        return f"arn:aws:ses:{region}:{account}:{self.resource}/{resource_id}"

    def new(
        self, fields: Mapping[str, Any], *, tags: Any = (), private: Mapping[str, Any] | None = None
    ) -> Resource:
        """A resource that is not stored yet, if its name is free and the quota allows one more."""
        if self.quota is not None and len(self.all()) >= self.quota:
            raise Refused(
                "ServiceQuotaExceededException",
                f"The maximum number of {self.noun}s of this account and region is {self.quota}.",
            )
        resource_id = self._prefix + "".join(secrets.choice(_LETTERS) for _ in range(self._digits))
        arn = self.arn(resource_id)
        made = Resource(
            id=resource_id,
            arn=arn,
            fields={self.id_name: resource_id, self.arn_name: arn, **fields},
            private=dict(private or {}),
            tags={tag["Key"]: tag["Value"] for tag in tags or ()},
        )
        self.check_name(made, fields)
        return made

    def check_name(self, resource: Resource, fields: Mapping[str, Any]) -> None:
        """Refuse the name that these fields give, if another resource has it."""
        if self.name is None or self.name not in fields:
            return
        taken = [each for each in self.all() if each.fields.get(self.name) == fields[self.name]]
        if any(each.id != resource.id for each in taken):
            raise Refused(
                "ConflictException",
                f"A {self.noun} with the name {fields[self.name]} already exists.",
            )

    def put(self, resource: Resource) -> None:
        """Keep a resource, in place of what had its id."""
        self._stored[resource.id] = resource

    def get(self, resource_id: str) -> Resource:
        """The resource of this id."""
        found = self.find(resource_id)
        if found is None:
            raise Refused(
                "ResourceNotFoundException", f"The {self.noun} {resource_id} does not exist."
            )
        return found

    def has(self, resource_id: str) -> bool:
        """Whether there is a resource of this id, which is not its ARN."""
        return resource_id in self._stored

    def find(self, id_or_arn: str) -> Resource | None:
        """The resource of this id or ARN, or None."""
        found: Resource | None = self._stored.get(id_or_arn.rpartition("/")[2])
        return found

    def remove(self, resource_id: str) -> Resource | None:
        """Forget a resource. None if it did not exist, which is no error if its id has the form."""
        if not self.well_formed(resource_id):
            raise invalid(f"The id of the {self.noun} is malformed.")
        removed: Resource | None = self._stored.pop(resource_id, None)
        return removed

    def well_formed(self, resource_id: str) -> bool:
        """Whether an id has the form of this kind."""
        rest = resource_id.removeprefix(self._prefix)
        return resource_id.startswith(self._prefix) and rest.isalnum() and rest.isascii()

    def all(self) -> list[Resource]:
        """Those of the account and region of the request, the oldest first."""
        return list(self._stored.values())

    def everywhere(self) -> Iterator[tuple[Place, Resource]]:
        """Those of all accounts and regions."""
        for (account, region, _), resource in self._stored.to_dict().items():
            yield (account, region), resource

    def clear(self) -> None:
        """Forget everything."""
        self._stored.clear()


def now() -> float:
    """The time as an answer has it."""
    return round(time.time(), 3)


def page(
    given: Mapping[str, Any], key: str, found: list[Any], *, each: Callable[[Any], Any] = dict
) -> dict[str, Any]:
    """One page of a list, and the token of the next one."""
    size = int(given.get("PageSize") or _PAGE)
    start = _start(given["NextToken"]) if given.get("NextToken") else 0
    answer: dict[str, Any] = {key: [each(one) for one in found[start : start + size]]}
    if start + size < len(found):
        token = json.dumps({"from": start + size}).encode()
        answer["NextToken"] = base64.urlsafe_b64encode(token).decode()
    return answer


def _start(token: str) -> int:
    try:
        return int(json.loads(base64.urlsafe_b64decode(token))["from"])
    except (ValueError, KeyError, TypeError):
        raise invalid("The NextToken is not one that was returned.") from None


def in_use(noun: str, resource_id: str, by: str) -> Refused:
    """The refusal to delete what something else still uses."""
    return Refused("ConflictException", f"The {noun} {resource_id} is in use by {by}.")
