"""Rules of `SmtpSender`, against a real SMTP server with STARTTLS on loopback."""

from __future__ import annotations

import smtplib
import ssl
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from mailroom.errors import NotConfigured
from mailroom.sending import (
    InvalidMessage,
    ListManagement,
    NotSent,
    OutcomeUnknown,
    SmtpSender,
    add_publishing_headers,
    publishing_headers,
)
from mailroom.testing import message, received_mail
from runtime.sending.smtp_server import SmtpSes, a_message


def parsed(server: SmtpSes) -> EmailMessage:
    found = message_from_bytes(server.messages[-1].content, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def test_a_message_carries_its_set_and_tags(server: SmtpSes, smtp: SmtpSender) -> None:
    """In header fields, which is where SMTP has them; the id is from SES's reply."""
    sent = smtp.send(a_message(Bcc="b@example.com"), tags={"campaign": "may"})
    found = parsed(server)
    assert found["X-SES-CONFIGURATION-SET"] == "outbound"
    assert found["X-SES-MESSAGE-TAGS"] == "app=shop, campaign=may"
    assert found["Bcc"] is None
    assert found.get_content().splitlines() == [".a line that starts with a dot"]
    envelope = server.messages[0]
    assert envelope.mail_from == "shop@example.com"
    assert envelope.rcpt_tos == ["jane@example.com", "b@example.com"]
    assert sent.message_id == "0100-abc"
    assert sent.tags == {"app": "shop", "campaign": "may"}
    assert server.logins == ["AKIA"]


def test_bounces_go_to_the_sender_if_a_message_has_one(server: SmtpSes, smtp: SmtpSender) -> None:
    """RFC 5322 has ``Sender`` for who transmits what another wrote."""
    smtp.send(a_message(Sender="Office <office@example.com>"))
    assert server.messages[0].mail_from == "office@example.com"


def test_a_message_carries_the_tenant(
    server: SmtpSes, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender that ignored what the API's heeds would send outside of the tenant."""
    monkeypatch.setenv("MAILROOM_TENANT", "acme")
    access = {"user": "AKIA", "password": "right", "configuration_set": "outbound"}
    with SmtpSender(host="127.0.0.1", port=server.port, context=context, **access) as sender:
        sender.send(a_message())
        with pytest.raises(InvalidMessage, match="X-SES-TENANT"):
            sender.send(a_message(X_SES_TENANT="globex"))
    assert parsed(server)["X-SES-TENANT"] == "acme"


def test_a_received_mail_is_answered(server: SmtpSes, smtp: SmtpSender) -> None:
    """As through the API, with configuration set and tags in the message."""
    mail = received_mail(message(from_="Jane <jane@example.org>", subject="Printer"))
    sent = smtp.reply(mail, text="We look into it.", from_address="desk@example.com")
    assert (sent.thread_id, sent.recipients) == (mail.thread_id, ("jane@example.org",))
    assert parsed(server)["Subject"] == "Re: Printer"
    assert parsed(server)["In-Reply-To"] == mail.header_message_id
    assert parsed(server)["X-SES-CONFIGURATION-SET"]


def test_many_tags_are_folded(server: SmtpSes, smtp: SmtpSender) -> None:
    """No line gets too long for SMTP, and none is lost."""
    tags = {f"name{number}": "v" * 200 for number in range(20)}
    smtp.send(a_message(), tags=tags)
    value = parsed(server)["X-SES-MESSAGE-TAGS"]
    pairs = dict(pair.strip().split("=") for pair in value.split(","))
    assert pairs == {"app": "shop", **tags}


def test_list_management_is_a_field(server: SmtpSes, smtp: SmtpSender) -> None:
    """What API v2 has as a parameter."""
    smtp.send(a_message(), list_management=ListManagement("readers", topic="weekly"))
    assert parsed(server)["X-SES-LIST-MANAGEMENT-OPTIONS"] == "readers; topic=weekly"


def test_one_connection_serves_many_messages(server: SmtpSes, smtp: SmtpSender) -> None:
    """Until it is closed."""
    for _ in range(3):
        smtp.send(a_message())
    assert (server.sessions, len(server.messages)) == (1, 3)
    smtp.close()
    smtp.send(a_message())
    assert server.sessions == 2


def test_the_end_of_a_block_closes_the_connection(server: SmtpSes, context: ssl.SSLContext) -> None:
    """A function that is frozen would hold it until SES gives up."""
    access = {"user": "AKIA", "password": "right", "configuration_set": "outbound"}
    smtp = SmtpSender(host="127.0.0.1", port=server.port, context=context, **access)
    for _ in range(2):
        with smtp:
            smtp.send(a_message())
    assert server.sessions == 2


def test_an_untrusted_certificate_is_refused(server: SmtpSes, clock: Any) -> None:
    """By default the system's authorities decide; no password is sent."""
    sender = SmtpSender(
        host="127.0.0.1",
        port=server.port,
        user="a",
        password="right",
        configuration_set="s",
        sleep=clock.sleep,
    )
    with pytest.raises(NotSent, match="CERTIFICATE_VERIFY_FAILED"):
        sender.send(a_message())
    assert not server.logins
    assert not clock.slept


def test_a_server_without_starttls_gets_no_password(
    certificate: Path, context: ssl.SSLContext
) -> None:
    """Someone in between may have removed the offer."""
    server = SmtpSes(certificate, tls=False)
    sender = SmtpSender(
        host="127.0.0.1",
        port=server.port,
        user="a",
        password="right",
        configuration_set="s",
        context=context,
    )
    with pytest.raises(NotSent, match="STARTTLS"):
        sender.send(a_message())
    assert not server.logins
    assert not server.messages
    server.close()


def test_a_context_that_checks_nothing_is_refused() -> None:
    """Encryption without authentication is worthless."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with pytest.raises(NotConfigured, match="certificate"):
        SmtpSender(user="a", password="b", configuration_set="s", context=context)


def test_refused_recipients_are_reported(server: SmtpSes, smtp: SmtpSender) -> None:
    """The others get the message."""
    server.rcpt_answers = {"b@example.com": "550 no such user"}
    sent = smtp.send(a_message(Cc="b@example.com"))
    assert sent.recipients == ("jane@example.com",)
    assert sent.refused == {"b@example.com": "550 no such user"}


def test_a_message_is_not_sent_if_every_recipient_is_refused(
    server: SmtpSes, smtp: SmtpSender
) -> None:
    """And the connection serves the next message."""
    server.rcpt_answers = {"jane@example.com": "550 no such user"}
    with pytest.raises(NotSent, match="550 no such user"):
        smtp.send(a_message())
    server.rcpt_answers = {}
    assert smtp.send(a_message()).message_id


def test_a_server_that_closes_while_recipients_are_named_is_tried_again(
    server: SmtpSes, smtp: SmtpSender, clock: Any
) -> None:
    """421 is an answer for the connection, not for one recipient whom the others outlive."""
    server.rcpt_answers = {"b@example.com": "421 Too many connections"}
    with pytest.raises(NotSent, match="421 Too many connections") as caught:
        smtp.send(a_message(Cc="b@example.com, c@example.com"))
    assert caught.value.code == "421"
    assert (server.sessions, len(clock.slept)) == (5, 4)
    assert not server.messages


def test_a_server_that_says_goodbye_gets_the_next_try_over_another_connection(
    server: SmtpSes, smtp: SmtpSender
) -> None:
    server.data_answers = ["421 Service closing the connection"]
    assert smtp.send(a_message()).message_id == "0100-abc"
    assert (server.sessions, len(server.messages)) == (2, 1)


def test_a_recipient_to_whom_the_server_forwards_is_none_that_it_refused(
    server: SmtpSes, smtp: SmtpSender
) -> None:
    """RFC 5321 §4.2.2 has 251 for it."""
    server.rcpt_answers = {"b@example.com": "251 User not local; will forward"}
    assert smtp.send(a_message(Cc="b@example.com")).refused == {}


def test_throttling_over_smtp_is_retried(server: SmtpSes, smtp: SmtpSender, clock: Any) -> None:
    """454 after DATA means that nothing was taken."""
    server.data_answers = ["454 Throttling failure: Maximum sending rate exceeded."] * 2
    assert smtp.send(a_message()).message_id == "0100-abc"
    assert len(clock.slept) == 2
    assert len(server.messages) == 1


@pytest.mark.parametrize(
    "answer", ["554 Message rejected", "454 Throttling failure: Daily message quota exceeded."]
)
def test_a_permanent_refusal_over_smtp_is_not_retried(
    server: SmtpSes, smtp: SmtpSender, clock: Any, answer: str
) -> None:
    """With the server's words, asked once."""
    server.data_answers = [answer] * 3
    with pytest.raises(NotSent, match=answer[4:20]):
        smtp.send(a_message())
    assert len(server.data_answers) == 2


def test_a_connection_lost_after_the_message_is_unknown(server: SmtpSes, smtp: SmtpSender) -> None:
    """Never repeated; the next message makes another connection."""
    server.data_answers = ["drop"]
    with pytest.raises(OutcomeUnknown):
        smtp.send(a_message())
    assert not server.messages
    smtp.send(a_message())
    assert len(server.messages) == 1


def test_each_answer_is_awaited_for_thirty_seconds_by_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a limit, a silent server would hold a function until it is stopped."""
    limits: list[float] = []

    def connect(host: str, port: int, *, timeout: float) -> None:
        limits.append(timeout)
        raise TimeoutError

    monkeypatch.setattr(smtplib, "SMTP", connect)
    sender = SmtpSender(host="h", user="a", password="b", configuration_set="s", attempts=1)
    with pytest.raises(NotSent, match="TimeoutError"):
        sender.send(a_message())
    assert limits == [30.0]


def test_an_unreachable_server_is_retried(
    context: ssl.SSLContext, server: SmtpSes, clock: Any
) -> None:
    """Nothing was sent, and that is known."""
    port = server.port
    server.close()
    sender = SmtpSender(
        host="127.0.0.1",
        port=port,
        user="a",
        password="b",
        configuration_set="s",
        context=context,
        sleep=clock.sleep,
        timeout=1,
    )
    with pytest.raises(NotSent, match="ConnectionRefusedError"):
        sender.send(a_message())
    assert len(clock.slept) == 4


# As they are: smtplib, Django, Flask-Mail.


def test_smtplib_works_unchanged(server: SmtpSes, context: ssl.SSLContext) -> None:
    """As the docs show it: your own message, with the fields added."""
    message = a_message()
    add_publishing_headers(message, "outbound", {"campaign": "may"})
    with smtplib.SMTP("127.0.0.1", server.port) as plain:
        plain.starttls(context=context)
        plain.login("AKIA", "right")
        plain.send_message(message)
    assert parsed(server)["X-SES-CONFIGURATION-SET"] == "outbound"
    assert parsed(server)["X-SES-MESSAGE-TAGS"] == "campaign=may"


def test_a_mapping_of_extra_headers_works_with_frameworks(server: SmtpSes) -> None:
    """Django's ``headers=`` and Flask-Mail's ``extra_headers=`` do exactly this with a mapping."""
    message = a_message()
    for name, value in publishing_headers("outbound", {"campaign": "may"}).items():
        message[name] = value
    assert message["X-SES-MESSAGE-TAGS"] == "campaign=may"
