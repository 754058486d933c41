"""Put each mail on an EventBridge bus, as one JSON event.

Settings
    ``MAILROOM_BUS``
        The bus's name or ARN.
    ``MAILROOM_HAND_ON_ID``, ``MAILROOM_HAND_ON_TEXT_BYTES``
        See `mailroom.handlers.receiving._handing_on`.

Permissions
    ``events:PutEvents`` on the bus; ``s3:GetObject`` on the rule's mail.

Failures
    Whatever fails raises, so that Lambda tries again, and then the dead-letter queue has the mail.
    An event may come twice, with the same ``detail.id``.
"""

from __future__ import annotations

from mailroom import _runtime
from mailroom.errors import NotHandedOn
from mailroom.handlers.receiving import _handing_on

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.receiving import ReceivedMail

__all__ = ["DETAIL_TYPE", "SOURCE", "on_mail"]

SOURCE = "cdk-mailroom"
DETAIL_TYPE = "Mail Received"


def on_mail(mail: ReceivedMail) -> None:
    """Put *mail* on the bus."""
    entry = {
        "EventBusName": _runtime.setting("MAILROOM_BUS"),
        "Source": SOURCE,
        "DetailType": DETAIL_TYPE,
        "Detail": _handing_on.Event(mail).body,
    }
    answer = _handing_on.delivered(
        "the event bus", lambda: _runtime.client("events").put_events(Entries=[entry])
    )
    # The call succeeds, whatever becomes of its entries.
    if answer.get("FailedEntryCount"):
        refused = answer["Entries"][0]
        raise NotHandedOn(
            f"the event bus did not take the mail: {refused.get('ErrorMessage')}",
            code=str(refused.get("ErrorCode")),
        )
