"""Stop mail that contains what must not leave: card numbers, accounts, patterns of your choice.

Settings, as JSON in ``MAILROOM_FLOW_SETTINGS``
    ``patterns``
        List of ``{"name", "pattern", "check"}``. ``pattern`` is a regular expression of Python;
        ``check`` is what a match must also pass: ``luhn`` (card numbers), ``iban``, or nothing.
    ``action``
        ``bounce`` (default), or ``drop``. ``message``: what the sender of a bounce reads; the names
        of the patterns follow, never the matches.
    ``domains``
        The organization's domains, whose recipients get the mail. Default: none.
    ``encrypted``
        ``block`` to stop encrypted mail too. Default: it passes.

Permissions
    Reading messages.

The subject and every text are searched, including attached ones, and HTML without its tags. Files
such as PDF are not opened. The log names the patterns that matched, never the matches.
"""

from __future__ import annotations

import os
import re

from mailroom import _runtime
from mailroom.errors import NotConfigured
from mailroom.handlers.workmail import _settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from email.message import EmailMessage

    from mailroom.workmail import Answer, FlowMail

__all__ = ["CHECKS", "found_in", "iban", "luhn", "on_flow"]

_MESSAGE = "The message was not delivered, because it contains what may not be sent."
_UNREADABLE = frozenset(
    ("application/pgp-encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime")
)


def luhn(text: str) -> bool:
    """Whether the digits of *text* can be a card number, by their count and check digit."""
    digits = [int(char) for char in text if char in "0123456789"]
    if not 12 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def iban(text: str) -> bool:
    """Whether *text* can be an International Bank Account Number, by its check digits."""
    plain = re.sub(r"[\s-]", "", text).upper()
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", plain):
        return False
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


def _anything(text: str) -> bool:
    return True


CHECKS = {"luhn": luhn, "iban": iban, "": _anything}
"""What a match must pass, by name."""


class Settings:
    """The environment, read once."""

    __slots__ = ("block_encrypted", "domains", "drop", "message", "patterns")

    def __init__(self) -> None:
        found = _settings.settings("patterns")
        self.patterns = []
        for one in found["patterns"]:
            check = CHECKS.get(one.get("check") or "")
            if check is None:
                raise NotConfigured(f"check is {one['check']!r}: use 'luhn', 'iban' or nothing")
            try:
                pattern = re.compile(one["pattern"])
            except re.error as error:
                raise NotConfigured(
                    f"pattern {one['name']!r} is not a valid regular expression: {error}"
                ) from error
            self.patterns.append((str(one["name"]), pattern, check))
        self.drop = found.get("action") == "drop"
        self.message = str(found.get("message") or _MESSAGE)
        self.domains = _settings.words(found.get("domains") or ())
        self.block_encrypted = found.get("encrypted") == "block"


def found_in(texts: Iterable[str], settings: Settings) -> list[str]:
    """Return the names of the patterns that match one of *texts*, each once."""
    names = dict.fromkeys(
        name
        for text in texts
        for name, pattern, check in settings.patterns
        if any(check(match[0]) for match in pattern.finditer(text))
    )
    return list(names)


def texts_of(message: EmailMessage) -> Iterator[str]:
    """Yield every readable text of *message*."""
    from mailroom.handlers.workmail import _text

    yield str(message.get("Subject", ""))
    for part in message.walk():
        if part.get_content_maintype() != "text":
            continue
        content = part.get_payload(decode=True)
        raw = content if isinstance(content, bytes) else b""
        try:
            text = raw.decode(part.get_content_charset() or "utf-8", "replace")
        except LookupError:
            text = raw.decode("latin-1")
        yield text
        if part.get_content_type() == "text/html":
            yield _text.flat(text, "text/html")


_found = Settings() if "MAILROOM_FLOW_SETTINGS" in os.environ else None


def on_flow(mail: FlowMail) -> Answer | None:
    """Stop *mail* for external recipients if one of the patterns matches."""
    global _found
    settings = _found = _found or Settings()
    outside = [one for one in mail.recipients if not _settings.internal(one, settings.domains)]
    if not outside and not mail.truncated:
        return None
    message = mail.read()
    names = found_in(texts_of(message), settings)
    if settings.block_encrypted and any(
        part.get_content_type() in _UNREADABLE for part in message.walk()
    ):
        names.append("encrypted")
    if not names:
        return None
    _runtime.log(
        "WARNING", "mailroom.workmail.block_sensitive", message_id=mail.message_id, found=names
    )
    answer = mail.answer()
    inside = [one for one in mail.recipients if _settings.internal(one, settings.domains)]
    if inside:
        answer.default(recipients=inside)
    if settings.drop:
        return answer.drop()
    return answer.bounce(f"{settings.message} ({', '.join(names)})")
