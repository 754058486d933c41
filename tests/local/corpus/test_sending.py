"""Every structure of the corpus, sent through each interface that takes raw mail."""

import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from mail_corpus import RECEIVED, RECIPIENT, SENDER, SENT
from mailroom import mime
from mailroom.mime.parts import Part
from mailroom_local.mail.content import normal_lines
from mailroom_local.sending.delivery import deliver
from mailroom_local.sending.message import SentMessage

ENDPOINT = "http://127.0.0.1:1"
REFUSED = {
    "long_line": "Line length exceeds 1000 characters.",
    "raw_latin1_display_name": "Missing final '@domain'",
    "unknown_charset_word": "Unsupported encoding cp-850.",
}
# Those with HTML that a reader sees as the message, and that may be changed.
TRACKED = {
    "apple_mail_with_inline_pdf",
    "django_html_alternative",
    "gmail_inline_image_and_attachment",
    "gmail_plain_and_html",
    "google_calendar_invitation",
    "html_in_a_small_charset",
    "never_closed",
    "outlook_html_with_image",
    "outlook_invitation",
    "rails_multipart",
}

Send = Callable[[bytes], str]


@pytest.fixture(scope="module")
def configuration_set(account: Any) -> str:
    """A configuration set that tracks."""
    return str(account.configuration_set("SEND", "DELIVERY", "OPEN", "CLICK")[0])


@pytest.fixture(scope="module")
def submission(account: Any) -> Iterator[smtplib.SMTP]:
    """A connection that is logged in."""
    credentials = account.aws.credentials
    with smtplib.SMTP("127.0.0.1", account.aws.submission_port, timeout=10) as smtp:
        smtp.starttls(context=ssl._create_unverified_context())
        smtp.login(credentials.user, credentials.password)
        yield smtp


@pytest.fixture(params=["v1", "v2", "smtp"])
def send(
    account: Any, configuration_set: str, submission: smtplib.SMTP, request: pytest.FixtureRequest
) -> Send:
    """Send a raw message, and return its id."""

    def v1(raw: bytes) -> str:
        return str(
            account.ses.send_raw_email(
                RawMessage={"Data": raw}, ConfigurationSetName=configuration_set
            )["MessageId"]
        )

    def v2(raw: bytes) -> str:
        return str(
            account.v2.send_email(
                Content={"Raw": {"Data": raw}}, ConfigurationSetName=configuration_set
            )["MessageId"]
        )

    def smtp(raw: bytes) -> str:
        named = f"X-SES-CONFIGURATION-SET: {configuration_set}\r\n".encode()
        submission.mail(SENDER)
        submission.rcpt(RECIPIENT)
        code, reply = submission.data(named + raw)
        if code != 250:
            raise ValueError(reply.decode())
        return reply.decode().split()[-1]

    return {"v1": v1, "v2": v2, "smtp": smtp}[request.param]


def test_everything_that_ses_sends_is_sent_with_its_events(account: Any, send: Send) -> None:
    """Nothing goes wrong on the way, and the HTML is tracked."""
    ids = {name: send(raw) for name, raw in SENT.items()}
    for message_id in ids.values():
        account.story(message_id, count=2)
    stories = {one.message_id: one for one in account.aws.messages(handlers=False)}
    delivered = {one["MessageId"]: one["Raw"] for one in account.aws.sent() if "Raw" in one}
    for name, message_id in ids.items():
        story = stories[message_id]
        assert (name, story.problems) == (name, [])
        assert [event.kind for event in story.events] == ["Send", "Delivery"]
        tracked = [text for text in _texts(delivered[message_id]) if f"{message_id}/open" in text]
        assert (name, bool(tracked)) == (name, name in TRACKED)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_ses_refuses_is_refused_everywhere(account: Any, send: Send, name: str) -> None:
    """In the same words, which are in the log as well."""
    with pytest.raises(Exception, match=re.escape(REFUSED[name])):
        send(RECEIVED[name])
    last = account.aws.messages(handlers=False)[-1]
    assert last.outgoing
    assert REFUSED[name] in str(last.reason)


@pytest.mark.parametrize("name", sorted(SENT))
def test_tracking_changes_the_html_and_nothing_else(name: str) -> None:
    """All other parts are the same bytes, and so is what a signature covers."""
    before = normal_lines(SENT[name])
    after, links = deliver(_outgoing(before), endpoint=ENDPOINT)
    changed = []
    for old, new in zip(mime.parse(before).walk(), mime.parse(after).walk(), strict=True):
        assert old.content_type == new.content_type
        if not old.children and old.raw != new.raw:
            changed.append((old, new))
    for old, new in changed:
        assert (old.content_type, old.encoding) == ("text/html", new.encoding)
        assert new.text()[1] is None
        shown = re.sub(rf'<img alt="" src="{ENDPOINT}[^>]*>', "", new.text()[0])
        shown = shown.replace(f'"{ENDPOINT}/_mailroom/mail/id/click/0"', _link(old))
        assert shown.replace("\r\n", "\n") == old.text()[0].replace("\r\n", "\n")
    assert bool(changed) == (name in TRACKED)
    assert [link.url for link in links][:1] == ([_url(name)] if name in TRACKED else [])


def _url(name: str) -> str:
    short = name in ("outlook_html_with_image", "html_in_a_small_charset")
    return "https://example.org/" if short else "https://example.org/?a=1&b=2"


def _link(part: Part) -> str:
    found = re.search(r'<a href=("[^"]*")', part.text()[0])
    return found[1] if found else ""


def _texts(raw: bytes) -> list[str]:
    return [part.text()[0] for part in mime.parse(raw).walk() if not part.children]


def _outgoing(raw: bytes) -> SentMessage:
    return SentMessage(
        message_id="id",
        operation="SendRawEmail",
        sent_at=datetime.now(UTC),
        source=SENDER,
        source_arn="arn:aws:ses:us-east-1:0:identity/sending.example",
        recipients=(RECIPIENT,),
        raw=raw,
        account="000000000000",
        region="us-east-1",
        caller="someone",
        source_ip="127.0.0.1",
        configuration_set="set",
        track_opens=True,
        track_clicks=True,
    )
