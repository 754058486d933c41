"""The settings of the bundled behaviours, and the addresses that they compare."""

from __future__ import annotations

import json

from mailroom import _runtime
from mailroom.errors import NotConfigured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from mailroom.workmail import FlowMail

__all__ = ["domain", "internal", "internal_sender", "settings", "words"]

_NAME = "MAILROOM_FLOW_SETTINGS"


def settings(*needed: str) -> dict[str, Any]:
    """Return the settings; raise `NotConfigured` if one of *needed* is missing or empty."""
    try:
        found = json.loads(_runtime.setting(_NAME))
    except ValueError as error:
        raise NotConfigured(f"{_NAME} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise NotConfigured(f"{_NAME} is a {type(found).__name__}: set it to a JSON object")
    missing = [name for name in needed if not found.get(name)]
    if missing:
        raise NotConfigured(f"{_NAME} lacks {', '.join(missing)}: add them")
    return found


def words(values: Iterable[str]) -> frozenset[str]:
    """Return *values* in the form in which they are compared."""
    return frozenset(value.casefold() for value in values)


def domain(address: str) -> str:
    """Return the domain of *address*, in the form in which it is compared."""
    return address.rpartition("@")[2].casefold()


def internal(address: str, domains: frozenset[str]) -> bool:
    """Whether *address* is in one of *domains*; their subdomains do not count."""
    return domain(address) in domains


def internal_sender(mail: FlowMail, domains: frozenset[str]) -> bool:
    """Whether both the envelope sender and the header's sender are internal.

    A forger writes the header's sender and a forwarder may write the envelope's, so one external
    address is enough. A bounce has no envelope sender; then the header's decides.
    """
    said = [address for address in (mail.source, mail.sender) if address]
    return bool(said) and all(internal(address, domains) for address in said)
