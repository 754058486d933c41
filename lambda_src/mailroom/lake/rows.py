"""A sending event as a row of the lake's table."""

from __future__ import annotations

import json

from mailroom.errors import MissingField
from mailroom.events import parse
from mailroom.events.reading import address, automated, domain_of
from mailroom.lake.pseudonyms import pseudonymised
from mailroom.lake.schema import OTHER, PARTITION_NAMES, SCHEMA
from mailroom.ses import EventType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from mailroom.events import SendingEvent
    from mailroom.lake.pseudonyms import Pseudonymise

__all__ = ["encode", "fill", "import_rest", "is_bigint", "partition", "row"]

# Not only ASCII: escaped, text in most scripts would take three times the space.
encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def partition(event: SendingEvent, made: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of `PARTITIONS` for a row.

    Args:
        event: The event.
        made: The row that `row` made of it.
    """
    return {"event_type": PARTITION_NAMES.get(event.type, OTHER), "day": made["event_time"][:10]}


def row(event: SendingEvent, *, pseudonymise: Pseudonymise | None = None) -> dict[str, Any]:
    """Return *event* as a row: a value for every column of `SCHEMA`, in its order.

    A value that is absent, or of another type than AWS documents, is ``None``.

    Args:
        event: The event, which is not changed.
        pseudonymise: A function that replaces a recipient's address, such as `pseudonymiser`
            returns. Default: addresses are kept.

    Raises:
        MissingField: The event's identity or time cannot be read.
    """
    if pseudonymise is not None:
        event = parse(pseudonymised(event.raw, pseudonymise))
    return fill(event, encode(event.raw))


_EMPTY: dict[str, Any] = {column.name: None for column in SCHEMA}


def fill(event: SendingEvent, text: str) -> dict[str, Any]:
    """Return *event* as a row whose column ``raw`` is *text*."""
    made = _EMPTY.copy()
    mail, detail = event.mail.raw, event.detail
    key = event.key
    made["event_key"] = key
    made["event_id"] = _digest(key)
    made["ses_type"] = event.type
    made["event_time"], made["event_time_ms"] = _event_time(event, mail, detail)
    made["mail_time"], made["mail_time_ms"] = _time(mail.get("timestamp")) or (None, None)
    made["message_id"] = event.mail.message_id
    source = mail.get("source")
    if isinstance(source, str):
        made["source"] = source = address(source)
        made["source_domain"] = domain_of(source)
    made["configuration_set"] = event.mail.configuration_set
    made["sending_account_id"] = _text(mail, "sendingAccountId")
    made["recipients"] = recipients = _recipients(event)
    made["recipient_count"] = len(recipients)
    domains = [domain for domain in map(domain_of, recipients) if domain]
    made["recipient_domains"] = list(dict.fromkeys(domains))
    if recipients:
        made["recipient_domain"] = domain_of(recipients[0])
    made["tags"] = _firsts(mail.get("tags")) or {}
    details = _DETAILS.get(event.type)
    if details is not None:
        details(made, detail)
    made["raw"] = text
    return made


def _bounce(made: dict[str, Any], detail: Mapping[str, Any]) -> None:
    made["feedback_id"] = _text(detail, "feedbackId")
    made["bounce_type"] = _text(detail, "bounceType")
    made["bounce_sub_type"] = _text(detail, "bounceSubType")
    made["reporting_mta"] = _text(detail, "reportingMTA")
    made["remote_mta_ip"] = _text(detail, "remoteMtaIp")
    _first_recipient(made, detail.get("bouncedRecipients"))


def _complaint(made: dict[str, Any], detail: Mapping[str, Any]) -> None:
    made["feedback_id"] = _text(detail, "feedbackId")
    made["complaint_feedback_type"] = _text(detail, "complaintFeedbackType")
    made["complaint_sub_type"] = _text(detail, "complaintSubType")
    made["user_agent"] = _text(detail, "userAgent")
    made["arrival_date"] = (_time(detail.get("arrivalDate")) or (None,))[0]


def _delivery(made: dict[str, Any], detail: Mapping[str, Any]) -> None:
    latency = detail.get("processingTimeMillis")
    made["latency_ms"] = latency if is_bigint(latency) else None
    made["smtp_response"] = _text(detail, "smtpResponse")
    made["reporting_mta"] = _text(detail, "reportingMTA")
    made["remote_mta_ip"] = _text(detail, "remoteMtaIp")


def _delay(made: dict[str, Any], detail: Mapping[str, Any]) -> None:
    made["delay_type"] = _text(detail, "delayType")
    made["expiration_time"] = (_time(detail.get("expirationTime")) or (None,))[0]
    made["reporting_mta"] = _text(detail, "reportingMTA")
    _first_recipient(made, detail.get("delayedRecipients"))


def _reject(made: dict[str, Any], detail: Mapping[str, Any]) -> None:
    made["reject_reason"] = _text(detail, "reason")


def _open(made: dict[str, Any], detail: Mapping[str, Any]) -> None:
    made["ip_address"] = _text(detail, "ipAddress")
    made["user_agent"] = _text(detail, "userAgent")
    made["automated"] = automated(detail)


def _click(made: dict[str, Any], detail: Mapping[str, Any]) -> None:
    _open(made, detail)
    made["link"] = _text(detail, "link")
    made["link_tags"] = _firsts(detail.get("linkTags"))


def _failure(made: dict[str, Any], detail: Mapping[str, Any]) -> None:
    made["template_name"] = _text(detail, "templateName")
    made["error_message"] = _text(detail, "errorMessage")


def _subscription(made: dict[str, Any], detail: Mapping[str, Any]) -> None:
    made["contact_list"] = _text(detail, "contactList")
    made["subscription_source"] = _text(detail, "source")
    wanted = detail.get("newTopicPreferences")
    if not isinstance(wanted, dict):
        return
    everything = wanted.get("unsubscribeAll")
    made["unsubscribed_all"] = everything if isinstance(everything, bool) else None
    topics = wanted.get("topicSubscriptionStatus")
    if isinstance(topics, list):
        made["unsubscribed_topics"] = [
            topic["topicName"]
            for topic in topics
            if isinstance(topic, dict)
            and topic.get("subscriptionStatus") == "OptOut"
            and isinstance(topic.get("topicName"), str)
        ]


_DETAILS: dict[str, Callable[[dict[str, Any], Mapping[str, Any]], None]] = {
    EventType.BOUNCE: _bounce,
    EventType.CLICK: _click,
    EventType.COMPLAINT: _complaint,
    EventType.DELIVERY: _delivery,
    EventType.DELIVERY_DELAY: _delay,
    EventType.OPEN: _open,
    EventType.REJECT: _reject,
    EventType.RENDERING_FAILURE: _failure,
    EventType.SUBSCRIPTION: _subscription,
}


def _first_recipient(made: dict[str, Any], found: object) -> None:
    first = found[0] if isinstance(found, list) and found else None
    if isinstance(first, dict):
        made["action"] = _text(first, "action")
        made["status"] = _text(first, "status")
        made["diagnostic_code"] = _text(first, "diagnosticCode")


def _recipients(event: SendingEvent) -> list[str]:
    try:
        found = event.recipients
    except MissingField:
        # The event has an id of its own and makes a row without recipients.
        return []
    return [address(one) for one in found if isinstance(one, str)]


def _text(found: Mapping[str, Any], key: str) -> str | None:
    value = found.get(key)
    return value if isinstance(value, str) else None


def _firsts(found: object) -> dict[str, str] | None:
    if not isinstance(found, dict):
        return None
    return {
        name: values[0]
        for name, values in found.items()
        if isinstance(values, list) and values and isinstance(values[0], str)
    }


def is_bigint(value: object) -> bool:
    """Return whether *value* fits Hive's type of that name."""
    # Not isinstance(), since True is an int too.
    return type(value) is int and -(2**63) <= value < 2**63


def _event_time(
    event: SendingEvent, mail: Mapping[str, Any], detail: Mapping[str, Any]
) -> tuple[str, int]:
    text = detail.get("timestamp")
    found = _time(mail.get("timestamp") if text is None else text)
    # An unknown type may have its time elsewhere; otherwise this raises what is wrong.
    return found or _stamped(event.timestamp)


# Imported on first use, because they cost more than this module.
_sha256: Any = None
_datetime: Any = None
_utc: Any = None
_epoch: Any = None
_millisecond: Any = None


def import_rest() -> None:
    """Import what the first row needs."""
    global _sha256, _datetime, _utc, _epoch, _millisecond
    from datetime import UTC, datetime, timedelta
    from hashlib import sha256

    _sha256, _datetime, _utc = sha256, datetime, UTC
    _epoch, _millisecond = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)


def _digest(key: str) -> str:
    if _sha256 is None:
        import_rest()
    digest: str = _sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return digest[:32]


def _time(text: object) -> tuple[str, int] | None:
    if not isinstance(text, str):
        return None
    if _datetime is None:
        import_rest()
    try:
        moment = _datetime.fromisoformat(text)
        if moment.tzinfo is not _utc:
            aware = moment.tzinfo is not None
            moment = moment.astimezone(_utc) if aware else moment.replace(tzinfo=_utc)
    except (ValueError, OverflowError):
        return None
    return _stamped(moment)


def _stamped(moment: Any) -> tuple[str, int]:
    if _datetime is None:
        import_rest()
    # Not strftime, which writes years before 1000 with fewer digits.
    text = moment.isoformat(timespec="milliseconds")
    return text[:23] + "Z", (moment - _epoch) // _millisecond
