__all__ = ["NotMapped", "behind_receipt_rule", "flow_mail"]

class NotMapped(MailroomError): ...

def behind_receipt_rule(
    function: Callable[[FlowMail], object],
    *,
    bounce_action_follows: bool = False,
) -> Callable[[ReceivedMail], Disposition]: ...
def flow_mail(
    mail: ReceivedMail,
) -> FlowMail: ...
