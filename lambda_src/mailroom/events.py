"""Handle sending events: typed views of what SES publishes about mail that one sends.

The user writes a plain function for a type::

    def on_bounce(event: Bounce) -> None: ...

and `handler` below is what Lambda calls; the construct says in ``MAILROOM_HANDLERS`` which
functions take which type. `parse` and `records` work anywhere, on anything that carries events.

SES's side is documented at
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html and, for
the feedback of identities, https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
"""

from __future__ import annotations

import json
import os
import time
from enum import StrEnum

from mailroom import _runtime
from mailroom._views import Headers, date_time, optional, required
from mailroom.errors import MalformedEvent, MissingField, NotConfigured, UnknownInvocation

TYPE_CHECKING = False
if TYPE_CHECKING:
    import builtins
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from typing import Any, TypeVar

    T = TypeVar("T")

__all__ = [
    "Bounce",
    "Click",
    "Complaint",
    "Delivery",
    "DeliveryDelay",
    "EventType",
    "Mail",
    "Open",
    "Recipient",
    "Reject",
    "RenderingFailure",
    "Send",
    "SendingEvent",
    "SkippedRecord",
    "Subscription",
    "TopicPreferences",
    "UnknownEvent",
    "handler",
    "parse",
    "records",
]

VALIDATION_TEXT = "Successfully validated SNS topic for Amazon SES event publishing."
"""What SES publishes, as plain text, when it is told to publish events to a topic."""


# What an identity's feedback topic gets instead, as JSON without a mail. AWS does not document it.
_SUBSCRIBED = "AmazonSnsSubscriptionSucceeded"

# A constant, as a union in isinstance() is built anew at each call.
_BYTES = (bytes, bytearray)
_decode = json.JSONDecoder().decode


class EventType(StrEnum):
    """The ten types, as SES spells them in ``eventType``."""

    BOUNCE = "Bounce"
    CLICK = "Click"
    COMPLAINT = "Complaint"
    DELIVERY = "Delivery"
    DELIVERY_DELAY = "DeliveryDelay"
    OPEN = "Open"
    REJECT = "Reject"
    RENDERING_FAILURE = "Rendering Failure"
    SEND = "Send"
    SUBSCRIPTION = "Subscription"


class Mail:
    """The mail that an event is about, as SES took it from its sender."""

    __slots__ = ("raw",)

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw

    @property
    def message_id(self) -> str:
        """SES's id of the mail, which the sending API returned."""
        value = self.raw.get("messageId")
        if isinstance(value, str):  # the fields that are read most are spared a call
            return value
        return required(self.raw, "messageId", "mail.messageId", str)

    @property
    def timestamp(self) -> datetime:
        """When SES took the mail (aware, UTC)."""
        return date_time(self.raw, "timestamp", "mail.timestamp")

    @property
    def source(self) -> str | None:
        """The address that it was sent from, perhaps with a display name."""
        value = self.raw.get("source")
        if isinstance(value, str):
            return value
        return optional(self.raw, "source", "mail.source", str)

    @property
    def source_arn(self) -> str | None:
        """The ARN of the identity that it was sent from."""
        return optional(self.raw, "sourceArn", "mail.sourceArn", str)

    @property
    def source_ip(self) -> str | None:
        """The address of the client that sent it; feedback of identities only."""
        return optional(self.raw, "sourceIp", "mail.sourceIp", str)

    @property
    def caller_identity(self) -> str | None:
        """The IAM identity that sent it; feedback of identities only."""
        return optional(self.raw, "callerIdentity", "mail.callerIdentity", str)

    @property
    def sending_account_id(self) -> str | None:
        """The account that it was sent from."""
        return optional(self.raw, "sendingAccountId", "mail.sendingAccountId", str)

    @property
    def destination(self) -> list[str]:
        """All recipients of the mail, this event's and others."""
        value = self.raw.get("destination")
        if isinstance(value, list):
            return value
        return _list(self.raw, "destination", "mail.destination")

    @property
    def headers(self) -> Headers:
        """The header fields; empty where SES leaves them out."""
        return Headers(_list(self.raw, "headers", "mail.headers"))

    @property
    def headers_truncated(self) -> bool:
        """Whether SES cut `headers`."""
        return bool(self.raw.get("headersTruncated"))

    @property
    def common_headers(self) -> Mapping[str, Any]:
        """SES's decoded choice of fields, as SES spells it; empty where SES leaves it out."""
        return optional(self.raw, "commonHeaders", "mail.commonHeaders", dict) or {}

    @property
    def subject(self) -> str | None:
        """The ``Subject``, decoded, if SES gives it."""
        return optional(self.common_headers, "subject", "mail.commonHeaders.subject", str)

    @property
    def tags(self) -> Mapping[str, list[str]]:
        """The message tags, each name with its values; those that SES adds begin ``ses:``."""
        return optional(self.raw, "tags", "mail.tags", dict) or {}

    @property
    def configuration_set(self) -> str | None:
        """The configuration set that it was sent through."""
        try:
            values = self.raw["tags"]["ses:configuration-set"]
            # A text would give its first letter.
            name = values[0] if isinstance(values, list) else None
        except (KeyError, IndexError, TypeError):
            return None
        return name if isinstance(name, str) else None

    def __repr__(self) -> str:
        return f"<Mail {self.raw.get('messageId')}>"


class Recipient:
    """A recipient of a bounce, a complaint or a delay, with what its server said."""

    __slots__ = ("raw",)

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw

    @property
    def email_address(self) -> str:
        """The address; a complaint may name one that only may have complained."""
        return required(self.raw, "emailAddress", "emailAddress", str)

    @property
    def action(self) -> str | None:
        """The DSN's ``Action`` (RFC 3464), such as ``failed``."""
        return optional(self.raw, "action", "action", str)

    @property
    def status(self) -> str | None:
        """The enhanced status code (RFC 3463), such as ``5.1.1``."""
        return optional(self.raw, "status", "status", str)

    @property
    def diagnostic_code(self) -> str | None:
        """What the receiving server said."""
        return optional(self.raw, "diagnosticCode", "diagnosticCode", str)

    def __repr__(self) -> str:
        return f"<Recipient {self.raw.get('status')}>"


class TopicPreferences:
    """What a contact wants to receive of a contact list."""

    __slots__ = ("raw",)

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw

    @property
    def unsubscribe_all(self) -> bool:
        """Whether the contact wants nothing of the list at all."""
        return bool(self.raw.get("unsubscribeAll"))

    @property
    def topic_subscription_status(self) -> Mapping[str, str]:
        """Each topic's name with ``OptIn`` or ``OptOut``."""
        path = "topicSubscriptionStatus"
        return {
            required(entry, "topicName", f"{path}.topicName", str): required(
                entry, "subscriptionStatus", f"{path}.subscriptionStatus", str
            )
            for entry in _objects(self.raw, path, path)
        }


class SendingEvent:
    """One event; a view of what SES published, which stays reachable as ``raw``.

    Nothing is copied or checked until it is asked for. What AWS documents as always there raises
    `MissingField`, with its path, if it is not; everything else is ``None`` or empty then.
    """

    __slots__ = ("_mail", "raw")

    DETAIL = ""
    """The key of the event's own part; the class of each type has its own."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self._mail: Mail | None = None

    @property
    def type(self) -> str:
        """The type as SES spells it, equal to an `EventType` unless AWS added it later."""
        return self.raw.get("eventType") or self.raw["notificationType"]  # type: ignore[no-any-return]

    @property
    def mail(self) -> Mail:
        """The mail that the event is about."""
        mail = self._mail
        if mail is None:
            raw = self.raw.get("mail")
            if not isinstance(raw, dict):
                raw = required(self.raw, "mail", "mail", dict)
            mail = self._mail = Mail(raw)
        return mail

    @property
    def detail(self) -> Mapping[str, Any]:
        """The event's own part, as SES wrote it; empty if there is none."""
        value = self.raw.get(self.DETAIL)
        return value if isinstance(value, dict) else {}

    @property
    def timestamp(self) -> datetime:
        """When it happened (aware, UTC); for types that do not tell, when SES took the mail."""
        if self.detail.get("timestamp") is None:
            return self.mail.timestamp
        return date_time(self.detail, "timestamp", f"{self.DETAIL}.timestamp")

    @property
    def recipients(self) -> list[str]:
        """The addresses that the event is about; all of the mail's if it does not say."""
        return self.mail.destination

    @property
    def key(self) -> str:
        """What identifies the event however often, and in whichever envelope, it is delivered.

        SNS, SQS and Lambda deliver at least once, each time with ids of their own.
        """
        when = self.detail.get("timestamp") or self.mail.raw.get("timestamp")
        recipients = sorted(map(str, self.recipients))
        return "|".join((self.type, self.mail.message_id, str(when), *recipients))

    def _need(self, key: str, kind: builtins.type[T]) -> T:
        return required(self.detail, key, f"{self.DETAIL}.{key}", kind)

    def _may(self, key: str, kind: builtins.type[T]) -> T | None:
        return optional(self.detail, key, f"{self.DETAIL}.{key}", kind)

    def _addresses(self, key: str) -> list[Recipient]:
        return [Recipient(item) for item in _objects(self.detail, key, f"{self.DETAIL}.{key}")]

    def _email_addresses(self, key: str) -> list[str]:
        try:
            found = [item["emailAddress"] for item in self.raw[self.DETAIL][key]]
            "".join(found)  # raises TypeError for what is no text, faster than asking each
        except (KeyError, TypeError):
            # Slower, and tells what is wrong.
            return [recipient.email_address for recipient in self._addresses(key)]
        return found

    def __repr__(self) -> str:
        mail = self.raw.get("mail")
        message_id = mail.get("messageId") if isinstance(mail, dict) else None
        return f"<{type(self).__name__} {message_id}>"


class _Feedback(SendingEvent):
    __slots__ = ()

    @property
    def feedback_id(self) -> str:
        """SES's id of the report; the same in every delivery of it."""
        return self._need("feedbackId", str)

    @property
    def key(self) -> str:
        """What identifies the event: type and feedback id."""
        return f"{self.type}|{self.feedback_id}"


class Bounce(_Feedback):
    """A receiving server, or SES on its behalf, gave the mail back."""

    __slots__ = ()
    DETAIL = "bounce"

    @property
    def bounce_type(self) -> str:
        """``Permanent``, ``Transient`` or ``Undetermined``."""
        return self._need("bounceType", str)

    @property
    def bounce_sub_type(self) -> str:
        """Such as ``General``, ``NoEmail``, ``Suppressed``, ``OnAccountSuppressionList``,
        ``MailboxFull``, ``MessageTooLarge``, ``ContentRejected`` or ``AttachmentRejected``.
        """
        return self._need("bounceSubType", str)

    @property
    def bounced_recipients(self) -> list[Recipient]:
        """Who did not get the mail, and why."""
        return self._addresses("bouncedRecipients")

    @property
    def reporting_mta(self) -> str | None:
        """The server that reported it, as in the DSN: ``dsn; mta.example.com``."""
        return self._may("reportingMTA", str)

    @property
    def remote_mta_ip(self) -> str | None:
        """The server that SES tried to deliver to; feedback of identities only."""
        return self._may("remoteMtaIp", str)

    @property
    def recipients(self) -> list[str]:
        """The addresses that bounced."""
        return self._email_addresses("bouncedRecipients")


class Complaint(_Feedback):
    """A recipient called the mail spam, or took that back."""

    __slots__ = ()
    DETAIL = "complaint"

    @property
    def complained_recipients(self) -> list[Recipient]:
        """Who may have complained: mailbox providers often do not say who of a domain it was."""
        return self._addresses("complainedRecipients")

    @property
    def complaint_feedback_type(self) -> str | None:
        """The report's type (RFC 5965), such as ``abuse``, ``fraud`` or ``not-spam``."""
        return self._may("complaintFeedbackType", str)

    @property
    def complaint_sub_type(self) -> str | None:
        """``OnAccountSuppressionList`` if SES did not send the mail at all, else ``None``."""
        return self._may("complaintSubType", str)

    @property
    def user_agent(self) -> str | None:
        """What made the report."""
        return self._may("userAgent", str)

    @property
    def arrival_date(self) -> datetime | None:
        """When the reported mail arrived, or was sent (aware, UTC)."""
        if self.detail.get("arrivalDate") is None:
            return None
        return date_time(self.detail, "arrivalDate", "complaint.arrivalDate")

    @property
    def is_complaint(self) -> bool:
        """Whether it is one: ``not-spam`` says that a mail is *not* spam after all."""
        return self.complaint_feedback_type != "not-spam"

    @property
    def recipients(self) -> list[str]:
        """The addresses that may have complained."""
        return self._email_addresses("complainedRecipients")


class Delivery(SendingEvent):
    """The receiving server took the mail."""

    __slots__ = ()
    DETAIL = "delivery"

    @property
    def processing_time_millis(self) -> int:
        """From SES's taking the mail to the receiving server's taking it, in milliseconds."""
        return self._need("processingTimeMillis", int)

    @property
    def recipients(self) -> list[str]:
        """The addresses that it was delivered to."""
        return _list(self.detail, "recipients", "delivery.recipients")

    @property
    def smtp_response(self) -> str | None:
        """What the receiving server said."""
        return self._may("smtpResponse", str)

    @property
    def reporting_mta(self) -> str | None:
        """SES's server that delivered it."""
        return self._may("reportingMTA", str)

    @property
    def remote_mta_ip(self) -> str | None:
        """The receiving server; feedback of identities only."""
        return self._may("remoteMtaIp", str)


class Send(SendingEvent):
    """SES took the mail and will try to deliver it."""

    __slots__ = ()
    DETAIL = "send"


class Reject(SendingEvent):
    """SES took the mail, found a virus in it, and did not try to deliver it."""

    __slots__ = ()
    DETAIL = "reject"

    @property
    def reason(self) -> str | None:
        """``Bad content``."""
        return self._may("reason", str)


class Open(SendingEvent):
    """The tracking image of the mail was fetched, by a person or by a machine."""

    __slots__ = ()
    DETAIL = "open"

    @property
    def ip_address(self) -> str | None:
        """Where from."""
        return self._may("ipAddress", str)

    @property
    def user_agent(self) -> str | None:
        """By what."""
        return self._may("userAgent", str)


class Click(SendingEvent):
    """A link of the mail was followed, by a person or by a machine."""

    __slots__ = ()
    DETAIL = "click"

    @property
    def link(self) -> str | None:
        """The link's address."""
        return self._may("link", str)

    @property
    def link_tags(self) -> Mapping[str, list[str]]:
        """The link's ``ses:tags``, each name with its values; empty if it has none."""
        return self._may("linkTags", dict) or {}

    @property
    def ip_address(self) -> str | None:
        """Where from."""
        return self._may("ipAddress", str)

    @property
    def user_agent(self) -> str | None:
        """By what."""
        return self._may("userAgent", str)

    @property
    def key(self) -> str:
        """What identifies the event; two links may be followed in the same millisecond."""
        return f"{super().key}|{self.link}"


class RenderingFailure(SendingEvent):
    """A template could not be filled in, so that nothing was sent."""

    __slots__ = ()
    DETAIL = "failure"

    @property
    def template_name(self) -> str:
        """The template."""
        return self._need("templateName", str)

    @property
    def error_message(self) -> str:
        """Why, such as ``Attribute 'name' is not present in the rendering data.``"""
        return self._need("errorMessage", str)

    @property
    def missing_attribute(self) -> str | None:
        """The attribute that the data lack, if that is the reason."""
        before, _, rest = self.error_message.partition("Attribute '")
        return rest.partition("'")[0] if rest and not before else None


class DeliveryDelay(SendingEvent):
    """The mail could not be delivered for now; SES goes on trying."""

    __slots__ = ()
    DETAIL = "deliveryDelay"

    @property
    def delay_type(self) -> str:
        """Such as ``MailboxFull``, ``SpamDetected``, ``IPFailure`` or ``RecipientServerError``."""
        return self._need("delayType", str)

    @property
    def delayed_recipients(self) -> list[Recipient]:
        """Whose mail waits, and why."""
        return self._addresses("delayedRecipients")

    @property
    def expiration_time(self) -> datetime | None:
        """When SES gives up (aware, UTC)."""
        if self.detail.get("expirationTime") is None:
            return None
        return date_time(self.detail, "expirationTime", "deliveryDelay.expirationTime")

    @property
    def reporting_mta(self) -> str | None:
        """The server that reported it."""
        return self._may("reportingMTA", str)

    @property
    def recipients(self) -> list[str]:
        """The addresses whose mail waits."""
        return self._email_addresses("delayedRecipients")


class Subscription(SendingEvent):
    """A recipient changed what they want to receive of a contact list."""

    __slots__ = ()
    DETAIL = "subscription"

    @property
    def contact_list(self) -> str:
        """The contact list."""
        return self._need("contactList", str)

    @property
    def source(self) -> str | None:
        """How: ``UnsubscribeHeader`` or ``UnsubscribeFooter``, for example."""
        return self._may("source", str)

    @property
    def new_topic_preferences(self) -> TopicPreferences:
        """What they want from now on."""
        return TopicPreferences(self._need("newTopicPreferences", dict))

    @property
    def old_topic_preferences(self) -> TopicPreferences:
        """What they wanted before."""
        return TopicPreferences(self._need("oldTopicPreferences", dict))


class UnknownEvent(SendingEvent):
    """An event of a type that AWS added after this was written; ``raw`` has all of it."""

    __slots__ = ()

    @property
    def detail(self) -> Mapping[str, Any]:
        """The only object beside the mail, as every known type has one; else empty."""
        found = [
            value for key, value in self.raw.items() if key != "mail" and isinstance(value, dict)
        ]
        return found[0] if len(found) == 1 else {}

    @property
    def timestamp(self) -> datetime:
        """When it happened, if it tells in the way of the known types; else when SES took it."""
        try:
            return date_time(self.detail, "timestamp", "timestamp")
        except MissingField:
            return self.mail.timestamp

    @property
    def key(self) -> str:
        """What identifies the event: a digest of all of it, as nobody knows yet what varies."""
        from hashlib import sha256

        text = json.dumps(self.raw, sort_keys=True)
        return f"{super().key}|{sha256(text.encode()).hexdigest()}"


class SkippedRecord:
    """A record that carries no event.

    ``control`` tells SES's own validation text, which is nothing to worry about, from what could
    not be read. ``body`` is what came, untouched.
    """

    __slots__ = ("body", "control", "reason")

    def __init__(self, reason: str, body: object, *, control: bool = False) -> None:
        self.reason = reason
        self.body = body
        self.control = control

    def __repr__(self) -> str:
        return f"<SkippedRecord: {self.reason}>"


_CLASSES: dict[str, type[SendingEvent]] = {
    "Bounce": Bounce,
    "Click": Click,
    "Complaint": Complaint,
    "Delivery": Delivery,
    "DeliveryDelay": DeliveryDelay,
    "Open": Open,
    "Reject": Reject,
    "Rendering Failure": RenderingFailure,
    "Send": Send,
    "Subscription": Subscription,
}


def parse(payload: Mapping[str, Any] | str | bytes) -> SendingEvent:
    """Return the event in *payload*: one that SES published, or feedback of an identity.

    Raises `MalformedEvent` for what is no JSON object with a type. A type that is not
    known is an `UnknownEvent`.
    """
    raw: Any = payload if isinstance(payload, dict) else _load(payload)
    kind = raw.get("eventType") or raw.get("notificationType")
    try:
        return _CLASSES[kind](raw)
    except (KeyError, TypeError):
        if isinstance(kind, str):
            return UnknownEvent(raw)
    raise MalformedEvent("it has no text in 'eventType' or 'notificationType'")


def records(event: Mapping[str, Any]) -> Iterator[tuple[str, SendingEvent | SkippedRecord]]:
    """Yield ``(id, event or skipped record)`` for each record of a Lambda invocation.

    Reads what SNS, SQS (with and without raw delivery), EventBridge (also through SQS) and
    Firehose deliver, and one bare event; *id* is what a partial answer names the record by. Each
    record is decoded by itself, when its turn comes. Raises `UnknownInvocation` for anything else.
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
        return str(position), SkippedRecord("the record is no object", record)
    if "body" in record:
        return str(record.get("messageId", position)), _read(record["body"])
    notification = record.get("Sns")
    if isinstance(notification, dict):
        return str(notification.get("MessageId", position)), _read(notification.get("Message"))
    source = record.get("eventSource") or record.get("EventSource")
    reason = f"a record from {source!r:.80} carries no events"
    return str(record.get("messageId", position)), SkippedRecord(reason, record)


def _firehose_record(position: int, record: Any) -> tuple[str, SendingEvent | SkippedRecord]:
    from binascii import a2b_base64

    if not isinstance(record, dict):
        return str(position), SkippedRecord("the record is no object", record)
    record_id = str(record.get("recordId", position))
    try:
        data = a2b_base64(record["data"])
    except (KeyError, TypeError, ValueError) as error:
        return record_id, SkippedRecord(f"its data are no base64: {error}", record)
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
            return SkippedRecord("SES greeted the topic", payload, control=True)
        return event
    except MalformedEvent as error:
        if _is_validation(payload):
            return SkippedRecord("SES validated the topic", payload, control=True)
        return SkippedRecord(str(error), payload)


def _load(payload: Any) -> dict[str, Any]:
    try:
        # What json.loads() comes to, without its looking at options and for an encoding first.
        if isinstance(payload, str):
            payload = _decode(payload)
        elif isinstance(payload, _BYTES):
            payload = _decode(payload.decode())
    except (ValueError, RecursionError) as error:
        raise MalformedEvent(f"it is no JSON: {error}") from None
    if isinstance(payload, dict):
        return payload
    raise MalformedEvent(f"it is no JSON object but {type(payload).__name__}")


def _is_event(raw: Mapping[str, Any]) -> bool:
    return "eventType" in raw or "notificationType" in raw


def _is_notification(raw: Mapping[str, Any]) -> bool:
    return raw.get("Type") == "Notification" and "Message" in raw


def _is_validation(payload: Any) -> bool:
    if isinstance(payload, (bytes, bytearray)):
        payload = bytes(payload).decode("utf-8", "replace")
    # AWS gives the text with and without the final stop.
    return isinstance(payload, str) and payload.strip().rstrip(".") == VALIDATION_TEXT.rstrip(".")


class _Settings:
    """The environment, read once per process."""

    __slots__ = ("functions", "log_addresses")

    def __init__(self) -> None:
        text = _runtime.setting("MAILROOM_HANDLERS")
        try:
            named = json.loads(text)
        except ValueError as error:
            raise NotConfigured(f"MAILROOM_HANDLERS is no JSON: {error}") from error
        if not isinstance(named, dict) or not all(
            isinstance(specs, list) and all(isinstance(spec, str) for spec in specs)
            for specs in named.values()
        ):
            raise NotConfigured(
                f"MAILROOM_HANDLERS is {text!r:.80}; it must be a JSON object from type to a list "
                "of 'module:function'"
            )
        self.functions: dict[str, list[Callable[[Any], object]]] = {
            kind: [_runtime.resolve(spec) for spec in specs] for kind, specs in named.items()
        }
        self.log_addresses = os.environ.get("MAILROOM_LOG_ADDRESSES") == "1"


ANY_TYPE = "*"
"""In ``MAILROOM_HANDLERS``: the functions that take every type without an entry of its own."""

_RESERVE_MILLIS = 1_000

_settings: _Settings | None = None


def handler(event: Mapping[str, Any], context: Any = None) -> dict[str, Any] | None:
    """Lambda's entry point: give each event to the functions of its type, in their order.

    ``MAILROOM_HANDLERS`` is a JSON object from type to a list of ``module:function``; ``*`` takes
    the types that have no entry. If one of several functions fails, the later ones do not run, and
    all of them run again with the record. From SQS the answer always lists the records that failed
    (``batchItemFailures``), so that these alone come again and end in the dead-letter queue; from
    SNS and EventBridge a failure is raised, so that Lambda tries again.

    What cannot be read fails, and so reaches the dead-letter queue as it came. SES's validation
    text is handled by skipping it. A type that nobody takes is logged and counted
    (metric ``Unhandled``). If the invocation's time runs out, the records that were not begun
    come again at once instead of with all the others.
    """
    global _settings
    if _settings is None:
        _settings = _Settings()
    failed: list[str] = []
    error: Exception | None = None
    begun = False
    for record_id, item in records(event):
        started = time.perf_counter()
        try:
            if begun and _out_of_time(context):
                raise TimeoutError("no time was left to begin this record")
            begun = True
            outcome = _handle(item, _settings)
        except Exception as caught:
            error = caught
            failed.append(record_id)
            _log(item, "failed", started, _settings, caught)
        else:
            _log(item, outcome, started, _settings)
    if _from_sqs(event):
        return {"batchItemFailures": [{"itemIdentifier": record_id} for record_id in failed]}
    if error is not None:
        raise error
    return None


def _handle(item: SendingEvent | SkippedRecord, settings: _Settings) -> str:
    if isinstance(item, SkippedRecord):
        if item.control:
            return "skipped"
        raise MalformedEvent(item.reason)
    functions = settings.functions.get(item.type) or settings.functions.get(ANY_TYPE)
    if not functions:
        # Whatever it is, it must be a dimension's value: short, ASCII, and not empty.
        kind = item.type[:64].encode("ascii", "replace").decode().strip() or "unknown"
        _runtime.metric("Unhandled", 1, Type=kind)
        return "unhandled"
    for function in functions:
        function(item)
    return "handled"


def _out_of_time(context: Any) -> bool:
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return remaining is not None and remaining() < _RESERVE_MILLIS


def _from_sqs(event: Mapping[str, Any]) -> bool:
    found = event.get("Records")
    return isinstance(found, list) and any(
        isinstance(record, dict) and record.get("eventSource") == "aws:sqs" for record in found
    )


def _log(
    item: SendingEvent | SkippedRecord,
    outcome: str,
    started: float,
    settings: _Settings,
    error: Exception | None = None,
) -> None:
    fields: dict[str, Any] = {
        "outcome": outcome,
        "ms": round((time.perf_counter() - started) * 1000, 1),
    }
    if isinstance(item, SendingEvent):
        raw = item.raw.get("mail")
        mail = raw if isinstance(raw, dict) else {}
        fields["type"] = item.type[:64]
        # Only what it should be: a line that cannot be written would fail the whole batch.
        if isinstance(mail.get("messageId"), str):
            fields["message_id"] = mail["messageId"][:256]
        if settings.log_addresses and isinstance(mail.get("destination"), list):
            found = [address for address in mail["destination"] if isinstance(address, str)]
            fields["destination"] = [address[:320] for address in found[:50]]
    else:
        fields["reason"] = item.reason[:200]
    if error is not None:
        fields["error"] = type(error).__name__
        fields["at"] = _runtime.where(error)
        if settings.log_addresses:
            fields["detail"] = str(error)[:2000]
    _runtime.log("INFO" if error is None else "ERROR", "mailroom.events", **fields)


def _list(raw: Mapping[str, Any], key: str, path: str) -> list[Any]:
    value = raw.get(key)
    if isinstance(value, list):
        return value
    if value is None:
        return []
    raise MissingField(f"{path!r} is a {type(value).__name__}, not a list")


def _objects(raw: Mapping[str, Any], key: str, path: str) -> list[dict[str, Any]]:
    found = _list(raw, key, path)
    for item in found:
        if not isinstance(item, dict):
            raise MissingField(f"{path!r} holds something else than objects")
    return found


# Lambda imports this module while it initialises: a wrong name then fails before any event. Last
# in the file, because the user's module imports this one while this one is being imported.
if "MAILROOM_HANDLERS" in os.environ:
    _settings = _Settings()
