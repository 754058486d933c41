__all__ = ['NotMapped', 'behind_receipt_rule', 'disposition', 'flow_mail']
class NotMapped(MailroomError):
    ...
def behind_receipt_rule(
    function: Callable[[FlowMail], object],
    *,
    bounce_action_follows: bool = False,
) -> Callable[[ReceivedMail], Disposition]: ...
def disposition(
    answer: Answer,
    *,
    bounce_action_follows: bool,
) -> Disposition: ...
def flow_mail(
    mail: ReceivedMail,
    *,
    flow: Flow | None = None,
    direction: Direction = Direction.INBOUND,
) -> FlowMail: ...
