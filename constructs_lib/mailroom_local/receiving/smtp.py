"""The SMTP conversations of receiving; on AWS the server is ``inbound-smtp``."""

# aiosmtpd looks up commands and hooks by names in capitals.
# ruff: noqa: N802

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from typing import Protocol

from aiosmtpd.smtp import SMTP, Session
from aiosmtpd.smtp import Envelope as Transaction

from mailroom.ses import RECEIVED_BYTES
from mailroom_local._journal import Journal
from mailroom_local._smtp import BAD_RECIPIENT, Conversation, is_recipient, sender
from mailroom_local._xclient import PretendingConversation, client_of
from mailroom_local.receiving.environments import Receivers
from mailroom_local.receiving.message import Envelope

# As reported of SES, which offers no SIZE either; XCLIENT is ours.
_OFFERED = ("8BITMIME", "STARTTLS")


class _Conversation(PretendingConversation):
    # SES is assumed to take lines beyond RFC 5321's 1,000 octets, as most servers do: mail that
    # breaks the rule is common, and handlers must be rehearsed with it.
    line_length_limit = RECEIVED_BYTES


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
        name, *offers = responses
        offered = [each for each in offers if each[4:] in _OFFERED]
        return [name, *offered, "250-XCLIENT ADDR NAME", "250 Ok"]

    async def handle_RCPT(
        self,
        server: SMTP,
        session: Session,
        envelope: Transaction,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        if not is_recipient(address):
            return BAD_RECIPIENT
        if any(other.receives(address) for other in self._others):
            if address not in envelope.rcpt_tos:
                envelope.rcpt_tos.append(address)
            return "250 2.1.5 OK"
        refusal = await asyncio.to_thread(
            self._receiver.admit,
            address,
            client_address=client_of(session)[0],
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
        client_address, client_name = client_of(session)
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
