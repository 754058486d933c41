"""Adds the tracking of opens and clicks to HTML, and makes the URLs for it.

Pure functions of texts and URLs; :mod:`mailroom_local.sending.mailer` serves the URLs.
https://docs.aws.amazon.com/ses/latest/dg/configure-custom-open-click-domains.html
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field

PREFIX = "/_mailroom/mail/"

# A transparent GIF of one pixel.
PIXEL = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)

# https://docs.aws.amazon.com/ses/latest/dg/faqs-metrics.html
MAX_LINKS = 250

_PLACEHOLDER = "{{ses:openTracker}}"
_VALUE = r"""(?:"[^"]*"|'[^']*'|[^\s"'>]+)"""
_HREF = re.compile(rf"(?P<before>\shref\s*=\s*)(?P<value>{_VALUE})", re.IGNORECASE)
_TAGS = re.compile(rf"\sses:tags\s*=\s*(?P<value>{_VALUE})", re.IGNORECASE)
_NO_TRACK = re.compile(rf"\sses:no-track(?:\s*=\s*{_VALUE})?(?=[\s/>])", re.IGNORECASE)
# Comments, scripts and styles are matched too, so that no link is found inside of them.
_MARKUP = re.compile(
    r"<!--.*?(?:-->|\Z)|<(?P<raw>script|style|title|textarea)\b.*?(?:</(?P=raw)\s*>|\Z)"
    r"""|(?P<link><(?:a|area)(?=[\s/>])(?:"[^"]*"|'[^']*'|[^"'>])*>)""",
    re.IGNORECASE | re.DOTALL,
)
_BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Link:
    """The target of a rewritten link, and the tags of its ``ses:tags`` attribute."""

    url: str
    tags: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The HTTP answer of a tracking or unsubscribe URL."""

    status: int
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    location: str | None = None


def open_url(endpoint: str, message_id: str) -> str:
    """The URL of a message's tracking pixel."""
    return f"{endpoint}{PREFIX}{message_id}/open"


def click_url(endpoint: str, message_id: str, number: int) -> str:
    """The URL that replaces a message's link of that number."""
    return f"{endpoint}{PREFIX}{message_id}/click/{number}"


def unsubscribe_url(endpoint: str, message_id: str) -> str:
    """The one-click unsubscribe URL of a message."""
    return f"{endpoint}{PREFIX}{message_id}/unsubscribe"


def rewrite_links(text: str, url_of: Callable[[int], str]) -> tuple[str, list[Link]]:
    """Lead every ``http`` and ``https`` link through the URL of its number.

    A link with ``ses:no-track`` is left unchanged; SES's own attributes are removed either way.
    """
    links: list[Link] = []

    def rewritten(found: re.Match[str]) -> str:
        return _rewrite(found[0], links, url_of) if found["link"] else found[0]

    return _MARKUP.sub(rewritten, text), links


def add_pixel(text: str, url: str) -> str:
    """Insert the tracking pixel at the placeholder, or else at the end of the body."""
    image = f'<img alt="" src="{html.escape(url)}" style="display:none" width="1" height="1">'
    if _PLACEHOLDER in text:
        return text.replace(_PLACEHOLDER, image, 1).replace(_PLACEHOLDER, "")
    endings = list(_BODY_END.finditer(text))
    position = endings[-1].start() if endings else len(text)
    return text[:position] + image + text[position:]


def without_placeholder(text: str) -> str:
    """The text without the placeholder of the tracking pixel."""
    return text.replace(_PLACEHOLDER, "")


def _rewrite(tag: str, links: list[Link], url_of: Callable[[int], str]) -> str:
    tags = _TAGS.search(tag)
    exempt = _NO_TRACK.search(tag) is not None
    bare = _NO_TRACK.sub("", _TAGS.sub("", tag))
    href = _HREF.search(bare)
    if href is None or exempt or len(links) >= MAX_LINKS:
        return bare
    url = html.unescape(href["value"].strip("\"'")).strip()
    if not url.lower().startswith(("http://", "https://")):
        return bare
    links.append(Link(url, _parse_tags(tags["value"]) if tags else {}))
    target = f'"{html.escape(url_of(len(links) - 1))}"'
    return bare[: href.start("value")] + target + bare[href.end("value") :]


def _parse_tags(value: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pair in html.unescape(value.strip("\"'")).split(";"):
        name, colon, content = pair.partition(":")
        if colon and name.strip():
            found.setdefault(name.strip(), []).append(content.strip())
    return found
