"""Tells the story of a sent message: one line for each event, from whatever it was kept in.

Pure functions of event payloads and of items of an event table; :mod:`mailroom_local.render` and
``mailroom trace`` show them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

BAD = frozenset({"Bounce", "Complaint", "Reject", "Rendering Failure"})
NOTABLE = frozenset({"DeliveryDelay", "Subscription"})

_BODIES = {
    "Send": "send",
    "Reject": "reject",
    "Bounce": "bounce",
    "Complaint": "complaint",
    "Delivery": "delivery",
    "Open": "open",
    "Click": "click",
    "Rendering Failure": "failure",
    "DeliveryDelay": "deliveryDelay",
    "Subscription": "subscription",
}
_GREEN, _YELLOW, _RED, _BOLD, _DIM, _PLAIN = (
    f"\x1b[{code}m" for code in ("32", "33", "31", "1", "2", "0")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event of a message."""

    at: datetime
    kind: str
    recipient: str
    summary: str
    source: str = ""
    configuration_set: str = ""
    tags: dict[str, Any] = field(default_factory=dict)
    detail: Any = None


def summary(payload: Mapping[str, Any]) -> str:
    """What an event says beyond its type and recipient, in one line."""
    kind = str(payload.get("eventType", ""))
    body = payload.get(_BODIES.get(kind, ""), {})
    return summary_of(kind, body)


def summary_of(kind: str, detail: Any) -> str:
    """The same from the part of the payload that is particular to the event's type."""
    tell = _SUMMARIES.get(kind)
    if not isinstance(detail, Mapping):
        return " ".join(str(detail or "").split())
    return " ".join(str(tell(detail)).split()) if tell else ""


def since(difference: timedelta) -> str:
    """A time after the first event, as precise as one cares for at that distance."""
    seconds = difference.total_seconds()
    sign, seconds = ("-" if seconds < 0 else "+"), abs(seconds)
    if seconds < 1:
        return f"{sign}{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{sign}{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{sign}{hours}:{minutes:02d}:{seconds:02d}"
    return f"{sign}{hours // 24} d {hours % 24} h"


def entries(items: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """The events that the items of an event table hold, oldest first, Send before all others.

    Everything but ``at`` may be missing, and ``detail`` may have been cut in the middle.
    """
    found = [_entry(item) for item in items]
    return sorted(found, key=lambda entry: (entry.at, entry.kind != "Send"))


def table(message_id: str, found: Sequence[Entry], *, colour: bool) -> str:
    """The timeline as text that people read."""
    first = next((entry for entry in found if entry.kind == "Send"), found[0])
    about = [
        text for text in (first.source and f"from {first.source}", first.configuration_set) if text
    ]
    lines = [_paint(message_id, _BOLD, colour) + ("  " + "  ".join(about) if about else "")]
    moment = first.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    lines.append("  " + _paint(f"{first.kind} at {moment}", _DIM, colour))
    rows = [
        (since(entry.at - first.at), entry.kind, entry.recipient, entry.summary) for entry in found
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for when, kind, recipient, told in rows:
        shade = _RED if kind in BAD else _YELLOW if kind in NOTABLE else _GREEN
        cells = (
            when.rjust(widths[0]),
            _paint(kind.ljust(widths[1]), shade, colour),
            recipient.ljust(widths[2]),
            told,
        )
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines)


def as_json(message_id: str, found: Sequence[Entry]) -> str:
    """The timeline as a JSON document, for programs."""
    document = {"message_id": message_id, "events": [asdict(entry) for entry in found]}
    return json.dumps(document, indent=2, default=datetime.isoformat)


def _entry(item: Mapping[str, Any]) -> Entry:
    moment, _, rest = str(item.get("at", "")).partition("#")
    kind = str(item.get("type") or rest.partition("#")[0])
    detail = _decoded(item.get("detail"))
    if isinstance(detail, Mapping) and "eventType" in detail:
        # A table may keep the whole event.
        detail = detail.get(_BODIES.get(kind, ""), {})
    elif isinstance(detail, Mapping) and list(detail) == [_BODIES.get(kind)]:
        detail = detail[_BODIES[kind]]
    tags = _decoded(item.get("tags"))
    return Entry(
        at=_moment(str(item.get("timestamp") or moment)),
        kind=kind,
        recipient=str(item.get("recipient") or ""),
        summary=summary_of(kind, detail),
        source=str(item.get("source") or ""),
        configuration_set=str(item.get("configuration_set") or ""),
        tags=tags if isinstance(tags, dict) else {},
        detail=detail,
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.astimezone()


def _decoded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _bounce(detail: Mapping[str, Any]) -> str:
    told = [f"{detail.get('bounceType', '?')}/{detail.get('bounceSubType', '?')}"]
    told += [
        str(recipient["diagnosticCode"])
        for recipient in detail.get("bouncedRecipients") or []
        if recipient.get("diagnosticCode")
    ][:1]
    return "  ".join(told)


def _complaint(detail: Mapping[str, Any]) -> str:
    return str(detail.get("complaintFeedbackType") or "no reason given")


def _delivery(detail: Mapping[str, Any]) -> str:
    milliseconds = detail.get("processingTimeMillis")
    took = f"in {milliseconds} ms  " if milliseconds is not None else ""
    return f"{took}{detail.get('smtpResponse', '')}"


def _delay(detail: Mapping[str, Any]) -> str:
    expiry = detail.get("expirationTime")
    codes = [str(each.get("diagnosticCode", "")) for each in detail.get("delayedRecipients") or []]
    told = [str(detail.get("delayType", "")), *codes[:1], f"until {expiry}" if expiry else ""]
    return "  ".join(part for part in told if part)


def _click(detail: Mapping[str, Any]) -> str:
    tags = detail.get("linkTags") or {}
    shown = ", ".join(f"{name}={'+'.join(values)}" for name, values in tags.items())
    return f"{detail.get('link', '')}{f'  ({shown})' if shown else ''}"


def _subscription(detail: Mapping[str, Any]) -> str:
    old, new = (_statuses(detail.get(f"{age}TopicPreferences") or {}) for age in ("old", "new"))
    changes = [
        f"{name}: {old.get(name, '?')} → {status}"
        for name, status in new.items()
        if old.get(name) != status
    ]
    return f"{detail.get('contactList', '')}  {', '.join(changes) or 'nothing changed'}"


def _statuses(preferences: Mapping[str, Any]) -> dict[str, str]:
    found = {
        str(topic.get("topicName")): str(topic.get("subscriptionStatus"))
        for topic in preferences.get("topicSubscriptionStatus") or []
    }
    if "unsubscribeAll" in preferences:
        found["everything"] = "OptOut" if preferences["unsubscribeAll"] else "as below"
    return found


_SUMMARIES = {
    "Bounce": _bounce,
    "Click": _click,
    "Complaint": _complaint,
    "Delivery": _delivery,
    "DeliveryDelay": _delay,
    "Open": lambda detail: detail.get("userAgent") or "",
    "Reject": lambda detail: detail.get("reason") or "",
    "Rendering Failure": lambda detail: (
        f"{detail.get('templateName', '')}: {detail.get('errorMessage', '')}"
    ),
    "Subscription": _subscription,
}


def _paint(text: str, code: str, colour: bool) -> str:
    return f"{code}{text}{_PLAIN}" if colour and text else text
