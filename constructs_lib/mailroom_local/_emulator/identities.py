"""Identities, the same ones for both APIs and CloudFormation.

ministack has a store for each API, and leaves out the DKIM records in CloudFormation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailroom_local._emulator import internals
from mailroom_local._emulator.query import Parameters, one

_TYPE = "AWS::SES::EmailIdentity"
_original: Mapping[str, Any] = dict(internals.provisioners.RESOURCE_HANDLERS[_TYPE])

# The operations of API v1 that create or delete an identity, with the parameter that names it.
_CREATING = {
    "VerifyDomainDkim": "Domain",
    "VerifyDomainIdentity": "Domain",
    "VerifyEmailAddress": "EmailAddress",
    "VerifyEmailIdentity": "EmailAddress",
}
_DELETING = {"DeleteIdentity": "Identity", "DeleteVerifiedEmailAddress": "EmailAddress"}


def follow_v1(operation: str, parameters: Parameters) -> None:
    """Let API v2 know what API v1 has done."""
    if (field := _CREATING.get(operation)) and (name := one(parameters, field)):
        put(name)
    if (field := _DELETING.get(operation)) and (name := one(parameters, field)):
        remove(name)


def put(name: str) -> None:
    """Put an identity of one API into the stores of both; what they have of it stays."""
    if name not in internals.ses.identities:
        kind = "EmailAddress" if "@" in name else "Domain"
        internals.ses.identities[name] = internals.ses.make_identity(name, kind)
    stored = internals.ses_v2.identities
    if name not in stored:
        internals.provisioners.ses_email_identity_apply(name, {})
        # It writes an empty text for what a template omits.
        made = stored[name]
        made["MailFromAttributes"] = _given(made["MailFromAttributes"])
        stored[name] = _given(made)


def _given(members: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in members.items() if value not in (None, "")}


def remove(name: str) -> None:
    """Remove an identity from the stores of both APIs."""
    internals.provisioners.ses_email_identity_delete(name, {})


def complete(described: dict[str, Any]) -> None:
    """Add what ministack omits from the description of an identity."""
    verified = described.get("VerifiedForSendingStatus")
    described.setdefault("VerificationStatus", "SUCCESS" if verified else "PENDING")
    described.setdefault("FeedbackForwardingStatus", True)
    described.setdefault("Policies", {})
    described.setdefault("DkimAttributes", {}).setdefault("NextSigningKeyLength", "RSA_2048_BIT")


def _create(
    logical_id: str, props: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    name, attributes = _original["create"](logical_id, props, stack_name)
    return name, {**attributes, **_dkim(name)}


def _update(physical_id: str, *others: Any, **more: Any) -> tuple[str, dict[str, Any]]:
    name, attributes = _original["update"](physical_id, *others, **more)
    return name, {**attributes, **_dkim(name)}


def _dkim(identity: str) -> dict[str, str]:
    """The names and values of the records by which a domain's owner permits SES to sign."""
    found = {}
    for number, token in enumerate(internals.ses.dkim_tokens(identity), start=1):
        found[f"DkimDNSTokenName{number}"] = f"{token}._domainkey.{identity}"
        found[f"DkimDNSTokenValue{number}"] = f"{token}.dkim.amazonses.com"
    return found


RESOURCES: Mapping[str, Mapping[str, Any]] = {
    _TYPE: {**_original, "create": _create, "update": _update},
}
