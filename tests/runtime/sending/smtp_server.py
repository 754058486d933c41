"""An SMTP server that answers as SES does, and a sender that is connected to it."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mailroom.sending import (
    SmtpSender,
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
