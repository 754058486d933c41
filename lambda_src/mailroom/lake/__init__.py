"""The event lake: its table, and sending events as its rows.

`SCHEMA` describes the table once, for the construct's Glue table, the documentation and `row`.
Times are columns twice: as ISO 8601 text, which sorts and reads well, and as milliseconds since
1970, to calculate with; query engines disagree about every other format.

`Lake` runs queries of it. Importing this module has no effect; Firehose calls
`mailroom.entry.lake`.
"""

from __future__ import annotations

from mailroom.lake.pseudonyms import PSEUDONYMISED, pseudonymiser
from mailroom.lake.rows import partition, row
from mailroom.lake.schema import (
    EVENT_TYPES,
    OTHER,
    PARTITIONS,
    SCHEMA,
    WORKGROUP_DESCRIPTION,
    Column,
    columns,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.lake.answers import Answer
    from mailroom.lake.queries import Lake, SavedQuery

__all__ = [
    "EVENT_TYPES",
    "OTHER",
    "PARTITIONS",
    "PSEUDONYMISED",
    "SCHEMA",
    "WORKGROUP_DESCRIPTION",
    "Answer",
    "Column",
    "Lake",
    "SavedQuery",
    "columns",
    "partition",
    "pseudonymiser",
    "row",
]


def __getattr__(name: str) -> object:
    # Imported on first use: the transformation of the lake queries nothing.
    if name in ("Answer", "Lake", "SavedQuery"):
        from mailroom.lake import answers, queries

        return getattr(answers if name == "Answer" else queries, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
