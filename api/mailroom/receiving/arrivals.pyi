__all__ = ["BucketMail", "arrivals", "is_arrival", "is_from_sqs", "mails"]

class BucketMail(ReceivedMail):
    def __init__(
        self,
        raw: Mapping[str, Any],
        *,
        store: Store,
    ) -> None: ...
    action: Mapping[str, Any]
    action_timestamp: None
    def addresses(
        self,
        field: str,
    ) -> list[Address]: ...
    already_handled: bool
    attachments: list[Attachment]
    automatic_reason: str | None
    def bounce_token(
        self,
        *,
        key: Keys,
    ) -> dict[str, str | int] | None: ...
    cc: list[str]
    cc_addresses: list[Address]
    common_headers: Mapping[str, Any]
    date: str | None
    destination: list[str]
    dkim: Verdict
    dmarc: Verdict
    dmarc_policy: str | None
    from_: list[str]
    header_message_id: str | None
    headers: Headers
    headers_truncated: bool
    html: str | None
    in_reply_to: str | None
    is_automatic: bool
    label: str | None
    def mark(
        self,
        name: str,
    ) -> bool: ...
    def marks(
        self,
    ) -> frozenset[str]: ...
    message_id: str
    new_text: str
    def open(
        self,
    ) -> BufferedIOBase: ...
    processing_time_millis: int | None
    quoted_text: str
    raw: object
    def read(
        self,
    ) -> EmailMessage: ...
    recipients: None
    references: list[str]
    def reply(
        self,
        **options: Any,
    ) -> EmailMessage: ...
    reply_to: list[str]
    reply_to_addresses: list[Address]
    return_path: str | None
    sender: Address | None
    senders: list[Address]
    signature: str
    source: None
    spam: Verdict
    spf: Verdict
    stored_at: tuple[str, str] | None
    subject: str | None
    synchronous: bool
    text: str
    thread_id: str
    timestamp: None
    to: list[str]
    to_addresses: list[Address]
    def token(
        self,
        *,
        key: Keys,
    ) -> dict[str, str | int] | None: ...
    virus: Verdict
    ...

def arrivals(
    event: Mapping[str, Any],
) -> Iterator[tuple[str, Any]]: ...
def is_arrival(
    event: object,
) -> bool: ...
def is_from_sqs(
    event: Mapping[str, Any],
) -> bool: ...
def mails(
    payload: object,
    *,
    store: Store | None = None,
) -> list[ReceivedMail]: ...
