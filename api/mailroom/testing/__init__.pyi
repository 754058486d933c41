__all__ = [
    "MemoryFlow",
    "MemoryLake",
    "MemoryStore",
    "automatic_message",
    "bucket_event",
    "event_invocation",
    "flow_event",
    "flow_mail",
    "handed_on_event",
    "message",
    "notification_event",
    "received_mail",
    "received_mail_event",
    "reply_message",
    "sending_event",
    "sending_event_payload",
]

class MemoryFlow:
    def __init__(
        self,
        messages: Mapping[str, bytes] | None = None,
    ) -> None: ...
    messages: object
    def open(
        self,
        message_id: str,
    ) -> BytesIO: ...
    def replace(
        self,
        message_id: str,
        content: bytes,
    ) -> None: ...
    replaced: object
    ...

class MemoryLake(Lake):
    def __init__(
        self,
        answers: Mapping[str, Sequence[Mapping[str, Any]] | Answer | Exception] | None = None,
    ) -> None: ...
    answers: object
    asked: list[dict[str, Any]]
    def query(
        self,
        name: str | None = None,
        *,
        sql: str | None = None,
        parameters: Mapping[str, object] | Sequence[object] = (),
        days: int | None = None,
        timeout: float = 60.0,
        max_rows: int = 10000,
        progress: Callable[[str, int], object] | None = None,
    ) -> Answer: ...
    def saved(
        self,
    ) -> dict[str, SavedQuery]: ...
    ...

class MemoryStore:
    def __init__(
        self,
        messages: Mapping[str, bytes] | None = None,
    ) -> None: ...
    handled: set[str]
    def mark(
        self,
        message_id: str,
        name: str,
    ) -> bool: ...
    def mark_handled(
        self,
        message_id: str,
    ) -> None: ...
    marked: set[tuple[str, str]]
    def marks(
        self,
        message_id: str,
    ) -> frozenset[str]: ...
    messages: object
    def open(
        self,
        message_id: str,
    ) -> BytesIO: ...
    def was_handled(
        self,
        message_id: str,
    ) -> bool: ...
    ...

def automatic_message(
    reason: str,
    **arguments: str,
) -> EmailMessage: ...
def bucket_event(
    key: str,
    *,
    bucket: str = "mail",
    through: Literal["s3", "sns", "sqs", "eventbridge"] = "s3",
) -> dict[str, Any]: ...
def event_invocation(
    payloads: Sequence[Mapping[str, Any] | str] | Mapping[str, Any] | str,
    envelope: str = "sqs",
) -> dict[str, Any]: ...
def flow_event(
    *,
    recipients: Sequence[str] = ("recipient1@example.com", "recipient2@example.com"),
    source: str = "from@example.com",
    sender: str | None = "sender@example.com",
    subject: str | None = "Hello",
    direction: str = "INBOUND",
    truncated: bool = False,
) -> dict[str, Any]: ...
def flow_mail(
    content: EmailMessage | bytes | None = None,
    **event: Any,
) -> FlowMail: ...
def handed_on_event(
    content: EmailMessage | bytes | None = None,
    *,
    rule: str = "Support",
    text_bytes: int = 64 * 1024,
    stored_at: tuple[str, str] | None = None,
    **event: Any,
) -> dict[str, Any]: ...
def message(
    *,
    from_: str = "Jane Doe <jane@example.com>",
    to: str = "support@example.com",
    subject: str | None = "Test Subject",
    text: str = "Hello\n",
    attachments: Mapping[str, bytes] | None = None,
    headers: Mapping[str, str] | None = None,
) -> EmailMessage: ...
def notification_event(
    content: EmailMessage | bytes | None = None,
    *,
    encoding: Literal["UTF-8", "Base64"] | None = "UTF-8",
    stored_at: tuple[str, str] | None = None,
    through: Literal["sns", "sqs", "sqs-raw"] = "sns",
    **event: Any,
) -> dict[str, Any]: ...
def received_mail(
    content: EmailMessage | bytes | None = None,
    *,
    already_handled: bool = False,
    **event: Any,
) -> ReceivedMail: ...
def received_mail_event(
    content: EmailMessage | bytes | None = None,
    *,
    message_id: str = _MESSAGE_ID,
    source: str | None = None,
    recipients: Sequence[str] = ("support@example.com",),
    destination: Sequence[str] | None = None,
    spam: str | None = "PASS",
    virus: str | None = "PASS",
    spf: str | None = "PASS",
    dkim: str | None = "PASS",
    dmarc: str | None = "PASS",
    dmarc_policy: str | None = None,
    synchronous: bool = False,
    headers_truncated: bool = False,
) -> dict[str, Any]: ...
def reply_message(
    answered: EmailMessage,
    *,
    text: str = "Thank you, it works.\n",
    program: str = "gmail",
    message_id: str | None = None,
    from_: str | None = None,
) -> EmailMessage: ...
def sending_event(
    type: str,
    **changes: Any,
) -> SendingEvent: ...
def sending_event_payload(
    type: str,
    *,
    recipients: Sequence[str] = ("recipient@example.com",),
    source: str = "sender@example.com",
    message_id: str = _SENT_ID,
    sent_at: str = _TIMESTAMP,
    subject: str = "Message sent from Amazon SES",
    configuration_set: str | None = "ConfigSet",
    tags: Mapping[str, Sequence[str]] | None = None,
    feedback: bool = False,
    **detail: Any,
) -> dict[str, Any]: ...
