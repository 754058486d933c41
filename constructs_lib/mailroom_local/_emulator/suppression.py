"""The account's suppression list, which ministack answers for as if it were always empty."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from mailroom_local._emulator import internals
from mailroom_local._emulator.query import Response, answer
from mailroom_local._ses_error import SesError

_REASONS = ("BOUNCE", "COMPLAINT")

_suppressed: Any = internals.responses.AccountRegionScopedDict()
# Under "reasons": what PutAccountSuppressionAttributes said. A new account has both.
_attributes: Any = internals.responses.AccountRegionScopedDict()


def holds(recipient: str, configuration_set: Mapping[str, Any] | None) -> bool:
    """Whether the list keeps SES from sending to this address.

    A configuration set may set the reasons for which it applies the list; the default is the
    account's.
    """
    # The list tells cases apart; whether delivery does is not known, so that none is assumed.
    held = {address.lower(): found for address, found in _suppressed.items()}
    found = held.get(recipient.lower())
    options = (configuration_set or {}).get("SuppressionOptions") or {}
    reasons = options.get("SuppressedReasons", _attributes.get("reasons", list(_REASONS)))
    return found is not None and found["Reason"] in reasons


def reset() -> None:
    """Forget everything."""
    _suppressed.clear()
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
    _suppressed[_key(address)] = {
        "EmailAddress": _key(address),
        "Reason": reason,
        "LastUpdateTime": int(time.time()),
    }
    return answer()


def _get(data: Mapping[str, Any], address: str) -> Response:
    return answer({"SuppressedDestination": _found(address)})


def _delete(data: Mapping[str, Any], address: str) -> Response:
    _found(address)
    del _suppressed[_key(address)]
    return answer()


def _list(data: Mapping[str, Any]) -> Response:
    wanted = data.get("Reason") or data.get("Reasons") or list(_REASONS)
    wanted = [wanted] if isinstance(wanted, str) else wanted
    found = [each for each in _suppressed.values() if each["Reason"] in wanted]
    return answer({"SuppressedDestinationSummaries": found})


def _put_account(data: Mapping[str, Any]) -> Response:
    reasons = list(data.get("SuppressedReasons") or [])
    if any(reason not in _REASONS for reason in reasons):
        raise SesError("InvalidParameterValue", f"Reasons are {', '.join(_REASONS)}.")
    _attributes["reasons"] = reasons
    return answer()


def _found(address: str) -> dict[str, Any]:
    found: dict[str, Any] | None = _suppressed.get(_key(address))
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
