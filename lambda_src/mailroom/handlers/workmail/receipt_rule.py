"""Run a function that decides on WorkMail's flow behind an SES receipt rule.

::

    # app.py
    from mailroom.handlers.workmail.receipt_rule import behind_receipt_rule
    from policy import on_flow

    on_mail = behind_receipt_rule(on_flow)

``PythonHandler("folder", "app:on_mail", synchronous=True)`` then is the rule's handler.

What carries over: DEFAULT and DROP for the whole mail, BOUNCE too if the rule ends in a ``Bounce``
action, and reading the message. What does not raises `NotMapped`, and the rule's ``on_error`` and
dead-letter queue say what becomes of the mail: different answers for different recipients (SES
knows one disposition for all whom the rule matched; name them in rules of their own), the junk
folder, the way around the spam check, further recipients, and a changed message.
"""

from __future__ import annotations

from mailroom.errors import MailroomError
from mailroom.workmail import (
    ActionType,
    Direction,
    FlowMail,
    NotReplaceable,
    checked_answer,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BufferedIOBase

    from mailroom.receiving import Disposition, ReceivedMail

__all__ = ["NotMapped", "behind_receipt_rule", "flow_mail"]

_SUBJECT_LENGTH = 256


class NotMapped(MailroomError):
    """A receipt rule cannot do what the function answered."""


class _Received:
    """Stands in for the message flow: the same message, from the mail bucket."""

    __slots__ = ("_mail",)

    def __init__(self, mail: ReceivedMail) -> None:
        self._mail = mail

    def open(self, message_id: str) -> BufferedIOBase:
        return self._mail.open()

    def replace(self, message_id: str, content: bytes) -> None:
        raise NotReplaceable("a receipt rule passes the message on as it came; nothing was changed")


def flow_mail(mail: ReceivedMail) -> FlowMail:
    """Return *mail* as WorkMail would have told of it, inbound."""
    from mailroom.handlers._mail import mailboxes

    event = {
        "envelope": {
            "mailFrom": {"address": mail.source},
            "recipients": [{"address": address} for address in mail.recipients],
        },
        "messageId": mail.message_id,
        "invocationId": mail.message_id,
        "flowDirection": Direction.INBOUND.value,
        "truncated": False,
    }
    sender = [address for value in mail.from_[:1] for _, address in mailboxes(value)]
    if sender:
        event["sender"] = {"address": sender[0]}
    if mail.subject is not None:
        event["subject"] = mail.subject[:_SUBJECT_LENGTH]
    return FlowMail(event, flow=_Received(mail))


def behind_receipt_rule(
    function: Callable[[FlowMail], object], *, bounce_action_follows: bool = False
) -> Callable[[ReceivedMail], Disposition]:
    """Return what a receipt rule can call in the place of *function*.

    *bounce_action_follows*: the rule's next action is ``actions.Bounce``, and the rule's last. The
    answer BOUNCE then goes on to it (with the text that stands there, not with the function's),
    and DEFAULT skips it: the next rule of the set gets the mail.
    """

    # The entry point of receipt rules, which has it loaded, is loading this.
    from mailroom.receiving import Disposition

    def on_mail(mail: ReceivedMail) -> Disposition:
        flow = flow_mail(mail)
        # The same checks as in WorkMail, so that nothing passes here that did not pass there.
        answer = checked_answer(flow, function(flow))
        actions = answer.payload()["actions"]
        if len(actions) != 1 or "recipients" in actions[0]:
            raise NotMapped(
                f"the answer has {' and '.join(answer.kinds)} for different recipients, or further "
                "ones; a receipt rule does one thing with a mail: give each group of recipients "
                "a rule of its own"
            )
        kind = actions[0]["action"]["type"]
        if kind == ActionType.DROP:
            return Disposition.STOP_RULE_SET
        if kind == ActionType.DEFAULT:
            return Disposition.STOP_RULE if bounce_action_follows else Disposition.CONTINUE
        if kind == ActionType.BOUNCE and bounce_action_follows:
            return Disposition.CONTINUE
        raise NotMapped(
            f"the answer is {kind}, which a disposition cannot say"
            + (
                ": let the rule end in actions.Bounce and set bounce_action_follows=True"
                if kind == ActionType.BOUNCE
                else "; SES has no mailboxes and no spam check to go around"
            )
        )

    return on_mail
