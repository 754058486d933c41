"""Names of identities and hosted zones, and the identity that exists for a domain already."""

from __future__ import annotations

from typing import Protocol, cast

from aws_cdk import aws_route53 as route53
from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom._checks import Problems
from cdk_mailroom._siblings import siblings

__all__ = ["Zone", "name_of", "other_identity", "zone_name"]


def name_of(identity: ses.IEmailIdentity) -> str:
    """Return the address or domain of *identity*, known at synth wherever it can be."""
    made = identity.node.default_child
    return (
        made.email_identity
        if isinstance(made, ses.CfnEmailIdentity)
        else identity.email_identity_name
    )


def other_identity(scope: Construct, name: str) -> str | None:
    """Return the path of another identity *name* in the account and region of *scope*.

    SES has one for each name, so a second one fails the deployment. Of other stacks only those
    whose account and region are known can be told to be the same.
    """
    for one in siblings(scope, ses.CfnEmailIdentity):
        if one.email_identity.lower() == name.lower():
            return one.node.path.removesuffix("/Resource").removesuffix("/Identity")
    return None


class Zone(Protocol):
    """A hosted zone, of this account or another."""

    @property
    def zone_name(self) -> str:
        """The zone's name."""


def zone_name(problems: Problems, zone: Zone | None) -> str:
    """Return the name of *zone* without a dot at the end, empty if it is unknown."""
    if zone is None:
        return ""
    try:
        return zone.zone_name.removesuffix(".")
    except RuntimeError:  # what JavaScript's errors become
        problems.add(
            "hosted_zone",
            cast("route53.IHostedZone", zone).node.path,
            "import it with from_hosted_zone_attributes or from_lookup: its name is unknown",
        )
        return ""
