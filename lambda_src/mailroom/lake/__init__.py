"""The event lake: its table, and sending events as its rows.

`SCHEMA` describes the table once, for the construct's Glue table, the documentation and `row`.
Times are columns twice: as ISO 8601 text, which sorts and reads well, and as milliseconds since
1970, to calculate with; query engines disagree about every other format.

Importing this module has no effect; Firehose calls `mailroom.entry.lake`.
"""

from __future__ import annotations

from mailroom.lake.pseudonyms import PSEUDONYMISED, pseudonymiser
from mailroom.lake.rows import partition, row
from mailroom.lake.schema import EVENT_TYPES, OTHER, PARTITIONS, SCHEMA, Column, columns

__all__ = [
    "EVENT_TYPES",
    "OTHER",
    "PARTITIONS",
    "PSEUDONYMISED",
    "SCHEMA",
    "Column",
    "columns",
    "partition",
    "pseudonymiser",
    "row",
]
