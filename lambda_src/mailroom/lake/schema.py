"""The event lake's table: its columns and partitions."""

from __future__ import annotations

from mailroom.ses import EventType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "EVENT_TYPES",
    "OTHER",
    "PARTITIONS",
    "PARTITION_NAMES",
    "SCHEMA",
    "TEXTS",
    "TEXT_MAP",
    "WORKGROUP_DESCRIPTION",
    "Column",
    "columns",
]


class Column:
    """A column of the lake's table.

    Args:
        name: The column's name.
        type: Its type as Hive and Glue spell it.
        description: What it holds, with the unit.
        nullable: Whether a row may have no value.
    """

    __slots__ = ("description", "name", "nullable", "type")

    def __init__(self, name: str, type: str, description: str, nullable: bool = True) -> None:  # noqa: A002 (Glue's own word)
        self.name = name
        self.type = type
        self.description = description
        self.nullable = nullable

    def __repr__(self) -> str:
        return f"<Column {self.name} {self.type}>"


WORKGROUP_DESCRIPTION = "Questions to the event lake"
"""The description of a lake's Athena workgroup, by which ``mailroom query`` finds it."""

TEXTS = "array<string>"
TEXT_MAP = "map<string,string>"

SCHEMA = (
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
"""The columns of the lake's table, in order, without its partitions."""

PARTITIONS = ("event_type", "day")
"""One of `EVENT_TYPES`, and the day of event_time (UTC, YYYY-MM-DD); not in the rows."""

OTHER = "other"
"""The partition of types that this version does not know; ``ses_type`` has their name."""

PARTITION_NAMES: dict[str, str] = {kind: kind.name.lower() for kind in EventType}
"""The partition of each known type."""

EVENT_TYPES = (*PARTITION_NAMES.values(), OTHER)
"""All values of the partition ``event_type``; partition projection needs the whole list."""


def columns() -> list[dict[str, Any]]:
    """Return the columns, without the partitions, in the format of a Glue table."""
    return [
        {"Name": column.name, "Type": column.type, "Comment": column.description}
        for column in SCHEMA
    ]
