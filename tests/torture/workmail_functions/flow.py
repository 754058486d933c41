"""A user's function for mail in flow: reads everything, and answers for each recipient."""

from __future__ import annotations

from collections.abc import Callable

from mailroom.errors import MissingField
from mailroom.workmail import Answer, FlowMail


def _to_nobody(view: object, how: str) -> None:
    pass


told: Callable[[object, str], None] = _to_nobody
"""Called with what was called, and whether it ended well; the torture replaces it."""

_NAMES = [name for name in dir(FlowMail) if isinstance(getattr(FlowMail, name), property)]


class Refused(Exception):
    """This function could not read what it was given."""


def on_flow(mail: FlowMail) -> Answer:
    """Read all of *mail*; bounce it for the first recipient, and deliver it to the others."""
    told(mail, "called")
    try:
        answer = _answered(mail)
    except BaseException as error:
        told(mail, type(error).__name__)
        raise
    told(mail, "handled")
    return answer


def _answered(mail: FlowMail) -> Answer:
    missing = []
    for name in _NAMES:
        try:
            getattr(mail, name)
        except MissingField as error:
            missing.append(error)
    if missing:
        raise Refused(str(missing[0]))
    for part in mail.read().walk():
        part.get_content_type()
        part.get_filename()
    return mail.answer().default()
