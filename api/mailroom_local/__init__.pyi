__all__ = [
    "ActionRecord",
    "Credentials",
    "DeployFailed",
    "EventRecord",
    "HandlerOutcome",
    "LocalAws",
    "MailroomError",
    "MessageRecord",
    "NotRunning",
    "RuleRecord",
    "Sent",
    "SmtpRefused",
]

class ActionRecord:
    def __init__(
        self,
        *,
        rule: str,
        kind: str,
        outcome: str,
        ms: float,
        at: datetime | None = None,
        detail: dict[str, Any] = dict(),
        handler: list[HandlerOutcome] = list(),
    ) -> None: ...
    at: datetime | None
    detail: dict[str, Any]
    function_name: str | None
    handler: list[HandlerOutcome]
    kind: str
    ms: float
    outcome: str
    pending: bool
    rule: str
    ...

class Credentials:
    def __init__(
        self,
        *,
        user: str,
        password: str,
    ) -> None: ...
    password: str
    user: str
    ...

class DeployFailed(MailroomError):
    def __init__(
        self,
        message: str,
        *,
        remedy: str,
        output: str,
    ) -> None: ...
    output: object
    remedy: object
    ...

class EventRecord:
    def __init__(
        self,
        *,
        kind: str,
        at: datetime,
        recipient: str | None,
        destinations: list[dict[str, str]],
        payload: dict[str, Any],
        handlers: list[HandlerOutcome] = list(),
    ) -> None: ...
    at: datetime
    destinations: list[dict[str, str]]
    handlers: list[HandlerOutcome]
    kind: str
    payload: dict[str, Any]
    recipient: str | None
    ...

class HandlerOutcome:
    def __init__(
        self,
        *,
        outcome: str,
        function_arn: str = "",
        ms: float | None = None,
        error: str | None = None,
        detail: str = "",
        at: datetime | None = None,
        traceback: list[str] = list(),
        place: str = "",
        output: list[str] = list(),
        omitted: int = 0,
        queue: str | None = None,
        receives: int | None = None,
        final: bool = True,
        dead_letter_queue: str | None = None,
    ) -> None: ...
    at: datetime | None
    dead_letter_queue: str | None
    detail: str
    error: str | None
    failed: bool
    final: bool
    function_arn: str
    function_name: str
    ms: float | None
    omitted: int
    outcome: str
    output: list[str]
    place: str
    queue: str | None
    receives: int | None
    traceback: list[str]
    ...

class LocalAws(_Account):
    def __init__(
        self,
        *,
        state: Path | str | None = None,
        port: int = 0,
        smtp_port: int = 0,
        submission_port: int = 0,
        page_port: int = 0,
        region: str = clients.REGION,
        progress: Progress | None = None,
    ) -> None: ...
    @classmethod
    def attach(
        cls,
        *,
        state: Path | str | None = None,
        progress: Progress | None = None,
    ) -> LocalAws: ...
    def client(
        self,
        service: str,
        *,
        account: str | None = None,
        region: str | None = None,
    ) -> Any: ...
    credentials: Credentials
    def deploy(
        self,
        *,
        app: str | None = None,
        cwd: Path | str | None = None,
        context: Mapping[str, str] | None = None,
        stacks: Sequence[str] = (),
        region: str | None = None,
    ) -> None: ...
    def deploy_again(
        self,
        *,
        app: str | None = None,
        cwd: Path | str | None = None,
        context: Mapping[str, str] | None = None,
        stacks: Sequence[str] = (),
    ) -> None: ...
    def destroy(
        self,
    ) -> None: ...
    environment: Environment
    environments: Sequence[Environment]
    def events(
        self,
    ) -> list[dict[str, Any]]: ...
    def message(
        self,
        message_id: str,
        *,
        handlers: bool = True,
    ) -> MessageRecord: ...
    def messages(
        self,
        *,
        handlers: bool = True,
        last: int | None = None,
    ) -> list[MessageRecord]: ...
    def permissions_enforced(
        self,
    ) -> Iterator[None]: ...
    def raw(
        self,
        message_id: str,
    ) -> bytes: ...
    running: bool
    def send(
        self,
        message: EmailMessage | bytes,
        *,
        mail_from: str,
        rcpt_tos: Sequence[str],
        tls: bool = True,
        client_address: str | None = None,
    ) -> Sent: ...
    def sent(
        self,
    ) -> list[dict[str, Any]]: ...
    server: Server
    def start(
        self,
        *,
        detached: bool = False,
    ) -> None: ...
    state: object
    def stop(
        self,
    ) -> None: ...
    submission_port: int
    def submit(
        self,
        message: EmailMessage | bytes,
        *,
        mail_from: str,
        rcpt_tos: Sequence[str],
        credentials: Credentials = LOCAL,
    ) -> Sent: ...
    def verify_identity(
        self,
        identity: str,
        *,
        account: str | None = None,
        region: str | None = None,
    ) -> None: ...
    def wait(
        self,
        message_id: str,
        *,
        seconds: float = 30.0,
        handlers: bool = True,
    ) -> MessageRecord: ...
    def wait_until(
        self,
        read: Callable[[], T],
        good: Callable[[T], bool],
        *,
        seconds: float,
    ) -> T: ...
    ...

class MailroomError(Exception):
    def __init__(
        self,
        message: str,
        *,
        remedy: str,
    ) -> None: ...
    remedy: object
    ...

class MessageRecord:
    def __init__(
        self,
        *,
        message_id: str | None,
        at: datetime,
        mail_from: str,
        rcpt_tos: list[str],
        subject: str = "",
        size: int = 0,
        tls: bool = False,
        rules: list[RuleRecord] = list(),
        actions: list[ActionRecord] = list(),
        refused: str | None = None,
        reason: str | None = None,
        problems: list[str] = list(),
        finished: bool = False,
        stopped_by: str | None = None,
        ms: float | None = None,
        outgoing: bool = False,
        operation: str | None = None,
        configuration_set: str | None = None,
        events: list[EventRecord] = list(),
        calls: list[HandlerOutcome] = list(),
    ) -> None: ...
    actions: list[ActionRecord]
    at: datetime
    calls: list[HandlerOutcome]
    configuration_set: str | None
    events: list[EventRecord]
    finished: bool
    mail_from: str
    message_id: str | None
    ms: float | None
    operation: str | None
    outcomes: list[HandlerOutcome]
    outgoing: bool
    problems: list[str]
    rcpt_tos: list[str]
    reason: str | None
    refused: str | None
    rules: list[RuleRecord]
    size: int
    stopped_by: str | None
    subject: str
    tls: bool
    ...

class NotRunning(MailroomError):
    def __init__(
        self,
        message: str,
        *,
        remedy: str,
    ) -> None: ...
    remedy: object
    ...

class RuleRecord:
    def __init__(
        self,
        *,
        name: str,
        recipients: list[str],
        verdicts: dict[str, str],
    ) -> None: ...
    name: str
    recipients: list[str]
    verdicts: dict[str, str]
    ...

class Sent:
    def __init__(
        self,
        *,
        message_id: str,
        reply: str,
        refused: Mapping[str, tuple[int, str]] = dict(),
    ) -> None: ...
    message_id: str
    refused: Mapping[str, tuple[int, str]]
    reply: str
    ...

class SmtpRefused(MailroomError):
    def __init__(
        self,
        *,
        code: int,
        reply: str,
        recipients: dict[str, tuple[int, str]] | None = None,
    ) -> None: ...
    code: object
    recipients: object
    remedy: object
    reply: object
    ...
