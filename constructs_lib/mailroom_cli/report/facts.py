"""What the report shows: the answers of the saved queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

Row = dict[str, Any]
Rows = list[Row]

_WITHIN = "day >= cast(cast(current_date - INTERVAL '30' DAY AS date) AS varchar)"
_COUNT = f"SELECT count(*) AS many FROM events WHERE {_WITHIN}"  # noqa: S608 (no value of others)
# Something that happened to a mail is more interesting than that nothing did.
_EVENTFUL = (
    f"SELECT message_id FROM events WHERE {_WITHIN} GROUP BY message_id "  # noqa: S608
    "ORDER BY count(DISTINCT event_type) DESC, bool_or(event_type = 'delivery_delay') DESC, "
    "message_id LIMIT 1"
)
_MOST_DOMAINS = 8
_MOST_TAG_VALUES = 5
DUPLICATES_LIMIT = 1000
"""The most rows of the saved query ``duplicates``."""


class Source(Protocol):
    """What runs queries."""

    def saved(self, name: str, *parameters: str) -> Rows:
        """Return the rows of a saved query."""
        ...

    def rows(self, sql: str) -> Rows:
        """Return the rows of a query."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the report shows."""

    events: int
    """The number of events, duplicates included."""
    days: Rows
    domains: Rows
    latency: Rows
    tag: str
    """The tag that engagement is shown by."""
    engagement: Rows
    story: Rows
    """The events of the message that most happened to."""
    templates: Rows
    reasons: Rows
    duplicates: int


def collect(source: Source, *, tag: str | None = None) -> Facts:
    """Ask for everything that the report shows.

    Args:
        source: What runs queries.
        tag: The tag to show engagement by. Default: that of most of the delivered mail.
    """
    tagged = source.saved("engagement_by_tag")
    if tag is None:
        delivered: dict[str, int] = {}
        for row in tagged:
            delivered[row["tag"]] = delivered.get(row["tag"], 0) + row["delivered"]
        tag = max(delivered, key=lambda name: delivered[name], default="")
    eventful = source.rows(_EVENTFUL)
    return Facts(
        events=int(source.rows(_COUNT)[0]["many"]),
        days=source.saved("rates_by_day"),
        domains=source.saved("rates_by_domain")[:_MOST_DOMAINS],
        latency=source.saved("latency_percentiles")[:_MOST_DOMAINS],
        tag=tag,
        engagement=[row for row in tagged if row["tag"] == tag][:_MOST_TAG_VALUES],
        story=source.saved("message_story", eventful[0]["message_id"]) if eventful else [],
        templates=source.saved("failing_templates"),
        reasons=source.saved("bounce_reasons"),
        duplicates=len(source.saved("duplicates")),
    )
