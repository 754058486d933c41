"""Sends at most once for each received mail, whatever becomes of the process.

A handler that answers mail needs this, since Lambda calls it again after a failure::

    from mailroom.receiving import ReceivedMail, send_once

    def on_mail(mail: ReceivedMail) -> None:
        ...
        send_once(mail, "answer", lambda: sender.reply(mail, text="Thank you."))

A mark is written before the call to SES, under a condition that only one writer can meet. After the
call, a second mark says how it ended: ``sent``, or ``refused`` if SES certainly accepted nothing,
which is the only case in which another try is made. A mark with nothing behind it means that the
outcome is unknown, so each further delivery of the mail raises `OutcomeUnknown`, and ends in the
failure queue. Marks are only added, never changed or deleted, so that no late request can free
what another process has taken.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

from itertools import count

from mailroom.errors import NotSent, OutcomeUnknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mailroom.receiving import ReceivedMail

__all__ = ["send_once"]


def send_once(mail: ReceivedMail, what: str, send: Callable[[], object]) -> None:
    """Call *send* unless *what* was sent for *mail* before, by any delivery of it.

    It needs ``remember_handled=True`` where the handler is declared.

    Args:
        mail: The received mail.
        what: Names what is sent, and to whom; the same in every try.
        send: Sends; raises `NotSent` if SES certainly accepted nothing.

    Raises:
        NotSent: As *send* raised it; another try is possible.
        OutcomeUnknown: As *send* raised it, or an earlier try has no known outcome.
        NotConfigured: The handler was declared without ``remember_handled=True``.
    """
    marks = mail.marks()
    for number in count(1):
        mark = f"{what}.{number}"
        if f"{mark}.sent" in marks:
            return
        if f"{mark}.refused" not in marks:
            break
    if mark in marks or not mail.mark(mark):
        raise OutcomeUnknown(
            "an earlier try is still under way, or its outcome is unknown: look for the Send event "
            f"of the mail; to send it again, delete the mark {mark!r} of this message, which is "
            "below MAILROOM_MARK_PREFIX in the mail bucket"
        )
    try:
        send()
    except NotSent:
        mail.mark(f"{mark}.refused")
        raise
    mail.mark(f"{mark}.sent")
