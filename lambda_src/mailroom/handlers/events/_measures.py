"""The metrics of each type of event, the same whoever handles it.

Each is a name, a value, a unit and dimensions; without a value it counts what was recorded.
"""

from __future__ import annotations

from mailroom.errors import MissingField
from mailroom.handlers.events._text import answer, dimension
from mailroom.ses import EventType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mailroom.events import SendingEvent

    Measure = tuple[str, float | None, str, dict[str, str]]

__all__ = ["measures"]

_LONGEST_LATENCY = 30 * 86_400_000


def measures(event: SendingEvent) -> list[Measure]:
    """Return the metrics of *event*, the first of which is ``Events`` by ``Type``."""
    own = _BY_TYPE.get(event.type)
    return [_count("Events", Type=dimension(event.type)), *(own(event) if own else ())]


def _count(name: str, **dimensions: str) -> Measure:
    return name, None, "Count", dimensions


def _bounces(event: Any) -> list[Measure]:
    kind, subtype = (dimension(event.detail.get(f"bounce{part}")) for part in ("Type", "SubType"))
    return [_count("Bounces", BounceType=kind, BounceSubType=subtype)]


def _complaints(event: Any) -> list[Measure]:
    detail = event.detail
    kind = detail.get("complaintFeedbackType") or detail.get("complaintSubType")
    return [_count("Complaints", FeedbackType=dimension(kind))]


def _latency(event: Any) -> list[Measure]:
    taken = event.detail.get("processingTimeMillis")
    if not isinstance(taken, int) or isinstance(taken, bool) or not 0 <= taken <= _LONGEST_LATENCY:
        return []
    return [("DeliveryLatency", taken, "Milliseconds", {})]


def _delays(event: Any) -> list[Measure]:
    return [_count("Delays", DelayType=dimension(event.detail.get("delayType")))]


def _failures(event: Any) -> list[Measure]:
    return [_count("RenderingFailures", Template=dimension(event.detail.get("templateName")))]


def _unsubscribes(event: Any) -> list[Measure]:
    from mailroom.handlers.events._preferences import changes

    try:
        if "OptOut" not in changes(event).values():
            return []
    except MissingField:  # the alert raises it
        return []
    return [_count("Unsubscribes", ContactList=dimension(event.detail.get("contactList")))]


_BY_TYPE: dict[str, Callable[[Any], list[Measure]]] = {
    EventType.BOUNCE: _bounces,
    EventType.CLICK: lambda event: [_count("Clicks", Automated=answer(event.automated))],
    EventType.COMPLAINT: _complaints,
    EventType.DELIVERY: _latency,
    EventType.DELIVERY_DELAY: _delays,
    EventType.OPEN: lambda event: [_count("Opens", Automated=answer(event.automated))],
    EventType.REJECT: lambda event: [_count("Rejects")],
    EventType.RENDERING_FAILURE: _failures,
    EventType.SUBSCRIPTION: _unsubscribes,
}
