"""The ingress point of a gateway: made, or one that exists already."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aws_cdk import Annotations, CfnCondition, Fn, Names
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom._asked import region_of, stack_of
from cdk_mailroom._checks import resolved
from cdk_mailroom.gateway import limits
from cdk_mailroom.gateway.access import Access
from cdk_mailroom.gateway.tls_policy import Tls, has_fips

__all__ = ["ExistingIngressPoint", "Point", "Status", "make_point"]

_Point = ses.CfnMailManagerIngressPoint


class Status(StrEnum):
    """Whether an ingress point that exists accepts mail."""

    ACTIVE = "ACTIVE"
    """It does."""
    CLOSED = "CLOSED"
    """It does not, at the same price."""


@dataclass(frozen=True, kw_only=True)
class ExistingIngressPoint:
    """As a gateway's access: an ingress point that exists already, and keeps who may connect.

    CloudFormation changes only what it has made: after the deployment, run ``aws mailmanager
    update-ingress-point`` with the id of the gateway's rule set.
    """

    ingress_point_id: str
    """Its id, ``inp-…``."""
    host: str | None = None
    """Its A record, if it is public, for the MX record."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """What clients need to know of an ingress point."""

    ingress_point_id: str
    arn: str
    host: str | None
    user: str | None = None
    secret: secretsmanager.ISecret | None = None
    resource: ses.CfnMailManagerIngressPoint | None = None
    version: str = ""
    """Another one whenever the ingress point has to be replaced."""


def make_point(
    scope: Construct,
    *,
    access: Access,
    traffic_policy_id: str,
    rule_set_id: str,
    status: Status | str | None,
) -> Point:
    """Create the ingress point, and warn of its price and of what nobody has tried."""
    bound = access.bind(scope)
    configuration = access.network.configuration()
    version = _version(scope, access, configuration)
    point = _Point(
        scope,
        "IngressPoint",
        ingress_point_name=_name(scope, version),
        type=access.kind,
        traffic_policy_id=traffic_policy_id,
        rule_set_id=rule_set_id,
        tls_policy=_tls_policy(scope, access),
        network_configuration=configuration,
        ingress_point_configuration=bound.configuration,
        status_to_update=None if status is None else str(status),
    )
    if bound.dependencies:
        point.node.add_dependency(*bound.dependencies)
    _warn(scope, access, status)
    return Point(
        ingress_point_id=point.attr_ingress_point_id,
        arn=point.attr_ingress_point_arn,
        host=None if access.network.private else point.attr_a_record,
        user=point.attr_ingress_point_id if access.kind == "AUTH" else None,
        secret=bound.secret,
        resource=point,
        version=version,
    )


def _tls_policy(scope: Construct, access: Access) -> str:
    """Return the TLS policy; CloudFormation decides where only it knows the region."""
    region = region_of(scope)
    if access.tls is not None or resolved(region) or not access.chosen_by_aws:
        return str(access.tls_policy(region))
    fips = CfnCondition(
        scope,
        "Fips",
        expression=Fn.condition_or(
            *(Fn.condition_equals(region, one) for one in sorted(limits.REGIONS) if has_fips(one))
        ),
    )
    return Fn.condition_if(fips.logical_id, str(Tls.FIPS), str(Tls.REQUIRED)).to_string()


def _version(scope: Construct, access: Access, network: Any) -> str:
    shown = json.dumps([access.kind, stack_of(scope).resolve(network)], sort_keys=True, default=str)
    return hashlib.sha256(shown.encode()).hexdigest()[:8]


def _name(scope: Construct, version: str) -> str:
    """Return a name that is another one whenever the ingress point has to be replaced.

    CloudFormation makes the new one first, and no two may have one name. The names that it makes by
    itself can be too long.
    """
    unique = Names.unique_resource_name(
        scope, max_length=54, separator="-", allowed_special_characters="_-"
    )
    return f"{unique}-{version}"


def _warn(scope: Construct, access: Access, status: Status | str | None) -> None:
    annotations = Annotations.of(scope)
    region = region_of(scope)
    if resolved(region) and region not in limits.REGIONS:
        annotations.add_warning_v2(
            "cdk-mailroom:gateway-region",
            f"Mail Manager is not known to be in {region}: put the MailGateway into a stack of a "
            f"region that has it, such as us-east-1; if this region does now, call "
            f"{_acknowledge('region')}",
        )
    annotations.add_warning_v2(
        "cdk-mailroom:gateway-price",
        "each open ingress point costs $50 a month (price list of July 2026), also while it is "
        "closed; that of the others is not published. Receipt rules (InboundMail) have no such "
        f"price. To accept it, call {_acknowledge('price')}",
    )
    annotations.add_warning_v2(
        "cdk-mailroom:gateway-untried",
        "MailGateway follows the documentation of Mail Manager, and was never tried on a real "
        "AWS: send mail through it before you move an MX record. Then call "
        f"{_acknowledge('untried')}",
    )
    if access.tls is not None and not resolved(region):
        annotations.add_warning_v2(
            "cdk-mailroom:gateway-tls-region",
            f"the region is not known at synth, so whether Mail Manager has the TLS policy "
            f"{access.tls} there cannot be checked: give the stack a region. FIPS is for the "
            "United States and Canada, where points with MutualTls and public ones with "
            "Authenticated have no other",
        )
    if status is not None:
        annotations.add_warning_v2(
            "cdk-mailroom:gateway-status",
            "the status can be set on an ingress point that exists: the deployment that creates it "
            f"fails with one. Then call {_acknowledge('status')}",
        )


def _acknowledge(name: str) -> str:
    return f"Annotations.of(gateway).acknowledge_warning('cdk-mailroom:gateway-{name}')"
