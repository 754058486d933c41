"""What the bundled behaviours share: header text made safe, and raw mail sent through SES v2.

Whatever a sender wrote passes `one_line` before it is put into a header field of ours, so that a
line break, bare or encoded (RFC 2047), can never start a field of the sender's choice.
"""

from __future__ import annotations

import os
import re

from mailroom import _runtime
from mailroom.errors import NotConfigured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from mailroom.receiving import ReceivedMail

__all__ = [
    "LOOP_FIELD",
    "MAX_RECIPIENTS",
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
]

LOOP_FIELD = "X-Mailroom-Loop"
"""Carries the token of each rule that sent the mail on; see `loop_token`."""

MAX_RECIPIENTS = 50
"""SES takes no more in one message: https://docs.aws.amazon.com/ses/latest/dg/quotas.html"""

_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,250}>")
# Deliberately narrower than RFC 5321: SES does not speak SMTPUTF8, and quoted local parts are a
# way to smuggle blanks and commas into an address list.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_MAX_REFERENCES = 20


def one_line(text: str, limit: int) -> str:
    """Return *text* as one line of at most *limit* characters that show on a screen.

    Controls, line separators, bidirectional overrides and lone surrogates become blanks; runs of
    blanks become one.
    """
    from unicodedata import category

    # Bounded first, because the rest is linear in what a sender may make as long as they like.
    text = text[: limit * 8]
    shown = "".join(" " if category(char)[0] in "CZ" else char for char in text)
    return " ".join(shown.split())[:limit].rstrip()


def decoded(value: str) -> str:
    """Return a field's value with its RFC 2047 words decoded; never raises, never drops text."""
    from email.header import decode_header

    # What came in eight bits is UTF-8 nowadays (RFC 6532), whatever the field should have been.
    try:
        value = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:  # surrogates that stand for no byte, from JSON's escapes
        value = value.encode("utf-8", "replace").decode("utf-8")
    if "=?" not in value:
        return value
    try:
        pieces = decode_header(value)
    except Exception:  # a malformed word is shown as it stands rather than losing the field
        return value
    return "".join(_piece(text, charset) for text, charset in pieces)


def _piece(text: str | bytes, charset: str | None) -> str:
    if isinstance(text, str):
        return text
    try:
        return text.decode(charset or "utf-8", "replace")
    except (LookupError, ValueError, UnicodeError):
        return text.decode("latin-1")


def encoded(text: str) -> bytes:
    """Return *text*, which `one_line` has passed, as a field's value: ASCII or RFC 2047 words."""
    # Text that looks like an encoded word is encoded, lest a reader decode it a second time.
    if text.isascii() and "=?" not in text:
        return text.encode("ascii")
    from email.header import Header

    return Header(text, "utf-8", maxlinelen=72).encode(linesep="\r\n").encode("ascii")


def mailbox(name: str, address: str) -> bytes:
    """Return ``name <address>`` for a field such as ``From``; *address* is a checked one."""
    spec = b"<" + address.encode("ascii") + b">"
    if not name:
        return spec
    if name.isascii() and "=?" not in name:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return b'"' + quoted.encode("ascii") + b'" ' + spec
    return encoded(name) + b"\r\n " + spec


def field(name: str, value: bytes) -> bytes:
    """Return one header field with its line end; refuses a value that would start another."""
    if re.search(rb"\r(?!\n)|(?<!\r)\n|\r\n(?![ \t]*[^ \t\r\n])|\r\n(?![ \t])|\x00", value):
        raise ValueError(f"a line break in the value of {name}")
    return name.encode("ascii") + b": " + value + b"\r\n"


def parse_mailbox(value: str) -> tuple[str, str]:
    """Return ``(display name, address)`` of the first usable mailbox; empty strings if none is.

    The address is plain ASCII without blanks or quoting, or it is not usable.
    """
    for name, address in mailboxes(value):
        if is_address(address):
            return name, address
    return "", ""


def addresses(values: Iterable[str]) -> list[str]:
    """Return the address of every mailbox in *values*, in lower case, without display names."""
    return [address.lower() for value in values for _, address in mailboxes(value)]


def mailboxes(value: str) -> list[tuple[str, str]]:
    """Return ``(decoded display name, address)`` of every mailbox in the field's *value*."""
    from email.utils import getaddresses

    value = value.replace("\r", " ").replace("\n", " ")
    found = [(decoded(name), address) for name, address in getaddresses([value]) if address]
    if not found:
        # Newer Pythons answer nothing at all to the common "jane@a.example <jane@a.example>".
        angle = re.compile("([^<>,]*)<(" + _ADDRESS.pattern + ")>")
        found = [
            (decoded(match[1].strip(' "')), match[2]) for match in angle.finditer(value[:10_000])
        ]
    return found


def is_address(address: str) -> bool:
    """Whether *address* is one that SES can send to and that fits a field unquoted."""
    return len(address) <= 254 and _ADDRESS.fullmatch(address) is not None


def message_ids(*values: str | None) -> list[str]:
    """Return the well-formed message ids in *values*, in order, without repeats, the last few."""
    found = dict.fromkeys(one for value in values if value for one in _MESSAGE_ID.findall(value))
    return list(found)[-_MAX_REFERENCES:]


def automatic(mail: ReceivedMail) -> bool:
    """Whether no person sent *mail*: RFC 3834 §5, a null reverse-path, or a delivery report."""
    submitted = mail.headers.get_all("Auto-Submitted")
    if any(_keyword(value) not in ("", "no") for value in submitted):
        return True
    if mail.source in ("", "<>"):
        return True
    return _keyword(mail.headers.get("Content-Type") or "") == "multipart/report"


def _keyword(value: str) -> str:
    # RFC 3834 §5 allows comments and parameters around the keyword.
    return re.sub(r"\([^()]*\)", " ", value).partition(";")[0].strip().lower()


def loop_token(*parts: str) -> str:
    """Return what identifies one rule's sending, so that the rule knows its own mail again.

    It stays the same over deployments, differs between rules that share a sender, and tells an
    outsider nothing about the addresses behind it.
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
            f"{name} is {value!r}; it must be one address or 'Name <address>', in ASCII"
        )
    return one_line(display, 60), address


def compose(fields: Sequence[bytes], text: str, html: str | None = None) -> bytes:
    """Return a whole message: the finished *fields*, then *text* and *html* as UTF-8."""
    from email import policy
    from email.message import EmailMessage

    # Only the MIME part goes through `email`: it may re-encode long message ids in a header
    # field (they have no blank to fold at), which breaks threading.
    content = EmailMessage(policy=policy.SMTP.clone(cte_type="7bit"))
    content.set_content(text.encode("utf-8", "replace").decode())
    if html is not None:
        content.add_alternative(html.encode("utf-8", "replace").decode(), subtype="html")
    return b"".join(fields) + content.as_bytes()


def send(data: bytes, recipients: Sequence[str], configuration_set: str | None) -> None:
    """Send the message *data* to *recipients* and nobody else; SES's refusals propagate.

    ``Destination`` overrides the addresses in the header. ``FromEmailAddress`` is left out, so
    that SES takes the sender, display name included, from the ``From`` field.
    """
    arguments: dict[str, Any] = {
        "Destination": {"ToAddresses": list(recipients)},
        "Content": {"Raw": {"Data": data}},
    }
    if configuration_set:
        arguments["ConfigurationSetName"] = configuration_set
    _runtime.client("sesv2").send_email(**arguments)
