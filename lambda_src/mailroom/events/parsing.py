"""Reads sending events out of what delivers them: SNS, SQS, EventBridge, Firehose."""

from __future__ import annotations

import json

from mailroom.errors import MalformedEvent, UnknownInvocation
from mailroom.events.types import CLASSES, UnknownEvent
from mailroom.ses import VALIDATION_TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from mailroom.events.views import SendingEvent

__all__ = ["SkippedRecord", "parse", "records"]


# The notification type that a new feedback topic of an identity gets. AWS does not document it.
_SUBSCRIBED = "AmazonSnsSubscriptionSucceeded"

# A constant, because a union in isinstance() is built anew at each call.
_BYTES = (bytes, bytearray)
_decode = json.JSONDecoder().decode


class SkippedRecord:
    """A record without an event. Printing one shows the reason only.

    Args:
        reason: Why there is no event, as a sentence without personal data.
        body: What was received, unchanged.
        control: Whether it is a control message of SES, which needs no attention, rather than
            something that could not be read.
    """

    __slots__ = ("body", "control", "reason")

    def __init__(self, reason: str, body: object, *, control: bool = False) -> None:
        self.reason = reason
        self.body = body
        self.control = control

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SkippedRecord):
            return NotImplemented
        return (self.reason, self.body, self.control) == (other.reason, other.body, other.control)

    def __repr__(self) -> str:
        return f"<SkippedRecord: {self.reason}>"


def parse(payload: Mapping[str, Any] | str | bytes) -> SendingEvent:
    """Return the event in *payload*: one that SES published, or the feedback of an identity.

    Args:
        payload: The event's JSON, or the object decoded from it.

    Returns:
        An event of the class of its type; an `UnknownEvent` if the type is not known.

    Raises:
        MalformedEvent: *payload* is not a JSON object with a type.
    """
    raw: Any = payload if isinstance(payload, dict) else _load(payload)
    kind = raw.get("eventType") or raw.get("notificationType")
    try:
        return CLASSES[kind](raw)
    except (KeyError, TypeError):
        if isinstance(kind, str):
            return UnknownEvent(raw)
    raise MalformedEvent("neither 'eventType' nor 'notificationType' is a string")


def records(event: Mapping[str, Any]) -> Iterator[tuple[str, SendingEvent | SkippedRecord]]:
    """Yield ``(id, event or skipped record)`` for each record of a Lambda invocation.

    Reads what SNS, SQS (with and without raw delivery), EventBridge (also through SQS) and
    Firehose deliver, and a single bare event. Each record is decoded when its turn comes, so that
    one that cannot be read does not affect the others.

    Args:
        event: What Lambda invokes a function with.

    Yields:
        The id that a partial answer names the record by, and the event, or a `SkippedRecord`.

    Raises:
        UnknownInvocation: *event* comes from none of these.
    """
    if not isinstance(event, dict):
        raise UnknownInvocation(f"expected an invocation with events, got {type(event).__name__}")
    found = event.get("Records")
    if isinstance(found, list):
        for position, record in enumerate(found):
            yield _record(position, record)
    elif isinstance(event.get("records"), list):
        for position, record in enumerate(event["records"]):
            yield _firehose_record(position, record)
    elif isinstance(event.get("detail"), dict) or _is_event(event) or _is_notification(event):
        yield str(event.get("id") or event.get("MessageId") or 0), _read(event)
    else:
        keys = sorted(map(str, event))[:8]
        raise UnknownInvocation(f"expected an invocation with events, got one with the keys {keys}")


def _record(position: int, record: Any) -> tuple[str, SendingEvent | SkippedRecord]:
    if not isinstance(record, dict):
        return str(position), SkippedRecord("the record is not an object", record)
    if "body" in record:
        return str(record.get("messageId", position)), _read(record["body"])
    notification = record.get("Sns")
    if isinstance(notification, dict):
        return str(notification.get("MessageId", position)), _read(notification.get("Message"))
    source = record.get("eventSource") or record.get("EventSource")
    reason = f"records from {source!r:.80} have no events"
    return str(record.get("messageId", position)), SkippedRecord(reason, record)


def _firehose_record(position: int, record: Any) -> tuple[str, SendingEvent | SkippedRecord]:
    from binascii import a2b_base64

    if not isinstance(record, dict):
        return str(position), SkippedRecord("the record is not an object", record)
    record_id = str(record.get("recordId", position))
    try:
        data = a2b_base64(record["data"])
    except (KeyError, TypeError, ValueError) as error:
        return record_id, SkippedRecord(f"the data are not base64: {error}", record)
    return record_id, _read(data)


def _read(payload: Any) -> SendingEvent | SkippedRecord:
    try:
        raw = _load(payload)
        if _is_notification(raw):
            payload = raw["Message"]
            raw = _load(payload)
        if "detail" in raw and not _is_event(raw):
            raw = _load(raw["detail"])
        event = parse(raw)
        if isinstance(event, UnknownEvent) and event.type == _SUBSCRIBED and "mail" not in raw:
            return SkippedRecord("SES confirmed the topic", payload, control=True)
        return event
    except MalformedEvent as error:
        if _is_validation(payload):
            return SkippedRecord("SES validated the topic", payload, control=True)
        return SkippedRecord(str(error), payload)


def _load(payload: Any) -> dict[str, Any]:
    try:
        # As json.loads() does, without looking at options and for an encoding first.
        if isinstance(payload, str):
            payload = _decode(payload)
        elif isinstance(payload, _BYTES):
            payload = _decode(payload.decode())
    except (ValueError, RecursionError) as error:
        raise MalformedEvent(f"not JSON: {error}") from None
    if isinstance(payload, dict):
        return payload
    raise MalformedEvent(f"not a JSON object, but {type(payload).__name__}")


def _is_event(raw: Mapping[str, Any]) -> bool:
    return "eventType" in raw or "notificationType" in raw


def _is_notification(raw: Mapping[str, Any]) -> bool:
    return raw.get("Type") == "Notification" and "Message" in raw


def _is_validation(payload: Any) -> bool:
    if isinstance(payload, (bytes, bytearray)):
        payload = bytes(payload).decode("utf-8", "replace")
    # AWS documents the text with and without the full stop.
    return isinstance(payload, str) and payload.strip().rstrip(".") == VALIDATION_TEXT.rstrip(".")
