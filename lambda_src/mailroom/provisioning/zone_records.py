"""Publish DNS records in a zone of another account: the handler of a custom resource.

``ResourceProperties``
    ``HostedZoneId``, ``RoleArn``
        The zone, and a role of its account that may change it.
    ``Records``
        A list of ``{"Name": …, "Type": …, "Value": …}``; one value each.

Permissions
    ``sts:AssumeRole`` on the role. The role needs ``route53:ListResourceRecordSets`` and
    ``route53:ChangeResourceRecordSets`` on the zone, and must trust this function's account.

What is ours
    A record that exists with another value than we wrote is somebody else's: it is never changed or
    deleted, and a request that wants its name fails with nothing done. What a request changes, it
    changes in one batch, so a second delivery and a rollback find either all of it or nothing. The
    physical id never changes.

https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
"""

from __future__ import annotations

from mailroom import _runtime
from mailroom.errors import MailroomError
from mailroom.provisioning._patience import Patience

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

__all__ = ["ZoneRecordsError", "ZoneRefused", "handler"]

_SECONDS_TO_LIVE = 1800
_PATIENCE = 30.0


class ZoneRecordsError(MailroomError, RuntimeError):
    """A record of the same name exists already; the text says which, and what to do."""


class ZoneRefused(MailroomError, RuntimeError):
    """The role of the zone's account cannot be assumed, so nothing was done."""

    nothing_done = True


def handler(event: Mapping[str, Any], context: Any = None) -> dict[str, Any]:
    """Serve one request of CloudFormation; return the resource's id, which never changes."""
    kind = event.get("RequestType")
    wanted = event["ResourceProperties"]
    before = event.get("OldResourceProperties") or {}
    if kind == "Delete":
        _change(wanted, [], wanted["Records"])
    else:
        moved = bool(before) and any(before.get(name) != wanted[name] for name in _ZONE)
        _change(wanted, wanted["Records"], [] if moved else before.get("Records", []))
        if moved and before["HostedZoneId"] != wanted["HostedZoneId"]:
            _change(before, [], before["Records"])
    _runtime.log("INFO", "mailroom.provisioning.zone_records", request=kind)
    return {"PhysicalResourceId": event.get("PhysicalResourceId") or event["LogicalResourceId"]}


_ZONE = ("HostedZoneId", "RoleArn")


def changes(
    wanted: Sequence[Mapping[str, str]],
    ours: Sequence[Mapping[str, str]],
    present: Mapping[tuple[str, str], Sequence[str]],
) -> list[dict[str, Any]]:
    """Return what leads from *present* to *wanted*, given what we wrote before.

    Args:
        wanted: The records that there shall be.
        ours: The records that we wrote before.
        present: The values in the zone, by name and type.

    Raises:
        ZoneRecordsError: A record that is not ours has a name that is wanted.
    """
    written = {_key(one): [one["Value"]] for one in ours}
    found = []
    for one in wanted:
        values = present.get(_key(one))
        if values == [one["Value"]]:
            continue
        if values is not None and values != written.get(_key(one)):
            raise ZoneRecordsError(
                f"{one['Name']} has the {one['Type']} record {', '.join(values)}, which is not "
                f"ours: remove it if mail for the domain may go to {one['Value']}, then deploy "
                "again"
            )
        found.append(_entry("CREATE" if values is None else "UPSERT", one))
    names = {_key(one) for one in wanted}
    found += [
        _entry("DELETE", one)
        for one in ours
        if _key(one) not in names and present.get(_key(one)) == [one["Value"]]
    ]
    return found


def _change(
    place: Mapping[str, Any],
    wanted: Sequence[Mapping[str, str]],
    ours: Sequence[Mapping[str, str]],
) -> None:
    client = _client(place["RoleArn"])
    zone = place["HostedZoneId"]
    keys = {_key(one) for one in (*wanted, *ours)}
    present = {key: values for key in keys if (values := _values(client, zone, key)) is not None}
    batch = changes(wanted, ours, present)
    if batch:
        client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": batch})


def _values(client: Any, zone: str, key: tuple[str, str]) -> list[str] | None:
    name, kind = key
    answer = client.list_resource_record_sets(
        HostedZoneId=zone, StartRecordName=name, StartRecordType=kind, MaxItems="1"
    )
    for found in answer["ResourceRecordSets"]:
        if _key(found) == key:
            return [one["Value"] for one in found.get("ResourceRecords", [])]
    return None


def _key(record: Mapping[str, Any]) -> tuple[str, str]:
    return record["Name"].lower().rstrip(".") + ".", record["Type"]


def _entry(action: str, record: Mapping[str, str]) -> dict[str, Any]:
    return {
        "Action": action,
        "ResourceRecordSet": {
            "Name": record["Name"],
            "Type": record["Type"],
            "TTL": _SECONDS_TO_LIVE,
            "ResourceRecords": [{"Value": record["Value"]}],
        },
    }


def _client(role_arn: str) -> Any:
    import boto3

    sts = boto3.client("sts")
    # The policy that allows it was attached a moment ago, and IAM may not know it yet.
    patience = Patience(_PATIENCE, also=frozenset({"AccessDenied"}))
    try:
        assumed = patience.call(
            sts.assume_role, RoleArn=role_arn, RoleSessionName="mailroom-zone-records"
        )["Credentials"]
    except sts.exceptions.ClientError as error:
        raise ZoneRefused(
            f"{error}: let the role {role_arn} trust the account of this stack, then deploy again"
        ) from error
    return boto3.client(
        "route53",
        aws_access_key_id=assumed["AccessKeyId"],
        aws_secret_access_key=assumed["SecretAccessKey"],
        aws_session_token=assumed["SessionToken"],
    )
