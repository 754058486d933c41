"""Which permissions a send needs, and which conditions they may have."""

from __future__ import annotations

from typing import Any

from conformance.check import Json, Need, check
from conformance.mailing import SUCCESS, raw, sender, simple
from conformance.place import Place
from conformance.roles import ACTING, ROLE, acting, allow
from conformance.tenants import TENANT, Tenant

SEND = ["ses:SendEmail", "ses:SendRawEmail", "ses:SendTemplatedEmail", "ses:SendBulkEmail"]


def _said(place: Place, answer: str) -> str:
    """An answer without the names of the role and of what it may not use."""
    words = ("AccessDenied", "accepted")
    return next((word for word in words if word in answer), answer)


def _scope(place: Place) -> str:
    return f"arn:aws:ses:{place.region}:{place.account}"


def _mail(place: Place, **fields: Any) -> dict[str, Any]:
    return {
        "FromEmailAddress": sender(place),
        "Destination": {"ToAddresses": [SUCCESS]},
        "Content": {"Simple": simple()},
        **fields,
    }


@check(
    "Sending with a configuration set needs permission on its ARN too",
    actions=(*ACTING, "ses:CreateConfigurationSet", "ses:DeleteConfigurationSet"),
    needs=(Need.DOMAIN,),
    creates=f"two configuration sets, {ROLE}",
    minutes=1,
)
def configuration_set(place: Place) -> Json:
    """Send with two configuration sets by a role that may use the identity and one of them."""
    ses, names = place.client("sesv2"), [place.name("set") for _ in range(2)]
    for name in names:
        place.cleanup.add(
            f"configuration set {name}", ses.delete_configuration_set, ConfigurationSetName=name
        )
        ses.create_configuration_set(ConfigurationSetName=name)
    allowed, other = names
    granted = (
        allow(SEND, f"{_scope(place)}:identity/{place.domain}"),
        allow(SEND, f"{_scope(place)}:configuration-set/{allowed}"),
    )
    with acting(place, *granted) as client:
        send = client("sesv2").send_email
        given = {
            "without a configuration set": {},
            "with the one that is allowed": {"ConfigurationSetName": allowed},
            "with the other one": {"ConfigurationSetName": other},
        }
        return {
            how: _said(place, place.error(send, **_mail(place, **fields)))
            for how, fields in given.items()
        }


@check(
    "`ses:SendBulkEmail` has no condition key `ses:FromAddress`",
    actions=ACTING,
    needs=(Need.DOMAIN,),
    creates=ROLE,
    minutes=1,
)
def from_address_of_bulk_mail(place: Place) -> Json:
    """Send one mail and a bulk of one by a role that may send from one address only."""
    condition = {"StringEquals": {"ses:FromAddress": sender(place)}}
    granted = allow([*SEND, "ses:SendBulkTemplatedEmail"], "*", **condition)
    bulk = {
        "FromEmailAddress": sender(place),
        "DefaultContent": {
            "Template": {
                "TemplateContent": {"Subject": "Subject", "Text": "Hi"},
                "TemplateData": "{}",
            }
        },
        "BulkEmailEntries": [{"Destination": {"ToAddresses": [SUCCESS]}}],
    }
    with acting(place, granted) as client:
        ses = client("sesv2")
        return {
            "SendEmail": _said(place, place.error(ses.send_email, **_mail(place))),
            "SendBulkEmail": _said(place, place.error(ses.send_bulk_email, **bulk)),
        }


@check(
    "The condition keys `ses:TenantName` and `ses:MultiRegionEndpointId`",
    actions=(*ACTING, *TENANT),
    needs=(Need.DOMAIN,),
    creates=f"a tenant, a configuration set, {ROLE}",
    minutes=1,
)
def tenant_of_each_content(place: Place) -> Json:
    """Send simple, raw and inline templated content by a role that may send for one tenant only."""
    tenant = Tenant(place)
    condition = {"StringEquals": {"ses:TenantName": tenant.name}}
    template = {"TemplateContent": {"Subject": "Subject", "Text": "Hi"}, "TemplateData": "{}"}
    contents: dict[str, Any] = {
        "simple": {"Simple": simple()},
        "raw": {"Raw": {"Data": raw(place)}},
        "template": {"Template": template},
    }
    with acting(place, allow(SEND, "*", **condition)) as client:
        send = client("sesv2").send_email
        return {
            f"{kind}, {how}": _said(place, place.error(send, **_mail(place, Content=content, **of)))
            for kind, content in contents.items()
            for how, of in (
                ("for the tenant", {"TenantName": tenant.name}),
                ("for no tenant", {}),
            )
        }
