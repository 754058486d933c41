"""The domain that mail is received for: its identity, and its MX record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_route53 as route53
from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom._asked import region_of
from cdk_mailroom._checks import Problems, check_domain, resolved
from cdk_mailroom._identities import name_of, other_identity, zone_name
from cdk_mailroom.sending import CrossAccountZone, SendingIdentity
from cdk_mailroom.sending.zones import publish_mx

__all__ = ["ReceivingDomain"]


@dataclass(frozen=True, kw_only=True)
class ReceivingDomain:
    """The arguments of `InboundMail` that say which domain receives."""

    hosted_zone: route53.IHostedZone | CrossAccountZone | None
    domain: str | None
    identity: SendingIdentity | ses.IEmailIdentity | None

    def check(self, problems: Problems, scope: Construct) -> None:
        """Note what conflicts, and an identity that exists already."""
        zone = zone_name(problems, self.zone)
        if self.identity is None and self.hosted_zone is None:
            if self.domain is not None:
                problems.add("domain", self.domain, "pass its hosted_zone or identity, or omit it")
            return
        name = self._name(zone)
        if self.domain is not None:
            check_domain(problems, "domain", self.domain)
        argument = "identity" if self.domain is None else "domain"
        if zone and not _is_below(name, zone):
            problems.add(argument, name, f"name the zone {zone} or a subdomain of it")
        if self.identity is None:
            other = other_identity(scope, name) if name else None
            if other is not None:
                problems.add(
                    "hosted_zone",
                    zone,
                    f"{other} is the identity of {name} already, and SES has one for each domain: "
                    "pass it as identity=, which still gets the MX record into the hosted_zone",
                )
            return
        verified = self._identity_name
        if "@" in verified and resolved(verified):
            problems.add("identity", verified, "pass the identity of a domain, not of an address")
        elif not _is_below(name, verified):
            problems.add("domain", name, f"name the identity {verified} or a subdomain of it")

    @property
    def zone(self) -> route53.IHostedZone | CrossAccountZone | None:
        """The zone that the MX record goes into: given, or that of the given identity."""
        if self.hosted_zone is None and isinstance(self.identity, SendingIdentity):
            return self.identity.hosted_zone
        return self.hosted_zone

    def make(
        self, scope: Construct
    ) -> tuple[SendingIdentity | ses.IEmailIdentity | None, list[tuple[str, Mapping[str, Any]]]]:
        """Create identity and MX record as far as needed; return the identity and the record."""
        zone, identity = self.zone, self.identity
        if zone is None and identity is None:
            return None, []
        name = self._name(zone_name(Problems(scope), zone))
        if identity is None:
            identity = SendingIdentity(scope, "Identity", domain=name, hosted_zone=zone)
        host = f"inbound-smtp.{region_of(scope)}.amazonaws.com"
        records: list[tuple[str, Mapping[str, Any]]] = [
            ("MxRecord", {"name": name, "type": "MX", "value": f"10 {host}"})
        ]
        if zone is not None:
            publish_mx(scope, zone, name=name, host=host)
        return identity, records

    def _name(self, zone: str) -> str:
        return self.domain or self._identity_name or zone

    @property
    def _identity_name(self) -> str:
        if self.identity is None:
            return ""
        if isinstance(self.identity, SendingIdentity):
            return self.identity.name
        return name_of(self.identity)


def _is_below(name: str, domain: str) -> bool:
    known = resolved(name) and resolved(domain)
    return not known or f".{name.lower()}".endswith(f".{domain.lower()}")
