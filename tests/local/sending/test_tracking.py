"""Opens and clicks: the HTML, and the URLs over real HTTP."""

import re
import urllib.error
import urllib.request
from typing import Any

import pytest

from mailroom_local.sending import tracking
from mailroom_local.sending.tracking import Link

HTML = (
    "<html><body><a class='x' href='https://example.org/?a=1&amp;b=2' "
    'ses:tags="colour:red;size:xl;colour:blue">one</a>'
    '<a ses:no-track href="https://example.org/untracked">two</a>'
    '<a href="mailto:a@example.org">three</a></body></html>'
)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def http_error_302(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any) -> Any:
        return fp


def fetch(url: str, *, method: str = "GET", data: bytes | None = None) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect())
    request = urllib.request.Request(
        url, method=method, data=data, headers={"User-Agent": "test-reader/1"}
    )
    return opener.open(request, timeout=10)


def number(of: int) -> str:
    return f"http://local/{of}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<a href="http://x.example">', '<a href="http://local/0">'),
        ("<A HREF=http://x.example>", '<A HREF="http://local/0">'),
        ("<a\n href='https://x.example' id=b>", '<a\n href="http://local/0" id=b>'),
        ('<a href="mailto:x@x.example">', '<a href="mailto:x@x.example">'),
        ('<a href="#top">', '<a href="#top">'),
        ('<a data-href="http://x.example">', '<a data-href="http://x.example">'),
        ('<a href="http://x.example" ses:no-track>', '<a href="http://x.example">'),
        ('<!-- <a href="http://x.example"> -->', '<!-- <a href="http://x.example"> -->'),
        ("<img src='http://x.example'>", "<img src='http://x.example'>"),
    ],
)
def test_only_web_links_are_rewritten(before: str, after: str) -> None:
    """Not what is exempt, not what is commented out; everything else stays as it is."""
    assert tracking.rewrite_links(f"é\n{before} end", number)[0] == f"é\n{after} end"


def test_link_tags_are_taken_out_of_the_link() -> None:
    """A name that comes twice has two values."""
    text, links = tracking.rewrite_links(HTML, number)
    assert "ses:" not in text
    tags = {"colour": ["red", "blue"], "size": ["xl"]}
    assert links == [Link("https://example.org/?a=1&b=2", tags)]


@pytest.mark.parametrize(
    ("before", "pattern"),
    [
        ("<p>x</p></BODY></html>", "<p>x</p><img [^>]+></BODY></html>"),
        ("<p>x", "<p>x<img [^>]+>"),
        ("{{ses:openTracker}}<p>x</body>", "<img [^>]+><p>x</body>"),
    ],
)
def test_the_tracking_pixel_is_at_the_end_or_at_its_placeholder(before: str, pattern: str) -> None:
    """SES's placeholder moves it."""
    assert re.fullmatch(pattern, tracking.add_pixel(before, "http://local/open"))


def test_an_open_and_a_click_are_published(account: Any) -> None:
    """The pixel is one, the link redirects, and both events know who it was."""
    name, _ = account.configuration_set("OPEN", "CLICK")
    message_id = account.mail(html=HTML, ConfigurationSetName=name)
    account.story(message_id)
    content = account.delivered(message_id).get_content()
    pixel = re.search(r'<img [^>]*src="([^"]+)"', content)
    link = re.search(r'<a class=\'x\' href="([^"]+)"', content)
    assert pixel
    assert link
    assert pixel[1].startswith(account.aws.server.endpoint)
    opened = fetch(pixel[1])
    assert opened.headers["Content-Type"] == "image/gif"
    assert opened.read().startswith(b"GIF89a\x01\x00\x01\x00")
    account.story(message_id, count=3)
    clicked = fetch(link[1])
    assert (clicked.status, clicked.headers["Location"]) == (302, "https://example.org/?a=1&b=2")
    *_, first, second = account.story(message_id, count=4)
    assert first["open"]["ipAddress"] == "127.0.0.1"
    assert first["open"]["userAgent"] == "test-reader/1"
    assert second["click"]["link"] == "https://example.org/?a=1&b=2"
    assert second["click"]["linkTags"] == {"colour": ["red", "blue"], "size": ["xl"]}


def test_tracking_is_off_by_default(account: Any) -> None:
    """Without a destination for opens and clicks the HTML goes out as it came."""
    name, _ = account.configuration_set("SEND")
    html = "<a href='https://example.org/'>x</a>"
    message_id = account.mail(html=html, ConfigurationSetName=name)
    account.story(message_id)
    content = account.delivered(message_id).get_content()
    assert content.strip() == html


@pytest.mark.parametrize("path", ["unknown/open", "unknown/click/0"])
def test_a_url_without_a_message_is_not_found(account: Any, path: str) -> None:
    """And is no way to anywhere else."""
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetch(f"{account.aws.server.endpoint}{tracking.PREFIX}{path}")
