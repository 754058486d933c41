"""Who may send as whom: one statement for functions, roles and users alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ses as ses

from cdk_mailroom._checks import Problems, check_address, check_list, resolved
from cdk_mailroom._reviewed import reviewed_wildcard

__all__ = ["SEND_ACTIONS", "SMTP_ACTIONS", "check_sender", "grant_sending", "identity_names"]

SEND_ACTIONS = ("ses:SendEmail", "ses:SendRawEmail", "ses:SendTemplatedEmail")
"""Sending one mail through either version of the API."""

BULK_ACTIONS = ("ses:SendBulkEmail", "ses:SendBulkTemplatedEmail")
"""Sending one template to many."""

SMTP_ACTIONS = ("ses:SendRawEmail",)
"""What SES asks for when mail comes by SMTP."""


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
) -> None:
    """Report a From address that none of *identities* covers, and a text in place of a list.

    A domain covers its subdomains, and an address no other address:
    https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html
    """
    check_list(problems, "templates", templates)
    if from_address is None:
        return
    check_address(problems, "from_address", from_address)
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
) -> iam.Grant:
    """Let *grantee* send from *identities*, all of the account's if none are named.

    *from_address* is the only From address, or else those of *from_identities* are, if any are
    named. *bulk*: one template to many too, for which the sender asks SES how fast it may.

    SES asks for permission on the identity that is verified, on the configuration set and, for
    templated mail, on the template:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html
    """

    def arn(resource: str, name: str) -> str:
        return stack.format_arn(service="ses", resource=resource, resource_name=name)

    resources = [arn("identity", name) for name in identities or ("*",)]
    if not identities:
        reviewed_wildcard(
            grantee.grant_principal, resources[0], "no identities were named: all may be used"
        )
    if configuration_set_name is not None:
        resources.append(arn("configuration-set", configuration_set_name))
    resources += [arn("template", name) for name in templates]
    grant = iam.Grant.add_to_principal(
        grantee=grantee,
        actions=[*actions, *(BULK_ACTIONS if bulk else ())],
        resource_arns=resources,
        conditions=_senders(from_address, from_identities),
    )
    if bulk:
        # It has no resource-level permissions (Service Authorization Reference, Amazon SES v2).
        grant = grant.combine(
            iam.Grant.add_to_principal(
                grantee=grantee, actions=["ses:GetAccount"], resource_arns=["*"]
            )
        )
        reviewed_wildcard(grantee.grant_principal, "*", "the account's sending rate has no ARN")
    return grant


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
