"""Mail addresses that SES accepts, with their display names."""

from __future__ import annotations

import re

from mailroom import ses
from mailroom.sending.checks import InvalidMessage, one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "Mailbox",
    "checked_address",
    "checked_recipients",
    "decoded",
    "display_name",
    "mailboxes",
]

_LOCAL_PART = re.compile(rf"(?=.{{1,64}}\Z){ses.LOCAL_PART}")
_DOMAIN = re.compile(ses.DOMAIN)
# IDNA 2003, which is all that the standard library knows, takes these for others (sharp s, final
# sigma, joiners), i.e. for a different domain.
_IDNA_DEVIATIONS = "\u00df\u1e9e\u03c2\u200c\u200d"
_MAILBOX = re.compile(r"(?P<name>[^<>]*?)\s*<\s*(?P<address>[^<>\s]*)\s*>")


class Mailbox:
    """A display name, which may be empty, and an address that SES accepts; both are checked."""

    __slots__ = ("address", "name")

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = address

    @classmethod
    def parse(cls, text: object, what: str) -> Mailbox:
        """Read ``jane@example.com`` or ``Jane Doe <jane@example.com>``.

        A name may be encoded (RFC 2047) or quoted. An international domain becomes its A-label
        (RFC 5890). Raises `InvalidMessage`, which names *what*.
        """
        text = one_line(text, what).strip()
        if match := _MAILBOX.fullmatch(text):
            return cls(display_name(match["name"], what), checked_address(match["address"], what))
        return cls("", checked_address(text, what))

    def __str__(self) -> str:
        """The mailbox in ASCII, on one line."""
        if not self.name:
            return self.address
        if self.name.isascii() and "=?" not in self.name:
            quoted = self.name.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{quoted}" <{self.address}>'
        from email.header import Header

        return f"{Header(self.name, 'utf-8', maxlinelen=72).encode(linesep='')} <{self.address}>"

    def folded(self) -> bytes:
        """Return the mailbox in ASCII, folded so that no line of a message gets too long."""
        if self.name and len(text := str(self)) > 70:
            return text.replace("?= =?", "?=\r\n =?").replace(" <", "\r\n <").encode("ascii")
        return str(self).encode("ascii")


def display_name(text: str, what: str) -> str:
    """Return the display name *text*, unquoted and decoded; raise `InvalidMessage`."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    text = one_line(decoded(text), f"{what}: the display name").strip()
    if len(text) > 320:
        raise InvalidMessage(
            f"{what}: the display name has {len(text)} characters: use at most 320"
        )
    return text


def decoded(text: str) -> str:
    """Return *text* with its encoded words (RFC 2047) decoded."""
    if "=?" not in text:
        return text
    from email.header import decode_header, make_header

    try:
        return str(make_header(decode_header(text)))
    except Exception:  # not an encoded word after all, or one in an unknown charset
        return text


def checked_address(text: str, what: str) -> str:
    """Return the address *text* in ASCII; raise `InvalidMessage` if SES does not accept it."""
    local, at, domain = text.rpartition("@")
    if not (at and local and domain):
        raise InvalidMessage(f"{what} is {text!r:.80}: pass an address such as jane@example.com")
    if not local.isascii():
        raise InvalidMessage(
            f"{what} is {text!r:.80}: the part before @ is not ASCII, and SES has no SMTPUTF8: "
            "ask the recipient for another address"
        )
    if not _LOCAL_PART.fullmatch(local):
        raise InvalidMessage(
            f"{what} is {text!r:.80}: the part before @ must be 1 to 64 letters, digits and "
            "!#$%&'*+/=?^_`{|}~- without quotes, with single dots between them"
        )
    ascii_domain = _a_labels(domain, text, what)
    if len(local) + 1 + len(ascii_domain) > 254:
        raise InvalidMessage(
            f"{what} is {text!r:.80}: longer than the 254 characters that RFC 5321 allows"
        )
    return f"{local}@{ascii_domain}"


def _a_labels(domain: str, text: str, what: str) -> str:
    if not domain.isascii():
        if any(char in domain for char in _IDNA_DEVIATIONS):
            raise InvalidMessage(
                f"{what} is {text!r:.80}: the domain has a character that IDNA 2003 and IDNA 2008 "
                "read as different domains: write it as its A-label, xn--…"
            )
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise InvalidMessage(
                f"{what} is {text!r:.80}: the domain has no A-label ({error}): write it as xn--…"
            ) from error
    if not _DOMAIN.fullmatch(domain):
        raise InvalidMessage(
            f"{what} is {text!r:.80}: {domain!r:.80} is not a domain of two or more labels"
        )
    return domain


def mailboxes(given: str | Iterable[str] | None, what: str) -> list[Mailbox]:
    """Return the mailboxes of *given*, which is one string for one mailbox, or several strings."""
    if given is None:
        return []
    if isinstance(given, str):
        return [Mailbox.parse(given, what)]
    return [Mailbox.parse(one, f"{what}[{at}]") for at, one in enumerate(given)]


def checked_recipients(chosen: Sequence[Mailbox]) -> tuple[str, ...]:
    """Return the addresses without repeats; raise `InvalidMessage` if none or too many."""
    found = tuple(dict.fromkeys(box.address for box in chosen))
    if not found:
        raise InvalidMessage("the message has no recipients: set To, Cc or Bcc, or pass recipients")
    if len(found) > ses.RECIPIENTS_PER_MESSAGE:
        raise InvalidMessage(
            f"the message has {len(found)} recipients; SES accepts {ses.RECIPIENTS_PER_MESSAGE}, "
            "To, Cc and Bcc together: send several messages, or use send_bulk()"
        )
    return found
