"""The ten kinds of sending events: their names, and payloads exactly as AWS documents them.

Pure functions; ``tests/payloads/sending_events`` holds AWS's own samples.
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from mailroom_local.receiving.decisions import printable, timestamp
from mailroom_local.sending.decisions import Outgoing

VALIDATION_TEXT = "Successfully validated SNS topic for Amazon SES event publishing."

MAX_DESTINATIONS = 10
HEADER_BYTES = 10 * 1024

_REPORTING_MTA = "a8-0.smtp-out.amazonses.com"
_OUTGOING_IP = "127.0.0.1"

# The tags that SES adds, each kind of event with those that AWS's sample of it has.
_BRIEF = ("configuration-set",)
_FULL = ("configuration-set", "source-ip", "from-domain", "caller-identity")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """One kind of event, by each of its names, and which parts of ``mail`` it carries."""

    name: str
    """As the payload's ``eventType`` spells it."""
    api: str
    """As API v2 spells it."""
    body: str
    """The payload's key that holds what is particular to the event."""
    detail_type: str
    """As EventBridge calls it. https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-ses.html"""
    metric: str
    """As CloudWatch calls it."""
    headers: bool = True
    source_arn: bool = True
    tags: tuple[str, ...] = _FULL


TYPES: Mapping[str, EventType] = {
    kind.name: kind
    for kind in (
        EventType(name="Send", api="SEND", body="send", detail_type="Email Sent", metric="Send"),
        EventType(
            name="Reject",
            api="REJECT",
            body="reject",
            detail_type="Email Rejected",
            metric="Reject",
        ),
        EventType(
            name="Bounce", api="BOUNCE", body="bounce", detail_type="Email Bounced", metric="Bounce"
        ),
        EventType(
            name="Complaint",
            api="COMPLAINT",
            body="complaint",
            detail_type="Email Complaint Received",
            metric="Complaint",
        ),
        EventType(
            name="Delivery",
            api="DELIVERY",
            body="delivery",
            detail_type="Email Delivered",
            metric="Delivery",
            tags=(*_FULL, "outgoing-ip"),
        ),
        EventType(
            name="Open",
            api="OPEN",
            body="open",
            detail_type="Email Opened",
            metric="Open",
            source_arn=False,
        ),
        EventType(
            name="Click",
            api="CLICK",
            body="click",
            detail_type="Email Clicked",
            metric="Click",
            source_arn=False,
        ),
        EventType(
            name="Rendering Failure",
            api="RENDERING_FAILURE",
            body="failure",
            detail_type="Email Rendering Failed",
            metric="RenderingFailure",
            headers=False,
            tags=_BRIEF,
        ),
        EventType(
            name="DeliveryDelay",
            api="DELIVERY_DELAY",
            body="deliveryDelay",
            detail_type="Email Delivery Delayed",
            metric="DeliveryDelay",
            headers=False,
            tags=_BRIEF,
        ),
        EventType(
            name="Subscription",
            api="SUBSCRIPTION",
            body="subscription",
            detail_type="Email Subscribed",
            metric="Subscription",
            tags=("operation", *_FULL),
        ),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happened to a message: an event before it has a payload."""

    kind: str
    recipient: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


def payload(happening: Happening, outgoing: Outgoing, *, at: datetime) -> dict[str, Any]:
    """The JSON that SES publishes of it."""
    kind = TYPES[happening.kind]
    body = _BODIES[happening.kind](happening, outgoing, at)
    return {"eventType": kind.name, "mail": _mail(kind, outgoing), kind.body: body}


def wanted(destinations: Iterable[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    """The enabled destinations that take events of this kind, as the API describes them."""
    return [
        destination
        for destination in destinations
        if destination.get("Enabled") and TYPES[kind].api in destination["MatchingEventTypes"]
    ]


def dimensions(
    configurations: Sequence[Mapping[str, str]], event: Mapping[str, Any], outgoing: Outgoing
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


def _mail(kind: EventType, outgoing: Outgoing) -> dict[str, Any]:
    mail: dict[str, Any] = {
        "timestamp": timestamp(outgoing.sent_at),
        "source": outgoing.source,
        "sourceArn": outgoing.source_arn,
        "sendingAccountId": outgoing.account,
        "messageId": outgoing.message_id,
        "destination": list(outgoing.recipients),
        "headersTruncated": False,
    }
    if not kind.source_arn:
        del mail["sourceArn"]
    if kind.headers:
        kept, size = [], 0
        for name, value in outgoing.headers:
            size += len(name) + len(value) + 4
            if size > HEADER_BYTES:
                mail["headersTruncated"] = True
                break
            kept.append({"name": name, "value": printable(value)})
        mail["headers"] = kept
        mail["commonHeaders"] = outgoing.common_headers
    mail["tags"] = {
        **{f"ses:{name}": [_ses_tag(name, outgoing)] for name in kind.tags},
        **{name: [value] for name, value in outgoing.tags.items()},
    }
    return mail


def _ses_tag(name: str, outgoing: Outgoing) -> str:
    return {
        "configuration-set": outgoing.configuration_set or "",
        "source-ip": outgoing.source_ip,
        "from-domain": outgoing.source_address.rpartition("@")[2],
        "caller-identity": outgoing.caller,
        "outgoing-ip": _OUTGOING_IP,
        "operation": outgoing.operation,
    }[name]


def _send(happening: Happening, outgoing: Outgoing, at: datetime) -> dict[str, Any]:
    return {}


def _reject(happening: Happening, outgoing: Outgoing, at: datetime) -> dict[str, Any]:
    return {"reason": "Bad content"}


def _bounce(happening: Happening, outgoing: Outgoing, at: datetime) -> dict[str, Any]:
    detail = happening.detail
    return {
        "bounceType": detail["type"],
        "bounceSubType": detail["subtype"],
        "bouncedRecipients": [
            {
                "emailAddress": happening.recipient,
                "action": "failed",
                "status": detail["status"],
                "diagnosticCode": detail["diagnostic"],
            }
        ],
        "timestamp": timestamp(at),
        "feedbackId": _feedback_id(at),
        # What SES does not even hand over, no other server reports on.
        "reportingMTA": f"dsn; {'amazonses.com' if detail.get('withheld') else _REPORTING_MTA}",
    }


def _complaint(happening: Happening, outgoing: Outgoing, at: datetime) -> dict[str, Any]:
    return {
        "complainedRecipients": [{"emailAddress": happening.recipient}],
        "timestamp": timestamp(at),
        "feedbackId": _feedback_id(at),
        "userAgent": "Amazon SES Mailbox Simulator",
        "complaintFeedbackType": happening.detail["type"],
        "arrivalDate": timestamp(at),
    }


def _delivery(happening: Happening, outgoing: Outgoing, at: datetime) -> dict[str, Any]:
    return {
        "timestamp": timestamp(at),
        "processingTimeMillis": int((at - outgoing.sent_at).total_seconds() * 1000),
        "recipients": [happening.recipient],
        "smtpResponse": "250 2.6.0 Message received",
        "reportingMTA": _REPORTING_MTA,
    }


def _open(happening: Happening, outgoing: Outgoing, at: datetime) -> dict[str, Any]:
    return {
        "ipAddress": happening.detail["ip_address"],
        "timestamp": timestamp(at),
        "userAgent": happening.detail["user_agent"],
    }


def _click(happening: Happening, outgoing: Outgoing, at: datetime) -> dict[str, Any]:
    return {
        "ipAddress": happening.detail["ip_address"],
        "link": happening.detail["link"],
        "linkTags": happening.detail["link_tags"] or None,
        "timestamp": timestamp(at),
        "userAgent": happening.detail["user_agent"],
    }


def _failure(happening: Happening, outgoing: Outgoing, at: datetime) -> dict[str, Any]:
    return {
        "errorMessage": happening.detail["message"],
        "templateName": happening.detail["template"],
    }


def _delay(happening: Happening, outgoing: Outgoing, at: datetime) -> dict[str, Any]:
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


def _subscription(happening: Happening, outgoing: Outgoing, at: datetime) -> dict[str, Any]:
    detail = happening.detail
    return {
        "contactList": detail["contact_list"],
        "timestamp": timestamp(at),
        "source": "UnsubscribeHeader",
        "newTopicPreferences": detail["new"],
        "oldTopicPreferences": detail["old"],
    }


_BODIES = {
    "Send": _send,
    "Reject": _reject,
    "Bounce": _bounce,
    "Complaint": _complaint,
    "Delivery": _delivery,
    "Open": _open,
    "Click": _click,
    "Rendering Failure": _failure,
    "DeliveryDelay": _delay,
    "Subscription": _subscription,
}


def _feedback_id(at: datetime) -> str:
    return f"0100{int(at.timestamp() * 1000):012x}-{uuid.uuid4()}-000000"
