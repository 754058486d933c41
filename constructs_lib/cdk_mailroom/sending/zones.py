"""Where DNS records are published: a zone of this account, or of another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import CustomResource
from aws_cdk import aws_iam as iam
from aws_cdk import aws_route53 as route53
from constructs import Construct

from cdk_mailroom import _provisioning

__all__ = ["CrossAccountZone", "publish", "publish_mx"]


@dataclass(frozen=True, kw_only=True)
class CrossAccountZone:
    """A hosted zone of another account, as a ``hosted_zone``.

    CloudFormation cannot write into it, so a function here assumes the role there; it may do
    nothing else. A record that exists with another value is never touched: the deployment fails
    and names it.
    """

    zone_name: str
    """The zone's name."""
    hosted_zone_id: str
    """The zone's id."""
    role: iam.IRole
    """A role of the zone's account that trusts this account and may call
    ``route53:ListResourceRecordSets`` and ``route53:ChangeResourceRecordSets`` on the zone."""


def publish(
    scope: Construct,
    zone: route53.IHostedZone | CrossAccountZone,
    records: Sequence[tuple[str, Mapping[str, Any]]],
) -> None:
    """Publish *records*, each under its construct id, below *scope*."""
    if isinstance(zone, CrossAccountZone):
        _publish_elsewhere(scope, zone, [record for _, record in records])
        return
    for construct_id, record in records:
        # Not the L2 records: they complete names, and these are whole, tokens included.
        route53.CfnRecordSet(
            scope,
            construct_id,
            hosted_zone_id=zone.hosted_zone_id,
            name=record["name"],
            type=record["type"],
            resource_records=[record["value"]],
            ttl="1800",
        )


def publish_mx(
    scope: Construct, zone: route53.IHostedZone | CrossAccountZone, *, name: str, host: str
) -> None:
    """Publish an MX record of *name* that leads to *host*, below *scope*."""
    if isinstance(zone, CrossAccountZone):
        publish(scope, zone, [("MxRecord", {"name": name, "type": "MX", "value": f"10 {host}"})])
        return
    route53.MxRecord(
        scope,
        "MxRecord",
        zone=zone,
        # With the dot, the name is whole even if it is a token.
        record_name=f"{name}.",
        values=[route53.MxRecordValue(host_name=host, priority=10)],
    )


def _publish_elsewhere(
    scope: Construct, zone: CrossAccountZone, records: Sequence[Mapping[str, Any]]
) -> None:
    if not records:
        return
    provider = _provisioning.provider(
        scope, "MailroomZoneRecords", "mailroom.provisioning.zone_records"
    )
    assert provider.function.role is not None
    # A policy of its own: one shared by all zones would lose the permission for a zone that is
    # removed before its records are.
    policy = iam.Policy(
        scope,
        "ZonePolicy",
        roles=[provider.function.role],
        statements=[
            iam.PolicyStatement(actions=["sts:AssumeRole"], resources=[zone.role.role_arn])
        ],
    )
    resource = CustomResource(
        scope,
        "ZoneRecords",
        service_token=provider.service_token,
        service_timeout=_provisioning.SERVICE_TIMEOUT,
        resource_type="Custom::MailroomZoneRecords",
        properties={
            "HostedZoneId": zone.hosted_zone_id,
            "RoleArn": zone.role.role_arn,
            "Records": [
                {"Name": one["name"], "Type": one["type"], "Value": one["value"]} for one in records
            ],
        },
    )
    # On delete, the records go while there is still permission to remove them.
    resource.node.add_dependency(provider.function, policy)
