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
    return (text[text.rfind("<") + 1 : -1] if text.endswith(">") else text).strip()


def domain_of(address: str) -> str | None:
    """Return what follows the last ``@`` of *address*; ``None`` if nothing does."""
    return address.rpartition("@")[2] or None if "@" in address else None


_SAID = {"likely": True, "unlikely": False, "true": True, "false": False}

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


def automated(detail: Mapping[str, Any]) -> bool | None:
    """Return whether a machine opened the mail or followed a link; ``None`` if that is unknown.

    What SES says in ``isBotEvent``, ``Likely`` or ``Unlikely``, decides. It is absent from events
    before August 2026. Where it is, the user agent of a prefetcher or a program is ``True``, and
    any other ``None``, never ``False``. Google's image proxy is ``None``, because it fetches when
    a person opens the mail.

    https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html,
    https://bird.com/en-gb/blog/gmail-prefetching-images

    Args:
        detail: The event's own part.
    """
    said = detail.get("isBotEvent")
    if said is not None:
        return _SAID.get(str(said).strip().lower())
    agent = detail.get("userAgent")
    if isinstance(agent, str):
        text = agent[:1_000].strip().lower().replace("cubot", "")  # a brand of phones
        if text in _PREFETCHERS or any(program in text for program in _PROGRAMS):
            return True
    return None
