"""The SMTP conversations of receiving; on AWS the server is ``inbound-smtp``."""

# aiosmtpd looks up commands and hooks by names in capitals.
# ruff: noqa: N802

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Callable, Sequence
from typing import Protocol

from aiosmtpd.smtp import SMTP, Session
from aiosmtpd.smtp import Envelope as Transaction

from mailroom.ses import RECEIVED_BYTES
from mailroom_local._journal import Journal
from mailroom_local._smtp import Conversation, sender
from mailroom_local.receiving.environments import Receivers
from mailroom_local.receiving.message import Envelope


class _Session(Session):
    """A client; ``pretended`` holds the address and host name that XCLIENT gave."""

    pretended: tuple[str, str | None] | None = None


class _Conversation(Conversation):
    """One connection, with XCLIENT, by which a client pretends to have another address.

    Everything connects from 127.0.0.1, so IP filters could not be rehearsed otherwise. The syntax
    is that of Postfix: ``XCLIENT ADDR=203.0.113.9 NAME=mx.example.com``.
    """

    # SES is assumed to take lines beyond RFC 5321's 1,000 octets, as most servers do: mail that
    # breaks the rule is common, and handlers must be rehearsed with it.
    line_length_limit = RECEIVED_BYTES

    def _create_session(self) -> _Session:
        return _Session(self.loop)

    async def smtp_XCLIENT(self, arg: str | None) -> None:
        given = dict(part.split("=", 1) for part in (arg or "").split() if part.count("=") == 1)
        attributes = {name.upper(): value for name, value in given.items()}
        try:
            address = str(ipaddress.ip_address(attributes["ADDR"]))
        except (KeyError, ValueError):
            await self.push("501 5.5.4 Syntax: XCLIENT ADDR=<IP address> [NAME=<host name>]")
            return
        assert isinstance(self.session, _Session)
        self.session.pretended = (address, attributes.get("NAME"))
        await self.push("220 2.0.0 OK")


class OtherReceiver(Protocol):
    """Receives mail for addresses of its own, to which no receipt rule applies."""

    def receives(self, address: str) -> bool:
        """Whether mail for this address is received here."""
        ...

    def receive(self, raw: bytes, *, mail_from: str, rcpt_tos: Sequence[str], tls: bool) -> str:
        """Accept a message for such addresses and return its id."""
        ...


class _Handler:
    """Handles the commands that depend on the account."""

    def __init__(self, receiver: Receivers, others: Sequence[OtherReceiver]) -> None:
        self._receiver = receiver
        self._others = others

    async def handle_EHLO(
        self,
        server: SMTP,
        session: Session,
        envelope: Transaction,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], "250-XCLIENT ADDR NAME", responses[-1]]

    async def handle_RCPT(
        self,
        server: SMTP,
        session: Session,
        envelope: Transaction,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        if any(other.receives(address) for other in self._others):
            if address not in envelope.rcpt_tos:
                envelope.rcpt_tos.append(address)
            return "250 2.1.5 OK"
        refusal = await asyncio.to_thread(
            self._receiver.admit,
            address,
            client_address=_client(session)[0],
            tls=session.ssl is not None,
        )
        if refusal is not None:
            assert isinstance(server, Conversation)
            server.because(refusal.reason, recipients=[address], rules=refusal.rules)
            return refusal.reply
        if address not in envelope.rcpt_tos:
            envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Transaction) -> str:
        client_address, client_name = _client(session)
        content = envelope.content
        assert isinstance(content, bytes)
        message_id = ""
        rest = list(envelope.rcpt_tos)
        for other in self._others:
            own = [address for address in rest if other.receives(address)]
            if own:
                rest = [address for address in rest if address not in own]
                message_id = await asyncio.to_thread(
                    other.receive,
                    content,
                    mail_from=sender(envelope),
                    rcpt_tos=own,
                    tls=session.ssl is not None,
                )
        if not rest:
            return f"250 OK {message_id}"
        # A message for both gets the id that SES gives it.
        message_id = await asyncio.to_thread(
            self._receiver.accept,
            content,
            Envelope(
                mail_from=sender(envelope),
                rcpt_tos=tuple(rest),
                client_address=client_address,
                client_name=client_name,
                tls=session.ssl is not None,
            ),
        )
        return f"250 OK {message_id}"


def conversation(
    *,
    receiver: Receivers,
    others: Sequence[OtherReceiver],
    journal: Journal,
    tls: ssl.SSLContext,
    host_name: str,
) -> Callable[[], SMTP]:
    """Return a function that begins a conversation with a client."""
    handler = _Handler(receiver, others)
    return lambda: _Conversation(
        handler,
        journal=journal,
        data_size_limit=RECEIVED_BYTES,
        hostname=host_name,
        ident="ESMTP Amazon SES, rehearsed by cdk-mailroom",
        tls_context=tls,
    )


def _client(session: Session) -> tuple[str, str]:
    assert isinstance(session, _Session)
    name = session.host_name or "unknown"
    if session.pretended is not None:
        address, pretended_name = session.pretended
        return address, pretended_name or name
    return str(session.peer[0]) if session.peer else "127.0.0.1", name
