__all__ = [
    "Answer",
    "Column",
    "EVENT_TYPES",
    "Lake",
    "OTHER",
    "PARTITIONS",
    "PSEUDONYMISED",
    "SCHEMA",
    "SavedQuery",
    "WORKGROUP_DESCRIPTION",
    "columns",
    "partition",
    "pseudonymiser",
    "row",
]

class Answer:
    def __init__(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        columns: Mapping[str, str] | None = None,
        bytes_read: int = 0,
        billed: bool = True,
        milliseconds: int = 0,
        query_id: str = "",
        truncated: bool = False,
    ) -> None: ...
    billed: object
    bytes_read: object
    columns: dict[str, str]
    milliseconds: object
    price: float
    query_id: object
    rows: list[dict[str, Any]]
    truncated: object
    ...

class Column:
    def __init__(
        self,
        name: str,
        type: str,
        description: str,
        nullable: bool = True,
    ) -> None: ...
    description: object
    name: object
    nullable: object
    type: object
    ...

EVENT_TYPES: object = (*PARTITION_NAMES.values(), OTHER)

class Lake:
    def __init__(
        self,
        *,
        workgroup: str | None = None,
        database: str | None = None,
        client: Any = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None: ...
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

OTHER: object = "other"
PARTITIONS: object = ("event_type", "day")
PSEUDONYMISED: object = "pseudonymised"
SCHEMA: object = (
    Column("event_key", "string", "The same value in every copy of the event", False),
    Column("event_id", "string", "Digest of event_key, 32 hexadecimal digits", False),
    Column("ses_type", "string", "The type as SES spells it, such as Rendering Failure", False),
    Column("event_time", "string", "When it happened: ISO 8601, UTC, milliseconds", False),
    Column("event_time_ms", "bigint", "When it happened: milliseconds since 1970", False),
    Column("mail_time", "string", "When SES accepted the mail: ISO 8601, UTC, milliseconds"),
    Column("mail_time_ms", "bigint", "When SES accepted the mail: milliseconds since 1970"),
    Column("message_id", "string", "SES's id of the mail", False),
    Column("source", "string", "Sender's address, lower case"),
    Column("source_domain", "string", "Domain of source"),
    Column("configuration_set", "string", "Configuration set that the mail was sent through"),
    Column("sending_account_id", "string", "AWS account that sent the mail"),
    Column("recipients", TEXTS, "Recipients that the event concerns, lower case", False),
    Column("recipient_count", "bigint", "Number of recipients", False),
    Column("recipient_domain", "string", "Domain of the first recipient"),
    Column("recipient_domains", TEXTS, "Domains of all recipients, without duplicates", False),
    Column("tags", TEXT_MAP, "Message tags, the first value of each; SES's begin with ses:", False),
    Column("feedback_id", "string", "Bounce, complaint: SES's id of the report"),
    Column("bounce_type", "string", "Bounce: Permanent, Transient or Undetermined"),
    Column("bounce_sub_type", "string", "Bounce: General, NoEmail, MailboxFull and others"),
    Column("action", "string", "Bounce: the first recipient's DSN action (RFC 3464)"),
    Column("status", "string", "Bounce, delay: the first recipient's status code (RFC 3463)"),
    Column(
        "diagnostic_code", "string", "Bounce, delay: the response of the first recipient's server"
    ),
    Column("reporting_mta", "string", "Bounce, delivery, delay: the server that reported it"),
    Column("remote_mta_ip", "string", "Bounce, delivery: the receiving server's IP address"),
    Column("complaint_feedback_type", "string", "Complaint: abuse, fraud, not-spam and others"),
    Column(
        "complaint_sub_type", "string", "Complaint: OnAccountSuppressionList and others if not sent"
    ),
    Column("arrival_date", "string", "Complaint: when the mail arrived: ISO 8601, UTC"),
    Column("delay_type", "string", "Delay: MailboxFull, SpamDetected, IPFailure and others"),
    Column("expiration_time", "string", "Delay: when SES gives up: ISO 8601, UTC"),
    Column("latency_ms", "bigint", "Delivery: from SES to the receiving server, milliseconds"),
    Column("smtp_response", "string", "Delivery: the receiving server's response"),
    Column("reject_reason", "string", "Reject: the reason, such as Bad content"),
    Column("ip_address", "string", "Open, click: the client's IP address"),
    Column("user_agent", "string", "Open, click, complaint: the client program"),
    Column("automated", "boolean", "Open, click: whether a program did it; null if unknown"),
    Column("link", "string", "Click: the address of the link"),
    Column("link_tags", TEXT_MAP, "Click: the link's tags, the first value of each"),
    Column("template_name", "string", "Rendering failure: the template"),
    Column("error_message", "string", "Rendering failure: the error message"),
    Column("contact_list", "string", "Subscription: the contact list"),
    Column("subscription_source", "string", "Subscription: UnsubscribeHeader and others"),
    Column(
        "unsubscribed_all",
        "boolean",
        "Subscription: whether the contact unsubscribed from everything",
    ),
    Column("unsubscribed_topics", TEXTS, "Subscription: topics that are now OptOut"),
    Column("extra", TEXT_MAP, "Values added by your own transform"),
    Column("raw", "string", "The whole event as JSON"),
)

class SavedQuery:
    def __init__(
        self,
        name: str,
        sql: str,
        *,
        description: str = "",
        database: str = "",
    ) -> None: ...
    database: object
    description: object
    name: object
    parameters: list[str]
    sql: object
    ...

WORKGROUP_DESCRIPTION: object = "Questions to the event lake"

def columns() -> list[dict[str, Any]]: ...
def partition(
    event: SendingEvent,
    made: Mapping[str, Any],
) -> dict[str, str]: ...
def pseudonymiser(
    key: bytes,
) -> Pseudonymise: ...
def row(
    event: SendingEvent,
    *,
    pseudonymise: Pseudonymise | None = None,
) -> dict[str, Any]: ...
