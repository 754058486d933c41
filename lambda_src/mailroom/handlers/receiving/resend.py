"""Send a changed copy of a mail to its recipients, instead of the mail itself.

Nothing can change a message on its way through SES or Mail Manager. A function can send a copy of
its own, and let the rules stop the original::

    from mailroom.handlers.receiving.resend import resend
    from mailroom.receiving import Disposition, ReceivedMail

    def on_mail(mail: ReceivedMail) -> Disposition:
        sent = resend(mail, changed(mail.read()))
        return Disposition.STOP_RULE_SET if sent else Disposition.CONTINUE

This is for mail of your own people, such as what an office sends through an authenticated ingress
point: SES sends only for verified senders, and ``From`` stays as it is. Mail of strangers has to be
forwarded (`mailroom.handlers.receiving.forward`).

Settings
    ``MAILROOM_CONFIGURATION_SET``
        Configuration set to send through. Default: the identity's own, if any.
    ``MAILROOM_RULE``
        The rule's name, part of the loop token.

Permissions
    ``ses:SendRawEmail`` and ``ses:SendEmail`` on the identity of the sender and on the
    configuration set; ``s3:PutObject`` on the mark prefix, and ``s3:ListBucket`` for it
    (``remember_handled=True``).

What is changed
    The header loses what would no longer be true or would control our own sending, as in
    `forward`. SES replaces ``Message-ID`` and ``Date``: the former is kept in ``References``, and
    both in ``X-Original-*``. Lines and addresses that SES refuses are mended.

Loops
    A copy carries a mark of its rule. A mail with this mark is not sent again: `resend` returns
    ``False``, and the mail goes its way. Whoever has received such a copy can write the mark into
    a mail of their own, so do not let anything depend on it that must not be avoided.
"""

from __future__ import annotations

import json
import os

from mailroom.errors import NotSent
from mailroom.handlers import _mail
from mailroom.handlers.receiving._mending import Unmendable, mend
from mailroom.handlers.receiving._rewriting import read_header, resent
from mailroom.receiving.once import send_once
from mailroom.ses import RECIPIENTS_PER_MESSAGE, SENT_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from email.message import EmailMessage

    from mailroom.receiving import ReceivedMail

__all__ = ["resend"]

_MAX_RECEIVED = 100  # RFC 5321 §6.3: a server accepts at least this many


def resend(
    mail: ReceivedMail,
    content: EmailMessage | bytes,
    *,
    recipients: Sequence[str] | None = None,
    configuration_set: str | None = None,
) -> bool:
    """Send *content* to the recipients of *mail*, once, however often the mail is delivered.

    Args:
        mail: The mail that the copy is of.
        content: The copy: a whole message.
        recipients: Who gets it. Default: the envelope recipients that the rule matched.
        configuration_set: The configuration set to send through. Default:
            ``MAILROOM_CONFIGURATION_SET``, else the identity's own.

    Returns:
        Whether it was sent, now or by an earlier delivery; ``False`` if the mail is such a copy
        itself, or has been through so many servers that it must be in a loop.

    Raises:
        NotSent: SES certainly accepted nothing, so that another try is possible.
        OutcomeUnknown: Nothing proves whether SES accepted it; it is not sent again.
        NotConfigured: The handler was declared without ``remember_handled=True``.
        MissingField: The event has no recipients.
    """
    from io import BytesIO

    data = content if isinstance(content, bytes) else _bytes(content)
    wanted = list(dict.fromkeys(mail.recipients if recipients is None else recipients))
    if not wanted:
        raise NotSent("nobody is to get the copy, so the mail would be lost", code="NoRecipients")
    token = _mail.loop_token("resend")
    stream = BytesIO(data)
    fields, size = read_header(stream)
    if fields is None or len(data) > SENT_BYTES:
        raise NotSent("the message or its header is too large for SES", code="MessageTooLarge")
    if _is_copy(mail, fields, token):
        return False
    try:
        fields, body = mend(fields, [data[size:]])
    except Unmendable as error:
        raise NotSent(str(error), code="Unmendable", reason=str(error)) from error
    copy = b"".join((resent(fields, token), *body))
    chosen = configuration_set or os.environ.get("MAILROOM_CONFIGURATION_SET") or None
    failures: list[Exception] = []
    for start in range(0, len(wanted), RECIPIENTS_PER_MESSAGE):
        batch = wanted[start : start + RECIPIENTS_PER_MESSAGE]
        try:
            _send(mail, copy, batch, chosen)
        except Exception as error:  # raised below, after the other batches were tried
            failures.append(error)
    if failures:
        raise failures[0]
    return True


def _is_copy(mail: ReceivedMail, fields: Sequence[tuple[str, bytes]], token: str) -> bool:
    # A copy may be made from nothing, and the event's header may be cut: both are asked.
    marks = [raw.decode("latin-1") for name, raw in fields if name == _mail.LOOP_FIELD.lower()]
    marks += mail.headers.get_all(_mail.LOOP_FIELD)
    passed = max(
        sum(name == "received" for name, _ in fields), len(mail.headers.get_all("Received"))
    )
    return passed > _MAX_RECEIVED or any(token in mark for mark in marks)


def _send(mail: ReceivedMail, copy: bytes, batch: Sequence[str], chosen: str | None) -> None:
    from hashlib import sha256

    name = f"copy-{sha256(json.dumps(list(batch)).encode()).hexdigest()[:16]}"
    send_once(mail, name, lambda: _mail.send(copy, batch, chosen))


def _bytes(message: EmailMessage) -> bytes:
    try:
        # Its own policy, by which a message that was read keeps the fields nobody changed.
        return message.as_bytes(policy=message.policy.clone(linesep="\r\n"))
    except Exception as error:  # the email package raises whatever its parts do
        raise NotSent(
            f"the copy cannot be written as bytes: {error}", code="InvalidMessage"
        ) from error
