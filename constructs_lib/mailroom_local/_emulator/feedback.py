"""Notifications about an identity: what SES publishes to the topics of a sender's identity.

ministack has the operation that names a topic, but it greets no topic, cannot be asked for the
names, and lacks fields of what is published.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from mailroom_local._emulator import internals
from mailroom_local._emulator.query import (
    Entries,
    Parameters,
    Response,
    members,
    one,
    required,
    result,
)
from mailroom_local._ses_error import SesError
from mailroom_local.events import payloads
from mailroom_local.events.payloads import Happening
from mailroom_local.sending import decisions
from mailroom_local.sending.message import SentMessage

_KINDS = ("Bounce", "Complaint", "Delivery")
_WITH_HEADERS = "HeadersInNotifications"


def publish(outgoing: SentMessage) -> None:
    """Publish what happens to a message to the topics of its sender's identity."""
    identity = internals.ses.identities.get(outgoing.source_arn.partition("/")[2]) or {}
    topics: Mapping[str, str] = identity.get("NotificationTopics") or {}
    for outcome, recipient in decisions.story(outgoing) if any(topics.values()) else ():
        topic = topics.get(outcome.kind)
        if not topic or recipient is None:
            continue
        happening = Happening(kind=outcome.kind, recipient=recipient, detail=outcome.detail)
        told = payloads.feedback(happening, outgoing, at=datetime.now(UTC))
        if (identity.get(_WITH_HEADERS) or {}).get(outcome.kind):
            told["mail"].update(payloads.headers_of(outgoing))
        internals.sns.publish_internal(topic, json.dumps(told) + "\n")


def greeting(topic: str, about: str) -> str:
    """What SES publishes to a topic that notifications are to go to, as users report its words."""
    return json.dumps(
        {
            "notificationType": "AmazonSnsSubscriptionSucceeded",
            "message": f"You have successfully subscribed your Amazon SNS topic '{topic}' to "
            f"receive {about}.",
        }
    )


def _set_topic(parameters: Parameters) -> Response:
    name, identity, kind = _asked(parameters)
    topic = one(parameters, "SnsTopic") or ""
    identity.setdefault("NotificationTopics", {})[kind] = topic
    if topic:
        about = f"'{kind}' notifications from Amazon SES for identity '{name}'"
        internals.sns.publish_internal(topic, greeting(topic, about))
    return result("SetIdentityNotificationTopic")


def _set_headers(parameters: Parameters) -> Response:
    _, identity, kind = _asked(parameters)
    enabled = (one(parameters, "Enabled") or "").lower() == "true"
    identity.setdefault(_WITH_HEADERS, {})[kind] = enabled
    return result("SetIdentityHeadersInNotificationsEnabled")


def _get_attributes(parameters: Parameters) -> Response:
    found = Entries()
    for name in members(parameters, "Identities"):
        identity = internals.ses.identities.get(name)
        if identity is None:
            continue
        topics = identity.get("NotificationTopics") or {}
        headers = identity.get(_WITH_HEADERS) or {}
        found[name] = {
            **{f"{kind}Topic": topics[kind] for kind in _KINDS if topics.get(kind)},
            "ForwardingEnabled": bool(identity.get("FeedbackForwardingEnabled", True)),
            **{f"HeadersIn{kind}NotificationsEnabled": headers.get(kind, False) for kind in _KINDS},
        }
    return result("GetIdentityNotificationAttributes", {"NotificationAttributes": found})


def _asked(parameters: Parameters) -> tuple[str, dict[str, Any], str]:
    """The identity that a call is about, and the kind of notification."""
    name = required(parameters, "Identity", "identity")
    kind = required(parameters, "NotificationType", "notificationType")
    if kind not in _KINDS:
        raise SesError(
            "InvalidParameterValue",
            f"Invalid notification type: {kind}. Valid values are: {', '.join(_KINDS)}.",
        )
    identity: dict[str, Any] | None = internals.ses.identities.get(name)
    if identity is None:
        raise SesError("MessageRejected", f"Identity {name} is not verified or does not exist.")
    return name, identity, kind


OPERATIONS: Mapping[str, Callable[[Parameters], Response]] = {
    "GetIdentityNotificationAttributes": _get_attributes,
    "SetIdentityHeadersInNotificationsEnabled": _set_headers,
    "SetIdentityNotificationTopic": _set_topic,
}
