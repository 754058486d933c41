"""A user's functions: each reads everything that a view offers, and tells who calls it.

What raises anything but `MissingField` is a fault of the view. A function that missed something
raises `Refused`, as careful code does, so that its record has to be reported as failed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from mailroom.errors import AutomaticMail, InvalidMessage, MissingField, NotConfigured
from mailroom.events import SendingEvent
from mailroom.receiving import Disposition, ReceivedMail


def _to_nobody(view: object, how: str) -> None:
    pass


told: Callable[[object, str], None] = _to_nobody
"""Called with what was called, and whether it ended well; the torture replaces it."""
losing = False
"""Whether the functions forget every seventh call, so that the harness can be seen to fail."""

_calls = 0
_NAMES: dict[type, list[str]] = {}
_NEEDS_MARKS = ("already_handled",)
_VIEWS = "mailroom."


class Refused(Exception):
    """This function could not read what it was given."""


def on_mail(mail: ReceivedMail) -> None:
    """Read all of *mail*, the stored message too."""
    with _Told(mail):
        _read(mail)
        if mail.stored_at is not None:
            _walk(mail)


def decide(mail: ReceivedMail) -> Disposition:
    """Read all of *mail*, and let it pass."""
    with _Told(mail):
        _read(mail)
        return Disposition.CONTINUE


def on_event(event: SendingEvent) -> None:
    """Read all of *event*."""
    with _Told(event):
        _read(event)


def transform(event: SendingEvent) -> dict[str, object] | None:
    """Read all of *event*; drop what says so."""
    _read(event)
    if "drop" in event.mail.tags:
        return None
    return {"torture": "1"}


class _Told:
    def __init__(self, view: object) -> None:
        self._view = view

    def __enter__(self) -> None:
        told(self._view, "called")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        global _calls
        _calls += 1
        if losing and _calls % 7 == 0:
            return
        told(self._view, "handled" if kind is None else kind.__name__)


def _read(view: object) -> None:
    """Read every public property of *view* and of the views in it; raise what was missing."""
    missing: list[MissingField] = []
    waiting = [view]
    while waiting:
        one = waiting.pop()
        for name in _names(type(one)):
            try:
                value = getattr(one, name)
            except MissingField as error:
                missing.append(error)
                continue
            if type(value) is list:
                waiting.extend(item for item in value if _is_view(item))
            elif _is_view(value):
                waiting.append(value)
        repr(one)
    if missing:
        raise Refused(str(missing[0]))


def _is_view(value: object) -> bool:
    kind = type(value)
    return kind.__module__.startswith(_VIEWS) and not issubclass(kind, str)


def _names(kind: type) -> list[str]:
    found = _NAMES.get(kind)
    if found is None:
        found = _NAMES[kind] = [
            name
            for name in dir(kind)
            if not name.startswith("_")
            and name not in _NEEDS_MARKS
            and isinstance(getattr(kind, name), property)
        ]
    return found


def _walk(mail: ReceivedMail) -> None:
    """Read every part of the stored message, and what a reply to it would be."""
    message = mail.read()
    for part in message.walk():
        part.get_content_type()
        part.get_filename()
        part.get_content_charset()
        list(part.defects)
        for name, value in part.items():
            str(value), name.lower()
        if not part.is_multipart():
            part.get_content()
    list(message.iter_attachments())
    message.get_body(("plain", "html"))
    for attachment in mail.attachments:
        attachment.read()
    for field in ("From", "To", "Resent-To", "Sender"):
        mail.addresses(field)
    mail.headers.get_all("received")
    with suppress(NotConfigured):
        mail.already_handled  # noqa: B018 (asks S3)
        mail.marks()
    if mail.automatic_reason is None and mail.sender is not None:
        with suppress(AutomaticMail, InvalidMessage):
            mail.reply(text="Thank you.", from_address="support@example.com")
