"""Receive mail: typed views of what SES tells a Lambda function.

The user writes a plain function::

    def on_mail(mail: ReceivedMail) -> Disposition | None: ...

Importing this module has no effect; `mailroom.entry.receiving` is what Lambda calls.

SES's side is documented at
https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-lambda-event.html
"""

from __future__ import annotations

from mailroom._views import Headers
from mailroom.receiving.bucket import MailBucket
from mailroom.receiving.mail import ReceivedMail, Verdict
from mailroom.ses import Disposition

__all__ = ["Disposition", "Headers", "MailBucket", "ReceivedMail", "Verdict"]
