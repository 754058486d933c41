"""One browser, and one account with a message of each kind, for the tests of this folder."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, Route, expect

from chromium import browser as started
from mailroom_local import LocalAws

SECONDS = 10.0
# The smallest picture.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
HANDLER = """
import boto3


def on_mail(mail):
    print("reading", mail.subject)
    ticket = ticket_of(mail)
    boto3.client("sesv2").send_email(
        FromEmailAddress="support@sending.example",
        Destination={"ToAddresses": [mail.source]},
        Content={"Simple": {
            "Subject": {"Data": f"Re: {mail.subject}"},
            "Body": {"Text": {"Data": ticket}},
        }},
    )


def ticket_of(mail):
    if "broken" in mail.subject:
        raise ValueError("a ticket needs a subject that works")
    return "We are on our way."
"""
HTML = (
    '<p>The printer <b>smokes</b>.</p><img src="https://canary.example/pixel.png">'
    '<a href="https://example.com/printer">The printer</a>'
)


GO_ON = """path => {
  for (const address of ["/deployments", path]) {
    history.pushState(null, "", address);
    dispatchEvent(new PopStateEvent("popstate"));
  }
}"""


class Site:
    """The page in the browser, as a person sees it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.trouble: list[str] = []
        self.requests: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.trouble.append(str(error)))
        page.on("request", self._request)

    def open(
        self, path: str = "/", *, width: int = 1280, dark: bool = False, height: int = 820
    ) -> Page:
        """Show a view of the page."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(color_scheme="dark" if dark else "light")
        if self.page.url.startswith(self.url):
            # As a person goes on from another view; to load the page again takes much longer.
            self.page.evaluate(GO_ON, path)
        else:
            self.page.goto(self.url + path)
        return self.page

    def answer(self, path: str, body: Any, *, status: int = 200) -> None:
        """Have the browser get this answer of the API instead of the server's."""
        self.reply(
            path,
            lambda route: route.fulfill(
                status=status, content_type="application/json", body=json.dumps(body)
            ),
        )

    def reply(self, path: str, handler: Callable[[Route], None]) -> None:
        """Have this function answer requests to a path of the API."""
        self.page.route(re.compile(re.escape(path) + r"(\?|$)"), handler)

    def row(self, text: str) -> Locator:
        """The row of the list with this text."""
        return self.rows().filter(has_text=text)

    def rows(self) -> Locator:
        """The rows of the list that exist."""
        return self.page.get_by_role("listbox").get_by_role("option")

    def story(self) -> Locator:
        return self.page.get_by_role("region", name="Story")

    def _console(self, message: ConsoleMessage) -> None:
        # Answers that say why something is refused are shown on the page.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.trouble.append(message.text)

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:", "about:")):
            self.requests.append(request.url)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Ends with the folder: its event loop would be in the way of other tests."""
    with started() as running:
        yield running


@pytest.fixture(scope="package")
def _site(browser: Browser, aws: LocalAws) -> Site:
    expect.set_options(timeout=SECONDS * 1000)
    context = browser.new_context(reduced_motion="reduce", locale="en-GB")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.set_default_timeout(SECONDS * 1000)
    return Site(page, aws.server.page)


@pytest.fixture
def site(_site: Site) -> Iterator[Site]:
    """The page; a test fails if its script raises, or if it asks another server for anything."""
    _site.trouble.clear()
    _site.requests.clear()
    yield _site
    _site.page.unroute_all(behavior="ignoreErrors")
    assert _site.trouble == []
    assert _site.requests == []


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """The ids of the messages, and the names of what they met."""

    question: str
    broken: str
    sales: str
    letter: str
    function: str
    dead_letters: str
    rules: dict[str, str]
    set: str


@pytest.fixture(scope="package")
def mail(_account: Any, aws: LocalAws) -> Iterator[Mail]:
    """Mail that was received, refused and sent, and what came of it."""
    account = _account
    rule_set = account.rule_set()
    account.ses.set_active_receipt_rule_set(RuleSetName=rule_set)
    function = account.handler(HANDLER, MAILROOM_HANDLER="app:on_mail")
    dead = account.sqs.create_queue(QueueName=account.name("dead"))["QueueUrl"].rpartition("/")[2]
    account.functions.put_function_event_invoke_config(
        FunctionName=function.rpartition(":")[2],
        MaximumRetryAttempts=1,
        DestinationConfig={
            "OnFailure": {"Destination": f"arn:aws:sqs:{account.region}:{account.id}:{dead}"}
        },
    )
    bucket = {"S3Action": {"BucketName": account.bucket(), "ObjectKeyPrefix": "mail/"}}
    call = {"LambdaAction": {"FunctionArn": function, "InvocationType": "Event"}}
    support, sales = "support@example.com", "sales@example.com"
    stop = {"StopAction": {"Scope": "RuleSet"}}
    rules = {
        "keep": account.rule(rule_set, bucket, Recipients=[support, sales], ScanEnabled=True),
        "support": account.rule(rule_set, call, Recipients=[support], ScanEnabled=True),
        "sales": account.rule(rule_set, stop, Recipients=[sales], ScanEnabled=True),
        "quiet": account.rule(rule_set, stop, Recipients=["quiet@example.com"]),
    }
    name, _ = account.configuration_set("SEND", "DELIVERY", "BOUNCE", "OPEN", "CLICK")
    question = aws.send(_question(), mail_from="jane@customer.example", rcpt_tos=[support])
    broken = aws.send(
        _plain("broken printer"), mail_from="jane@customer.example", rcpt_tos=[support]
    )
    offer = aws.send(_plain("An offer"), mail_from="jane@customer.example", rcpt_tos=[sales])
    with pytest.raises(Exception, match="550"):
        aws.send(_plain("Typo"), mail_from="jane@customer.example", rcpt_tos=["suport@example.com"])
    letter = account.mail("reader@example.net", html=HTML, ConfigurationSetName=name)
    for sent in (question, broken, offer):
        aws.wait(sent.message_id)
    aws.wait_until(lambda: aws.message(letter), lambda one: len(one.events) == 2, seconds=SECONDS)
    yield Mail(
        question=question.message_id,
        broken=broken.message_id,
        sales=offer.message_id,
        letter=letter,
        function=function.rpartition(":")[2],
        dead_letters=dead,
        rules=rules,
        set=name,
    )
    account.clear()


def _plain(subject: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Jane Doe <jane@customer.example>"
    message["To"] = "support@example.com"
    message["Subject"] = subject
    message.set_content("It smokes.\n")
    return message


def _question() -> EmailMessage:
    message = _plain("The printer smökes")
    message.add_alternative(HTML, subtype="html")
    message.add_attachment(PNG, maintype="image", subtype="png", filename="photo.png")
    message.add_attachment("12:00 fire\n", subtype="x-log", filename="printer.log")
    return message
