"""The SMTP conversations of submission; on AWS the server is ``email-smtp``."""

# aiosmtpd looks up commands and hooks by names in capitals.
# ruff: noqa: N802

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, Protocol

from aiosmtpd.smtp import SMTP, AuthResult, Session
from aiosmtpd.smtp import Envelope as Transaction

from mailroom.ses import SENT_BYTES
from mailroom_local._journal import Journal
from mailroom_local._ses_error import SesError
from mailroom_local._smtp import Conversation, sender
from mailroom_local.sending.credentials import Caller

_BAD_CREDENTIALS = "535 Authentication Credentials Invalid"

# How SES begins its reply to what API v1 refuses with these codes.
_BEGINNINGS = {
    "InvalidParameterValue": "Transaction failed",
    "MessageRejected": "Message rejected",
}


class _Conversation(Conversation):
    # SES looks at the length of lines only after it has the whole message.
    line_length_limit = SENT_BYTES


class Submit(Protocol):
    """Sends a message through SES and returns its id, or raises :class:`SesError`."""

    def __call__(
        self,
        raw: bytes,
        *,
        mail_from: str,
        rcpt_tos: list[str],
        caller: Caller,
        client_address: str,
    ) -> str:
        """Send the message."""
        ...


def conversation(
    *,
    authenticate: Callable[[str, str], Caller | None],
    submit: Submit,
    journal: Journal,
    tls: ssl.SSLContext,
    host_name: str,
) -> Callable[[], SMTP]:
    """Return a function that begins a conversation with a client.

    ``authenticate`` returns the owner of a user name and password.
    """

    def authenticator(
        server: SMTP, session: Session, envelope: Transaction, mechanism: str, data: Any
    ) -> AuthResult:
        caller = authenticate(_text(data.login), _text(data.password))
        if caller is None:
            return AuthResult(success=False, handled=False, message=_BAD_CREDENTIALS)
        return AuthResult(success=True, auth_data=caller)

    return lambda: _Conversation(
        _Handler(submit),
        journal=journal,
        operation="SendSmtpEmail",
        data_size_limit=SENT_BYTES,
        hostname=host_name,
        ident="ESMTP SimpleEmailService, rehearsed by cdk-mailroom",
        tls_context=tls,
        require_starttls=True,
        authenticator=authenticator,
        auth_required=True,
    )


class _Handler:
    """Handles the command that depends on the account."""

    def __init__(self, submit: Submit) -> None:
        self._submit = submit

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Transaction) -> str:
        content = envelope.content
        caller: Any = session.auth_data
        assert isinstance(content, bytes)
        assert isinstance(caller, Caller)
        try:
            message_id = await asyncio.to_thread(
                self._submit,
                content,
                mail_from=sender(envelope),
                rcpt_tos=list(envelope.rcpt_tos),
                caller=caller,
                client_address=str(session.peer[0]) if session.peer else "127.0.0.1",
            )
        except SesError as error:
            reason = error.message.encode("ascii", "replace").decode()
            beginning = _BEGINNINGS.get(error.code, error.code)
            return f"554 {beginning}: {' '.join(reason.split())}"
        return f"250 Ok {message_id}"


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
