__all__ = [
    "Address",
    "Attachment",
    "BucketMail",
    "Disposition",
    "HandedMail",
    "Headers",
    "MailBucket",
    "ReceivedMail",
    "Verdict",
    "handed_on",
]

class Address:
    def __init__(
        self,
        address: str,
        name: str = "",
        *,
        group: str | None = None,
    ) -> None: ...
    address: object
    ascii_address: str
    domain: object
    group: object
    label: str | None
    local_part: object
    name: object
    ...

class Attachment:
    def __init__(
        self,
        part: Part,
    ) -> None: ...
    content_id: str | None
    content_type: str
    inline: bool
    message: EmailMessage | None
    name: str | None
    def open(
        self,
    ) -> BytesIO: ...
    def read(
        self,
    ) -> bytes: ...
    size: int
    ...

from mailroom.receiving.arrivals import BucketMail as BucketMail
from cdk_mailroom.handlers import Disposition as Disposition

class HandedMail(View):
    def __init__(
        self,
        raw: Mapping[str, Any],
    ) -> None: ...
    attachments: list[HandedAttachment]
    automatic_reason: str | None
    cc_addresses: list[Address]
    cut: list[str]
    date: str | None
    dkim: Verdict
    dmarc: Verdict
    dmarc_policy: str | None
    header_message_id: str | None
    id: str
    in_reply_to: str | None
    is_automatic: bool
    label: str | None
    message_id: str
    def open(
        self,
    ) -> BufferedIOBase: ...
    raw: Mapping[str, Any]
    def read(
        self,
    ) -> EmailMessage: ...
    recipients: list[str]
    references: list[str]
    reply_to_addresses: list[Address]
    rule: str | None
    sender: Address | None
    senders: list[Address]
    source: str
    spam: Verdict
    spf: Verdict
    stored_at: tuple[str, str] | None
    subject: str | None
    text: str | None
    thread_id: str
    timestamp: datetime
    to_addresses: list[Address]
    virus: Verdict
    ...

class Headers:
    def __init__(
        self,
        raw: Sequence[Mapping[str, str]],
    ) -> None: ...
    def get(
        self,
        name: str,
        default: str | None = None,
    ) -> str | None: ...
    def get_all(
        self,
        name: str,
    ) -> list[str]: ...
    def items(
        self,
    ) -> Iterator[tuple[str, str]]: ...
    raw: object
    ...

class MailBucket:
    def __init__(
        self,
        *,
        bucket: str,
        prefix: str = "",
        mark_prefix: str | None = None,
        client: Any = None,
    ) -> None: ...
    bucket: object
    client: Any
    def key(
        self,
        message_id: str,
    ) -> str: ...
    def mark(
        self,
        message_id: str,
        name: str,
    ) -> bool: ...
    def mark_handled(
        self,
        message_id: str,
    ) -> None: ...
    mark_prefix: object
    def marks(
        self,
        message_id: str,
    ) -> frozenset[str]: ...
    def open(
        self,
        message_id: str,
    ) -> BufferedIOBase: ...
    prefix: object
    def was_handled(
        self,
        message_id: str,
    ) -> bool: ...
    ...

class ReceivedMail(SesEvent):
    def __init__(
        self,
        raw: Mapping[str, Any],
        *,
        store: Store | None = None,
    ) -> None: ...
    action: Mapping[str, Any]
    action_timestamp: datetime
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
    recipients: list[str]
    references: list[str]
    def reply(
        self,
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
    ) -> EmailMessage: ...
    reply_to: list[str]
    reply_to_addresses: list[Address]
    return_path: str | None
    sender: Address | None
    senders: list[Address]
    signature: str
    source: str
    spam: Verdict
    spf: Verdict
    stored_at: tuple[str, str] | None
    subject: str | None
    synchronous: bool
    text: str
    thread_id: str
    timestamp: datetime
    to: list[str]
    to_addresses: list[Address]
    def token(
        self,
        *,
        key: Keys,
    ) -> dict[str, str | int] | None: ...
    virus: Verdict
    ...

class Verdict:
    def __init__(
        self,
        status: str | None,
    ) -> None: ...
    failed: bool
    passed: bool
    status: object
    ...

def handed_on(
    payload: Mapping[str, Any] | str | bytes,
    *,
    headers: Mapping[str, str] | None = None,
    secret: str | None = None,
) -> HandedMail: ...
