"""Mail in a real browser: nothing of it runs, loads, sends, or reaches the page."""

from __future__ import annotations

import http.server
import smtplib
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from playwright.sync_api import expect

from local.page.attacks import ATTACKS, OWNED, REMOTE
from local.page.browser.conftest import Mail, Site
from mailroom_local import LocalAws

END = "the end of the mail"
# What the page holds that mail must not read: its token, and everything in its document.
REACH = """() => {
  let token;
  try {
    token = parent.document.querySelector("meta[name=mailroom-token]").content;
  } catch (error) {
    token = error.name;
  }
  return { token, origin, title: document.title };
}"""


class Canary:
    """A server that mail wants to reach."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        canary = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                canary.asked.append(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "image/png")
                self.end_headers()

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *arguments: object) -> None:
                """Keep the output of the tests clean."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    made = Canary()
    yield made
    made.server.shutdown()
    made.server.server_close()


def letter(subject: str, html: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "mallory@evil.example", "quiet@example.com"
    message["Subject"] = subject
    message.set_content("Read the HTML.\n")
    message.add_alternative(html, subtype="html")
    return message


def receive(aws: LocalAws, message: EmailMessage) -> str:
    return receive_all(aws, [message])[0]


def receive_all(aws: LocalAws, messages: list[EmailMessage]) -> list[str]:
    """Send by one connection, as each would begin with a handshake of its own; return the ids."""
    with smtplib.SMTP("127.0.0.1", aws.server.smtp_port) as smtp:
        smtp.ehlo()
        keys = []
        for message in messages:
            smtp.mail("mallory@evil.example")
            smtp.rcpt("quiet@example.com")
            _, reply = smtp.data(message.as_bytes(policy=SMTP))
            keys.append(reply.split()[-1].decode())
        return keys


def to_canary(html: str, canary: Canary) -> str:
    return html.replace(f"https://{REMOTE}", f"http://{canary.address}").replace(
        REMOTE, canary.address
    )


def test_no_attack_of_the_corpus_runs_loads_or_leaves_its_frame(
    site: Site, mail: Mail, aws: LocalAws, canary: Canary
) -> None:
    """All in one mail each, so that one attack cannot hide another by breaking the markup."""
    page = site.open()
    context = page.context
    before = len(context.pages)
    keys = receive_all(
        aws,
        [
            letter(f"Attack: {name}", f"{to_canary(html, canary)}<p>{END}</p>")
            for name, html in ATTACKS.items()
        ],
    )
    # A window of frames as the page makes them shows the whole corpus at once.
    page.evaluate(
        """keys => {
          for (const key of keys) {
            const frame = document.createElement("iframe");
            frame.sandbox = "allow-popups allow-popups-to-escape-sandbox";
            frame.referrerPolicy = "no-referrer";
            frame.src = `/api/messages/${key}/html`;
            document.body.append(frame);
          }
        }""",
        keys,
    )
    page.wait_for_function("count => window.frames.length >= count", arg=len(keys))
    page.wait_for_load_state("networkidle")
    for frame in page.frames[1:]:
        assert frame.url.startswith(f"{site.url}/api/messages/"), "a frame has left its mail"
        found = frame.evaluate(REACH)
        assert (found["token"], found["origin"]) == ("SecurityError", "null")
        assert found["title"] != OWNED
    assert OWNED not in page.title()
    assert canary.asked == []
    assert len(context.pages) == before
    # What the frames were refused is told in the console; it is what this test is about.
    site.trouble.clear()


@pytest.mark.parametrize("name", ["script", "meta refresh"])
def test_an_attack_that_is_opened_on_the_page_stays_text(
    site: Site, mail: Mail, aws: LocalAws, canary: Canary, name: str
) -> None:
    html = to_canary(ATTACKS[name], canary)
    key = receive(aws, letter(f"<img src=x onerror=alert(1)> {name}", f"{html}<p>{END}</p>"))
    page = site.open(f"/messages/{key}")
    expect(page.frame_locator(".mail-frame").get_by_text(END)).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.locator("main img").count() == 0
    assert page.url == f"{site.url}/messages/{key}"
    assert canary.asked == []


def test_remote_content_is_loaded_only_when_it_is_asked_for(
    site: Site, mail: Mail, aws: LocalAws, canary: Canary
) -> None:
    picture = f'<p>{END}</p><img src="http://{canary.address}/shown.png">'
    key = receive(aws, letter("A picture from elsewhere", picture))
    page = site.open(f"/messages/{key}")
    expect(page.frame_locator(".mail-frame").get_by_text(END)).to_be_visible()
    expect(page.get_by_text("Remote content is blocked")).to_be_visible()
    assert canary.asked == []
    with page.expect_response("**/shown.png"):
        page.get_by_role("button", name="Show it").click()
    expect(page.get_by_text("Remote content is blocked")).to_have_count(0)
    assert canary.asked == ["/shown.png"]
    assert site.requests == [f"http://{canary.address}/shown.png"]
    site.requests.clear()
    canary.asked.clear()


def test_links_that_would_run_are_shown_as_text(site: Site, mail: Mail) -> None:
    page = site.open(f"/messages/{mail.letter}")
    found = page.evaluate(
        """async () => {
          const { outside } = await import("/static/script/shared/dom.js");
          return ["javascript:alert(1)", " java\\nscript:alert(1)", "data:text/html,x", "file:///etc"]
            .map((url) => outside(url, url).tagName);
        }"""
    )
    assert found == ["SPAN"] * 4


def test_the_page_runs_no_script_and_no_style_of_its_own_document(site: Site, mail: Mail) -> None:
    """The policy of the page holds, whatever a fault of the script would let in."""
    page = site.open("/deployments")
    page.evaluate(
        """() => {
          document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.ran = true'>");
          const script = document.createElement("script");
          script.textContent = "window.ran = true";
          document.body.append(script);
        }"""
    )
    page.wait_for_timeout(100)
    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in said for said in site.trouble)
    site.trouble.clear()
