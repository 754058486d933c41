"""Who may send as whom: one statement for functions, roles and users alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ses as ses

from cdk_mailroom._checks import Problems, check_address, check_list, resolved
from cdk_mailroom._reviewed import reviewed_grant

__all__ = [
    "SEND_ACTIONS",
    "SMTP_ACTIONS",
    "Endpoint",
    "Route",
    "TenantOfSender",
    "TrackingGrant",
    "check_sender",
    "grant_sending",
    "identity_names",
]

TrackingGrant = bool | Literal["off"]
"""Whether a sender may decide on tracking; ``off``: only turn it off."""

SEND_ACTIONS = ("ses:SendEmail", "ses:SendRawEmail", "ses:SendTemplatedEmail")
"""Sending one mail through either version of the API."""

BULK_ACTIONS = ("ses:SendBulkEmail", "ses:SendBulkTemplatedEmail")
"""Sending one template to many."""

SMTP_ACTIONS = ("ses:SendRawEmail",)
"""What SES asks for when mail comes by SMTP."""


class TenantOfSender(Protocol):
    """A `Tenant`."""

    tenant_name: str


class Endpoint(Protocol):
    """A `MultiRegionEndpoint`."""

    endpoint_id: str
    region: str


@dataclass(frozen=True, kw_only=True)
class Route:
    """The tenants and the endpoint that a sender may use, and what it may say of tracking."""

    tenants: Sequence[TenantOfSender | str] = ()
    endpoint: Endpoint | None = None
    tracking: TrackingGrant = False

    @property
    def tenant_names(self) -> list[str]:
        """The names of the tenants."""
        return [one if isinstance(one, str) else one.tenant_name for one in self.tenants]

    def check(self, problems: Problems) -> None:
        """Report what is not a list, or not one of the choices."""
        check_list(problems, "tenants", self.tenants)
        if self.tracking not in (True, False, "off"):
            problems.add("tracking", self.tracking, "pass True, False or 'off'")

    def configure(self, grantee: iam.IGrantable) -> None:
        """Tell *grantee*, if it is a function, its endpoint, and its tenant if there is one."""
        if not isinstance(grantee, lambda_.Function):
            return
        if len(self.tenants) == 1:
            grantee.add_environment("MAILROOM_TENANT", self.tenant_names[0])
        if self.endpoint is not None:
            grantee.add_environment("MAILROOM_ENDPOINT_ID", self.endpoint.endpoint_id)


def identity_names(identities: Sequence[ses.IEmailIdentity | str] | None) -> list[str]:
    """Return the names of *identities*, which may be constructs or names already."""
    return [
        identity if isinstance(identity, str) else identity.email_identity_name
        for identity in identities or ()
    ]


def check_sender(
    problems: Problems,
    *,
    from_address: str | None,
    identities: Sequence[str] | None,
    templates: Sequence[str] = (),
    bulk: bool = False,
) -> None:
    """Report a From address that none of *identities* covers, and a text in place of a list.

    A domain covers its subdomains, and an address no other address:
    https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html

    Nor can *bulk* be limited to an address: ``ses:SendBulkEmail`` has no key ``ses:FromAddress``,
    and a condition on a key that is missing is never true:
    https://docs.aws.amazon.com/ses/latest/dg/control-user-access.html
    """
    check_list(problems, "templates", templates)
    if from_address is None:
        return
    check_address(problems, "from_address", from_address)
    if bulk:
        problems.add(
            "from_address",
            from_address,
            "omit it with bulk=True, which SES cannot limit to an address: to limit it all the "
            "same, verify the address as an identity and grant sending from that one alone",
        )
    if identities is None or not all(map(resolved, (from_address, *identities))):
        return
    domain = f".{from_address.lower().rpartition('@')[2]}"
    if not any(
        from_address.lower() == name.lower() if "@" in name else domain.endswith(f".{name.lower()}")
        for name in identities
    ):
        problems.add(
            "from_address",
            from_address,
            f"pass an address of the identities {', '.join(identities)}",
        )


def grant_sending(
    grantee: iam.IGrantable,
    *,
    stack: Stack,
    identities: Sequence[str] | None,
    configuration_set_name: str | None = None,
    templates: Sequence[str] = (),
    from_address: str | None = None,
    from_identities: Sequence[str] = (),
    actions: Sequence[str] = SEND_ACTIONS,
    bulk: bool = False,
    route: Route | None = None,
) -> iam.Grant:
    """Let *grantee* send from *identities*, all of the account's if none are named.

    *from_address* is the only From address, or else those of *from_identities* are, if any are
    named. *bulk*: one template to many too, for which the sender asks SES how fast it may.
    *route*: only through its tenants and its endpoint, if it has any; an endpoint sends in either
    of its regions, so the resources of both are named.

    SES asks for permission on the identity that is verified, on the configuration set and, for
    templated mail, on the template:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html
    """

    route = route or Route()
    used = [("identity", name) for name in identities or ("*",)]
    if configuration_set_name is not None:
        used.append(("configuration-set", configuration_set_name))
    used += [("template", name) for name in templates]
    regions = [stack.region, *([] if route.endpoint is None else [route.endpoint.region])]
    resources = [
        stack.format_arn(service="ses", region=region, resource=kind, resource_name=name)
        for region in regions
        for kind, name in used
    ]
    if not identities:
        for arn in resources[:: len(used)]:
            reviewed_grant(grantee, arn, "no identities were named: all may be used")
    grant = iam.Grant.add_to_principal(
        grantee=grantee,
        actions=[*actions, *(BULK_ACTIONS if bulk else ())],
        resource_arns=resources,
        conditions=_conditions(_senders(from_address, from_identities), route),
    )
    if route.tracking:
        grant = grant.combine(_grant_tracking(grantee, only_off=route.tracking == "off"))
    if bulk:
        # It has no resource-level permissions (Service Authorization Reference, Amazon SES v2).
        grant = grant.combine(
            iam.Grant.add_to_principal(
                grantee=grantee, actions=["ses:GetAccount"], resource_arns=["*"]
            )
        )
        reviewed_grant(grantee, "*", "the account's sending rate has no ARN")
    return grant


def _grant_tracking(grantee: iam.IGrantable, *, only_off: bool) -> iam.Grant:
    # https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_TrackingConfigurationOverrides.html
    # A request has only the keys of what it overrides.
    keys = ("ses:OpenTrackingEnabled", "ses:ClickTrackingEnabled")
    reviewed_grant(grantee, "*", "overrides of tracking have no ARN")
    return iam.Grant.add_to_principal(
        grantee=grantee,
        actions=["ses:ApplyTrackingConfigurationOverrides"],
        resource_arns=["*"],
        conditions={"StringEqualsIfExists": dict.fromkeys(keys, "DISABLED")} if only_off else None,
    )


def _conditions(senders: dict[str, Any] | None, route: Route) -> dict[str, Any] | None:
    equal = dict((senders or {}).get("StringEquals") or {})
    if route.tenants:
        equal["ses:TenantName"] = route.tenant_names
    if route.endpoint is not None:
        equal["ses:MultiRegionEndpointId"] = route.endpoint.endpoint_id
    found = {**(senders or {}), **({"StringEquals": equal} if equal else {})}
    return found or None


def _senders(from_address: str | None, identities: Sequence[str]) -> dict[str, Any] | None:
    if from_address:
        return {"StringEquals": {"ses:FromAddress": from_address}}
    if not identities:
        return None
    patterns: list[str] = []
    for name in identities:
        # Whether a token is an address or a domain is not known; the other form matches nothing.
        if not resolved(name) or "@" in name:
            patterns.append(name)
        if not resolved(name) or "@" not in name:
            patterns += [f"*@{name}", f"*@*.{name}"]
    return {"StringLike": {"ses:FromAddress": patterns}}
