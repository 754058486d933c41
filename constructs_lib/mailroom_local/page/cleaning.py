"""HTML of mail that a browser may show: nothing runs, nothing is loaded, nothing is sent.

Three walls, each of which suffices: what `parsing` does not list is removed, the answer's
Content-Security-Policy forbids it, and the frame that shows it is sandboxed.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from urllib.parse import unquote

import nh3

from mailroom_local.page import parsing
from mailroom_local.page.mail import Mail, content, content_id, preview_type

_REMOTE_SCHEMES = ("http:", "https:", "//")
_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src data:{remote}; font-src 'none'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'"
)
# A comment or an escape may hide any of these from a pattern, so both are removed first.
_CSS_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_CSS_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)
_CSS_IMPORT = re.compile(r"@\s*(?:import|namespace|charset)\b[^;]*(?:;|\Z)", re.IGNORECASE)
_CSS_URL = re.compile(r"url\(\s*(?:\"[^\"]*\"|'[^']*'|[^)]*)\s*\)?", re.IGNORECASE)
_CSS_IMAGE = re.compile(r"(?:-webkit-)?(?:image-set|image|cross-fade|element|src)\([^)]*\)?", re.I)
_CSS_OLD = re.compile(
    r"(?:expression\s*\(|-moz-binding|behavior\s*:|javascript\s*:)", re.IGNORECASE
)
_URL_IN_CSS = re.compile(
    r"(?:url\(\s*|@import\s*|image-set\(\s*)[\"']?\s*(?:https?:)?//", re.IGNORECASE
)
_PASSES = 10
_UNREASONABLE = (
    "<p><em>This HTML is made to keep a reader busy, so only its source is shown.</em></p>"
)
_STYLE = re.compile(r"(<style\b[^>]*>)(.*?)(</style>)", re.IGNORECASE | re.DOTALL)


def document(mail: Mail, *, remote: bool) -> str:
    """The HTML of a message as a document of its own; with ``remote``, with its remote images."""
    return (
        '<!doctype html><html><head><meta charset="utf-8">'
        f"<title>Message</title></head><body>{_cleaned(mail, remote=remote)}</body></html>"
    )


def policy(*, remote: bool) -> str:
    """The Content-Security-Policy of that document."""
    return _POLICY.format(remote=" https: http:" if remote else "")


def asks_for_remote_content(markup: str) -> bool:
    """Whether the HTML has images or styles from elsewhere."""
    found = False

    def look(tag: str, attribute: str, value: str) -> str | None:
        nonlocal found
        remote_style = attribute == "style" and _URL_IN_CSS.search(_plain_css(value))
        if remote_style or (attribute == "src" and _is_remote(value)):
            found = True
        return None

    styles = _STYLE.finditer(_clean(markup, look))
    return found or any(_URL_IN_CSS.search(_plain_css(style[2])) for style in styles)


def outline(markup: str) -> str:
    """The HTML with the targets of its links alone, and well-formed, so that it is parsed fast."""
    return _clean(markup, lambda tag, name, value: value if name == "href" else None)


def _cleaned(mail: Mail, *, remote: bool) -> str:
    images = {content_id(part): part for part in mail.files if content_id(part)}

    def allowed(tag: str, attribute: str, value: str) -> str | None:
        if attribute == "style":
            return _css(value, remote=remote)
        if attribute == "src":
            return image(value)
        if attribute == "href":
            return value if _scheme(value) in ("http", "https", "mailto", "tel") else None
        return value

    def image(value: str) -> str | None:
        text = value.strip()
        if text.lower().startswith("cid:"):
            part = images.get(text[4:]) or images.get(unquote(text[4:]))
            kind = preview_type(part) if part is not None else None
            if part is None or kind is None:
                return None
            return f"data:{kind};base64,{base64.b64encode(content(part)).decode()}"
        if re.match(r"data:image/(?:png|jpe?g|gif|webp);base64,", text, re.IGNORECASE):
            return text
        return text if remote and _is_remote(text) else None

    cleaned = _clean(mail.html or "", allowed)
    return _STYLE.sub(lambda css: css[1] + _css(css[2], remote=remote) + css[3], cleaned)


def _clean(markup: str, attribute_filter: Callable[[str, str, str], str | None]) -> str:
    return nh3.clean(
        parsing.readable(markup) or _UNREASONABLE,
        attribute_filter=attribute_filter,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        **parsing.rules(),
    )


def _css(text: str, *, remote: bool) -> str:
    """The style without anything that loads or runs; with ``remote``, images are left in."""
    plain = _plain_css(text)
    for _ in range(_PASSES):
        # What is removed may have held apart the two halves of another.
        before, plain = plain, _CSS_OLD.sub("", _CSS_IMPORT.sub("", plain))
        if plain == before:
            break
    else:
        # Nobody writes so to be read.
        return ""
    plain = _CSS_IMAGE.sub("none", plain) if not remote else plain
    plain = _CSS_URL.sub(lambda found: _css_url(found[0], remote=remote), plain)
    # Nothing in it may end the element that it is in.
    return plain.replace("<", "")


def _css_url(found: str, *, remote: bool) -> str:
    value = found[4:].rstrip(")").strip().strip("\"'").strip()
    safe = not re.search(r"[\"'()\\\s]", value)
    return f'url("{value}")' if remote and safe and _is_remote(value) else "none"


def _plain_css(text: str) -> str:
    unescaped = _CSS_ESCAPE.sub(_unescaped, _CSS_COMMENT.sub("", text))
    # What was escaped may be a comment, or an escape, in turn.
    return _CSS_COMMENT.sub("", unescaped).replace("\\", "")


def _unescaped(found: re.Match[str]) -> str:
    if found[1] is None:
        return found[2]
    code = int(found[1], 16)
    return chr(code) if 32 <= code < 0x110000 and not 0xD800 <= code < 0xE000 else ""


def _is_remote(url: str) -> bool:
    return url.strip().lower().startswith(_REMOTE_SCHEMES)


def _scheme(url: str) -> str:
    plain = re.sub(r"[\x00-\x20]+", "", url)
    return plain.partition(":")[0].lower() if ":" in plain else ""
