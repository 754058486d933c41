"""Builders of received mail, and a store to read it from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from io import BytesIO
from typing import Any

from mailroom import mime
from mailroom.errors import MessageNotStored
from mailroom.receiving import ReceivedMail

__all__ = ["MemoryStore", "message", "received_mail", "received_mail_event"]


_MESSAGE_ID = "o3vrnil0e2ic28tr0000000000000000000000g1"
_TIMESTAMP = "2026-01-02T03:04:05.678Z"


class MemoryStore:
    """A mail bucket in memory.

    Args:
        messages: The bytes of each stored message, by its id.
    """

    def __init__(self, messages: Mapping[str, bytes] | None = None) -> None:
        self.messages = dict(messages or {})
        self.handled: set[str] = set()
        """The ids that `mark_handled` was called with."""
        self.marked: set[tuple[str, str]] = set()
        """Id and name of each mark."""

    def open(self, message_id: str) -> BytesIO:
        """Return the message's bytes as a stream, or raise `MessageNotStored`.

        Args:
            message_id: SES's id of the message.
        """
        try:
            return BytesIO(self.messages[message_id])
        except KeyError:
            raise MessageNotStored(f"this test has not stored a message {message_id!r}") from None

    def was_handled(self, message_id: str) -> bool:
        """Return whether *message_id* was marked.

        Args:
            message_id: SES's id of the message.
        """
        return message_id in self.handled

    def mark_handled(self, message_id: str) -> None:
        """Mark *message_id* as handled.

        Args:
            message_id: SES's id of the message.
        """
        self.handled.add(message_id)

    def marks(self, message_id: str) -> frozenset[str]:
        """Return the names of the marks of *message_id*.

        Args:
            message_id: SES's id of the message.
        """
        return frozenset(name for marked, name in self.marked if marked == message_id)

    def mark(self, message_id: str, name: str) -> bool:
        """Write the mark *name* of *message_id*; return whether it is new.

        Args:
            message_id: SES's id of the message.
            name: The name of the mark.
        """
        new = (message_id, name) not in self.marked
        self.marked.add((message_id, name))
        return new


def message(
    *,
    from_: str = "Jane Doe <jane@example.com>",
    to: str = "support@example.com",
    subject: str | None = "Test Subject",
    text: str = "Hello\n",
    attachments: Mapping[str, bytes] | None = None,
    headers: Mapping[str, str] | None = None,
) -> EmailMessage:
    """Return a small message.

    Args:
        from_: The ``From`` field.
        to: The ``To`` field.
        subject: The subject; ``None`` for a message without one.
        text: The plain text.
        attachments: File names and their contents.
        headers: More header fields, or other values of those above.
    """
    built = EmailMessage()
    built["From"] = from_
    built["To"] = to
    if subject is not None:
        built["Subject"] = subject
    built["Date"] = "Fri, 02 Jan 2026 03:04:05 +0000"
    built["Message-ID"] = "<0123456789@example.com>"
    for name, value in (headers or {}).items():
        del built[name]
        built[name] = value
    built.set_content(text)
    for filename, content in (attachments or {}).items():
        built.add_attachment(
            content, maintype="application", subtype="octet-stream", filename=filename
        )
    return built


def received_mail_event(
    content: EmailMessage | bytes | None = None,
    *,
    message_id: str = _MESSAGE_ID,
    source: str | None = None,
    recipients: Sequence[str] = ("support@example.com",),
    destination: Sequence[str] | None = None,
    spam: str | None = "PASS",
    virus: str | None = "PASS",
    spf: str | None = "PASS",
    dkim: str | None = "PASS",
    dmarc: str | None = "PASS",
    dmarc_policy: str | None = None,
    synchronous: bool = False,
    headers_truncated: bool = False,
) -> dict[str, Any]:
    """Return the event with which SES invokes a function.

    Args:
        content: The mail. Default: `message()`.
        message_id: SES's id of the mail.
        source: The envelope sender. Default: the address in ``From``.
        recipients: The envelope recipients that the rule matched.
        destination: The addresses in ``To`` and ``Cc``. Default: *recipients*.
        spam: The spam verdict, such as ``FAIL``; ``None`` leaves it out, as SES sometimes does.
        virus: The virus verdict.
        spf: The SPF verdict.
        dkim: The DKIM verdict.
        dmarc: The DMARC verdict.
        dmarc_policy: The sending domain's DMARC policy.
        synchronous: Whether SES waits for the answer.
        headers_truncated: Whether SES cut the header.
    """
    parsed = _parse(content)
    fields = [{"name": name, "value": str(value)} for name, value in parsed.items()]
    sender = [one.addr_spec for one in _addresses(parsed, "From") if one.addr_spec]
    envelope_sender = source if source is not None else (sender[0] if sender else "")
    common: dict[str, Any] = {"returnPath": envelope_sender}
    for key, name in (("from", "From"), ("to", "To"), ("cc", "Cc"), ("replyTo", "Reply-To")):
        if name in parsed:
            common[key] = [str(address) for address in _addresses(parsed, name)]
    for key, name in (("date", "Date"), ("messageId", "Message-ID"), ("subject", "Subject")):
        if name in parsed:
            common[key] = str(parsed[name])
    receipt: dict[str, Any] = {
        "timestamp": _TIMESTAMP,
        "processingTimeMillis": 574,
        "recipients": list(recipients),
        "action": {
            "type": "Lambda",
            "invocationType": "RequestResponse" if synchronous else "Event",
            "functionArn": "arn:aws:lambda:us-east-1:111122223333:function:Example",
        },
    }
    verdicts = {"spam": spam, "virus": virus, "spf": spf, "dkim": dkim, "dmarc": dmarc}
    for name, status in verdicts.items():
        if status is not None:
            receipt[f"{name}Verdict"] = {"status": status}
    if dmarc_policy is not None:
        receipt["dmarcPolicy"] = dmarc_policy
    mail = {
        "timestamp": _TIMESTAMP,
        "source": envelope_sender,
        "messageId": message_id,
        "destination": list(destination if destination is not None else recipients),
        "headersTruncated": headers_truncated,
        "headers": fields,
        "commonHeaders": common,
    }
    record = {
        "eventSource": "aws:ses",
        "eventVersion": "1.0",
        "ses": {"mail": mail, "receipt": receipt},
    }
    return {"Records": [record]}


def received_mail(
    content: EmailMessage | bytes | None = None, *, already_handled: bool = False, **event: Any
) -> ReceivedMail:
    """Return the mail that a handler is called with.

    Args:
        content: The mail, which `ReceivedMail.open` and `ReceivedMail.read` return. Default:
            `message()`.
        already_handled: What `ReceivedMail.already_handled` returns.
        event: The keyword arguments of `received_mail_event`.
    """
    raw = received_mail_event(content, **event)["Records"][0]["ses"]
    return ReceivedMail(raw, store=_store(raw, content, already_handled))


def _store(
    raw: Mapping[str, Any], content: EmailMessage | bytes | None, already_handled: bool
) -> MemoryStore:
    message_id = raw["mail"]["messageId"]
    data = content if isinstance(content, bytes) else _parse(content).as_bytes(policy=policy.SMTP)
    store = MemoryStore({message_id: data})
    if already_handled:
        store.mark_handled(message_id)
    return store


def _addresses(parsed: EmailMessage, name: str) -> Sequence[Address]:
    return parsed[name].addresses if name in parsed else ()


def _parse(content: EmailMessage | bytes | None) -> EmailMessage:
    if content is None:
        return message()
    if isinstance(content, bytes):
        return mime.read(content)
    return content
