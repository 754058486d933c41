"""Publish each mail to an SNS topic, as one JSON event.

Settings
    ``MAILROOM_TOPIC``
        The topic's ARN.
    ``MAILROOM_HAND_ON_ID``, ``MAILROOM_HAND_ON_TEXT_BYTES``
        See `mailroom.handlers.receiving._handing_on`.

Permissions
    ``sns:Publish`` on the topic, and the use of its key; ``s3:GetObject`` on the rule's mail.

Failures
    Whatever fails raises, so that Lambda tries again, and then the dead-letter queue has the mail.
    An event may come twice, with the same ``id``; a FIFO topic drops repeats for five minutes.
"""

from __future__ import annotations

import os

from mailroom import _runtime
from mailroom.handlers.receiving import _handing_on

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mailroom.receiving import ReceivedMail

__all__ = ["on_mail"]


def on_mail(mail: ReceivedMail) -> None:
    """Publish *mail*, with the rule's name as the message attribute ``rule``, for filters."""
    arn = _runtime.setting("MAILROOM_TOPIC")
    event = _handing_on.Event(mail)
    message: dict[str, Any] = {"TopicArn": arn, "Message": event.body}
    rule = os.environ.get("MAILROOM_RULE")
    if rule:
        message["MessageAttributes"] = {"rule": {"DataType": "String", "StringValue": rule}}
    if arn.endswith(".fifo"):
        message |= {
            "MessageGroupId": _handing_on.conversation(event),
            "MessageDeduplicationId": event.id,
        }
    _handing_on.delivered("the topic", lambda: _runtime.client("sns").publish(**message))
