"""The SMTP conversations in which a local AWS is sent mail."""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from mailroom_local.control.credentials import Credentials
from mailroom_local.control.errors import SmtpRefused

_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message that the server accepted for at least one recipient."""

    message_id: str
    """The id that SES gave it."""
    reply: str
    """The reply to DATA."""
    refused: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    """The recipients that were refused, each with the reply to its RCPT command."""


def deliver(
    message: EmailMessage | bytes,
    *,
    port: int,
    certificate: Path | None,
    mail_from: str,
    rcpt_tos: Sequence[str],
    client_address: str | None = None,
    credentials: Credentials | None = None,
    client_certificate: Path | None = None,
    addons: str = "",
) -> Sent:
    """Send a message in one SMTP conversation, with STARTTLS if there is a certificate.

    ``addons`` are results that a gateway's add-ons are to have before it sees the message.
    """
    raw = message if isinstance(message, bytes) else message.as_bytes(policy=SMTP)
    raw = re.sub(rb"\r\n|\r|\n", b"\r\n", raw)
    with _connected(port, certificate, client_certificate) as smtp:
        if credentials is not None:
            try:
                smtp.login(credentials.user, credentials.password)
            except smtplib.SMTPAuthenticationError as error:
                _expect((error.smtp_code, _bytes(error.smtp_error)))
        if client_address is not None or addons:
            pretended = f"ADDR={client_address or '127.0.0.1'}"
            _expect(smtp.docmd("XCLIENT", pretended + (f" ADDON={addons}" if addons else "")))
        return _transfer(smtp, raw, mail_from=mail_from, rcpt_tos=rcpt_tos)


@contextlib.contextmanager
def _connected(
    port: int, certificate: Path | None, client_certificate: Path | None
) -> Iterator[smtplib.SMTP]:
    # Closed rather than left by smtplib's own context, whose QUIT would fail in the middle of a
    # command and hide the Ctrl-C.
    with contextlib.closing(smtplib.SMTP("127.0.0.1", port, timeout=_SECONDS)) as smtp:
        smtp.ehlo()
        if certificate is not None:
            context = ssl.create_default_context(cafile=certificate)
            if client_certificate is not None:
                context.load_cert_chain(client_certificate)
            smtp.starttls(context=context)
            smtp.ehlo()
        yield smtp


def _transfer(smtp: smtplib.SMTP, raw: bytes, *, mail_from: str, rcpt_tos: Sequence[str]) -> Sent:
    _expect(smtp.mail(mail_from, [f"SIZE={len(raw)}"]))
    answers = {recipient: _text(smtp.rcpt(recipient)) for recipient in rcpt_tos}
    refused = {name: answer for name, answer in answers.items() if answer[0] >= 400}
    if len(refused) == len(answers):
        code, reply = next(iter(refused.values()), (554, "no recipients were given"))
        raise SmtpRefused(code=code, reply=reply, recipients=refused)
    code, reply = _expect(smtp.data(raw))
    return Sent(message_id=reply.rpartition(" ")[2], reply=f"{code} {reply}", refused=refused)


def rehearsed_addons(message: EmailMessage | bytes) -> str:
    """The results in a message's header, as XCLIENT takes them: without spaces and equals signs."""
    raw = message if isinstance(message, bytes) else message.as_bytes(policy=SMTP)
    header = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0]
    found = re.search(rb"(?im)^X-Mailroom-Addon:(.*)$", header)
    text = found[1].decode("ascii", "replace") if found else ""
    return ",".join(part.replace("=", ":") for part in re.findall(r"[A-Z_]+\.\w+=[^;,\s]+", text))


def _expect(answer: tuple[int, bytes]) -> tuple[int, str]:
    code, reply = _text(answer)
    if code >= 400:
        raise SmtpRefused(code=code, reply=reply)
    return code, reply


def _text(answer: tuple[int, bytes]) -> tuple[int, str]:
    return answer[0], answer[1].decode("utf-8", "replace")


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
