"""The payloads of sending events, as SES was recorded to publish them.

Pure functions; ``tests/payloads/recorded`` holds the records, ``tests/payloads/sending_events``
AWS's own samples, which are older.
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from mailroom.events.reading import automated
from mailroom.ses import CLOUDFORMATION_EVENT_NAMES, EventType
from mailroom_local.mail.headers import described, timestamp
from mailroom_local.sending.message import SentMessage

_HEADER_BYTES = 10 * 1024
_REPORTING_MTA = "a8-0.smtp-out.amazonses.com"
_OUTGOING_IP = "127.0.0.1"
_REMOTE_MTA_IP = "127.0.0.1"
# Everything that AWS serves is encrypted, so its events always have a version; here it is not.
_TLS_VERSION = "TLSv1.3"

# The tags that SES adds, as recorded.
TAGS = (
    "operation",
    "configuration-set",
    "source-tls-version",
    "source-ip",
    "from-domain",
    "caller-identity",
)
# In the Send event of a message that was sent from a template, SES has not rendered it yet.
_RENDERED_LATER = ("SendTemplatedEmail", "SendBulkTemplatedEmail")
_FIRST_HEADERS = ("from", "to", "cc", "mime-version")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """Which parts of ``mail`` an event type has."""

    headers: bool = True
    source_arn: bool = True
    tags: tuple[str, ...] = TAGS


_SHAPES: Mapping[EventType, _Shape] = {
    # For these two AWS documents the tenant; for others nothing is known.
    EventType.BOUNCE: _Shape(tags=(*TAGS, "tenant-name")),
    EventType.COMPLAINT: _Shape(tags=(*TAGS, "tenant-name")),
    EventType.DELIVERY: _Shape(tags=(*TAGS, "outgoing-ip", "outgoing-tls-version")),
    EventType.OPEN: _Shape(source_arn=False),
    EventType.CLICK: _Shape(source_arn=False),
    EventType.RENDERING_FAILURE: _Shape(headers=False),
    EventType.DELIVERY_DELAY: _Shape(headers=False),
}
_COMMON = _Shape()


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happened to a message: an event without its payload."""

    kind: EventType
    recipient: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


def payload(happening: Happening, outgoing: SentMessage, *, at: datetime) -> dict[str, Any]:
    """The JSON that SES publishes."""
    kind = happening.kind
    body = _BODIES[kind](happening, outgoing, at)
    return {"eventType": kind.value, "mail": _mail(kind, outgoing), _body_key(kind): body}


def wanted(destinations: Iterable[Mapping[str, Any]], kind: EventType) -> list[Mapping[str, Any]]:
    """The enabled destinations that match this event type."""
    return [
        destination
        for destination in destinations
        # The enum's members are named as API v2 spells the types.
        if destination.get("Enabled") and kind.name in destination["MatchingEventTypes"]
    ]


def dimensions(
    configurations: Sequence[Mapping[str, str]], event: Mapping[str, Any], outgoing: SentMessage
) -> list[dict[str, str]]:
    """The CloudWatch dimensions of an event, from tags, headers or link tags."""
    link_tags: Mapping[str, list[str]] = (event.get("click") or {}).get("linkTags") or {}
    tags: Mapping[str, list[str]] = event["mail"].get("tags", {})
    headers = {name.lower(): [value] for name, value in outgoing.headers}
    found = []
    for configuration in configurations:
        name = configuration["DimensionName"]
        source = {
            "MESSAGE_TAG": tags.get(name),
            "EMAIL_HEADER": headers.get(name.lower()),
            "LINK_TAG": link_tags.get(name),
        }[configuration["DimensionValueSource"]]
        default = configuration.get("DefaultDimensionValue", "")
        found.append({"Name": name, "Value": source[0] if source else default})
    return found


def metric(kind: EventType) -> str:
    """The type as CloudWatch spells it."""
    return kind.value.replace(" ", "")


def _body_key(kind: EventType) -> str:
    return "failure" if kind is EventType.RENDERING_FAILURE else CLOUDFORMATION_EVENT_NAMES[kind]


def _mail(kind: EventType, outgoing: SentMessage) -> dict[str, Any]:
    shape = _SHAPES.get(kind, _COMMON)
    mail: dict[str, Any] = {
        "timestamp": timestamp(outgoing.sent_at),
        "source": outgoing.source,
        "sourceArn": outgoing.source_arn,
        "sendingAccountId": outgoing.account,
        "messageId": outgoing.message_id,
        "destination": list(outgoing.recipients),
        "headersTruncated": False,
    }
    unrendered = kind is EventType.SEND and outgoing.operation in _RENDERED_LATER
    if unrendered or not shape.source_arn:
        del mail["sourceArn"]
    if shape.headers:
        mail.update(headers_of(outgoing, only=_FIRST_HEADERS if unrendered else None))
    mail["tags"] = {
        **{f"ses:{name}": [tag] for name in shape.tags if (tag := _ses_tag(name, outgoing))},
        **{name: [value] for name, value in outgoing.tags.items()},
    }
    return mail


def headers_of(outgoing: SentMessage, *, only: Collection[str] | None = None) -> dict[str, Any]:
    """What ``mail`` says of a message's header; with ``only``, of the fields of these names."""
    headers, common = outgoing.headers, outgoing.common_headers
    if only is not None:
        headers = [field for field in headers if field[0].lower() in only]
        common = {key: value for key, value in common.items() if key not in ("subject", "date")}
    kept, truncated = described(headers, max_bytes=_HEADER_BYTES)
    return {"headersTruncated": truncated, "headers": kept, "commonHeaders": common}


def feedback(happening: Happening, outgoing: SentMessage, *, at: datetime) -> dict[str, Any]:
    """The JSON that SES publishes to a topic of the sender's identity: without tags or headers.

    https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
    """
    mail = {
        "timestamp": timestamp(outgoing.sent_at),
        "source": outgoing.source,
        "sourceArn": outgoing.source_arn,
        "sourceIp": outgoing.source_ip,
        "callerIdentity": outgoing.caller,
        "sendingAccountId": outgoing.account,
        "messageId": outgoing.message_id,
        "destination": list(outgoing.recipients),
    }
    kind = happening.kind
    body = _BODIES[kind](happening, outgoing, at)
    return {"notificationType": kind.value, "mail": mail, _body_key(kind): body}


def _ses_tag(name: str, outgoing: SentMessage) -> str:
    return {
        "configuration-set": outgoing.configuration_set or "",
        "tenant-name": outgoing.tenant or "",
        "source-ip": outgoing.source_ip,
        "from-domain": outgoing.from_domain,
        "caller-identity": outgoing.caller,
        "outgoing-ip": _OUTGOING_IP,
        "operation": outgoing.operation,
        "source-tls-version": _TLS_VERSION,
        "outgoing-tls-version": _TLS_VERSION,
    }[name]


def _send(happening: Happening, outgoing: SentMessage, at: datetime) -> dict[str, Any]:
    return {}


def _reject(happening: Happening, outgoing: SentMessage, at: datetime) -> dict[str, Any]:
    return {"reason": "Bad content"}


def _bounce(happening: Happening, outgoing: SentMessage, at: datetime) -> dict[str, Any]:
    detail = happening.detail
    recipient = {"emailAddress": happening.recipient}
    bounce = {
        "bounceType": detail["type"],
        "bounceSubType": detail["subtype"],
        "bouncedRecipients": [recipient],
        "timestamp": timestamp(at),
        "feedbackId": _feedback_id(at),
    }
    # An automatic reply has neither a status nor a server that reports it.
    if "status" in detail:
        recipient["action"] = "failed"
        recipient["status"] = detail["status"]
        recipient["diagnosticCode"] = detail["diagnostic"]
        # No other server ever sees what SES withholds.
        server = "amazonses.com" if detail.get("withheld") else _REPORTING_MTA
        bounce["reportingMTA"] = f"dns; {server}"
    return bounce


def _complaint(happening: Happening, outgoing: SentMessage, at: datetime) -> dict[str, Any]:
    return {
        "complaintSubType": None,
        "complainedRecipients": [{"emailAddress": happening.recipient}],
        "timestamp": timestamp(at),
        "feedbackId": _feedback_id(at),
        "userAgent": "Amazon SES Mailbox Simulator",
        "complaintFeedbackType": happening.detail["type"],
        "arrivalDate": timestamp(at),
    }


def _delivery(happening: Happening, outgoing: SentMessage, at: datetime) -> dict[str, Any]:
    return {
        "timestamp": timestamp(at),
        "processingTimeMillis": int((at - outgoing.sent_at).total_seconds() * 1000),
        "recipients": [happening.recipient],
        "smtpResponse": "250 2.6.0 Message received",
        "reportingMTA": _REPORTING_MTA,
        "remoteMtaIp": _REMOTE_MTA_IP,
    }


def _bot(user_agent: str) -> str:
    """SES's opinion; how it comes to it is not documented."""
    return "Likely" if automated({"userAgent": user_agent}) else "Unlikely"


def _open(happening: Happening, outgoing: SentMessage, at: datetime) -> dict[str, Any]:
    return {
        "ipAddress": happening.detail["ip_address"],
        "timestamp": timestamp(at),
        "userAgent": happening.detail["user_agent"],
        "isBotEvent": _bot(happening.detail["user_agent"]),
    }


def _click(happening: Happening, outgoing: SentMessage, at: datetime) -> dict[str, Any]:
    return {
        "ipAddress": happening.detail["ip_address"],
        "link": happening.detail["link"],
        "linkTags": happening.detail["link_tags"] or None,
        "timestamp": timestamp(at),
        "userAgent": happening.detail["user_agent"],
        "isBotEvent": _bot(happening.detail["user_agent"]),
    }


def _failure(happening: Happening, outgoing: SentMessage, at: datetime) -> dict[str, Any]:
    return {
        "errorMessage": happening.detail["message"],
        "templateName": happening.detail["template"],
    }


def _delay(happening: Happening, outgoing: SentMessage, at: datetime) -> dict[str, Any]:
    detail = happening.detail
    expiry = outgoing.sent_at + timedelta(seconds=outgoing.max_delivery_seconds)
    return {
        "timestamp": timestamp(at),
        "delayType": detail["type"],
        "expirationTime": timestamp(expiry),
        "delayedRecipients": [
            {
                "emailAddress": happening.recipient,
                "status": detail["status"],
                "diagnosticCode": detail["diagnostic"],
            }
        ],
    }


def _subscription(happening: Happening, outgoing: SentMessage, at: datetime) -> dict[str, Any]:
    detail = happening.detail
    return {
        "contactList": detail["contact_list"],
        "timestamp": timestamp(at),
        "source": "UnsubscribeHeader",
        "newTopicPreferences": detail["new"],
        "oldTopicPreferences": detail["old"],
    }


_BODIES = {
    EventType.SEND: _send,
    EventType.REJECT: _reject,
    EventType.BOUNCE: _bounce,
    EventType.COMPLAINT: _complaint,
    EventType.DELIVERY: _delivery,
    EventType.OPEN: _open,
    EventType.CLICK: _click,
    EventType.RENDERING_FAILURE: _failure,
    EventType.DELIVERY_DELAY: _delay,
    EventType.SUBSCRIPTION: _subscription,
}


def _feedback_id(at: datetime) -> str:
    return f"0100{int(at.timestamp() * 1000):012x}-{uuid.uuid4()}-000000"
