"""What both SMTP servers have in common: each refusal is in the journal, with its reason."""

# aiosmtpd looks up commands by names in capitals.
# ruff: noqa: N802, N815

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from aiosmtpd.smtp import SMTP
from aiosmtpd.smtp import Envelope as Transaction

from mailroom_local._journal import Journal, described

_log = logging.getLogger("mailroom")

BAD_RECIPIENT = "501 5.1.3 Bad recipient address"
_FAILED = "451 4.3.0 Requested action aborted: local error in processing"


class Conversation(SMTP):
    """One connection; ``operation`` is that of the journal's records."""

    def __init__(
        self,
        handler: Any,
        *,
        journal: Journal,
        operation: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(handler, **options)
        self._journal = journal
        self._operation = operation
        self._more: Mapping[str, Any] = {}
        self._reason: str | None = None
        self._recipients: Sequence[str] | None = None
        self._rules: str | None = None

    def because(
        self,
        reason: str,
        *,
        recipients: Sequence[str] | None = None,
        rules: str | None = None,
        **more: Any,
    ) -> None:
        """Say why the next reply refuses, and whom; the recipients so far by default.

        ``more`` is for the journal's record.
        """
        self._reason, self._recipients, self._rules = reason, recipients, rules
        self._more = more

    def always(self) -> Mapping[str, Any]:
        """What the journal's record of every refusal has."""
        return {}

    async def push(self, status: Any) -> None:
        # Every reply passes here, also those that aiosmtpd makes by itself.
        reply = status if isinstance(status, str) else status.decode("ascii", "replace")
        if reply[:1] in ("4", "5"):
            recipients = self._recipients
            if recipients is None:
                recipients = self.envelope.rcpt_tos if self.envelope else []
            self._journal.refused(
                mail_from=sender(self.envelope) if self.envelope else "",
                rcpt_tos=recipients,
                reply=reply,
                reason=self._reason or self._reason_of(reply),
                operation=self._operation,
                rules=self._rules,
                tls=self.session is not None and self.session.ssl is not None,
                **{**self.always(), **self._more},
            )
        self._reason = self._recipients = self._rules = None
        self._more = {}
        await super().push(status)

    async def smtp_HTTP(self, arg: str | None) -> None:
        """End the conversation: a web page may hide SMTP commands in the body of a request."""
        await self.push("421 4.7.0 HTTP is not spoken here")
        if self.transport is not None:
            self.transport.close()

    # A page chooses no other methods before the browser has asked with OPTIONS.
    smtp_GET = smtp_HEAD = smtp_OPTIONS = smtp_POST = smtp_HTTP

    def _reason_of(self, reply: str) -> str:
        # aiosmtpd refuses what is too large by itself, in other words than a reader needs.
        if reply.startswith("552") and self.data_size_limit:
            return f"the message is larger than {self.data_size_limit // 2**20} MB"
        return reply[4:]

    async def handle_exception(self, error: Exception) -> str:
        # aiosmtpd would send the error's text to the client.
        _log.error("a command failed", exc_info=error)
        self.because(" at ".join(described(error)))
        return _FAILED


def is_recipient(address: str) -> bool:
    """Whether mail can be for an address: for the empty one, it cannot."""
    return address not in ("", "<>") and address.isprintable()


def sender(transaction: Transaction) -> str:
    """The envelope sender; aiosmtpd keeps the angle brackets of the null reverse-path."""
    return "" if transaction.mail_from in (None, "<>") else str(transaction.mail_from)
