"""HTML as the lines of text that a person sees, in one pass; and which of them the program marked.

Mail programs mark in their HTML what they quote, and the signature that they add. `lines` keeps
that, since it does not depend on the language. It is not a browser: style sheets are not read, and
what follows half a million tags is left out.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NEW", "QUOTED", "SIGNATURE", "lines", "text"]

NEW, QUOTED, SIGNATURE = 0, 1, 2

_MOST_ATTRIBUTES = 4096
_MOST_DEPTH = 8  # of quotes that are shown as such
_MOST_TAGS = 500_000
_MOST_LINES = 50_000  # of preformatted text; what follows is one line
_OPENING = re.compile(r"<(/?)([A-Za-z][^\s/>]{0,40})")
# Possessive, and given up after the first failure, so that no text is read twice.
_REST = re.compile(r"(?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*+>")
_ATTRIBUTE = re.compile(
    r"([A-Za-z][\w-]{0,40})[ \t\r\n]{0,9}=[ \t\r\n]{0,9}(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'>]++))"
)
_SPACE = re.compile(r"[ \t\r\n\f]+")
_NUMBERS = re.compile(r"&#(?:[xX][0-9a-fA-F]{8,}|[0-9]{8,});?")

_UNSEEN = frozenset(("head", "script", "style", "svg", "template", "title"))
_OF_HEAD = _UNSEEN | {"base", "link", "meta", "noscript", "object", "xml"}
_LINES = frozenset(
    """
    address article aside br center dd details div dl dt fieldset figure footer form header li main
    nav section tbody td th thead tr
    """.split()  # noqa: SIM905 (read by people)
)
_PARAGRAPHS = frozenset(
    ("blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "ol", "p", "pre", "table", "ul")
)
_KEPT = _UNSEEN | {
    "article",
    "blockquote",
    "details",
    "div",
    "pre",
    "section",
    "span",
    "table",
}
_HIDDEN = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|mso-hide\s*:\s*all)", re.IGNORECASE)
_NO_MARGIN = re.compile(
    r"margin(?:-top|-bottom)?\s*:\s*0(?:[a-z%]*\s*(?:;|$)|\S{0,20} 0)", re.IGNORECASE
)
# Outlook on the desktop draws this line above what it quotes.
_RULE = re.compile(
    r"border:\s*none;\s*border-top:\s*solid [#\w]+ 1\.0pt;\s*padding:\s*3\.0pt 0", re.IGNORECASE
)
_QUOTE_BEGINS = frozenset(
    (
        "appendonsend",
        "divrplyfwdmsg",
        "mail-editor-reference-message-container",
        "olk_src_body_section",
        "replysplit",
        "stopspelling",
    )
)
_QUOTES = frozenset(
    (
        "gmail_attr",
        "moz-cite-prefix",
        "ms-outlook-mobile-reference-message",
        "protonmail_quote",
        "tutanota_quote",
        "yahoo_quoted",
        "zmail_extra",
    )
)
_SIGNATURES = frozenset(
    (
        "applemailsignature",
        "gmail_signature",
        "linebreakatbeginningofsignature",
        "moz-signature",
        "ms-outlook-mobile-signature",
        "protonmail_signature_block",
        "signature",
        "zmail_signature",
    )
)


def text(html: str) -> str:
    """Return the text of *html*; what it quotes begins with ``>``."""
    return "\n".join(line for line, _ in lines(html)).strip("\n")


def lines(html: str) -> list[tuple[str, int]]:
    """Return the lines of *html*, and whether its program marked them as quoted or signature."""
    page = _Page()
    place = 0
    quotes = True
    for _ in range(_MOST_TAGS):
        begin = html.find("<", place)
        if begin < 0:
            page.write(html[place:])
            break
        page.write(html[place:begin])
        if html.startswith("<!--", begin):
            end = html.find("-->", begin + 4)
            place = end + 3 if end >= 0 else len(html)
            continue
        tag = _OPENING.match(html, begin)
        if tag is None:
            if html[begin + 1 : begin + 2] in ("!", "?", "/"):
                place = html.find(">", begin) + 1 or len(html)
            else:
                page.write("<")
                place = begin + 1
            continue
        rest = _REST.match(html, tag.end()) if quotes else None
        if rest is None:
            quotes = False
            place = html.find(">", tag.end()) + 1 or len(html)
        else:
            place = rest.end()
        name = tag[2].lower()
        if tag[1]:
            page.close(name)
            continue
        page.open(name, html[tag.end() : min(place, tag.end() + _MOST_ATTRIBUTES)])
        if name in ("script", "style", "title"):
            # Their content is no markup.
            end = html.find("</", place)
            while end >= 0 and html[end + 2 : end + 2 + len(name)].lower() != name:
                end = html.find("</", end + 2)
            place = end if end >= 0 else len(html)
    page.end()
    return page.lines


class _Page:
    """What has been written so far, and the elements that are open."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, int]] = []
        self.words: list[str] = []
        self.open_elements: list[tuple[str, str]] = []
        self.names: dict[str, int] = {}
        self.states = {"unseen": 0, "quoted": 0, "signature": 0, "blockquote": 0, "pre": 0}
        self.rest_is_quoted = False
        self.gap = False
        self.tight = False

    def write(self, raw: str) -> None:
        """Add the text *raw*, with its character references."""
        if not raw or self.states["unseen"]:
            return
        if "&" in raw:
            from html import unescape

            raw = unescape(_NUMBERS.sub("\ufffd", raw))
        if self.states["pre"]:
            first, *others = raw.replace("\r\n", "\n").replace("\r", "\n").split("\n", _MOST_LINES)
            self.words.append(first)
            for line in others:
                self.end(blank=True)
                self.words.append(line)
            return
        shown = _SPACE.sub(" ", raw)
        if shown == " " and (not self.words or self.words[-1].endswith(" ")):
            return
        self.words.append(shown)

    def open(self, name: str, raw: str) -> None:
        """Begin the element *name* with the attributes *raw*."""
        if self.names.get("head") and name not in _OF_HEAD:
            self.close("head")  # senders leave the end of it out
        known = _attributes(raw) if name in _KEPT or name in ("p", "hr") else {}
        self._space(name, known)
        state = self._state(name, known)
        if name in _KEPT:
            self.open_elements.append((name, state))
            self.names[name] = self.names.get(name, 0) + 1
            if state:
                self.states[state] += 1

    def close(self, name: str) -> None:
        """End the element *name*, and those that are open in it."""
        self._space(name, None)
        while self.names.get(name):
            found, state = self.open_elements.pop()
            self.names[found] -= 1
            if state:
                self.states[state] -= 1
            if found == name:
                break

    def _state(self, name: str, known: dict[str, str]) -> str:
        marks = {one.lower() for one in f"{known.get('class', '')} {known.get('id', '')}".split()}
        marks.add(known.get("data-smartmail", "").lower())
        style = known.get("style", "")
        if marks & _QUOTE_BEGINS or (name == "div" and _RULE.search(style)):
            self.rest_is_quoted = True
        if name in _UNSEEN or _HIDDEN.search(style):
            return "unseen"
        if name == "blockquote":
            return "blockquote"
        if name == "pre":
            return "signature" if marks & _SIGNATURES else "pre"
        if marks & _QUOTES:
            return "quoted"
        return "signature" if marks & _SIGNATURES else ""

    def _space(self, name: str, known: dict[str, str] | None) -> None:
        """End the line before and behind a block, and note whether it has a margin."""
        if name in _LINES or name in _PARAGRAPHS:
            self.end(blank=name == "br")
        if name == "p" and known is not None:
            # Outlook writes each line as a paragraph without a margin.
            office = "mso" in known.get("class", "").lower()
            self.tight = office or _NO_MARGIN.search(known.get("style", "")) is not None
        if name in _PARAGRAPHS and not (name == "p" and self.tight):
            self.gap = True

    def end(self, *, blank: bool = False) -> None:
        """End the line; one without words counts only if it is *blank* on purpose."""
        raw = "".join(self.words)
        line = raw.replace("\u00a0", " ").replace("\u200b", "").replace("\ufeff", "").rstrip()
        self.words = []
        if not self.states["pre"]:
            line = line.strip(" ")
        # A paragraph of one blank that does not break is a blank line, too.
        if not line and not blank and not ("\u00a0" in raw and self._above()):
            return
        kind = NEW
        if self.states["signature"]:
            kind = SIGNATURE
        if self.states["quoted"] or self.states["blockquote"] or self.rest_is_quoted:
            kind = QUOTED
        signs = ">" * min(self.states["blockquote"], _MOST_DEPTH)
        if self.gap and line and self._above():
            self.lines.append((signs, kind))
        self.gap = False
        self.lines.append((f"{signs} {line}".rstrip() if signs else line, kind))

    def _above(self) -> bool:
        """Whether the line above has words."""
        return bool(self.lines and self.lines[-1][0].strip("> "))


def _attributes(raw: str) -> dict[str, str]:
    return dict(_pairs(raw))


def _pairs(raw: str) -> Iterator[tuple[str, str]]:
    from html import unescape

    for found in _ATTRIBUTE.finditer(raw):
        value = found[2] or found[3] or found[4] or ""
        yield found[1].lower(), unescape(value) if "&" in value[:500] else value
