"""Every structure of the corpus, received over SMTP; one run for all."""

import smtplib
from typing import Any

import pytest

from mail_corpus import RECEIVED, RECIPIENT
from mailroom import mime


@pytest.fixture(scope="module")
def received(account: Any) -> Any:
    """What happened to each mail, and the object that holds it."""
    rules, bucket = account.rule_set(), account.bucket()
    account.rule(rules, {"S3Action": {"BucketName": bucket}}, Recipients=[RECIPIENT])
    account.ses.set_active_receipt_rule_set(RuleSetName=rules)
    with smtplib.SMTP("127.0.0.1", account.aws.server.smtp_port, timeout=10) as smtp:
        smtp.ehlo()
        sent = {name: _send(smtp, raw) for name, raw in RECEIVED.items()}
    found = {
        name: account.aws.wait(message_id, seconds=20, handlers=False)
        for name, message_id in sent.items()
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
    assert [action.outcome for action in story.actions] == ["done"]


@pytest.mark.parametrize("name", sorted(RECEIVED))
def test_a_handler_reads_what_was_stored(received: Any, name: str) -> None:
    """Each part of it."""
    message = mime.read(received[name][1])
    assert message["To"] == RECIPIENT
    for each in message.walk():
        if not each.is_multipart():
            assert each.get_content() is not None
