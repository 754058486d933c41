"""What the bundled behaviours and the lake read out of events: addresses, and who opened a mail."""

from __future__ import annotations

from mailroom.errors import MissingField

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["address", "automated", "domain_of", "plain"]


def address(text: object) -> str:
    """Return the plain, lower-cased address in *text*, which may have a display name."""
    return plain(text).lower()


def plain(text: object) -> str:
    """Return the address in *text* without a display name; raise `MissingField` if not text."""
    if not isinstance(text, str):
        raise MissingField(f"a recipient is a {type(text).__name__}, not an address")
    text = text.strip()
    # A "<" alone may be part of a quoted local part.
    plain = text[text.rfind("<") + 1 : -1] if text.endswith(">") else text
    return plain.strip()


def domain_of(address: str) -> str | None:
    """Return what follows the last ``@`` of *address*; ``None`` if nothing does."""
    return address.rpartition("@")[2] or None if "@" in address else None


_AUTOMATED_NAMES = ("automat", "machine", "prefetch", "synthetic")
_TRUE = frozenset(("true", "yes", "1", "bot", "automated", "machine", "prefetch", "synthetic"))
_FALSE = frozenset(("false", "no", "0", "human", "none", "person", "user"))

# Parts of the user agents of programs.
_PROGRAMS = (
    "bot",
    "crawler",
    "curl/",
    "go-http-client",
    "headlesschrome",
    "java/",
    "python-",
    "scanner",
    "spider",
    "wget/",
)
_PREFETCHERS = frozenset(
    (
        # The whole user agents of Apple Mail Privacy Protection and of Gmail's prefetching.
        "mozilla/5.0",
        (
            "mozilla/5.0 (windows nt 10.0; win64; x64) applewebkit/537.36 (khtml, like gecko) "
            "chrome/42.0.2311.135 safari/537.36 edge/12.246 mozilla/5.0"
        ),
    )
)


def automated(detail: Mapping[str, Any]) -> str:
    """Return ``yes``, ``no`` or ``unknown``: whether a machine opened the mail or followed a link.

    SES has reported this since August 2026 in a field that its documentation does not name. So
    every field counts whose name contains ``automat``, ``bot``, ``machine``, ``prefetch`` or
    ``synthetic``, and whose value is a boolean or a word such as ``human``. Without one, the user
    agent of a prefetcher or a program is ``yes``, and any other ``unknown``, never ``no``.
    Google's image proxy is ``unknown``, because it fetches when a person opens the mail.

    https://bird.com/en-gb/blog/gmail-prefetching-images

    Args:
        detail: The event's own part.
    """
    said = {_said(value) for name, value in detail.items() if _tells(name)}
    if "yes" in said:
        return "yes"
    if "no" in said:
        return "no"
    agent = detail.get("userAgent")
    if isinstance(agent, str):
        text = agent[:1_000].strip().lower().replace("cubot", "")  # a brand of phones
        if text in _PREFETCHERS or any(program in text for program in _PROGRAMS):
            return "yes"
    return "unknown"


def _tells(name: str) -> bool:
    lower = name.lower()
    if any(part in lower for part in _AUTOMATED_NAMES):
        return True
    # Only as a word of the camel-cased name, unlike in "bottom".
    at = lower.find("bot")
    return at >= 0 and not name[at + 3 : at + 4].islower()


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    word = value.strip().lower() if isinstance(value, str) else ""
    return "yes" if word in _TRUE else "no" if word in _FALSE else ""
