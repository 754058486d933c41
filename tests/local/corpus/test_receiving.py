"""Every structure of the corpus, received over SMTP, handled and forwarded; one run for all."""

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest

from mail_corpus import RECEIVED, RECIPIENT
from mailroom import mime
from mailroom.mime.parts import Part
from mailroom_local.mail.content import normal_lines

HANDLER = """
from mailroom.handlers.receiving import forward

def on_mail(mail):
    parts = [part for part in mail.read().walk() if not part.is_multipart()]
    print(*[f"{part.get_content_type()}:{len(part.get_content())}" for part in parts])
    forward.on_mail(mail)
"""


@pytest.fixture(scope="module")
def received(account: Any) -> Any:
    """What happened to each mail, and the object that holds it."""
    rules, bucket = account.rule_set(), account.bucket()
    handler = account.handler(
        HANDLER,
        MAILROOM_HANDLER="app:on_mail",
        MAILROOM_BUCKET=bucket,
        MAILROOM_MARK_PREFIX="marks/",
        MAILROOM_FORWARD_FROM=RECIPIENT,
        MAILROOM_FORWARD_TO='["team@example.net"]',
    )
    account.rule(
        rules,
        {"S3Action": {"BucketName": bucket}},
        {"LambdaAction": {"FunctionArn": handler, "InvocationType": "Event"}},
        Recipients=[RECIPIENT],
        ScanEnabled=True,
    )
    account.ses.set_active_receipt_rule_set(RuleSetName=rules)
    with smtplib.SMTP("127.0.0.1", account.aws.server.smtp_port, timeout=10) as smtp:
        smtp.ehlo()
        # One after the other, as each call at the same time would start a process.
        found = {
            name: account.aws.wait(_send(smtp, raw), seconds=20) for name, raw in RECEIVED.items()
        }
    account.ses.set_active_receipt_rule_set()
    account.ses.delete_receipt_rule_set(RuleSetName=rules)
    return {name: (one, account.read(bucket, one.message_id)) for name, one in found.items()}


def _send(smtp: smtplib.SMTP, raw: bytes) -> str:
    # Not by LocalAws, which mends the ends of lines.
    smtp.mail("jane@example.net")
    smtp.rcpt(RECIPIENT)
    code, reply = smtp.data(raw)
    assert code == 250, reply
    return reply.decode().split()[-1]


@pytest.mark.parametrize("name", sorted(RECEIVED))
def test_mail_is_stored_byte_for_byte_after_the_fields_of_ses(received: Any, name: str) -> None:
    """And its story has no problem."""
    story, stored = received[name]
    assert stored.endswith(RECEIVED[name])
    added = stored.removesuffix(RECEIVED[name])
    assert added.startswith(b"Return-Path: <jane@example.net>\r\n")
    assert b"\r\nX-SES-DKIM-SIGNATURE: " in added
    assert story.finished
    assert story.problems == []
    assert [action.outcome for action in story.actions] == ["done", "accepted"]


@pytest.fixture(scope="module")
def forwarded(account: Any, received: Any) -> dict[str, list[bytes]]:
    """What was sent on of each mail."""
    sent = [one["Raw"] for one in account.aws.sent() if one["DeliveredTo"] == ["team@example.net"]]
    # The field that SES added when the mail was received has its id.
    return {
        name: [raw for raw in sent if story.message_id.encode() in raw]
        for name, (story, _) in received.items()
    }


@pytest.mark.parametrize("name", sorted(RECEIVED))
def test_a_deployed_handler_reads_each_part(received: Any, name: str) -> None:
    message = mime.read(received[name][1])
    assert message["To"] == RECIPIENT
    (call,) = received[name][0].outcomes
    assert (call.error, call.detail, call.outcome) == (None, "", "handled")
    # What is wrong with a structure is logged first.
    assert " ".join(_sizes(message)) in call.output


@pytest.mark.parametrize("name", sorted(RECEIVED))
def test_mail_is_forwarded_once_with_every_part_as_it_was(
    forwarded: dict[str, list[bytes]], name: str
) -> None:
    """Also what SES would refuse to send as it came."""
    (raw,) = forwarded[name]
    assert mime.read(raw)["From"].addresses[0].addr_spec == RECIPIENT
    assert b"Not forwarded" not in raw
    before, after = mime.parse(normal_lines(RECEIVED[name])), mime.parse(raw)
    assert list(_contents(after)) == list(_contents(before))


def _sizes(message: EmailMessage) -> Iterator[str]:
    for part in message.walk():
        if not part.is_multipart():
            yield f"{part.get_content_type()}:{len(part.get_content())}"


def _contents(message: Part) -> Iterator[tuple[str, object]]:
    for part in message.walk():
        if not part.children:
            yield part.content_type, part.text()
