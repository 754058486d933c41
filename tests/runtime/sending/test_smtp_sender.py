"""Rules of `SmtpSender`, against a real SMTP server with STARTTLS on loopback."""

from __future__ import annotations

import asyncio
import base64
import datetime
import hashlib
import hmac
import ipaddress
import json
import smtplib
import ssl
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import boto3
import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from moto import mock_aws

from mailroom import _runtime
from mailroom.errors import NotConfigured
from mailroom.sending import (
    ListManagement,
    NotSent,
    OutcomeUnknown,
    SmtpSender,
    add_publishing_headers,
    publishing_headers,
    smtp_host,
    smtp_password,
)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


class SmtpSes:
    """What ``email-smtp`` does, as far as a client sees it."""

    def __init__(self, certificate: Path, tls: bool = True) -> None:
        self.messages: list[Any] = []
        self.logins: list[str] = []
        self.password = "right"
        self.refusal = "535 Credentials Invalid"
        self.data_answers: list[str] = []
        self.rcpt_answers: dict[str, str] = {}
        self.sessions = 0
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        outer = self

        class Server(SMTP):
            def connection_made(self, transport: Any) -> None:
                outer.sessions += not self.transport
                super().connection_made(transport)

        class Handler:
            async def handle_RCPT(  # noqa: N802
                self, server: Any, session: Any, envelope: Any, address: str, options: Any
            ) -> str:
                answer = outer.rcpt_answers.get(address, "250 Ok")
                if answer.startswith("250"):
                    envelope.rcpt_tos.append(address)
                return answer

            async def handle_DATA(  # noqa: N802
                self, server: Any, session: Any, envelope: Any
            ) -> str:
                answer = outer.data_answers.pop(0) if outer.data_answers else "250 Ok 0100-abc"
                if answer == "drop":
                    server.transport.abort()
                    return "250 never heard"
                if answer.startswith("250"):
                    outer.messages.append(envelope)
                return answer

        def authenticate(
            server: Any, session: Any, envelope: Any, mechanism: str, data: Any
        ) -> AuthResult:
            assert session.ssl, "a password in clear"
            outer.logins.append(data.login.decode())
            if data.password.decode() == outer.password:
                return AuthResult(success=True)
            return AuthResult(success=False, handled=False, message=outer.refusal)

        def factory() -> SMTP:
            options: dict[str, Any] = {"authenticator": authenticate, "auth_required": tls}
            if tls:
                options.update(tls_context=context, require_starttls=True)
            return Server(Handler(), loop=self.loop, **options)

        # Not aiosmtpd's Controller, which needs a port that is known beforehand.
        self.loop = asyncio.new_event_loop()
        self.listening = self.loop.run_until_complete(
            self.loop.create_server(factory, "127.0.0.1", 0)
        )
        self.port = self.listening.sockets[0].getsockname()[1]
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    async def _stop(self) -> None:
        self.listening.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def close(self) -> None:
        if self.loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._stop(), self.loop).result(5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()


@pytest.fixture
def server(certificate: Path) -> Iterator[SmtpSes]:
    made = SmtpSes(certificate)
    yield made
    made.close()


@pytest.fixture
def context(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


@pytest.fixture
def smtp(server: SmtpSes, context: ssl.SSLContext, clock: Any) -> Iterator[SmtpSender]:
    with SmtpSender(
        host="127.0.0.1",
        port=server.port,
        user="AKIA",
        password="right",
        configuration_set="outbound",
        tags={"app": "shop"},
        context=context,
        timeout=3,
        sleep=clock.sleep,
    ) as sender:
        yield sender


def a_message(**fields: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Shop <shop@example.com>"
    message["To"] = "jane@example.com"
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    message.set_content(".a line that starts with a dot\n")
    return message


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


# Credentials.


@pytest.fixture
def secrets() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("secretsmanager", region_name="us-east-1")


def test_credentials_come_from_the_secret_when_needed(
    secrets: Any,
    server: SmtpSes,
    context: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Host and port as well; nothing is fetched before the first message."""
    monkeypatch.setenv("MAILROOM_SMTP_SECRET", "smtp")
    sender = SmtpSender(configuration_set="s", context=context, client=secrets)
    value = {"username": "AKIB", "password": "right", "host": "127.0.0.1", "port": server.port}
    secrets.create_secret(Name="smtp", SecretString=json.dumps(value))
    sender.send(a_message())
    assert server.logins == ["AKIB"]
    sender.close()


def test_a_rotated_password_is_fetched_again(
    secrets: Any, server: SmtpSes, context: ssl.SSLContext, clock: Any
) -> None:
    """Once, when the server no longer takes the one at hand."""
    value = {"username": "OLD", "password": "right", "host": "127.0.0.1", "port": server.port}
    secrets.create_secret(Name="smtp", SecretString=json.dumps(value))
    sender = SmtpSender(
        configuration_set="s", context=context, client=secrets, secret="smtp", sleep=clock.sleep
    )
    sender.send(a_message())
    sender.close()
    server.password = "rotated"
    value.update(username="NEW", password="rotated")
    secrets.put_secret_value(SecretId="smtp", SecretString=json.dumps(value))
    sender.send(a_message())
    assert server.logins[0] == "OLD"
    assert server.logins[-1] == "NEW"
    sender.close()


def test_a_wrong_password_is_refused_at_once(
    server: SmtpSes, context: ssl.SSLContext, clock: Any
) -> None:
    """And is not in the error."""
    sender = SmtpSender(
        host="127.0.0.1",
        port=server.port,
        user="a",
        password="wr0ng",
        configuration_set="s",
        context=context,
        sleep=clock.sleep,
    )
    with pytest.raises(NotSent, match="535") as caught:
        sender.send(a_message())
    assert "wr0ng" not in str(caught.value)
    assert not clock.slept


@pytest.mark.parametrize(
    ("refusal", "tries"),
    [("454 Temporary authentication failure", 5), ("500 Unrecognized command", 1)],
)
def test_a_login_is_tried_again_only_after_a_temporary_failure(
    server: SmtpSes, smtp: SmtpSender, clock: Any, refusal: str, tries: int
) -> None:
    """Answers from 500 on are lasting."""
    server.password = "another"
    server.refusal = refusal
    with pytest.raises(NotSent, match=refusal):
        smtp.send(a_message())
    assert len(clock.slept) == tries - 1


def test_the_secret_is_fetched_with_the_processs_own_client_by_default(
    server: SmtpSes, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lambda code that is given a secret's name makes no client itself."""

    class Secrets:
        def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803
            value = {"username": SecretId, "password": "right"}
            return {"SecretString": json.dumps(value)}

    monkeypatch.setitem(_runtime._clients, "secretsmanager", Secrets())
    with SmtpSender(
        host="127.0.0.1", port=server.port, secret="smtp", configuration_set="s", context=context
    ) as sender:
        sender.send(a_message())
    assert server.logins == ["smtp"]


def test_a_secret_of_another_shape_is_not_shown(secrets: Any) -> None:
    """The error names the secret, never what is in it."""
    secrets.create_secret(Name="smtp", SecretString='{"key": "hush"}')
    sender = SmtpSender(configuration_set="s", client=secrets, secret="smtp", host="127.0.0.1")
    with pytest.raises(NotConfigured, match="'smtp'") as caught:
        sender.send(a_message())
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [{}, {"user": "a"}, {"password": "b"}, {"user": "a", "password": "b", "secret": "c"}],
)
def test_credentials_are_given_one_way(arguments: dict[str, str]) -> None:
    """Both halves, or a secret, never both ways."""
    with pytest.raises(NotConfigured):
        SmtpSender(configuration_set="s", **arguments)  # type: ignore[arg-type]


def test_without_a_host_or_a_region_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names every way to give one."""
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    sender = SmtpSender(user="a", password="b", configuration_set="s")
    with pytest.raises(NotConfigured, match="MAILROOM_SMTP_HOST or AWS_REGION"):
        sender.send(a_message())


@pytest.mark.parametrize("attempts", [0, -1])
def test_a_sender_tries_at_least_once(attempts: int) -> None:
    """Zero would mean that nothing is ever sent."""
    with pytest.raises(NotConfigured, match=f"attempts is {attempts}"):
        SmtpSender(user="a", password="b", configuration_set="s", attempts=attempts)


def test_the_password_is_derived_as_aws_documents() -> None:
    """Version 4; written out step by step, as AWS's own example is."""
    key = b"AWS4" + b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    for part in (b"11111111", b"eu-west-1", b"ses", b"aws4_request", b"SendRawEmail"):
        key = hmac.new(key, part, hashlib.sha256).digest()
    expected = base64.b64encode(bytes([4]) + key).decode()
    assert smtp_password("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "eu-west-1") == expected
    assert len(expected) == 44


def test_the_host_depends_on_the_region() -> None:
    """With the partition's suffix."""
    assert smtp_host("eu-west-1") == "email-smtp.eu-west-1.amazonaws.com"
    assert smtp_host("cn-north-1") == "email-smtp.cn-north-1.amazonaws.com.cn"


# As they are: smtplib, Django, Flask-Mail.


def test_smtplib_works_unchanged(server: SmtpSes, context: ssl.SSLContext) -> None:
    """The README's snippet: your own message, with the fields added."""
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
