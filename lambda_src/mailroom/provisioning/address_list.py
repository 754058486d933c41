"""Fill an address list of Mail Manager: the handler of a custom resource.

CloudFormation creates the list, but knows nothing of its members.

``ResourceProperties``
    ``AddressListId``
        The list, created by CloudFormation.
    ``Members``
        The addresses; or
    ``MembersBucket``, ``MembersKey``
        Where they are: a CSV file with the header ``address``.

Permissions
    On the list: ``ses:ListMembersOfAddressList``, ``GetMemberOfAddressList``,
    ``RegisterMemberToAddressList``, ``DeregisterMemberFromAddressList``,
    ``CreateAddressListImportJob``, ``StartAddressListImportJob``, ``GetAddressListImportJob``.
    ``s3:GetObject`` on the file, and on the one before it; ``cloudformation:DescribeStacks`` on the
    stack.

Whose members
    Ours are those that the properties name, whoever else added them as well. An update removes
    those that were ours and are not any more; if it is the rollback of one that failed, only those
    that were added since that one began, because the others were somebody else's. All others stay.
    Nothing is remembered: what to do follows from the two requests, the stack and the list itself,
    so a second delivery and a crash half-way go on from where the list is. A deletion removes
    nothing, since the list goes next, or is kept with all that is in it. The physical id never
    changes.

Time
    Mail Manager takes one call a second. A few members are added one by one, many by an import job.
    Nothing removes many at once, and a rollback has to remove what an update added; so an update
    that adds or removes more than `MOST_CHANGES` is refused before it does anything. A list that
    was just created has no such limit. A local AWS (``AWS_ENDPOINT_URL``) is not made to wait.

https://docs.aws.amazon.com/ses/latest/dg/eb-addlist.html
"""

from __future__ import annotations

import os
import time

from mailroom import _runtime
from mailroom.errors import MailroomError
from mailroom.provisioning._patience import Patience
from mailroom.ses import ADDRESS_LIST_MEMBERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from typing import Any

__all__ = ["MOST_CHANGES", "AddressListError", "AddressListRefused", "changes", "handler"]

MOST_CHANGES = 600
"""What one update may add, and what it may remove: with a rollback's time within 15 minutes."""

_ONE_BY_ONE = 60
_PATIENCE = 90.0
# The policy that allows it was attached a moment ago, and IAM may not know it yet.
_LATER = frozenset({"AccessDenied", "AccessDeniedException"})
_PAGE = 1000
_PACE = 1.0
_POLL = 5.0
_LONGEST_IMPORT = 480.0


class AddressListError(MailroomError, RuntimeError):
    """The members are not all in the list; the text says why and what to do."""


class AddressListRefused(AddressListError):
    """The change was refused before anything was done."""

    nothing_done = True


def changes(
    wanted: Sequence[str], before: Iterable[str], present: Iterable[str]
) -> tuple[list[str], list[str]]:
    """Return the members to add, and those to remove in the spelling of the list.

    Args:
        wanted: Our members.
        before: Our members until now.
        present: Who is in the list.
    """
    listed = {one.lower(): one for one in present}
    names = {one.lower() for one in wanted}
    add = [one for one in wanted if one.lower() not in listed]
    gone = {one.lower() for one in before} - names
    return add, [listed[one] for one in sorted(gone & listed.keys())]


def handler(event: Mapping[str, Any], context: Any = None) -> dict[str, Any]:
    """Serve one request of CloudFormation; see the module for properties and permissions.

    Raises `AddressListRefused` before anything is done, and `AddressListError`.
    """
    kind = event.get("RequestType")
    if kind == "Delete":
        return {}
    properties = event["ResourceProperties"]
    before = event.get("OldResourceProperties") or {}
    members = _List(properties["AddressListId"])
    # Another list replaces the one before it, which goes with its members.
    updated = before.get("AddressListId") == members.id
    wanted = _members(properties)
    present = members.read()
    add, remove = changes(wanted, _former(before) if updated else (), present)
    if remove and (since := members.undone_since(str(event["StackId"]))):
        remove = [one for one in remove if present[one] is None or present[one] >= since]
    _check(add, remove, present=len(present), updated=updated)
    if len(add) > _ONE_BY_ONE:
        members.import_all(add, str(event["RequestId"]))
    else:
        for one in add:
            members.add(one)
    for one in remove:
        members.remove(one)
    _runtime.log(
        "INFO",
        "mailroom.provisioning.address_list",
        request=kind,
        address_list=members.id,
        added=len(add),
        removed=len(remove),
        others=len(present) - len(remove) - (len(wanted) - len(add)),
    )
    return {}


def _check(add: Sequence[str], remove: Sequence[str], *, present: int, updated: bool) -> None:
    if present + len(add) > ADDRESS_LIST_MEMBERS:
        raise AddressListRefused(
            f"the list has {present} members and {len(add)} are to be added: a list takes "
            f"{ADDRESS_LIST_MEMBERS}, so remove some in an earlier deployment, or use a second list"
        )
    if updated and max(len(add), len(remove)) > MOST_CHANGES:
        raise AddressListRefused(
            f"the update adds {len(add)} members and removes {len(remove)}: Mail Manager takes one "
            f"call a second, and a rollback has to fit into 15 minutes, so change at most "
            f"{MOST_CHANGES} at once, in several deployments, or give the list another construct "
            "id, which makes a new list of any size"
        )


def _members(properties: Mapping[str, Any]) -> list[str]:
    if "MembersKey" not in properties:
        return list(properties.get("Members") or ())
    answer = _runtime.client("s3").get_object(
        Bucket=properties["MembersBucket"], Key=properties["MembersKey"]
    )
    lines = answer["Body"].read().decode().split()
    return list(lines[1:])


def _former(properties: Mapping[str, Any]) -> list[str]:
    from botocore.exceptions import ClientError

    try:
        return _members(properties)
    except ClientError as error:
        raise AddressListRefused(
            f"the file of the members until now, s3://{properties['MembersBucket']}/"
            f"{properties['MembersKey']}, cannot be read ({error}), so nobody knows whom to "
            "remove: put it back (deploy the former members once more from the same app), or give "
            "the list another construct id, which makes a new list"
        ) from error


class _List:
    """The calls about one list, one a second."""

    __slots__ = ("_client", "_local", "_next", "_patience", "id")

    def __init__(self, address_list_id: str) -> None:
        self.id = address_list_id
        self._client = _runtime.client("mailmanager")
        self._patience = Patience(_PATIENCE, also=_LATER)
        self._next = 0.0
        self._local = "AWS_ENDPOINT_URL" in os.environ

    def undone_since(self, stack_id: str) -> datetime | None:
        """Return when the update began that this one rolls back; ``None`` if it is none."""
        client = _runtime.client("cloudformation")
        (stack,) = self._patience.call(client.describe_stacks, StackName=stack_id)["Stacks"]
        found: datetime | None = stack.get("LastUpdatedTime")
        return found if "ROLLBACK" in stack["StackStatus"] else None

    def read(self) -> dict[str, Any]:
        """Return the members, and when each was added."""
        found: dict[str, Any] = {}
        token: dict[str, str] = {}
        while True:
            answer = self._call(
                self._client.list_members_of_address_list,
                AddressListId=self.id,
                PageSize=_PAGE,
                **token,
            )
            found |= {one["Address"]: one.get("CreatedTimestamp") for one in answer["Addresses"]}
            if not answer.get("NextToken"):
                return found
            token = {"NextToken": answer["NextToken"]}

    def add(self, address: str) -> None:
        """Add one; somebody may have added it meanwhile."""
        try:
            self._call(
                self._client.register_member_to_address_list,
                AddressListId=self.id,
                Address=address,
            )
        except self._client.exceptions.ConflictException:
            # It is not documented what is in conflict.
            self._call(
                self._client.get_member_of_address_list, AddressListId=self.id, Address=address
            )

    def remove(self, address: str) -> None:
        """Remove one; somebody may have removed it meanwhile."""
        try:
            self._call(
                self._client.deregister_member_from_address_list,
                AddressListId=self.id,
                Address=address,
            )
        except self._client.exceptions.ResourceNotFoundException:
            return

    def import_all(self, addresses: Sequence[str], request_id: str) -> None:
        """Add all by an import job, and wait for its end.

        A request that is delivered again gets the same job, and waits for it.
        """
        job = self._call(
            self._client.create_address_list_import_job,
            ClientToken=request_id[:128],
            AddressListId=self.id,
            Name=f"mailroom-{request_id}"[:255],
            ImportDataFormat={"ImportDataType": "CSV"},
        )
        uploaded, waited = False, 0.0
        while waited < _LONGEST_IMPORT:
            found = self._call(self._client.get_address_list_import_job, JobId=job["JobId"])
            if found["Status"] == "CREATED":
                if not uploaded:
                    _upload(job["PreSignedUrl"], "\n".join(("address", *addresses, "")).encode())
                    uploaded = True
                self._start(job["JobId"])
            elif found["Status"] != "PROCESSING":
                self._judge(found, addresses)
                return
            time.sleep(0.1 if self._local else _POLL)
            waited += _POLL
        raise AddressListError(
            f"the import job {job['JobId']} has not ended after {_LONGEST_IMPORT:.0f} seconds: "
            "look at it with aws mailmanager get-address-list-import-job, then deploy again"
        )

    def _start(self, job_id: str) -> None:
        try:
            self._call(self._client.start_address_list_import_job, JobId=job_id)
        except self._client.exceptions.ConflictException:
            return  # another delivery of the request has started it; the status will tell

    def _judge(self, job: Mapping[str, Any], addresses: Sequence[str]) -> None:
        if job["Status"] != "COMPLETED":
            raise AddressListError(
                f"the import job {job['JobId']} ended as {job['Status']}: "
                f"{job.get('Error') or 'Mail Manager gives no reason'}"
            )
        missing, _ = changes(addresses, (), self.read())
        if missing:
            raise AddressListError(
                f"the import job {job['JobId']} left out {len(missing)} members, such as "
                f"{missing[0]!r}: correct them, then deploy again"
            )

    def _call(self, operation: Callable[..., Any], **arguments: Any) -> Any:
        wait = self._next - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        try:
            return self._patience.call(operation, **arguments)
        finally:
            self._next = time.monotonic() + (0.0 if self._local else _PACE)


def _upload(url: str, data: bytes) -> None:
    from urllib.request import Request, urlopen

    # The URL is signed for a request without a content type.
    request = Request(url, data=data, method="PUT", headers={"Content-Type": ""})  # noqa: S310
    with urlopen(request, timeout=60):  # noqa: S310 (Mail Manager chose the URL)
        return
