"""A digest of the lake, as a function of its own."""

from __future__ import annotations

from typing import Any

from mailroom.errors import QueryFailed
from mailroom.lake import Lake

LAKE = Lake()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The rows of a query; Athena's reason if it fails."""
    lake = Lake(workgroup=event.pop("workgroup")) if "workgroup" in event else LAKE
    left = context.get_remaining_time_in_millis() / 1000
    try:
        answer = lake.query(**event, timeout=left - 1)
    except QueryFailed as error:
        return {"reason": error.reason, "remedy": error.remedy}
    return {"rows": answer.rows, "bytes_read": answer.bytes_read}
