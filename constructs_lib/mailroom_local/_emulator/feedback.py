"""Notifications about an identity: what SES publishes to the topics of a sender's identity.

ministack has the operation that names a topic, and neither the one for header fields nor all
fields of what is published.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from mailroom_local._emulator import internals
from mailroom_local._emulator.query import Parameters, Response, one, required, result
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


def _set_headers(parameters: Parameters) -> Response:
    name = required(parameters, "Identity", "identity")
    kind = required(parameters, "NotificationType", "notificationType")
    if kind not in _KINDS:
        raise SesError(
            "InvalidParameterValue",
            f"Invalid notification type: {kind}. Valid values are: {', '.join(_KINDS)}.",
        )
    identity = internals.ses.identities.get(name)
    if identity is None:
        raise SesError("MessageRejected", f"Identity {name} is not verified or does not exist.")
    enabled = (one(parameters, "Enabled") or "").lower() == "true"
    identity.setdefault(_WITH_HEADERS, {})[kind] = enabled
    return result("SetIdentityHeadersInNotificationsEnabled")


OPERATIONS: Mapping[str, Callable[[Parameters], Response]] = {
    "SetIdentityHeadersInNotificationsEnabled": _set_headers,
}
