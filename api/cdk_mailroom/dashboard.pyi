__all__ = ["MailDashboard"]

class MailDashboard(Construct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        publishing: EventPublishing | None = None,
        inbound: InboundMail | None = None,
        dashboard_name: str | None = None,
    ) -> None: ...
    dashboard: object
    ...
