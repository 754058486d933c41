"""Replace the addresses in an event by pseudonyms."""

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
"""The key that marks ``raw`` as rewritten; its handlers must not see such an event again."""

_MIN_KEY = 16

# The keys of SES's lists of recipients, whose texts may have a display name.
_RECIPIENT_KEYS = frozenset(("destination", "emailAddress", "recipients"))
_LEFT_OUT = frozenset(("commonHeaders", "headers"))
_SENDER_KEYS = frozenset(("callerIdentity", "source", "sourceArn"))

# As long as addresses may be, so that a text without one is not searched again from each letter.
_PART = r"[^\s<>()\[\]:;,\"'|/?&]{1,255}"
# Compiled on first use, as that takes longer than the import of all else here.
_address: re.Pattern[str] | None = None


def pseudonymiser(key: bytes) -> Pseudonymise:
    """Return a function from an address to its pseudonym under *key*, as the module describes it.

    Whoever has the key can test whether a pseudonym is a given address's, and nobody else can.
    Raises `NotConfigured` for a *key* of less than 16 bytes.
    """
    if len(key) < _MIN_KEY:
        raise NotConfigured(
            f"the key of the pseudonyms has {len(key)} bytes; it must have at least {_MIN_KEY}"
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
        # As in a sender made for one recipient (VERP), and as in a link.
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
    # So that nobody takes it for SES's own: a pseudonym on the suppression list helps nobody.
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
