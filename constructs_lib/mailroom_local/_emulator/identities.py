"""Identities in CloudFormation: ministack makes them, and leaves out their DKIM records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailroom_local._emulator import internals

_TYPE = "AWS::SES::EmailIdentity"
_original: Mapping[str, Any] = dict(internals.provisioners.RESOURCE_HANDLERS[_TYPE])


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
