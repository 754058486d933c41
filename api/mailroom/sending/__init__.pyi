__all__ = [
    "Attachment",
    "AutomaticMail",
    "BulkEntry",
    "BulkInterrupted",
    "BulkResult",
    "InlineTemplate",
    "InvalidMessage",
    "ListManagement",
    "ListUnsubscribe",
    "NO_CONFIGURATION_SET",
    "NoConfigurationSet",
    "NotSent",
    "Outcome",
    "OutcomeUnknown",
    "Sender",
    "Sent",
    "SmtpSender",
    "Tracking",
    "add_publishing_headers",
    "publishing_headers",
    "raw_message",
    "smtp_host",
    "smtp_password",
]

class Attachment:
    def __init__(
        self,
        name: str,
        content: bytes,
        *,
        content_type: str | None = None,
        content_id: str | None = None,
        description: str | None = None,
    ) -> None: ...
    content: object
    content_id: object
    content_type: object
    description: object
    name: object
    ...

from mailroom.errors import AutomaticMail as AutomaticMail

class BulkEntry:
    def __init__(
        self,
        to: str,
        *,
        data: Mapping[str, Any] | None = None,
        tags: Tags | None = None,
        headers: Mapping[str, str] | None = None,
        list_unsubscribe: ListUnsubscribe | None = None,
    ) -> None: ...
    data: object
    headers: object
    list_unsubscribe: object
    tags: object
    to: object
    ...

class BulkInterrupted(MailroomError):
    def __init__(
        self,
        result: BulkResult,
    ) -> None: ...
    result: object
    ...

class BulkResult:
    def __init__(
        self,
        configuration_set: str | None,
    ) -> None: ...
    configuration_set: object
    failed: list[Outcome]
    outcomes: list[Outcome]
    def retry(
        self,
    ) -> Iterator[BulkEntry]: ...
    sent: list[Outcome]
    unknown: list[Outcome]
    ...

class InlineTemplate:
    def __init__(
        self,
        *,
        subject: str,
        text: str | None = None,
        html: str | None = None,
    ) -> None: ...
    html: object
    subject: object
    text: object
    ...

from mailroom.errors import InvalidMessage as InvalidMessage

class ListManagement:
    def __init__(
        self,
        contact_list: str,
        *,
        topic: str | None = None,
    ) -> None: ...
    contact_list: object
    def field(
        self,
    ) -> str: ...
    def options(
        self,
    ) -> dict[str, str]: ...
    topic: object
    ...

class ListUnsubscribe:
    def __init__(
        self,
        *,
        https: str | None = None,
        mailto: str | None = None,
        one_click: bool | None = None,
    ) -> None: ...
    def headers(
        self,
    ) -> dict[str, str]: ...
    https: object
    mailto: object
    one_click: object
    ...

NO_CONFIGURATION_SET: object = NoConfigurationSet()

class NoConfigurationSet: ...

from mailroom.errors import NotSent as NotSent

class Outcome:
    def __init__(
        self,
        entry: BulkEntry,
        status: str,
        *,
        tags: Mapping[str, str] | None = None,
        message_id: str = "",
        code: str = "",
        error: str = "",
    ) -> None: ...
    code: object
    entry: object
    error: object
    message_id: object
    retryable: bool
    status: object
    tags: object
    ...

from mailroom.errors import OutcomeUnknown as OutcomeUnknown

class Sender(Replying, BulkSending):
    def __init__(
        self,
        *,
        configuration_set: str | NoConfigurationSet | None = None,
        tags: Tags | None = None,
        from_address: str | None = None,
        tenant: str | None = None,
        endpoint_id: str | None = None,
        client: Any = None,
        attempts: int = 5,
        max_send_rate: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None: ...
    configuration_set: str | None
    endpoint_id: str | None
    def for_tenant(
        self,
        tenant: str,
    ) -> Sender: ...
    def reply(
        self,
        mail: ReceivedMail,
        *,
        text: str | None = None,
        html: str | None = None,
        subject: str | None = None,
        from_address: str | None = None,
        reply_to: str | None = None,
        quote: bool = True,
        automatic: bool = True,
        to_automatic: bool = False,
        earlier: Iterable[str] = (),
        tags: Tags | None = None,
    ) -> Sent: ...
    def send(
        self,
        message: AnyMessage,
        *,
        tags: Tags | None = None,
        recipients: Sequence[str] | str | None = None,
        own_headers: str = "refuse",
        list_unsubscribe: ListUnsubscribe | None = None,
        list_management: ListManagement | None = None,
        tracking: Tracking | None = None,
    ) -> Sent: ...
    def send_bulk(
        self,
        entries: Iterable[BulkEntry | str],
        *,
        template: str | InlineTemplate,
        data: Mapping[str, Any] | None = None,
        attachments: Iterable[Attachment] = (),
        tags: Tags | None = None,
        reply_to: str | Iterable[str] | None = None,
        from_address: str | None = None,
        headers: Mapping[str, str] | None = None,
        list_unsubscribe: ListUnsubscribe | None = None,
        tracking: Tracking | None = None,
        before: Callable[[Sequence[BulkEntry]], object] | None = None,
        on_outcome: Callable[[Outcome], object] | None = None,
    ) -> BulkResult: ...
    def send_simple(
        self,
        *,
        to: str | Iterable[str] | None = None,
        cc: str | Iterable[str] | None = None,
        bcc: str | Iterable[str] | None = None,
        subject: str,
        text: str | None = None,
        html: str | None = None,
        attachments: Iterable[Attachment] = (),
        reply_to: str | Iterable[str] | None = None,
        from_address: str | None = None,
        headers: Mapping[str, str] | None = None,
        tags: Tags | None = None,
        list_unsubscribe: ListUnsubscribe | None = None,
        list_management: ListManagement | None = None,
        tracking: Tracking | None = None,
    ) -> Sent: ...
    def send_template(
        self,
        *,
        template: str | InlineTemplate,
        data: Mapping[str, Any] | None = None,
        attachments: Iterable[Attachment] = (),
        to: str | Iterable[str] | None = None,
        cc: str | Iterable[str] | None = None,
        bcc: str | Iterable[str] | None = None,
        reply_to: str | Iterable[str] | None = None,
        from_address: str | None = None,
        headers: Mapping[str, str] | None = None,
        tags: Tags | None = None,
        list_unsubscribe: ListUnsubscribe | None = None,
        list_management: ListManagement | None = None,
        tracking: Tracking | None = None,
    ) -> Sent: ...
    def send_verification(
        self,
        address: str,
        *,
        template: str,
    ) -> Sent: ...
    tags: dict[str, str]
    tenant: str | None
    ...

class Sent:
    def __init__(
        self,
        message_id: str,
        *,
        configuration_set: str | None,
        tags: Mapping[str, str],
        recipients: Sequence[str],
        refused: Mapping[str, str] | None = None,
        references: Sequence[str] = (),
        region: str | None = None,
    ) -> None: ...
    configuration_set: object
    header_message_id: str | None
    message_id: object
    recipients: object
    references: object
    refused: object
    region: object
    tags: object
    thread_id: str | None
    ...

class SmtpSender(Replying):
    def __init__(
        self,
        *,
        host: str | None = None,
        port: int | None = None,
        user: str | None = None,
        password: str | None = None,
        secret: str | None = None,
        configuration_set: str | NoConfigurationSet | None = None,
        tags: Tags | None = None,
        from_address: str | None = None,
        tenant: str | None = None,
        context: ssl.SSLContext | None = None,
        timeout: float = 30.0,
        attempts: int = 5,
        client: Any = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None: ...
    def close(
        self,
    ) -> None: ...
    configuration_set: str | None
    def reply(
        self,
        mail: ReceivedMail,
        *,
        text: str | None = None,
        html: str | None = None,
        subject: str | None = None,
        from_address: str | None = None,
        reply_to: str | None = None,
        quote: bool = True,
        automatic: bool = True,
        to_automatic: bool = False,
        earlier: Iterable[str] = (),
        tags: Tags | None = None,
    ) -> Sent: ...
    def send(
        self,
        message: AnyMessage,
        *,
        tags: Tags | None = None,
        recipients: Sequence[str] | str | None = None,
        own_headers: str = "refuse",
        list_unsubscribe: ListUnsubscribe | None = None,
        list_management: ListManagement | None = None,
    ) -> Sent: ...
    tags: dict[str, str]
    tenant: str | None
    ...

class Tracking:
    def __init__(
        self,
        *,
        opens: bool | None = None,
        clicks: bool | None = None,
    ) -> None: ...
    clicks: object
    opens: object
    ...

def add_publishing_headers(
    message: AnyMessage,
    configuration_set: str | NoConfigurationSet | None = None,
    tags: Tags | None = None,
) -> None: ...
def publishing_headers(
    configuration_set: str | NoConfigurationSet | None = None,
    tags: Tags | None = None,
) -> dict[str, str]: ...
def raw_message(
    message: AnyMessage,
    *,
    limit: int = ses.SENT_BYTES_V1,
) -> bytes: ...
def smtp_host(
    region: str,
) -> str: ...
def smtp_password(
    secret_access_key: str,
    region: str,
) -> str: ...
