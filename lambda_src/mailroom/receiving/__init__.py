"""Received mail: a typed view of what SES sends to a Lambda function.

A handler is a plain function::

    from mailroom.receiving import Disposition, ReceivedMail

    def on_mail(mail: ReceivedMail) -> Disposition | None: ...

Importing this module has no effect; Lambda calls `mailroom.entry.receiving`.

The payload is documented at
https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-lambda-event.html
"""

from __future__ import annotations

from mailroom._views import Headers, Verdict
from mailroom.receiving.mail import ReceivedMail
from mailroom.ses import Disposition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.mime.mailboxes import Address
    from mailroom.receiving.arrivals import BucketMail
    from mailroom.receiving.attachments import Attachment
    from mailroom.receiving.bucket import MailBucket
    from mailroom.receiving.handed import HandedMail, handed_on
    from mailroom.receiving.once import send_once

__all__ = [
    "Address",
    "Attachment",
    "BucketMail",
    "Disposition",
    "HandedMail",
    "Headers",
    "MailBucket",
    "ReceivedMail",
    "Verdict",
    "handed_on",
    "send_once",
]

# Loaded for those alone that use them.
_LAZY = {
    "Address": "mailroom.mime.mailboxes",
    "Attachment": "mailroom.receiving.attachments",
    "BucketMail": "mailroom.receiving.arrivals",
    "HandedMail": "mailroom.receiving.handed",
    "MailBucket": "mailroom.receiving.bucket",
    "handed_on": "mailroom.receiving.handed",
    "send_once": "mailroom.receiving.once",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)
