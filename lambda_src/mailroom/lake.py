"""Make rows of sending events: the event lake's schema, and what Firehose calls to fill it.

`SCHEMA` is the one description of the lake's table, which the construct's Glue table, the
documentation and `row` share. The two columns of `PARTITIONS` are not in the rows, as they are part
of each object's key. Times are both ISO 8601 text, which sorts and reads well, and milliseconds
since 1970, with which one calculates; about everything else the engines disagree.

Settings
    ``MAILROOM_TRANSFORM``
        ``module:function`` of your own: ``transform(event) -> dict | None``. Default: none.
        ``None`` drops the event. A key that is a column replaces its value, any other goes into
        the map ``extra``, as text. What it raises fails that record alone.
    ``MAILROOM_PSEUDONYM_SECRET``
        ARN or name of the secret whose text is the key of the recipients' pseudonyms. Default:
        addresses stay. It is read once in the life of a process, so that another key takes effect
        with new processes, and then gives other pseudonyms.

Permissions
    ``secretsmanager:GetSecretValue`` on that secret, and ``kms:Decrypt`` if it has its own key.

Metrics
    ``LakeFailed``, records that are kept under the error prefix instead of the table;
    ``LakeOverflow``, those among them that only would not fit into the answer.

Pseudonyms
    HMAC-SHA256 of the lower-cased address, 32 hexadecimal digits of it, before the address's own
    domain, which is what statistics need. The event is rewritten before anything reads it: each
    address wherever it is, also in what a server said. Headers are left out whole, as is what
    follows a link's ``?`` or ``#``, since both name people in ways that nobody can foresee. A
    record that fails is kept as it came, with its addresses.

Size
    Lambda answers at most 6 MB. AWS's samples take 2.9 to 5.2 times their own size, so a buffer
    of 1 MB leaves room even if it held nothing but the smallest ones. If the room should not do
    nonetheless, the last records are ``ProcessingFailed``: they are kept whole, they raise an
    alarm, and they can be replayed, whereas rows without ``raw`` would lose something for good. As
    a failed record is answered with no more than was asked, such an answer always fits.

Sources: https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html,
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html,
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

import json
import os
import re
import time

from mailroom import _runtime
from mailroom.errors import (
    InvalidAnswer,
    MalformedEvent,
    MissingField,
    NotConfigured,
    UnknownInvocation,
)
from mailroom.events import SkippedRecord, parse, records
from mailroom.handlers._events import address, automated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from mailroom.events import SendingEvent

    Pseudonymise = Callable[[str], str]

__all__ = [
    "EVENT_TYPES",
    "MAX_ANSWER_BYTES",
    "OTHER",
    "PARTITIONS",
    "PSEUDONYMISED",
    "SCHEMA",
    "Column",
    "columns",
    "handler",
    "partition",
    "pseudonymiser",
    "row",
]

MAX_ANSWER_BYTES = 6_000_000
"""What `handler` answers at most; Lambda's own limit is 6,291,556 bytes."""


class Column:
    """A column of the lake's table.

    *type* is Hive's word, which Glue takes; *description* says the unit; a column that is not
    *nullable* has a value in every row.
    """

    __slots__ = ("description", "name", "nullable", "type")

    def __init__(self, name: str, type: str, description: str, nullable: bool = True) -> None:  # noqa: A002 (it is Glue's own word)
        self.name = name
        self.type = type
        self.description = description
        self.nullable = nullable

    def __repr__(self) -> str:
        return f"<Column {self.name} {self.type}>"


_TEXTS = "array<string>"
_MAP = "map<string,string>"

SCHEMA = (
    Column("event_key", "string", "What is the same in every delivery of the event", False),
    Column("event_id", "string", "Digest of event_key, 32 hexadecimal digits", False),
    Column("ses_type", "string", "The type as SES spells it, such as Rendering Failure", False),
    Column("event_time", "string", "When it happened: ISO 8601, UTC, milliseconds", False),
    Column("event_time_ms", "bigint", "When it happened: milliseconds since 1970", False),
    Column("mail_time", "string", "When SES took the mail: ISO 8601, UTC, milliseconds"),
    Column("mail_time_ms", "bigint", "When SES took the mail: milliseconds since 1970"),
    Column("message_id", "string", "The id that SES gave the mail", False),
    Column("source", "string", "Address that the mail was sent from, lower case"),
    Column("source_domain", "string", "Domain of source"),
    Column("configuration_set", "string", "Configuration set that the mail was sent through"),
    Column("sending_account_id", "string", "AWS account that sent the mail"),
    Column("recipients", _TEXTS, "Addresses that the event is about, lower case", False),
    Column("recipient_count", "bigint", "Number of recipients", False),
    Column("recipient_domain", "string", "Domain of the first recipient"),
    Column("recipient_domains", _TEXTS, "Domains of all recipients, each once", False),
    Column("tags", _MAP, "Message tags, the first value of each; SES's own begin ses:", False),
    Column("feedback_id", "string", "Bounce, complaint: SES's id of the report"),
    Column("bounce_type", "string", "Bounce: Permanent, Transient or Undetermined"),
    Column("bounce_sub_type", "string", "Bounce: General, NoEmail, MailboxFull and others"),
    Column("action", "string", "Bounce: the first recipient's DSN action (RFC 3464)"),
    Column("status", "string", "Bounce, delay: the first recipient's status code (RFC 3463)"),
    Column("diagnostic_code", "string", "Bounce, delay: what the first recipient's server said"),
    Column("reporting_mta", "string", "Bounce, delivery, delay: the server that reported it"),
    Column("complaint_feedback_type", "string", "Complaint: abuse, fraud, not-spam and others"),
    Column("complaint_sub_type", "string", "Complaint: OnAccountSuppressionList if not sent"),
    Column("arrival_date", "string", "Complaint: when the mail arrived: ISO 8601, UTC"),
    Column("delay_type", "string", "Delay: MailboxFull, SpamDetected, IPFailure and others"),
    Column("expiration_time", "string", "Delay: when SES gives up: ISO 8601, UTC"),
    Column("latency_ms", "bigint", "Delivery: from SES to the receiving server, milliseconds"),
    Column("smtp_response", "string", "Delivery: what the receiving server said"),
    Column("reject_reason", "string", "Reject: why, such as Bad content"),
    Column("ip_address", "string", "Open, click: where from"),
    Column("user_agent", "string", "Open, click, complaint: by what"),
    Column("automated", "boolean", "Open, click: whether a machine did it; null if unknown"),
    Column("link", "string", "Click: the address of the link"),
    Column("link_tags", _MAP, "Click: the link's tags, the first value of each"),
    Column("template_name", "string", "Rendering failure: the template"),
    Column("error_message", "string", "Rendering failure: why"),
    Column("contact_list", "string", "Subscription: the contact list"),
    Column("subscription_source", "string", "Subscription: UnsubscribeHeader and others"),
    Column("unsubscribed_all", "boolean", "Subscription: whether nothing is wanted any more"),
    Column("unsubscribed_topics", _TEXTS, "Subscription: topics with OptOut from now on"),
    Column("extra", _MAP, "What your own transform added"),
    Column("raw", "string", "The whole event as JSON"),
)

PARTITIONS = ("event_type", "day")
"""One of `EVENT_TYPES`, and the day of event_time (UTC, YYYY-MM-DD)."""

OTHER = "other"
"""The partition of types that AWS adds later; ``ses_type`` has their name."""

_TYPES = {
    "Bounce": "bounce",
    "Click": "click",
    "Complaint": "complaint",
    "Delivery": "delivery",
    "DeliveryDelay": "delivery_delay",
    "Open": "open",
    "Reject": "reject",
    "Rendering Failure": "rendering_failure",
    "Send": "send",
    "Subscription": "subscription",
}

EVENT_TYPES = (*_TYPES.values(), OTHER)
"""All values of the partition ``event_type``, for which partition projection must know a list."""


def columns() -> list[dict[str, Any]]:
    """Return the columns, without the partitions, in the shape that Glue's table wants."""
    return [
        {"Name": column.name, "Type": column.type, "Comment": column.description}
        for column in SCHEMA
    ]


def partition(event: SendingEvent, made: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of `PARTITIONS` for *event*, of which `row` has *made* a row."""
    return {"event_type": _TYPES.get(event.type, OTHER), "day": made["event_time"][:10]}


def row(event: SendingEvent, *, pseudonymise: Pseudonymise | None = None) -> dict[str, Any]:
    """Return *event* as a row: a value for every column of `SCHEMA`, in its order.

    What is absent, or of another type than AWS documents, is ``None``. Raises `MissingField` if
    what identifies the event, or its time, cannot be read. With *pseudonymise*, such as
    `pseudonymiser` returns, every address of a recipient is replaced by what it returns.
    """
    if pseudonymise is not None:
        event = parse(_pseudonymised(event.raw, pseudonymise))
    return _row(event, _encode(event.raw))


_EMPTY: dict[str, Any] = {column.name: None for column in SCHEMA}


def _row(event: SendingEvent, text: str) -> dict[str, Any]:
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
        made["source_domain"] = _domain(source)
    made["configuration_set"] = event.mail.configuration_set
    made["sending_account_id"] = _text(mail, "sendingAccountId")
    made["recipients"] = recipients = _recipients(event)
    made["recipient_count"] = len(recipients)
    domains = [domain for domain in map(_domain, recipients) if domain]
    made["recipient_domains"] = list(dict.fromkeys(domains))
    if recipients:
        made["recipient_domain"] = _domain(recipients[0])
    made["tags"] = _firsts(mail.get("tags")) or {}
    fill = _DETAILS.get(event.type)
    if fill is not None:
        fill(made, detail)
    made["raw"] = text
    return made


def _bounce(made: dict[str, Any], detail: Mapping[str, Any]) -> None:
    made["feedback_id"] = _text(detail, "feedbackId")
    made["bounce_type"] = _text(detail, "bounceType")
    made["bounce_sub_type"] = _text(detail, "bounceSubType")
    made["reporting_mta"] = _text(detail, "reportingMTA")
    _first_recipient(made, detail.get("bouncedRecipients"))


def _complaint(made: dict[str, Any], detail: Mapping[str, Any]) -> None:
    made["feedback_id"] = _text(detail, "feedbackId")
    made["complaint_feedback_type"] = _text(detail, "complaintFeedbackType")
    made["complaint_sub_type"] = _text(detail, "complaintSubType")
    made["user_agent"] = _text(detail, "userAgent")
    made["arrival_date"] = (_time(detail.get("arrivalDate")) or (None,))[0]


def _delivery(made: dict[str, Any], detail: Mapping[str, Any]) -> None:
    latency = detail.get("processingTimeMillis")
    made["latency_ms"] = latency if _is_bigint(latency) else None
    made["smtp_response"] = _text(detail, "smtpResponse")
    made["reporting_mta"] = _text(detail, "reportingMTA")


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
    made["automated"] = {"yes": True, "no": False}.get(automated(detail))


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
    "Bounce": _bounce,
    "Click": _click,
    "Complaint": _complaint,
    "Delivery": _delivery,
    "DeliveryDelay": _delay,
    "Open": _open,
    "Reject": _reject,
    "Rendering Failure": _failure,
    "Subscription": _subscription,
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
        # An event with an id of its own has its row without them.
        return []
    return [address(one) for one in found if isinstance(one, str)]


def _text(found: Mapping[str, Any], key: str) -> str | None:
    value = found.get(key)
    return value if isinstance(value, str) else None


def _domain(plain: str) -> str | None:
    return plain.rpartition("@")[2] or None if "@" in plain else None


def _firsts(found: object) -> dict[str, str] | None:
    if not isinstance(found, dict):
        return None
    return {
        name: values[0]
        for name, values in found.items()
        if isinstance(values, list) and values and isinstance(values[0], str)
    }


def _is_bigint(value: object) -> bool:
    # True is an int to Python, and to nobody else.
    return type(value) is int and -(2**63) <= value < 2**63


def _event_time(
    event: SendingEvent, mail: Mapping[str, Any], detail: Mapping[str, Any]
) -> tuple[str, int]:
    text = detail.get("timestamp")
    found = _time(mail.get("timestamp") if text is None else text)
    # Either it is an odd type, which has another way to tell, or this raises what is wrong.
    return found or _stamped(event.timestamp)


# Imported on first use, as they cost more than this module.
_sha256: Any = None
_datetime: Any = None
_utc: Any = None
_epoch: Any = None
_millisecond: Any = None


def _import_rest() -> None:
    global _sha256, _datetime, _utc, _epoch, _millisecond
    from datetime import UTC, datetime, timedelta
    from hashlib import sha256

    _sha256, _datetime, _utc = sha256, datetime, UTC
    _epoch, _millisecond = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)


def _digest(key: str) -> str:
    if _sha256 is None:
        _import_rest()
    digest: str = _sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return digest[:32]


def _time(text: object) -> tuple[str, int] | None:
    if not isinstance(text, str):
        return None
    if _datetime is None:
        _import_rest()
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
        _import_rest()
    # Not strftime, which writes years before 1000 with fewer digits.
    text = moment.isoformat(timespec="milliseconds")
    return text[:23] + "Z", (moment - _epoch) // _millisecond


# Pseudonyms

PSEUDONYMISED = "pseudonymised"
"""The key that marks ``raw`` as rewritten; its handlers must not see such an event again."""

_MIN_KEY = 16

# The keys of SES's lists of recipients, whose texts may have a display name.
_RECIPIENT_KEYS = frozenset(("destination", "emailAddress", "recipients"))
_LEFT_OUT = frozenset(("commonHeaders", "headers"))
_SENDER_KEYS = frozenset(("callerIdentity", "source", "sourceArn"))

# As long as addresses may be, so that a text without one is not searched again from each letter.
_PART = r"[^\s<>()\[\]:;,\"'|/?&]{1,255}"
# Compiled on first use, as that takes longer than the import of all else here.
_address: re.Pattern[str] | None = None


def pseudonymiser(key: bytes) -> Pseudonymise:
    """Return a function from an address to its pseudonym under *key*, as the module describes it.

    Whoever has the key can test whether a pseudonym is a given address's, and nobody else can.
    Raises `NotConfigured` for a *key* of less than 16 bytes.
    """
    if len(key) < _MIN_KEY:
        raise NotConfigured(
            f"the key of the pseudonyms has {len(key)} bytes; it must have at least {_MIN_KEY}"
        )
    from hmac import digest

    def pseudonym(text: str) -> str:
        plain = address(text)
        made = digest(key, plain.encode("utf-8", "surrogatepass"), "sha256").hex()[:32]
        domain = _domain(plain)
        return f"{made}@{domain}" if domain else made

    return pseudonym


def _pseudonymised(raw: Mapping[str, Any], pseudonymise: Pseudonymise) -> dict[str, Any]:
    global _address
    if _address is None:
        _address = re.compile(rf"{_PART}(?:@|%40){_PART}", re.IGNORECASE)
    anyone = _address
    known: set[str] = set()
    _collect(raw, known)
    forms: dict[str, str] = {}
    for plain in known:
        made = pseudonymise(plain)
        # As in a sender made for one recipient (VERP), and as in a link.
        for form in (plain, plain.replace("@", "="), plain.replace("@", "%40")):
            forms[form] = made
    longest_first = sorted(forms, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE) if forms else None

    def text(value: str, key: str) -> str:
        if key in _RECIPIENT_KEYS:
            return pseudonymise(value)
        if key == "link":
            value = value.partition("#")[0].partition("?")[0]
        if pattern is not None:
            value = pattern.sub(lambda found: forms.get(found[0].lower(), "redacted"), value)
        if key in _SENDER_KEYS or key.startswith("ses:"):
            return value
        return anyone.sub(others, value) if "@" in value or "%40" in value else value

    def others(found: re.Match[str]) -> str:
        one = found[0].rstrip(".")
        stops = found[0][len(one) :]
        return (one if one in done else pseudonymise(one.replace("%40", "@"))) + stops

    done = set(forms.values())

    def walk(value: Any, key: str) -> Any:
        if isinstance(value, str):
            return text(value, key)
        if isinstance(value, dict):
            return {
                name: walk(entry, name) for name, entry in value.items() if name not in _LEFT_OUT
            }
        if isinstance(value, list):
            return [walk(entry, key) for entry in value]
        return value

    rewritten: dict[str, Any] = walk(dict(raw), "")
    # So that nobody takes it for SES's own: a pseudonym on the suppression list helps nobody.
    rewritten[PSEUDONYMISED] = True
    return rewritten


def _collect(value: Any, known: set[str], key: str = "") -> None:
    if isinstance(value, str):
        if key in _RECIPIENT_KEYS and "@" in value:
            known.add(address(value))
    elif isinstance(value, dict):
        for name, entry in value.items():
            _collect(entry, known, name)
    elif isinstance(value, list):
        for entry in value:
            _collect(entry, known, key)


# The user's transform

_FIXED = frozenset(
    (*PARTITIONS, "event_key", "event_id", "ses_type", "event_time", "event_time_ms", "message_id")
)
_COLUMNS = {column.name: column for column in SCHEMA}


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_map(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(name, str) and isinstance(entry, str) for name, entry in value.items()
    )


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


_CHECKS: dict[str, Callable[[object], bool]] = {
    "string": _is_text,
    "bigint": _is_bigint,
    "boolean": _is_boolean,
    _TEXTS: _is_texts,
    _MAP: _is_map,
}


def _merge(made: dict[str, Any], answer: object) -> None:
    if not isinstance(answer, dict):
        raise InvalidAnswer(
            f"the transform returned a {type(answer).__name__}; it must return a dict or None"
        )
    extra: dict[str, str] = {}
    for name, value in answer.items():
        if not isinstance(name, str):
            raise InvalidAnswer(f"the transform returned the key {name!r:.80}, which is no text")
        if name in _FIXED:
            raise InvalidAnswer(f"the transform returned {name!r}, which only the event may say")
        column = _COLUMNS.get(name)
        if column is None:
            if value is not None:
                extra[name] = value if isinstance(value, str) else json.dumps(value, default=str)
        elif not (_CHECKS[column.type](value) or (value is None and column.nullable)):
            raise InvalidAnswer(
                f"the transform returned a {type(value).__name__} for {name!r}; it must be "
                f"{column.type}{' or None' if column.nullable else ''}"
            )
        else:
            made[name] = value
    if extra:
        made["extra"] = {**(made["extra"] or {}), **extra}


# Lambda's side


class _Settings:
    """The environment, read once per process."""

    __slots__ = ("pseudonymise", "transform")

    def __init__(self) -> None:
        spec = os.environ.get("MAILROOM_TRANSFORM")
        self.transform = _runtime.resolve(spec) if spec else None
        secret = os.environ.get("MAILROOM_PSEUDONYM_SECRET")
        self.pseudonymise = pseudonymiser(_secret(secret)) if secret else None
        _import_rest()


def _secret(name: str) -> bytes:
    found = _runtime.client("secretsmanager").get_secret_value(SecretId=name)
    value = found.get("SecretString") or found.get("SecretBinary") or b""
    return value.encode() if isinstance(value, str) else bytes(value)


_settings: _Settings | None = None
_decode = json.JSONDecoder().decode
# Not ASCII alone: what one writes in Greek would take three times the room.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def handler(event: Mapping[str, Any], context: Any = None) -> dict[str, Any]:
    """Lambda's entry point for Firehose: answer each record, in order, with a row.

    A row is one line of JSON, a value for every column, and its partition keys. SES's validation
    text, and what the transform answers ``None`` to, is ``Dropped``. What cannot be read, what the
    transform raises at, and what does not fit into the answer is ``ProcessingFailed`` by itself,
    with its data untouched, and Firehose keeps it under its error prefix. Prints one line, and
    metrics if something failed. Raises `UnknownInvocation` for what Firehose did not send.
    """
    global _settings
    if _settings is None:
        _settings = _Settings()
    found = event.get("records") if isinstance(event, dict) else None
    if not isinstance(found, list):
        raise UnknownInvocation("expected an invocation by Firehose, with a list of records")
    started = time.perf_counter()
    errors: dict[str, int] = {}
    at: str | None = None
    answers = []
    for position, record in enumerate(found):
        try:
            answer = _answer(record, _settings)
        except Exception as error:  # of the user's transform, or of an event like no other
            name = type(error).__name__
            errors[name] = errors.get(name, 0) + 1
            at = at or _runtime.where(error)
            answer = _untouched(record, "ProcessingFailed", position)
        answers.append(answer)
    overflow = _fit(found, answers)
    if overflow:
        errors["Overflow"] = overflow
    results = [answer["result"] for answer in answers]
    failed = results.count("ProcessingFailed")
    _runtime.log(
        "ERROR" if failed else "INFO",
        "mailroom.lake",
        ok=results.count("Ok"),
        dropped=results.count("Dropped"),
        failed=failed,
        errors=errors or None,
        at=at,
        ms=round((time.perf_counter() - started) * 1000, 1),
    )
    if failed:
        _runtime.metric("LakeFailed", failed)
    if overflow:
        _runtime.metric("LakeOverflow", overflow)
    return {"records": answers}


def _answer(record: Any, settings: _Settings) -> dict[str, Any]:
    from binascii import a2b_base64, b2a_base64

    item: SendingEvent | SkippedRecord
    raw = None
    try:
        text = a2b_base64(record["data"]).decode().strip()
        raw = _decode(text)
        item = parse(raw) if "eventType" in raw else _unwrapped(record)
    except (KeyError, TypeError, ValueError, RecursionError):
        item = _unwrapped(record)
    if isinstance(item, SkippedRecord):
        if item.control:
            return _untouched(record, "Dropped")
        raise MalformedEvent(item.reason)
    if settings.pseudonymise is not None:
        item = parse(_pseudonymised(item.raw, settings.pseudonymise))
        text = _encode(item.raw)
    elif item.raw is not raw:
        text = _encode(item.raw)
    made = _row(item, text)
    if settings.transform is not None:
        answer = settings.transform(item)
        if answer is None:
            return _untouched(record, "Dropped")
        _merge(made, answer)
    # No file can hold half a surrogate pair, which JSON can write.
    line = (_encode(made) + "\n").encode("utf-8", "replace")
    return {
        "recordId": record["recordId"],
        "result": "Ok",
        "data": b2a_base64(line, newline=False).decode("ascii"),
        "metadata": {"partitionKeys": partition(item, made)},
    }


def _unwrapped(record: Any) -> SendingEvent | SkippedRecord:
    return next(item for _, item in records({"records": [record]}))


def _untouched(record: Any, result: str, position: int = 0) -> dict[str, Any]:
    if not isinstance(record, dict):
        return {"recordId": str(position), "result": result}
    answer = {"recordId": record.get("recordId", str(position)), "result": result}
    if isinstance(record.get("data"), str):
        answer["data"] = record["data"]
    return answer


_ENVELOPE_BYTES = 160
"""Of an answer, beside its id and its data."""


def _fit(found: list[Any], answers: list[dict[str, Any]]) -> int:
    """Fail, in place, the answers for which there is no room, and return how many."""
    sizes = [_size(answer) for answer in answers]
    room = MAX_ANSWER_BYTES - sum(sizes)
    if room >= 0:
        return 0
    failed = 0
    # From the end, so that the rows that arrive are those that came first.
    for position in reversed(range(len(answers))):
        if answers[position]["result"] == "Ok":
            answer = _untouched(found[position], "ProcessingFailed")
            saved = sizes[position] - _size(answer)
            if saved > 0:
                answers[position] = answer
                failed += 1
                room += saved
                if room >= 0:
                    break
    return failed


def _size(answer: Mapping[str, Any]) -> int:
    return len(str(answer["recordId"])) + len(answer.get("data", "")) + _ENVELOPE_BYTES


# While Lambda initialises, where it gives a whole core: a wrong name fails before any event, and
# the key is fetched once. Last in the file, because the user's module may import this one.
if os.environ.get("_HANDLER") == "mailroom.lake.handler":
    _settings = _Settings()
