"""Run a function written for WorkMail's flow rules behind a rule of Mail Manager.

::

    # app.py
    from mailroom.handlers.workmail.gateway_rule import behind_gateway
    from policy import on_flow

    on_mail = behind_gateway(on_flow)

Then ``PythonHandler("folder", "app:on_mail", synchronous=True)`` is the rule's handler.

What `mailroom.handlers.workmail.receipt_rule` says of dispositions holds here too. In addition, a
function may replace the message: the changed copy is sent to the recipients by SES, once, and the
rule set stops the original. That needs ``remember_handled=True``, the permission to send, and a
verified sender, so it is for mail that your own people send; see
`mailroom.handlers.receiving.resend`.
"""

from __future__ import annotations

from mailroom.handlers.workmail.receipt_rule import disposition, flow_mail
from mailroom.ses import Disposition
from mailroom.workmail import Direction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BufferedIOBase

    from mailroom.receiving import ReceivedMail
    from mailroom.workmail import FlowMail

__all__ = ["behind_gateway"]


class _Copied:
    """In place of the message flow: the mail bucket to read from, and a copy that is sent later."""

    __slots__ = ("_mail", "copy")

    def __init__(self, mail: ReceivedMail) -> None:
        self._mail = mail
        self.copy: bytes | None = None

    def open(self, message_id: str) -> BufferedIOBase:
        return self._mail.open()

    def replace(self, message_id: str, content: bytes) -> None:
        self.copy = content


def behind_gateway(
    function: Callable[[FlowMail], object],
    *,
    bounce_action_follows: bool = False,
    outbound: bool = False,
) -> Callable[[ReceivedMail], Disposition]:
    """Return a function for a rule of Mail Manager that decides as *function* does.

    Args:
        function: A function for WorkMail's flow rules.
        bounce_action_follows: Whether the actions ``Bounce`` and ``Drop`` follow in the rule. Then
            BOUNCE continues with them, and the text of that action is used; DEFAULT skips them, so
            that the next rule gets the mail. That STOP_RULE does so behind Mail Manager is not
            documented. Default: BOUNCE raises `NotMapped`.
        outbound: Whether the rule is for mail that your people send, which `FlowMail.direction`
            then says. Default: it is inbound.
    """

    def on_mail(mail: ReceivedMail) -> Disposition:
        flow = _Copied(mail)
        direction = Direction.OUTBOUND if outbound else Direction.INBOUND
        shown = flow_mail(mail, flow=flow, direction=direction)
        answer = shown.checked_answer(function(shown))
        found = disposition(answer, bounce_action_follows=bounce_action_follows)
        delivers = Disposition.STOP_RULE if bounce_action_follows else Disposition.CONTINUE
        if flow.copy is None or found is not delivers:
            return found
        from mailroom.handlers.receiving.resend import resend

        # A copy of ours that came back goes its way.
        return Disposition.STOP_RULE_SET if resend(mail, flow.copy) else found

    return on_mail
