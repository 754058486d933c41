"""Received mail: a typed view of what SES sends to a Lambda function.

A handler is a plain function::

    from mailroom.receiving import Disposition, ReceivedMail

    def on_mail(mail: ReceivedMail) -> Disposition | None: ...

Importing this module has no effect; Lambda calls `mailroom.entry.receiving`.

The payload is documented at
https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-lambda-event.html
"""

from __future__ import annotations

from mailroom._views import Headers
from mailroom.receiving.bucket import MailBucket
from mailroom.receiving.mail import ReceivedMail, Verdict
from mailroom.ses import Disposition

__all__ = ["Disposition", "Headers", "MailBucket", "ReceivedMail", "Verdict"]
