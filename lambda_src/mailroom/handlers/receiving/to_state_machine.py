"""Start a Step Functions state machine for each mail, with one JSON event as its input.

Settings
    ``MAILROOM_STATE_MACHINE``
        The state machine's ARN.
    ``MAILROOM_HAND_ON_ID``, ``MAILROOM_HAND_ON_TEXT_BYTES``
        See `mailroom.handlers.receiving._handing_on`.

Permissions
    ``states:StartExecution`` on the state machine; ``s3:GetObject`` on the rule's mail.

Failures
    Whatever fails raises, so that Lambda tries again, and then the dead-letter queue has the mail.
    The execution has the event's ``id`` as its name, so a standard state machine starts once for
    each mail within 90 days. An express one may start twice, with the same ``id``.
    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
"""

from __future__ import annotations

from mailroom import _runtime
from mailroom.handlers.receiving import _handing_on

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.receiving import ReceivedMail

__all__ = ["on_mail"]


def on_mail(mail: ReceivedMail) -> None:
    """Start an execution for *mail*."""
    arn = _runtime.setting("MAILROOM_STATE_MACHINE")
    event = _handing_on.Event(mail)
    _handing_on.delivered(
        "the state machine",
        lambda: _runtime.client("stepfunctions").start_execution(
            stateMachineArn=arn, name=event.id, input=event.body
        ),
        unless="ExecutionAlreadyExists",
    )
