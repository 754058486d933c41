"""Send each mail to an SQS queue, as one JSON event.

Settings
    ``MAILROOM_QUEUE``
        The queue's URL.
    ``MAILROOM_HAND_ON_ID``, ``MAILROOM_HAND_ON_TEXT_BYTES``
        See `mailroom.handlers.receiving._handing_on`.

Permissions
    ``sqs:SendMessage`` on the queue, and the use of its key; ``s3:GetObject`` on the rule's mail.

Failures
    Whatever fails raises, so that Lambda tries again, and then the dead-letter queue has the mail.
    An event may come twice, with the same ``id``; a FIFO queue drops repeats for five minutes.
"""

from __future__ import annotations

from mailroom import _runtime
from mailroom.handlers.receiving import _handing_on

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.receiving import ReceivedMail

__all__ = ["on_mail"]


def on_mail(mail: ReceivedMail) -> None:
    """Send *mail* to the queue."""
    url = _runtime.setting("MAILROOM_QUEUE")
    event = _handing_on.Event(mail)
    message = {"QueueUrl": url, "MessageBody": event.body}
    if url.endswith(".fifo"):
        message |= {
            "MessageGroupId": _handing_on.conversation(event),
            "MessageDeduplicationId": event.id,
        }
    _handing_on.delivered("the queue", lambda: _runtime.client("sqs").send_message(**message))
