"""What happened to a sent message: one entry for each event, from the items of an event table.

Pure functions of event payloads and items; `mailroom_cli.render` shows what they return. An item
that is not as the runtime writes it is shown with what can be read of it, and stops nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from mailroom.ses import CLOUDFORMATION_EVENT_NAMES, EventType

BAD: frozenset[str] = frozenset(
    {EventType.BOUNCE, EventType.COMPLAINT, EventType.REJECT, EventType.RENDERING_FAILURE}
)
"""Types after which the mail is not, or should not have been, with its recipient."""
NOTABLE: frozenset[str] = frozenset({EventType.DELIVERY_DELAY, EventType.SUBSCRIPTION})
"""Types that may need attention."""

# The key of the part of an event that only its type has.
_BODIES = {str(kind): name for kind, name in CLOUDFORMATION_EVENT_NAMES.items()}
_BODIES[EventType.RENDERING_FAILURE] = "failure"
# What only a whole event has.
_WHOLE = ("eventType", "notificationType")

_DEEPEST = 40
_YEARS = range(1970, 9999)
_ODD = (AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event of a message."""

    at: datetime | None
    """When it happened; ``None`` if that cannot be read."""
    kind: str
    """Its type, as SES spells it; ``?`` if it has none."""
    recipient: str
    """The recipient that it is about; empty if it is about several or none."""
    summary: str
    """What it says beyond type and recipient, in one line."""
    source: str = ""
    """The sender's address."""
    configuration_set: str = ""
    """The configuration set that the mail was sent with."""
    tags: dict[str, Any] = field(default_factory=dict)
    """The message tags."""
    detail: Any = None
    """The part of the event that only its type has; text if the table cut it."""


def summary(payload: Mapping[str, Any]) -> str:
    """Return what an event says beyond its type and recipient, in one line.

    Args:
        payload: The event as SES publishes it.
    """
    kind = str(payload.get("eventType") or payload.get("notificationType") or "")
    return summary_of(kind, payload.get(_BODIES.get(kind, ""), {}))


def summary_of(kind: str, detail: Any) -> str:
    """Return the same from the part of the event that only its type has.

    Args:
        kind: The type, as SES spells it.
        detail: That part; anything that is not as the type has it is shown unchanged.
    """
    summarize: Callable[[Mapping[str, Any]], str] = _SUMMARIES.get(kind, _line)
    if not isinstance(detail, Mapping):
        return _line(detail)
    try:
        return _line(summarize(detail))
    except _ODD:
        return _line(detail)


def since(difference: timedelta | None) -> str:
    """Return a time after the first event as text.

    Args:
        difference: The time: shown in milliseconds if it is short, in days and hours if long;
            ``None`` if it is not known.
    """
    if difference is None:
        return "?"
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
    """Return the events of an event table's items, oldest first, Send before all others.

    Args:
        items: The items in plain values, whatever they hold; ``detail`` may have been cut in the
            middle. Items without a time that can be read come last.
    """
    found = [_entry(item) for item in items]
    end = datetime.max.replace(tzinfo=UTC)
    return sorted(found, key=lambda entry: (entry.at or end, entry.kind != EventType.SEND))


def first(found: Sequence[Entry]) -> Entry:
    """Return the entry that the others are timed from: Send, or else the oldest one.

    Args:
        found: The entries, at least one, oldest first.
    """
    sends = (entry for entry in found if entry.kind == EventType.SEND and entry.at)
    return next(sends, found[0])


def document(message_id: str, found: Sequence[Entry]) -> dict[str, Any]:
    """Return the timeline in JSON's types, for programs.

    Args:
        message_id: The message's id.
        found: Its events.
    """
    events = [{**asdict(entry), "at": entry.at and entry.at.isoformat()} for entry in found]
    return {"message_id": message_id, "events": events}


def _entry(item: Mapping[str, Any]) -> Entry:
    moment, _, rest = str(item.get("at", "")).partition("#")
    kind = _line(item.get("type")) or _line(rest.partition("#")[0])
    detail = _plain(_decoded(item.get("detail")))
    if isinstance(detail, Mapping) and not detail.keys().isdisjoint(_WHOLE):
        # A table may keep the whole event.
        detail = detail.get(_BODIES.get(kind, ""), {})
    elif isinstance(detail, Mapping) and list(detail) == [_BODIES.get(kind)]:
        detail = detail[_BODIES[kind]]
    tags = _plain(_decoded(item.get("tags")))
    return Entry(
        at=_moment(item.get("timestamp")) or _moment(moment),
        kind=kind or "?",
        recipient=_line(item.get("recipient")),
        summary=summary_of(kind, detail) if kind else f"not an event: {_line(sorted(item))}",
        source=_line(item.get("source")),
        configuration_set=_line(item.get("configuration_set")),
        tags=tags if isinstance(tags, dict) else {},
        detail=detail,
    )


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (OverflowError, ValueError):
        return None
    return moment if moment.year in _YEARS else None


def _line(value: Any) -> str:
    return "" if value is None or value == {} else " ".join(str(value).split())


def _plain(value: Any, depth: int = 0) -> Any:
    """Return *value* in JSON's types; DynamoDB has numbers, sets and bytes of its own."""
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {str(name): _plain(part, depth + 1) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        parts = [_plain(part, depth + 1) for part in value]
        return parts if isinstance(value, list | tuple) else sorted(parts, key=str)
    if isinstance(value, Decimal) and value.is_finite():
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float | None) else str(value)


def _decoded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (RecursionError, ValueError):
        return value


def _bounce(detail: Mapping[str, Any]) -> str:
    said = [f"{detail.get('bounceType', '?')}/{detail.get('bounceSubType', '?')}"]
    said += [
        str(recipient["diagnosticCode"])
        for recipient in detail.get("bouncedRecipients") or []
        if recipient.get("diagnosticCode")
    ][:1]
    return "  ".join(said)


def _complaint(detail: Mapping[str, Any]) -> str:
    return str(detail.get("complaintFeedbackType") or "no reason given")


def _delivery(detail: Mapping[str, Any]) -> str:
    milliseconds = detail.get("processingTimeMillis")
    took = f"in {milliseconds} ms  " if milliseconds is not None else ""
    return f"{took}{detail.get('smtpResponse', '')}"


def _delay(detail: Mapping[str, Any]) -> str:
    expiry = detail.get("expirationTime")
    codes = [str(each.get("diagnosticCode", "")) for each in detail.get("delayedRecipients") or []]
    said = [str(detail.get("delayType", "")), *codes[:1], f"until {expiry}" if expiry else ""]
    return "  ".join(part for part in said if part)


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
        found["all topics"] = "OptOut" if preferences["unsubscribeAll"] else "by topic"
    return found


_SUMMARIES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    EventType.BOUNCE: _bounce,
    EventType.CLICK: _click,
    EventType.COMPLAINT: _complaint,
    EventType.DELIVERY: _delivery,
    EventType.DELIVERY_DELAY: _delay,
    EventType.OPEN: lambda detail: detail.get("userAgent") or "",
    EventType.SEND: lambda detail: "",
    EventType.REJECT: lambda detail: detail.get("reason") or "",
    EventType.RENDERING_FAILURE: lambda detail: (
        f"{detail.get('templateName', '')}: {detail.get('errorMessage', '')}"
    ),
    EventType.SUBSCRIPTION: _subscription,
}
