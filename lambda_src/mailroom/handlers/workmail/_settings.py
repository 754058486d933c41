"""The settings of the bundled behaviours, and the addresses that they compare."""

from __future__ import annotations

import json

from mailroom import _runtime
from mailroom.errors import NotConfigured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from mailroom.workmail import Answer, FlowMail

__all__ = ["action", "domain", "internal", "internal_sender", "settings", "strict", "words"]

_NAME = "MAILROOM_FLOW_SETTINGS"
_UNREADABLE = "The message was not delivered, because it is malformed and could not be checked."


def settings(*needed: str, unreadable: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the settings; raise `NotConfigured` if one of *needed* is missing or empty.

    *unreadable* is what the setting of that name may be; see `action`.
    """
    try:
        found = json.loads(_runtime.setting(_NAME))
    except ValueError as error:
        raise NotConfigured(f"{_NAME} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise NotConfigured(f"{_NAME} is a {type(found).__name__}: set it to a JSON object")
    missing = [name for name in needed if not found.get(name)]
    if missing:
        raise NotConfigured(f"{_NAME} lacks {', '.join(missing)}: add them")
    if unreadable:
        action(found, unreadable)
    return found


def action(found: dict[str, Any], allowed: tuple[str, ...]) -> str:
    """Return the setting ``unreadable``, one of *allowed*; the first of them is the default."""
    value = found.get("unreadable") or allowed[0]
    if value not in allowed:
        raise NotConfigured(f"{_NAME}: unreadable is {value!r}: use one of {', '.join(allowed)}")
    return str(value)


def strict(mail: FlowMail, event: str, action: str, reason: str) -> Answer | None:
    """Return the answer of the name *action* for a *mail* that cannot be read, and log it."""
    _runtime.log("WARNING", event, message_id=mail.message_id, outcome=action, reason=reason)
    if action == "bounce":
        return mail.answer().bounce(_UNREADABLE)
    if action == "drop":
        return mail.answer().drop()
    if action == "junk":
        return mail.answer().move_to_junk()
    return None


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
