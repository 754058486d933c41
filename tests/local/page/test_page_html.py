"""HTML of mail: shown as a mail program shows it, and nothing of it runs or loads."""

from __future__ import annotations

import base64
import re
import time
from html.parser import HTMLParser
from typing import Any

import pytest

from local.page.attacks import ATTACKS, REMOTE
from mailroom_local.page import cleaning, parsing
from mailroom_local.page.links_of_mail import links
from mailroom_local.page.mail import Mail
from mailroom_local.page.search import text_of

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
LOADING = ("src", "srcset", "background", "poster", "data", "action", "formaction", "ping", "cite")


def mail(html: str, **parts: tuple[str, bytes]) -> Mail:
    """A message with this HTML, and parts by the names by which the HTML refers to them."""
    lines = [
        "Content-Type: multipart/related; boundary=b",
        "",
        "--b",
        "Content-Type: text/html; charset=utf-8",
        "Content-Transfer-Encoding: base64",
        "",
        base64.encodebytes(html.encode()).decode(),
    ]
    for name, (kind, content) in parts.items():
        lines += [
            "--b",
            f"Content-Type: {kind}",
            f"Content-ID: <{name}@x>",
            "Content-Transfer-Encoding: base64",
            "",
            base64.encodebytes(content).decode(),
        ]
    return Mail("\r\n".join([*lines, "--b--"]).encode())


class Tags(HTMLParser):
    """The tags of a document, and the text of its styles."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.styles = ""
        self._inside = ""
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            self.styles += data


def harmless(style: str) -> None:
    for word in (REMOTE, "url(", "@import", "expression(", "binding", "javascript:", "<"):
        assert word not in style


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_of_an_attack_runs_or_loads(name: str) -> None:
    tags = Tags(cleaning.document(mail(ATTACKS[name]), remote=False))
    for tag, attributes in tags.found:
        assert tag in {*parsing.TAGS, "html", "head", "meta", "title", "body"}, tag
        assert not [one for one in attributes if one.startswith("on")], attributes
        for attribute, value in attributes.items():
            if attribute in LOADING:
                assert re.match(r"data:image/(png|gif|jpeg|webp);base64,|$", value), attributes
            if attribute == "href":
                assert re.match(r"https?://|mailto:|tel:|$", value), attributes
        harmless(attributes.get("style", ""))
    assert [tag for tag, _ in tags.found].count("meta") == 1
    harmless(tags.styles)


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 40_000,
        "<style>" * 40_000,
        "<style>@im" + "@import x;port y;" * 20_000,
        "<style>" + "url(" * 100_000,
        "<style>/*" + "/*\\" * 100_000,
        "<" * 200_000,
        "<a " * 60_000,
        "<a href=x>" * 20_000,
        "<!--" * 100_000,
        "<![x" * 100_000,
        "<table><b>" * 5_000,
        "&" * 200_000,
        "<p>" + "".join(f"<font size={n}>" for n in range(1_000)) + "<p>x</p>" * 8_000,
        "<p " + " ".join(f"a{n}" for n in range(80_000)) + ">",
        "<div title='</div>'>" * 20_000,
    ],
    ids=lambda html: f"{html[:12]} {len(html)}",
)
def test_large_nonsense_takes_no_time(html: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server answers mail meanwhile."""
    monkeypatch.setattr(parsing, "CPU_SECONDS", 1)
    found = mail(html)
    started = time.thread_time()
    cleaning.document(found, remote=False)
    cleaning.asks_for_remote_content(html)
    links(found)
    text_of(found)
    assert time.thread_time() - started < 2


def test_a_long_newsletter_is_shown_as_a_short_one() -> None:
    """Though a process of its own reads it first."""
    row = '<tr><td><a href="https://example.com/?a=1&amp;b"><b>It\u2019s</b> &lt;3<i>x</a></td>'
    begin, end = "<style>.a { color: red }</style><table>", "</table>"
    long = cleaning.document(mail(begin + row * 3_000 + end), remote=False)
    short = cleaning.document(mail(begin + row + end), remote=False)
    shown = short[short.index("<tr>") : short.index("</tr>")]
    assert shown == long[long.index("<tr>") : long.index("</tr>")]
    assert long.count("<tr>") == 3_000
    assert ".a { color: red }" in long


def test_remote_images_are_shown_only_when_asked_for() -> None:
    html = (
        '<img src="https://cdn.example/logo.png">'
        "<p style=\"background:url('https://cdn.example/x.png')\">x</p>"
    )
    hidden = cleaning.document(mail(html), remote=False)
    shown = cleaning.document(mail(html), remote=True)
    assert cleaning.asks_for_remote_content(html)
    assert "cdn.example" not in hidden
    assert shown.count("https://cdn.example/") == 2
    assert "https:" not in cleaning.policy(remote=False)
    assert "img-src data: https: http:" in cleaning.policy(remote=True)


def test_remote_scripts_and_styles_are_never_shown() -> None:
    html = (
        '<script src="https://cdn.example/x.js"></script>'
        '<style>@import "https://cdn.example/x.css";</style>'
    )
    assert "cdn.example" not in cleaning.document(mail(html), remote=True)


def test_an_inline_image_is_in_the_document() -> None:
    document = cleaning.document(
        mail('<img src="cid:logo@x" alt="Logo">', logo=("image/png", PNG)), remote=False
    )
    assert f'src="data:image/png;base64,{base64.b64encode(PNG).decode()}"' in document


def test_a_part_that_is_not_an_image_is_no_inline_image() -> None:
    """Whatever its type says: an SVG may hold scripts."""
    evil = ("image/png", b"<svg onload=alert(1)>")
    assert "data:" not in cleaning.document(mail('<img src="cid:x@x">', x=evil), remote=False)


def test_styles_are_shown_as_a_mail_program_shows_them() -> None:
    html = "<style>p{color:#c00}</style><p style='margin:0 auto;width:50%' bgcolor=red>Hi</p>"
    document = cleaning.document(mail(html), remote=False)
    assert "p{color:#c00}" in document
    assert 'style="margin:0 auto;width:50%"' in document


def test_links_open_elsewhere_and_say_nothing() -> None:
    document = cleaning.document(
        mail('<a href="https://example.com/a?b=1&amp;c=2">x</a>'), remote=False
    )
    tags = dict(Tags(document).found)
    assert tags["a"] == {
        "href": "https://example.com/a?b=1&c=2",
        "target": "_blank",
        "rel": "noopener noreferrer nofollow",
    }


@pytest.mark.parametrize("remote", [False, True])
def test_the_document_may_nothing(page: Any, account: Any, active: str, remote: bool) -> None:
    """Neither scripts, forms and frames, nor to be framed by others."""
    account.rule(active, Recipients=["example.com"])
    record = account.send(
        headers=b"Content-Type: text/html\r\n", body=b'<p>Hi<script>1</script><img src="//x/y">'
    )
    answer = page.get(f"/messages/{record.message_id}/html", **({"remote": 1} if remote else {}))
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; default-src ")
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert "script" not in answer.body.decode()
    assert ("//x/y" in answer.body.decode()) is remote
    assert page.message(record.message_id)["remote"]
