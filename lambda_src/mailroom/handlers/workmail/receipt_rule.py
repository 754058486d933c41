"""Run a function written for WorkMail's flow rules behind an SES receipt rule.

::

    # app.py
    from mailroom.handlers.workmail.receipt_rule import behind_receipt_rule
    from policy import on_flow

    on_mail = behind_receipt_rule(on_flow)

Then ``PythonHandler("folder", "app:on_mail", synchronous=True)`` is the rule's handler.

DEFAULT and DROP for the whole mail work the same, and so does reading the message; BOUNCE works if
the rule ends in a ``Bounce`` action. Everything else raises `NotMapped`, so that the rule's
``on_error`` and dead-letter queue apply: different answers for different recipients (SES has one
disposition for all recipients that a rule matches, so give them separate rules), the junk folder,
bypassing the spam check, and added recipients. Replacing the message raises `NotReplaceable`.
"""

from __future__ import annotations

from mailroom.errors import MailroomError
from mailroom.ses import Disposition
from mailroom.workmail import ActionType, Answer, Direction, FlowMail, NotReplaceable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BufferedIOBase

    from mailroom.receiving import ReceivedMail
    from mailroom.workmail.mail import Flow

__all__ = ["NotMapped", "behind_receipt_rule", "disposition", "flow_mail"]

_SUBJECT_LENGTH = 256


class NotMapped(MailroomError):
    """A receipt rule cannot do what the function's answer says."""


class _Received:
    """In place of the message flow: the same message, from the mail bucket."""

    __slots__ = ("_mail",)

    def __init__(self, mail: ReceivedMail) -> None:
        self._mail = mail

    def open(self, message_id: str) -> BufferedIOBase:
        return self._mail.open()

    def replace(self, message_id: str, content: bytes) -> None:
        raise NotReplaceable(
            "a receipt rule cannot change a message, and nothing was changed: do not replace it"
        )


def flow_mail(
    mail: ReceivedMail, *, flow: Flow | None = None, direction: Direction = Direction.INBOUND
) -> FlowMail:
    """Return *mail* as WorkMail would present it.

    Args:
        mail: The mail.
        flow: Where the message is read and replaced. Default: where it cannot be replaced.
        direction: What WorkMail would call it.
    """
    from mailroom.handlers._mail import mailboxes

    event = {
        "envelope": {
            "mailFrom": {"address": mail.source},
            "recipients": [{"address": address} for address in mail.recipients],
        },
        "messageId": mail.message_id,
        "invocationId": mail.message_id,
        "flowDirection": direction.value,
        "truncated": False,
    }
    sender = [address for value in mail.from_[:1] for _, address in mailboxes(value)]
    if sender:
        event["sender"] = {"address": sender[0]}
    if mail.subject is not None:
        event["subject"] = mail.subject[:_SUBJECT_LENGTH]
    return FlowMail(event, flow=flow or _Received(mail))


def behind_receipt_rule(
    function: Callable[[FlowMail], object], *, bounce_action_follows: bool = False
) -> Callable[[ReceivedMail], Disposition]:
    """Return a function for a receipt rule that decides as *function* does.

    Args:
        function: A function for WorkMail's flow rules.
        bounce_action_follows: Whether ``actions.Bounce`` follows as the rule's last action. Then
            BOUNCE continues with it, and its text is used, not the function's; DEFAULT skips it,
            so that the next rule of the set gets the mail. Default: BOUNCE raises `NotMapped`.
    """

    def on_mail(mail: ReceivedMail) -> Disposition:
        flow = flow_mail(mail)
        answer = flow.checked_answer(function(flow))
        return disposition(answer, bounce_action_follows=bounce_action_follows)

    return on_mail


def disposition(answer: Answer, *, bounce_action_follows: bool) -> Disposition:
    """Return what a rule does with a mail instead of *answer*.

    Args:
        answer: What the function answers.
        bounce_action_follows: Whether a ``Bounce`` action follows in the rule.

    Raises:
        NotMapped: A rule cannot do it.
    """
    actions = answer.payload()["actions"]
    if len(actions) != 1 or "recipients" in actions[0]:
        raise NotMapped(
            f"the answer has {' and '.join(answer.kinds)} for different or added recipients; a "
            "rule does one thing with a mail: give each group of recipients a rule"
        )
    kind = actions[0]["action"]["type"]
    if kind == ActionType.DROP:
        return Disposition.STOP_RULE_SET
    if kind == ActionType.DEFAULT:
        return Disposition.STOP_RULE if bounce_action_follows else Disposition.CONTINUE
    if kind == ActionType.BOUNCE and bounce_action_follows:
        return Disposition.CONTINUE
    raise NotMapped(
        f"the answer is {kind}, for which there is no disposition"
        + (
            ": end the rule with actions.Bounce and pass bounce_action_follows=True"
            if kind == ActionType.BOUNCE
            else ": SES has neither junk folders nor a spam check to bypass"
        )
    )
