"""What the bundled behaviours share: safe header text, and raw mail sent through SES v2.

Text that a sender wrote passes `one_line` before it is put into a header field of ours, so that a
line break, bare or encoded (RFC 2047), can never start a field of the sender's choice.
"""

from __future__ import annotations

import os
import re
import time

from mailroom import _runtime
from mailroom._api import Api
from mailroom.errors import NotConfigured
from mailroom.ses import DOMAIN, LOCAL_PART

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from mailroom.receiving import ReceivedMail

__all__ = [
    "LOOP_FIELD",
    "REFUSED_FOR_GOOD",
    "addresses",
    "automatic",
    "compose",
    "decoded",
    "encoded",
    "field",
    "is_address",
    "loop_token",
    "mailbox",
    "mailboxes",
    "message_ids",
    "one_line",
    "parse_mailbox",
    "send",
    "sender_setting",
    "ses",
]

LOOP_FIELD = "X-Mailroom-Loop"
"""The header field with the `loop_token` of each rule that sent the mail."""

REFUSED_FOR_GOOD = frozenset(
    (
        "413",
        "BadRequestException",
        "MailFromDomainNotVerifiedException",
        "MessageRejected",
        "RequestEntityTooLarge",
        "RequestEntityTooLargeException",
    )
)
"""Codes by which SES refuses a message that it would refuse again: its content or addresses."""

# The lookahead is RFC 5321's limit of a local part.
_ADDRESS = re.compile(rf"(?=.{{1,64}}@){LOCAL_PART}@{DOMAIN}")

_ses: Api | None = None


def one_line(text: str, limit: int) -> str:
    """Return *text* as one line of at most *limit* visible characters.

    Control characters, line separators, bidirectional overrides and lone surrogates become
    spaces, and several spaces one.
    """
    from mailroom.mime import words

    return words.shown(text, limit)


def decoded(value: str) -> str:
    """Return a field's value as one line with its RFC 2047 words decoded; never raises."""
    from mailroom.mime import words

    return words.decode(value)


def encoded(text: str, *, always: bool = False) -> bytes:
    """Return *text*, which must come from `one_line`, as a field's value: ASCII or RFC 2047.

    With *always* it is RFC 2047 even for ASCII, whose words are the only way to fold long ones.
    """
    # Text that looks like an encoded word is encoded, or a reader would decode it twice.
    if text.isascii() and "=?" not in text and not always:
        return text.encode("ascii")
    from email.header import Header

    return Header(text, "utf-8", maxlinelen=72).encode(linesep="\r\n").encode("ascii")


def mailbox(name: str, address: str) -> bytes:
    """Return ``name <address>`` for a field such as ``From``; *address* must be valid."""
    spec = b"<" + address.encode("ascii") + b">"
    if not name:
        return spec
    if name.isascii() and "=?" not in name:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return b'"' + quoted.encode("ascii") + b'" ' + spec
    return encoded(name) + b"\r\n " + spec


def field(name: str, value: bytes) -> bytes:
    """Return one header field with its line end; raise if *value* would start another field."""
    if re.search(rb"\r(?!\n)|(?<!\r)\n|\r\n(?![ \t]*[^ \t\r\n])|\r\n(?![ \t])|\x00", value):
        raise ValueError(f"the value of {name} has a line break")
    return name.encode("ascii") + b": " + value + b"\r\n"


def parse_mailbox(value: str) -> tuple[str, str]:
    """Return ``(display name, address)`` of the first valid mailbox; empty strings if none is."""
    for name, address in mailboxes(value):
        if is_address(address):
            return name, address
    return "", ""


def addresses(values: Iterable[str]) -> list[str]:
    """Return the address of every mailbox in *values*, in lower case, without display names."""
    return [address.lower() for value in values for _, address in mailboxes(value)]


def mailboxes(value: str) -> list[tuple[str, str]]:
    """Return ``(decoded display name, address)`` of every mailbox in the field's *value*."""
    from mailroom.mime import addresses as reader

    return [one for one in reader.parse(value).mailboxes if one[1]]


def is_address(address: str) -> bool:
    """Whether SES can send to *address*."""
    return len(address) <= 254 and _ADDRESS.fullmatch(address) is not None


def message_ids(*values: str | None) -> list[str]:
    """Return the well-formed message ids in *values*, in order, as many as we send."""
    from mailroom.mime import ids

    return ids.bounded(ids.message_ids(*values))


def automatic(mail: ReceivedMail) -> bool:
    """Whether a program sent *mail*; people write to lists, so mail of a list may be a person's."""
    from mailroom.mime import automatic

    return automatic.reason(mail.headers, mail.source) in automatic.BY_A_PROGRAM


def loop_token(*parts: str) -> str:
    """Return what identifies the mail that one rule sends, so that the rule can recognise it.

    It stays the same across deployments, differs between rules with the same sender, and reveals
    nothing about the addresses in it.
    """
    from hashlib import sha256

    rule = os.environ.get("MAILROOM_RULE", "")
    return sha256("\n".join((rule, *parts)).encode()).hexdigest()[:32]


def sender_setting(name: str) -> tuple[str, str]:
    """Return ``(display name, address)`` of the verified sender in the setting *name*."""
    value = _runtime.setting(name)
    display, address = parse_mailbox(value)
    if not address or not value.isprintable():
        raise NotConfigured(
            f"{name} is {value!r}: set it to one address or 'Name <address>', in ASCII"
        )
    return one_line(display, 60), address


def compose(fields: Sequence[bytes], text: str, html: str | None = None) -> bytes:
    """Return a whole message: *fields* as they are, then *text* and *html* as UTF-8."""
    from email import policy
    from email.message import EmailMessage

    # Only the MIME part is left to `email`: it may re-encode long message ids in header fields,
    # which have no space to fold at, and so break threading.
    content = EmailMessage(policy=policy.SMTP.clone(cte_type="7bit"))
    content.set_content(text.encode("utf-8", "replace").decode())
    if html is not None:
        content.add_alternative(html.encode("utf-8", "replace").decode(), subtype="html")
    return b"".join(fields) + content.as_bytes()


def ses() -> Api:
    """Return this process's way to send, made on first use."""
    global _ses
    if _ses is None:
        _ses = Api(client=None, attempts=5, rate=None, sleep=time.sleep)
    return _ses


def send(data: bytes, recipients: Sequence[str], configuration_set: str | None) -> None:
    """Send the message *data* to *recipients* only; raise `NotSent` or `OutcomeUnknown`.

    ``Destination`` overrides the addresses in the header. ``FromEmailAddress`` is left out, so
    that SES takes the sender with its display name from the ``From`` field.
    """
    arguments: dict[str, Any] = {
        "Destination": {"ToAddresses": list(recipients)},
        "Content": {"Raw": {"Data": data}},
    }
    if configuration_set:
        arguments["ConfigurationSetName"] = configuration_set
    ses().call("SendEmail", arguments)
