"""Pseudonyms in place of the addresses in an event.

A pseudonym is the first 32 hexadecimal digits of an HMAC-SHA256 of the lower-cased address, before
the address's own domain, which statistics need. The event is rewritten before anything reads it:
every address wherever it is, even in a server's response. Headers are left out, as is everything
after a link's ``?`` or ``#``, because both can name people in unforeseeable ways.
"""

from __future__ import annotations

import re

from mailroom.errors import NotConfigured
from mailroom.events.reading import address, domain_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Pseudonymise = Callable[[str], str]

__all__ = ["PSEUDONYMISED", "pseudonymised", "pseudonymiser"]


PSEUDONYMISED = "pseudonymised"
"""The key that marks ``raw`` as rewritten; such an event must not be handled again."""

_MIN_KEY = 16

# The keys of SES's lists of recipients, whose addresses may have a display name.
_RECIPIENT_KEYS = frozenset(("destination", "emailAddress", "recipients"))
_LEFT_OUT = frozenset(("commonHeaders", "headers"))
_SENDER_KEYS = frozenset(("callerIdentity", "source", "sourceArn"))

# Bounded, so that searching a long text without an address stays linear.
_PART = r"[^\s<>()\[\]:;,\"'|/?&]{1,255}"
# Compiled on first use, which takes longer than importing everything else here.
_address: re.Pattern[str] | None = None


def pseudonymiser(key: bytes) -> Pseudonymise:
    """Return a function from an address to its pseudonym under *key*.

    Only someone with the key can test whether a pseudonym belongs to an address.

    Args:
        key: At least 16 random bytes. Another key gives other pseudonyms.

    Raises:
        NotConfigured: *key* is too short.
    """
    if len(key) < _MIN_KEY:
        raise NotConfigured(
            f"the pseudonym key has {len(key)} bytes: use {_MIN_KEY} or more random ones"
        )
    from hmac import digest

    def pseudonym(text: str) -> str:
        plain = address(text)
        made = digest(key, plain.encode("utf-8", "surrogatepass"), "sha256").hex()[:32]
        domain = domain_of(plain)
        return f"{made}@{domain}" if domain else made

    return pseudonym


def pseudonymised(raw: Mapping[str, Any], pseudonymise: Pseudonymise) -> dict[str, Any]:
    """Return a copy of the event *raw* in which *pseudonymise* replaced every address."""
    global _address
    if _address is None:
        _address = re.compile(rf"{_PART}(?:@|%40){_PART}", re.IGNORECASE)
    anyone = _address
    known: set[str] = set()
    _collect(raw, known)
    forms: dict[str, str] = {}
    for plain in known:
        made = pseudonymise(plain)
        # The other two are how senders (VERP) and links spell it.
        for form in (plain, plain.replace("@", "="), plain.replace("@", "%40")):
            forms[form] = made
    longest_first = sorted(forms, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE) if forms else None

    def text(value: str, key: str) -> str:
        if key in _RECIPIENT_KEYS:
            return pseudonymise(value)
        if key == "link":
            value = value.partition("#")[0].partition("?")[0]
        if pattern is not None:
            value = pattern.sub(lambda found: forms.get(found[0].lower(), "redacted"), value)
        if key in _SENDER_KEYS or key.startswith("ses:"):
            return value
        return anyone.sub(others, value) if "@" in value or "%40" in value else value

    def others(found: re.Match[str]) -> str:
        one = found[0].rstrip(".")
        stops = found[0][len(one) :]
        return (one if one in done else pseudonymise(one.replace("%40", "@"))) + stops

    done = set(forms.values())

    def walk(value: Any, key: str) -> Any:
        if isinstance(value, str):
            return text(value, key)
        if isinstance(value, dict):
            return {
                name: walk(entry, name) for name, entry in value.items() if name not in _LEFT_OUT
            }
        if isinstance(value, list):
            return [walk(entry, key) for entry in value]
        return value

    rewritten: dict[str, Any] = walk(dict(raw), "")
    # So that it is not mistaken for SES's own, and a pseudonym put on the suppression list.
    rewritten[PSEUDONYMISED] = True
    return rewritten


def _collect(value: Any, known: set[str], key: str = "") -> None:
    if isinstance(value, str):
        if key in _RECIPIENT_KEYS and "@" in value:
            known.add(address(value))
    elif isinstance(value, dict):
        for name, entry in value.items():
            _collect(entry, known, name)
    elif isinstance(value, list):
        for entry in value:
            _collect(entry, known, key)
