"""The SMTP conversation, as a sending mail server sees it."""

import smtplib
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from mailroom.ses import RECEIVED_BYTES
from mailroom_local import LocalAws, SmtpRefused


@pytest.fixture
def smtp(aws: LocalAws) -> Iterator[smtplib.SMTP]:
    """A connection in plaintext."""
    with smtplib.SMTP("127.0.0.1", aws.server.smtp_port, timeout=30) as connection:
        yield connection


def begin(smtp: smtplib.SMTP) -> None:
    """Get as far as RCPT TO."""
    smtp.ehlo("mx.example.net")
    assert smtp.mail("jane@example.net")[0] == 250


def test_the_server_greets_as_inbound_smtp(smtp: smtplib.SMTP) -> None:
    """It offers what SES offers, and XCLIENT; neither SIZE nor AUTH."""
    code, answer = smtp.ehlo()
    assert code == 250
    assert answer.startswith(b"inbound-smtp.us-east-1.amazonaws.com")
    assert sorted(smtp.esmtp_features) == ["8bitmime", "ok", "starttls", "xclient"]


def test_starttls_is_offered_with_a_certificate_that_can_be_checked(
    aws: LocalAws, smtp: smtplib.SMTP, account: Any, active: str
) -> None:
    """It is self-signed and in the state directory; the journal records TLS."""
    account.rule(active, Recipients=["example.com"])
    smtp.ehlo()
    certificate = aws.state.certificate
    smtp.starttls(context=ssl.create_default_context(cafile=certificate))
    begin(smtp)
    assert smtp.rcpt("a@example.com")[0] == 250
    code, answer = smtp.data(b"Subject: x\r\n\r\n")
    assert code == 250
    message_id = answer.decode().rpartition(" ")[2]
    assert aws.wait(message_id, seconds=5).tls


def test_without_an_active_rule_set_every_recipient_is_refused(smtp: smtplib.SMTP) -> None:
    """During the conversation, so the sender knows."""
    begin(smtp)
    code, answer = smtp.rcpt("support@example.com")
    assert (code, answer[:5]) == (550, b"5.1.1")


def test_only_recipients_that_a_rule_takes_are_accepted(
    smtp: smtplib.SMTP, account: Any, active: str
) -> None:
    """One unknown recipient does not spoil the message for the others."""
    account.rule(active, Recipients=["support@example.com", ".example.org"])
    account.rule(active, Recipients=["example.net"], Enabled=False)
    begin(smtp)
    codes = {
        address: smtp.rcpt(address)[0]
        for address in (
            "support@example.com",
            "SUPPORT+x@Example.COM",
            "a@mail.example.org",
            "suport@example.com",
            "a@example.org",
            "a@example.net",
        )
    }
    assert list(codes.values()) == [250, 250, 250, 550, 550, 550]
    assert smtp.data(b"Subject: x\r\n\r\n")[0] == 250


def test_a_rule_without_recipients_accepts_for_verified_identities(
    smtp: smtplib.SMTP, account: Any, active: str
) -> None:
    """Of both APIs, and for no other recipients."""
    account.aws.verify_identity("verified.example")
    account.v2.create_email_identity(EmailIdentity="second.example")
    account.rule(active)
    begin(smtp)
    assert smtp.rcpt("anyone@verified.example")[0] == 250
    assert smtp.rcpt("anyone@second.example")[0] == 250
    assert smtp.rcpt("anyone@else.example")[0] == 550


def test_a_rule_that_requires_tls_refuses_plaintext(account: Any, active: str) -> None:
    """Only its own recipients, and only without STARTTLS."""
    account.rule(active, Name="strict", Recipients=["strict@example.com"], TlsPolicy="Require")
    account.rule(active, Recipients=["lax@example.com"])
    with pytest.raises(SmtpRefused) as refused:
        account.send(to="strict@example.com", tls=False)
    assert refused.value.code == 530
    assert account.send(to="lax@example.com", tls=False).tls is False
    assert account.send(to="strict@example.com").tls is True
    reasons = [message.reason for message in account.aws.messages(handlers=False)]
    assert "rule strict requires TLS" in reasons


def test_an_ip_filter_blocks_a_client(account: Any, active: str) -> None:
    """XCLIENT stands for the address from which a real client would have come."""
    account.rule(active, Recipients=["example.com"])
    for name, policy, cidr in (
        ("block", "Block", "203.0.113.0/24"),
        ("allow", "Allow", "203.0.113.10/32"),
    ):
        ip_filter = {"Policy": policy, "Cidr": cidr}
        account.ses.create_receipt_filter(Filter={"Name": name, "IpFilter": ip_filter})
    try:
        with pytest.raises(SmtpRefused) as refused:
            account.send(client_address="203.0.113.9")
        assert refused.value.code == 554
        account.send(client_address="203.0.113.10")
        account.send()
    finally:
        for name in ("block", "allow"):
            account.ses.delete_receipt_filter(FilterName=name)


def test_a_bad_xclient_is_a_syntax_error(smtp: smtplib.SMTP) -> None:
    """It accepts nothing but an address."""
    smtp.ehlo()
    assert smtp.docmd("XCLIENT", "ADDR=nowhere")[0] == 501
    assert smtp.docmd("XCLIENT")[0] == 501


def test_a_message_announced_as_too_large_is_refused_at_once(
    smtp: smtplib.SMTP, account: Any, active: str
) -> None:
    """SIZE above 40 MB: 552 before anything is transferred; the journal notes it."""
    smtp.ehlo()
    code, _ = smtp.mail("jane@example.net", [f"SIZE={RECEIVED_BYTES + 1}"])
    assert code == 552
    assert smtp.mail("jane@example.net", [f"SIZE={RECEIVED_BYTES}"])[0] == 250
    last = account.aws.messages(handlers=False)[-1]
    assert last.reason == "the message is larger than 40 MB"


def test_a_message_that_is_too_large_is_refused_after_data(
    smtp: smtplib.SMTP, account: Any, active: str
) -> None:
    """A client that did not announce its size learns it at the end: 552."""
    account.rule(active, Recipients=["example.com"])
    begin(smtp)
    assert smtp.rcpt("a@example.com")[0] == 250
    line = b"x" * 997 + b"\r\n"
    code, _ = smtp.data(line * (RECEIVED_BYTES // len(line) + 1))
    assert code == 552


def test_a_repeated_recipient_counts_once(account: Any, active: str) -> None:
    """RFC 5321, 4.1.1.3 leaves it to the server."""
    account.rule(active, Recipients=["example.com"])
    record = account.send(to=["a@example.com", "a@example.com"])
    assert record.rcpt_tos == ["a@example.com"]


def test_a_recipient_of_an_unverified_domain_is_refused_whatever_the_rules_say(
    account: Any, active: str
) -> None:
    account.rule(active, Recipients=["stranger.example"])
    with pytest.raises(SmtpRefused, match=r"550 5\.1\.1"):
        account.send(to="a@Stranger.example")
    assert account.aws.messages()[-1].reason == (
        "stranger.example is not a verified identity: verify it with --identity stranger.example"
    )
