__all__ = ['AddressList', 'Archive', 'ArchivedMail', 'ArchivedText', 'Found', 'Row']
class AddressList:
    def __init__(
        self,
        name: str | None = None,
        *,
        address_list_id: str | None = None,
        client: Any = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None: ...
    def add(
        self,
        address: str,
    ) -> None: ...
    address_list_id: str
    def contains(
        self,
        address: str,
    ) -> bool: ...
    def members(
        self,
        prefix: str | None = None,
    ) -> Iterator[str]: ...
    def remove(
        self,
        address: str,
    ) -> None: ...
    ...
class Archive:
    def __init__(
        self,
        name: str | None = None,
        *,
        archive_id: str | None = None,
        client: Any = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None: ...
    archive_id: str
    def message(
        self,
        archived_message_id: str,
    ) -> ArchivedMail: ...
    def search(
        self,
        since: datetime,
        until: datetime,
        *,
        from_: str | Sequence[str] | None = None,
        to: str | Sequence[str] | None = None,
        cc: str | Sequence[str] | None = None,
        subject: str | Sequence[str] | None = None,
        envelope_from: str | Sequence[str] | None = None,
        envelope_to: str | Sequence[str] | None = None,
        has_attachments: bool | None = None,
        unless: Mapping[str, str | Sequence[str]] | None = None,
        limit: int = 100,
        timeout: float = 60.0,
    ) -> Found: ...
    def text(
        self,
        archived_message_id: str,
    ) -> ArchivedText: ...
    ...
class ArchivedMail(_Envelope):
    def __init__(
        self,
        raw: Mapping[str, Any],
    ) -> None: ...
    def content(
        self,
    ) -> bytes: ...
    helo: str | None
    link: str
    metadata: dict[str, Any]
    raw: Mapping[str, Any]
    def read(
        self,
    ) -> EmailMessage: ...
    recipients: list[str]
    source: str | None
    ...
class ArchivedText(View):
    def __init__(
        self,
        raw: Mapping[str, Any],
    ) -> None: ...
    html: str | None
    malformed: bool
    raw: Mapping[str, Any]
    text: str | None
    ...
class Found(list[Row]):
    def __init__(
        self,
        rows: list[Row],
        *,
        search_id: str,
        limit: int,
    ) -> None: ...
    full: bool
    limit: object
    search_id: object
    ...
class Row(_Envelope):
    def __init__(
        self,
        raw: Mapping[str, Any],
    ) -> None: ...
    cc: str | None
    date: str | None
    from_: str | None
    has_attachments: bool | None
    header_message_id: str | None
    helo: str | None
    id: str
    in_reply_to: str | None
    ingress_point_id: str | None
    raw: Mapping[str, Any]
    recipients: list[str]
    sender_ip: str | None
    source: str | None
    subject: str | None
    timestamp: datetime | None
    to: str | None
    ...
