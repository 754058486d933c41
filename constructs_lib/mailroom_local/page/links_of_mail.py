"""The links of a message, and which of them tell SES that somebody has followed them."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

from mailroom_local.page import cleaning
from mailroom_local.page.mail import Mail
from mailroom_local.sending.tracking import PREFIX

_URL = re.compile(r"https?://[^\s<>\"']+")
_ENDS = ".,;:!?)]}"
_MOST = 250
_SHOWN = ("http://", "https://", "mailto:")


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, str]] = []
        self._open: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("a", "area"):
            return
        href = dict(attrs).get("href")
        if href is not None and href.strip().lower().startswith(_SHOWN):
            self._open = []
            self.found.append((href.strip(), ""))

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._open.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._open is not None:
            text = " ".join("".join(self._open).split())
            self.found[-1] = (self.found[-1][0], text)
            self._open = None


def links(mail: Mail) -> list[dict[str, Any]]:
    """The links of the HTML and of the text, each once."""
    anchors = _Anchors()
    anchors.feed(cleaning.outline(mail.html or ""))
    found = dict[str, str]()
    for url, text in anchors.found:
        found.setdefault(url, text)
    for field in mail.headers():
        if field["name"].lower() == "list-unsubscribe":
            for url in re.findall(r"<\s*(https?://[^>\s]+)\s*>", field["value"]):
                found.setdefault(url, "List-Unsubscribe")
    for match in _URL.finditer(mail.text or ""):
        found.setdefault(unescape(match[0].rstrip(_ENDS)), "")
    return [
        {"url": url, "text": text, "tracked": PREFIX in url}
        for url, text in list(found.items())[:_MOST]
    ]
