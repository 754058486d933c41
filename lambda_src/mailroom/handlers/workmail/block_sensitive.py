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
        ``block`` (default) to stop mail that cannot be read too, encrypted or malformed; ``pass``
        to let it go, with a line in the log.

Permissions
    Reading messages.

Searched are the subject and other fields that a person reads, the names of all files, and every
content that is text, whatever its type, charset and encoding say, in attached messages too; HTML as
a person sees it. A number is found beside other numbers, and with any blanks and hyphens in it.
Files such as PDF and archives are not opened, but stopped if they are encrypted. The log names the
patterns that matched, never the matches.
"""

from __future__ import annotations

import os
import re

from mailroom import _runtime
from mailroom.errors import NotConfigured
from mailroom.handlers.workmail import _settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mailroom.workmail import Answer, FlowMail

__all__ = ["CHECKS", "found_in", "iban", "luhn", "on_flow"]

_EVENT = "mailroom.workmail.block_sensitive"
_MESSAGE = "The message was not delivered, because it contains what may not be sent."
# What begins or ends a word that a match may begin or end with.
_WORD_START = re.compile(r"(?<![^\W_])[^\W_]")
_WORD_END = re.compile(r"[^\W_](?![^\W_])")
# A text of 80 KB can match 40,000 times, so the checks are quick.
_NO_DIGITS = bytes(set(range(256)) - set(b"0123456789"))
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_LETTERS = {ord(letter): str(int(letter, 36)) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def luhn(text: str) -> bool:
    """Whether the digits of *text* can be a card number, by their count and check digit."""
    digits = text.encode("ascii", "ignore").translate(None, _NO_DIGITS)
    if not 12 <= len(digits) <= 19 or digits.count(digits[0]) == len(digits):
        return False
    single, doubled = digits[-1::-2], digits[-2::-2].translate(_DOUBLED)
    return (sum(single) + sum(doubled) - len(digits) * ord("0")) % 10 == 0


def iban(text: str) -> bool:
    """Whether *text* can be an International Bank Account Number, by its check digits."""
    plain = "".join(text.replace("-", " ").upper().split())
    if not _IBAN.fullmatch(plain):
        return False
    return int((plain[4:] + plain[:4]).translate(_LETTERS)) % 97 == 1


def _anything(text: str) -> bool:
    return True


CHECKS = {"luhn": luhn, "iban": iban, "": _anything}
"""What a match must pass, by name."""


class Settings:
    """The environment, read once."""

    __slots__ = ("block_unread", "domains", "drop", "message", "patterns")

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
        self.block_unread = (found.get("encrypted") or "block") == "block"


def found_in(texts: Iterable[str], settings: Settings) -> list[str]:
    """Return the names of the patterns that match one of *texts*, each once."""
    names = dict.fromkeys(
        name
        for text in texts
        for name, pattern, check in settings.patterns
        if _matches(pattern, check, text)
    )
    return list(names)


def _matches(pattern: re.Pattern[str], check: Callable[[str], bool], text: str) -> bool:
    """Whether *pattern* matches anywhere in *text* what passes *check*.

    A number is often beside others (a date of expiry, a second card), and a pattern may match all
    of them as one. So each match that does not pass is tried again from its other words on, and
    without its last words.
    """
    place = 0
    while (found := pattern.search(text, place)) is not None:
        if check(found[0]):
            return True
        ends = [one.end() for one in _WORD_END.finditer(text, found.start(), found.end())]
        for end in reversed(ends):
            shorter = pattern.fullmatch(text, found.start(), end) if end < found.end() else None
            if shorter is not None and check(shorter[0]):
                return True
        following = _WORD_START.search(text, found.start() + 1)
        if following is None:
            return False
        place = following.start()
    return False


_found = Settings() if "MAILROOM_FLOW_SETTINGS" in os.environ else None


def on_flow(mail: FlowMail) -> Answer | None:
    """Stop *mail* for external recipients if one of the patterns matches."""
    global _found
    settings = _found = _found or Settings()
    outside = [one for one in mail.recipients if not _settings.internal(one, settings.domains)]
    if not outside and not mail.truncated:
        return None
    from mailroom.handlers.workmail import _content, _message

    with mail.open() as stream:
        message = _message.read(stream.read())
    texts = _content.Texts(message)
    names = found_in(texts, settings)
    if texts.unread:
        if settings.block_unread:
            names.append("unreadable")
        _runtime.log(
            "WARNING",
            _EVENT,
            message_id=mail.message_id,
            outcome="blocked" if settings.block_unread else "searched in part",
            reason=", ".join(texts.unread)[:500],
        )
    if not names:
        return None
    _runtime.log("WARNING", _EVENT, message_id=mail.message_id, found=names)
    answer = mail.answer()
    inside = [one for one in mail.recipients if _settings.internal(one, settings.domains)]
    if inside:
        answer.default(recipients=inside)
    if settings.drop:
        return answer.drop()
    return answer.bounce(f"{settings.message} ({', '.join(names)})")
