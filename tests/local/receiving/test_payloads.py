"""What actions get of a message: verdicts and payloads, without a server."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest

from mailroom.ses import LAMBDA_HEADER_BYTES, SNS_HEADER_BYTES, Disposition
from mailroom_local.mail.content import EICAR, GTUBE
from mailroom_local.mail.headers import read_headers
from mailroom_local.receiving import payloads
from mailroom_local.receiving.decisions import disposition_of
from mailroom_local.receiving.message import (
    Envelope,
    Match,
    Message,
    Verdicts,
    ses_headers,
    verdicts_of,
)

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SAMPLE = Path(__file__).parents[2] / "payloads"
PLAIN = b"From: Jane <jane@example.net>\r\nTo: support@example.com\r\nSubject: Hi\r\n\r\nHello\r\n"


def message(raw: bytes = PLAIN, **fields: Any) -> Message:
    """An accepted message."""
    envelope = Envelope(
        mail_from="jane@example.net",
        rcpt_tos=("support@example.com", "sales@example.com"),
        client_address="203.0.113.9",
        client_name="mx.example.net",
        tls=True,
    )
    return Message(
        message_id="abc123",
        raw=raw,
        envelope=envelope,
        received_at=NOW,
        region="us-east-1",
        verdicts=verdicts_of(raw),
        **fields,
    )


def match(**rule: Any) -> Match:
    """A rule that took it."""
    return Match(
        rule={"Name": "r", "ScanEnabled": True, **rule}, recipients=("support@example.com",)
    )


def event(of: Message, by: Match | None = None) -> dict[str, Any]:
    """The interesting part of its event, which has to be JSON."""
    action = {
        "type": "Lambda",
        "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:f",
        "invocationType": "Event",
    }
    told = payloads.lambda_event(of, by or match(), action, now=NOW + timedelta(seconds=0.574))
    json.dumps(told)
    ses: dict[str, Any] = told["Records"][0]["ses"]
    return ses


def test_an_ordinary_message_passes_every_check() -> None:
    """Mail in a rehearsal is usually meant to arrive."""
    assert verdicts_of(PLAIN) == Verdicts()


@pytest.mark.parametrize(("needle", "check"), [(GTUBE, "spam"), (EICAR, "virus")])
@pytest.mark.parametrize("encoded", [None, 0, 100])
def test_the_agreed_test_strings_fail_their_check(
    needle: bytes, check: str, encoded: int | None
) -> None:
    """GTUBE is spam and EICAR a virus, as text and inside a base64 attachment of any length."""
    mail = EmailMessage()
    mail["From"], mail["To"] = "jane@example.net", "support@example.com"
    mail.set_content(needle.decode() if encoded is None else "see attachment")
    if encoded is not None:
        mail.add_attachment(
            b"x" * encoded + needle, maintype="application", subtype="zip", filename="a"
        )
    verdicts = verdicts_of(mail.as_bytes(policy=SMTP))
    other = "virus" if check == "spam" else "spam"
    assert (getattr(verdicts, check), getattr(verdicts, other)) == ("FAIL", "PASS")


def test_a_header_rehearses_other_verdicts() -> None:
    """Unknown checks and unknown verdicts in it are ignored."""
    raw = b"X-Mailroom-Verdict: spf=fail; dkim=GRAY; dmarc=FAIL; dmarcPolicy=reject\r\n" + PLAIN
    verdicts = verdicts_of(raw.replace(b"reject\r", b"reject; bogus=FAIL; spam=MAYBE\r"))
    assert verdicts == Verdicts(spf="FAIL", dkim="GRAY", dmarc="FAIL", dmarc_policy="reject")


def test_a_rule_without_scanning_has_no_spam_and_virus_verdicts() -> None:
    """They are DISABLED there, whatever the message holds; the other checks are made anyway."""
    raw = PLAIN + GTUBE
    receipt = event(message(raw), match(ScanEnabled=False))["receipt"]
    assert receipt["spamVerdict"] == receipt["virusVerdict"] == {"status": "DISABLED"}
    assert receipt["spfVerdict"] == {"status": "PASS"}


def test_an_event_has_the_fields_of_the_documented_sample() -> None:
    """Nothing that AWS documents is missing; dmarcVerdict is newer than the sample."""
    sample = json.loads((SAMPLE / "received_mail.json").read_text())["Records"][0]["ses"]
    told = event(message())
    assert told.keys() == sample.keys()
    assert told["mail"].keys() == sample["mail"].keys()
    assert told["receipt"].keys() == sample["receipt"].keys() | {"dmarcVerdict"}
    assert told["receipt"]["action"].keys() == sample["receipt"]["action"].keys()
    assert told["receipt"]["processingTimeMillis"] == 574
    assert told["mail"]["timestamp"] == "2026-11-20T12:00:00.000Z"
    assert told["mail"]["commonHeaders"] == {
        "returnPath": "jane@example.net",
        "from": ["Jane <jane@example.net>"],
        "to": ["support@example.com"],
        "subject": "Hi",
    }


def test_the_dmarc_policy_is_present_only_when_dmarc_fails() -> None:
    """AWS: the field only appears if the message fails DMARC authentication."""
    assert "dmarcPolicy" not in event(message())["receipt"]
    failing = message(b"X-Mailroom-Verdict: dmarc=FAIL; dmarcPolicy=quarantine\r\n" + PLAIN)
    assert event(failing)["receipt"]["dmarcPolicy"] == "quarantine"


def test_destination_is_of_the_headers_and_recipients_are_of_the_envelope() -> None:
    """Without To and Cc, the destination is the envelope's too."""
    told = event(message())
    assert told["mail"]["destination"] == ["support@example.com"]
    assert told["receipt"]["recipients"] == ["support@example.com"]
    hidden = event(message(b"Subject: Bcc\r\n\r\n"))
    assert hidden["mail"]["destination"] == ["support@example.com", "sales@example.com"]


@pytest.mark.parametrize("limit", [LAMBDA_HEADER_BYTES, SNS_HEADER_BYTES])
def test_headers_beyond_the_limit_are_cut(limit: int) -> None:
    """50 KB for functions, 10 KB for topics; the subject survives in commonHeaders."""
    long = b"".join(b"X-Filler: " + b"a" * 900 + b"\r\n" for _ in range(70))
    told = payloads.mail_object(message(long + PLAIN), match(), header_bytes=limit)
    size = sum(len(f"{header['name']}: {header['value']}\r\n") for header in told["headers"])
    assert told["headersTruncated"] is True
    assert limit - 1000 < size <= limit
    assert told["commonHeaders"]["subject"] == "Hi"


def test_common_headers_are_decoded_and_headers_are_not() -> None:
    """Encoded words stay as they came in `headers`."""
    raw = (
        b"Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n"
        b"From: =?utf-8?q?J=C3=BCrgen?= <j@example.net>\r\n\r\n"
    )
    mail = event(message(raw))["mail"]
    assert mail["commonHeaders"]["subject"] == "Grüße"
    assert mail["commonHeaders"]["from"] == ["Jürgen <j@example.net>"]
    assert {"name": "Subject", "value": "=?utf-8?b?R3LDvMOfZQ==?="} in mail["headers"]


def test_bytes_outside_every_charset_do_not_break_the_event() -> None:
    """Spam is full of them, and an event is JSON."""
    mail = event(message(b"Subject: caf\xe9 \xff\r\n\r\n"))["mail"]
    assert mail["commonHeaders"]["subject"].startswith("caf")


def test_folded_headers_are_unfolded() -> None:
    """A header is one line, however it was wrapped on the way."""
    raw = b"Subject: one\r\n two\r\n\tthree\r\n\r\n"
    assert ("Subject", "one two\tthree") in read_headers(raw)


def test_stored_mail_begins_with_what_ses_adds() -> None:
    """The original message follows byte for byte, after what AddHeader put on it."""
    stored = message(added=[("X-Team", "printers")]).content(match())
    head, separator, rest = stored.partition(b"X-Team: printers\r\n")
    names = [line.partition(b":")[0].decode() for line in head.splitlines()]
    assert separator
    assert rest == PLAIN
    assert names == [
        "Return-Path",
        "Received",
        "X-SES-Spam-Verdict",
        "X-SES-Virus-Verdict",
        "Received-SPF",
        "Authentication-Results",
        "X-SES-RECEIPT",
        "X-SES-DKIM-SIGNATURE",
    ]


def test_the_headers_added_by_ses_show_where_a_message_came_from() -> None:
    """The envelope, the client and the verdicts; a notification has its client as the domain."""
    raw = b"X-Mailroom-Verdict: spf=GRAY; dkim=FAIL; dmarc=PROCESSING_FAILED\r\n" + PLAIN
    added = dict(ses_headers(message(raw), match()))
    assert added["Return-Path"] == "<jane@example.net>"
    assert added["Received"] == (
        "from mx.example.net (mx.example.net [203.0.113.9]) by inbound-smtp.us-east-1.amazonaws.com"
        " with SMTP id abc123 for support@example.com; Fri, 20 Nov 2026 12:00:00 +0000 (UTC)"
    )
    spf = (
        "none (spfCheck: 203.0.113.9 is neither permitted nor denied by domain of example.net)"
        " client-ip=203.0.113.9;"
        " envelope-from=jane@example.net; helo=mx.example.net;"
    )
    assert added["Received-SPF"] == spf
    assert added["Authentication-Results"] == (
        f"amazonses.com; spf={spf} dkim=fail header.i=@example.net;"
        " dmarc=temperror header.from=example.net;"
    )
    bounce = message()
    bounce.envelope = replace(bounce.envelope, mail_from="")
    assert "domain of mx.example.net" in dict(ses_headers(bounce, match()))["Received-SPF"]


@pytest.mark.parametrize(
    ("payload", "failed", "disposition"),
    [
        (b'{"disposition": "STOP_RULE"}', False, Disposition.STOP_RULE),
        (b'{"disposition": "stop_rule_set"}', False, Disposition.STOP_RULE_SET),
        (b'{"disposition": "CONTINUE"}', False, Disposition.CONTINUE),
        (b'{"disposition": "STOP"}', False, Disposition.CONTINUE),
        (b'"STOP_RULE"', False, Disposition.CONTINUE),
        (b"[1]", False, Disposition.CONTINUE),
        (b"null", False, Disposition.CONTINUE),
        (b"", False, Disposition.CONTINUE),
        (b'{"disposition": "STOP_RULE"}', True, Disposition.CONTINUE),
    ],
)
def test_an_answer_that_is_not_a_disposition_counts_as_continue(
    payload: bytes, failed: bool, disposition: Disposition
) -> None:
    """SES fails open: an error, a wrong type and a wrong word let the mail through."""
    assert disposition_of(payload, failed=failed) is disposition


def test_content_for_a_topic_is_encoded_as_the_action_says() -> None:
    """UTF-8 replaces what it cannot hold, so binary mail wants Base64."""
    assert payloads.encode_content(b"caf\xe9", "UTF-8") == "caf\ufffd"
    assert base64.b64decode(payloads.encode_content(b"caf\xe9", "Base64")) == b"caf\xe9"
