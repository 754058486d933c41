"""Identities that SES may send from, and their DNS records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aws_cdk import SecretValue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom._asked import region_of, stack_of
from cdk_mailroom._checks import Problems, check_address, check_domain, resolved
from cdk_mailroom._construct import MailConstruct
from cdk_mailroom._grants import (
    Endpoint,
    Route,
    TenantOfSender,
    TrackingGrant,
    check_sender,
    grant_sending,
)
from cdk_mailroom._identities import Zone, other_identity, zone_name
from cdk_mailroom._places import check_sender_place
from cdk_mailroom.events import EventPublishing
from cdk_mailroom.sending.zones import CrossAccountZone, publish

__all__ = ["OwnKey", "SendingIdentity"]


@dataclass(frozen=True, kw_only=True)
class OwnKey:
    """A DKIM key of your own, instead of those that SES makes and rotates (Easy DKIM)."""

    selector: str
    """The selector of the key's DNS record."""
    private_key: SecretValue = field(repr=False)
    """RSA, 1024 or 2048 bits, base64 without the PEM lines.

    Pass a reference to a secret: anything else would be readable in the template.
    """
    public_key: str | None = None
    """Base64 likewise, for the TXT record; without it you publish that record yourself."""


class SendingIdentity(MailConstruct):
    """A domain or an address that SES may send from, with the DNS records that prove it.

    Creates the identity and, in *hosted_zone*, its DKIM records, the MX and SPF records of its MAIL
    FROM domain, and a DMARC record. Without a hosted zone, `records` lists what to publish.

    https://docs.aws.amazon.com/ses/latest/dg/configure-identities.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        domain: str | None = None,
        address: str | None = None,
        hosted_zone: route53.IHostedZone | CrossAccountZone | None = None,
        own_key: OwnKey | None = None,
        mail_from_domain: str | None = None,
        reject_without_mx: bool = False,
        dmarc: str | None = None,
        publishing: EventPublishing | None = None,
        configuration_set: ses.IConfigurationSet | None = None,
        feedback_forwarding: bool | None = None,
    ) -> None:
        """Create the identity.

        Args:
            scope: The parent construct.
            construct_id: The id below *scope*.
            domain: The domain; by default the name of *hosted_zone*.
            address: An address instead of a domain.
            hosted_zone: Where the records are published; nowhere by default. A
                `CrossAccountZone` if the zone is in another account.
            own_key: A DKIM key of your own instead of Easy DKIM with 2048 bits.
            mail_from_domain: A subdomain for the envelope sender, so that SPF passes for your
                domain and not for Amazon's.
                https://docs.aws.amazon.com/ses/latest/dg/mail-from.html
            reject_without_mx: Whether SES refuses to send while the MX record of the MAIL FROM
                domain is missing; by default it uses its own domain.
            dmarc: The text of the DMARC record, such as
                ``v=DMARC1; p=none; rua=mailto:dmarc@example.com``; none is published by default.
            publishing: The event publishing whose configuration set applies to mail that names
                none.
            configuration_set: A configuration set to apply instead.
            feedback_forwarding: Whether SES mails bounces and complaints to the sender; by default
                it does unless *publishing* is given.

        Raises:
            ConfigurationError: Arguments that contradict each other, or have no effect.
        """
        problems = Problems(scope, construct_id)
        name = address or domain or zone_name(problems, hosted_zone)
        _check_name(problems, domain, address, hosted_zone)
        other = other_identity(scope, name) if name else None
        if other is not None:
            problems.add(
                "address" if address else "domain",
                name,
                f"{other} is its identity already, and SES has one for each name: use that; an "
                "InboundMail takes yours as identity= if you make it first",
            )
        if address is not None:
            for argument, shown in (
                ("hosted_zone", hosted_zone and zone_name(problems, hosted_zone)),
                ("own_key", own_key),
                ("dmarc", dmarc),
            ):
                if shown is not None:
                    problems.add(
                        argument, shown, "it has no effect on the identity of an address; omit it"
                    )
        if configuration_set is not None and publishing is not None:
            problems.add(
                "configuration_set",
                configuration_set.node.path,
                "publishing has one already; omit one of the two",
            )
        if dmarc is not None:
            _check_dmarc(problems, dmarc, hosted_zone)
        _check_mail_from(problems, name, mail_from_domain, reject_without_mx=reject_without_mx)
        problems.raise_if_any()
        super().__init__(scope, construct_id)
        self.name = name
        """The domain or address."""
        self.hosted_zone = hosted_zone
        """The zone that its records are published in, if given."""
        self._own_key = own_key
        self.publishing = publishing
        """What handles the events of its mail, if given."""
        default = publishing.configuration_set if publishing is not None else configuration_set
        if feedback_forwarding is None and publishing is not None:
            feedback_forwarding = False
        self.identity = ses.EmailIdentity(
            self,
            "Identity",
            identity=ses.Identity.email(name) if address else ses.Identity.domain(name),
            dkim_identity=None
            if own_key is None
            else ses.DkimIdentity.byo_dkim(
                selector=own_key.selector, private_key=own_key.private_key
            ),
            configuration_set=default,
            feedback_forwarding=feedback_forwarding,
            mail_from_domain=mail_from_domain,
            mail_from_behavior_on_mx_failure=(
                ses.MailFromBehaviorOnMxFailure.REJECT_MESSAGE if reject_without_mx else None
            ),
        )
        """The identity itself."""
        self.records = [] if address else self._records(mail_from_domain, dmarc)
        """The DNS records that the identity needs, published if a hosted zone was given."""
        if hosted_zone is not None:
            publish(self, hosted_zone, self.records)

    def grant_send(
        self,
        grantee: iam.IGrantable,
        *,
        from_address: str | None = None,
        templates: Sequence[str] = (),
        bulk: bool = False,
        tenants: Sequence[TenantOfSender | str] = (),
        endpoint: Endpoint | None = None,
        tracking: TrackingGrant = False,
    ) -> iam.Grant:
        """Let *grantee* send from this identity, through the configuration set of *publishing*.

        Args:
            grantee: Who sends.
            from_address: The only From address that it may use; any of the identity by default.
            templates: The names of templates that it may use.
            bulk: Whether it may also send to many recipients in one call; not with *from_address*,
                which SES does not look at then.
            tenants: Every `Tenant` that it may send through, or its name; then it may not send
                outside of them. One alone becomes the function's default.
            endpoint: The `MultiRegionEndpoint` that it sends through; then it may not send
                otherwise.
            tracking: Whether it may decide for each message whether SES tracks opens and clicks;
                ``"off"`` lets it turn tracking off only.

        Returns:
            The grant.

        Raises:
            ConfigurationError: A From address of another identity, or one with *bulk*.
        """
        problems = Problems(self)
        check_sender(
            problems,
            from_address=from_address,
            identities=[self.name],
            templates=templates,
            bulk=bulk,
        )
        check_sender_place(problems, "grantee", self, grantee)
        route = Route(tenants=tenants, endpoint=endpoint, tracking=tracking)
        route.check(problems)
        problems.raise_if_any()
        publishing = self.publishing
        if publishing is not None:
            publishing.configure_sender(grantee)
        route.configure(grantee)
        return grant_sending(
            grantee,
            stack=stack_of(self),
            identities=[self.name],
            configuration_set_name=(
                None if publishing is None else publishing.configuration_set_name
            ),
            templates=templates,
            from_address=from_address,
            bulk=bulk,
            route=route,
        )

    def _records(
        self, mail_from_domain: str | None, dmarc: str | None
    ) -> list[tuple[str, Mapping[str, Any]]]:
        records: list[tuple[str, Mapping[str, Any]]] = []
        if self._own_key is None:
            records += [
                (f"DkimRecord{number}", _record(found.name, "CNAME", found.value))
                for number, found in enumerate(self.identity.dkim_records, start=1)
            ]
        elif self._own_key.public_key is not None:
            name = f"{self._own_key.selector}._domainkey.{self.name}"
            records.append(
                ("DkimRecord", _record(name, "TXT", _quoted(f"p={self._own_key.public_key}")))
            )
        if mail_from_domain is not None:
            region = region_of(self)
            records += [
                (
                    "MailFromMxRecord",
                    _record(mail_from_domain, "MX", f"10 feedback-smtp.{region}.amazonses.com"),
                ),
                (
                    "MailFromSpfRecord",
                    _record(mail_from_domain, "TXT", '"v=spf1 include:amazonses.com ~all"'),
                ),
            ]
        if dmarc is not None:
            records.append(("DmarcRecord", _record(f"_dmarc.{self.name}", "TXT", _quoted(dmarc))))
        return records


def _check_name(
    problems: Problems,
    domain: str | None,
    address: str | None,
    zone: Zone | None,
) -> None:
    if domain is not None and address is not None:
        problems.add("address", address, "pass a domain or an address, not both")
    if domain is None and address is None and zone is None:
        problems.add("domain", None, "pass a domain, an address, or a hosted_zone")
    if address is not None:
        check_address(problems, "address", address)
    if domain is not None:
        check_domain(problems, "domain", domain)


def _check_dmarc(
    problems: Problems, dmarc: str, zone: route53.IHostedZone | CrossAccountZone | None
) -> None:
    if resolved(dmarc) and not dmarc.replace(" ", "").startswith("v=DMARC1;p="):
        problems.add("dmarc", dmarc, "write it as 'v=DMARC1; p=none; …' (RFC 7489)")
    if zone is None:
        problems.add("dmarc", dmarc, "it has no effect without a hosted_zone to publish it in")


def _check_mail_from(
    problems: Problems, name: str, mail_from_domain: str | None, *, reject_without_mx: bool
) -> None:
    if mail_from_domain is None:
        if reject_without_mx:
            problems.add("reject_without_mx", True, "it has no effect without a mail_from_domain")
        return
    domain = name.rpartition("@")[2]
    known = resolved(mail_from_domain) and resolved(name)
    if known and not mail_from_domain.endswith(f".{domain}"):
        problems.add(
            "mail_from_domain", mail_from_domain, f"use a subdomain of {domain}, as SES requires"
        )


def _record(name: str, kind: str, value: str) -> Mapping[str, Any]:
    return {"name": name, "type": kind, "value": value}


def _quoted(text: str) -> str:
    # A TXT record is strings of at most 255 characters each (RFC 1035).
    if not resolved(text):
        return f'"{text}"'
    return " ".join(f'"{text[start : start + 255]}"' for start in range(0, len(text), 255))
