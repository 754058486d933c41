"""The suppression lists of the account and of its tenants; ministack's are always empty.

https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list-tenant-level.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from mailroom_local._emulator import internals
from mailroom_local._emulator.query import Response, answer
from mailroom_local._ses_error import SesError
from mailroom_local.sending.outcomes import ON_ACCOUNT_LIST, ON_TENANT_LIST, Outcome

_REASONS = ("BOUNCE", "COMPLAINT")

_suppressed: Any = internals.responses.AccountRegionScopedDict()
# A list by the name of each tenant.
_of_tenants: Any = internals.responses.AccountRegionScopedDict()
# Under "reasons": what PutAccountSuppressionAttributes said. A new account has both.
_attributes: Any = internals.responses.AccountRegionScopedDict()


def held(
    recipient: str, configuration_set: Mapping[str, Any] | None, tenant: Mapping[str, Any] | None
) -> Outcome | None:
    """What becomes of mail to this address because it is on a list, if anything does.

    The configuration set chooses the list and the reasons that count, else the tenant, else the
    account.
    """
    own = (configuration_set or {}).get("SuppressionOptions") or {}
    tenants = (tenant or {}).get("SuppressionAttributes") or {}
    reasons = own.get("SuppressedReasons", tenants.get("SuppressedReasons", account_reasons()))
    scope = own.get("SuppressionScope", tenants.get("SuppressionScope", "ACCOUNT"))
    whose = str(tenant["TenantName"]) if tenant and scope == "TENANT" else None
    # The list tells cases apart; whether delivery does is not known, so that none is assumed.
    listed = {address.lower(): found for address, found in _entries(whose).items()}
    found = listed.get(recipient.lower())
    if found is None or found["Reason"] not in reasons:
        return None
    return ON_TENANT_LIST if whose else ON_ACCOUNT_LIST


def forget(tenant: str) -> None:
    """Forget the list of a tenant that was deleted."""
    _of_tenants.pop(tenant, None)


def reset() -> None:
    """Forget everything."""
    _suppressed.clear()
    _of_tenants.clear()
    _attributes.clear()


def account_reasons() -> list[str]:
    """The reasons for which the account heeds the list."""
    reasons: list[str] = _attributes.get("reasons", list(_REASONS))
    return reasons


def _put(data: Mapping[str, Any]) -> Response:
    address, reason = str(data.get("EmailAddress") or ""), data.get("Reason")
    if "@" not in address:
        raise SesError("InvalidParameterValue", f"<{address}> is not an email address.")
    if reason not in _REASONS:
        raise SesError("InvalidParameterValue", f"Reason must be one of {', '.join(_REASONS)}.")
    _list_of(data)[_key(address)] = {
        "EmailAddress": _key(address),
        "Reason": reason,
        "LastUpdateTime": int(time.time()),
    }
    return answer()


def _get(data: Mapping[str, Any], address: str) -> Response:
    found = _found(data, address)
    whose = {"TenantName": data["TenantName"]} if data.get("TenantName") else {}
    return answer({"SuppressedDestination": {**found, **whose}})


def _delete(data: Mapping[str, Any], address: str) -> Response:
    _found(data, address)
    del _list_of(data)[_key(address)]
    return answer()


def _list(data: Mapping[str, Any]) -> Response:
    wanted = data.get("Reason") or data.get("Reasons") or list(_REASONS)
    wanted = [wanted] if isinstance(wanted, str) else wanted
    found = [each for each in _list_of(data).values() if each["Reason"] in wanted]
    return answer({"SuppressedDestinationSummaries": found})


def _put_account(data: Mapping[str, Any]) -> Response:
    reasons = list(data.get("SuppressedReasons") or [])
    if any(reason not in _REASONS for reason in reasons):
        raise SesError("InvalidParameterValue", f"Reasons are {', '.join(_REASONS)}.")
    _attributes["reasons"] = reasons
    return answer()


def _list_of(data: Mapping[str, Any]) -> Any:
    """The list that a call is about: a tenant's if it names one."""
    name = data.get("TenantName") or None
    if name and name not in internals.ses_v2.tenants:
        raise SesError("NotFound", f"The requested tenant <{name}> does not exist.")
    return _entries(name)


def _entries(tenant: str | None) -> Any:
    return _of_tenants.setdefault(tenant, {}) if tenant else _suppressed


def _found(data: Mapping[str, Any], address: str) -> dict[str, Any]:
    found: dict[str, Any] | None = _list_of(data).get(_key(address))
    if found is None:
        raise SesError(
            "NotFound", f"Email address {address} does not exist on your suppression list."
        )
    return found


def _key(address: str) -> str:
    """An address as the list keeps it: the case of the local part counts."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.lower()}"


ROUTES: Mapping[tuple[str, str], Callable[..., Response]] = {
    ("PUT", r"/suppression/addresses"): _put,
    ("GET", r"/suppression/addresses"): _list,
    ("GET", r"/suppression/addresses/([^/]+)"): _get,
    ("DELETE", r"/suppression/addresses/([^/]+)"): _delete,
    ("PUT", r"/account/suppression"): _put_account,
}
