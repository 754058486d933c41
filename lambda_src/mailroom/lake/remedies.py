"""What to do about a query that failed, by Athena's words."""

from __future__ import annotations

__all__ = ["remedy"]

# The first that occurs in the reason, in lower case, counts. Some words are the local AWS's, whose
# engine is DuckDB.
_REMEDIES = (
    (
        ("bytes scanned limit", "bytesscannedcutoff"),
        "read fewer days, or raise the workgroup's limit with LakeQueries(scan_limit=…)",
    ),
    (
        ("duckdb is not installed",),
        "install it where mailroom is, or in the environment of MAILROOM_EMULATOR_PYTHON",
    ),
    (
        ("lake formation", "lakeformation"),
        "grant SELECT on the table events to this role in Lake Formation",
    ),
    (
        ("kms",),
        "let this role use the key: EventLake.grant_query does so for the lake's own key",
    ),
    (
        ("access denied", "accessdenied", "not authorized", "insufficient permissions"),
        "grant it with EventLake.grant_query(function)",
    ),
    (
        ("column_not_found", "cannot be resolved", "referenced column"),
        "check the name: docs/lake.md lists the columns; text is in single quotes, 'so'",
    ),
    (
        ("table_not_found", "schema_not_found", "does not exist", "table with name"),
        "check the name: the table is events; view_without_duplicates creates the view events_once",
    ),
    (
        ("type_mismatch", "cannot apply operator", "cannot compare"),
        "pass the parameter in the column's type: numbers as numbers, days and times as text",
    ),
    (
        ("workgroup is not found", "workgroup not found"),
        "check the name of the workgroup, the account and the region",
    ),
    (
        ("incorrect number of parameters", "number of parameters"),
        "pass one value for each question mark",
    ),
    (
        ("key not present in map",),
        "write element_at(tags, 'x'), which is NULL where there is no x",
    ),
    (
        ("toomanyrequests", "throttl", "rate exceeded", "quota"),
        "run fewer queries at a time, or ask for a higher quota of Athena",
    ),
    (
        ("exhausted resources", "query timeout", "exceeded the maximum"),
        "read fewer days, or group by fewer columns",
    ),
    (
        (
            "syntax_error",
            "mismatched input",
            "extraneous input",
            "no viable alternative",
            "syntax error",
        ),
        "correct the SQL: Athena speaks Trino's dialect",
    ),
    (
        ("hive_bad_data", "hive_cursor_error", "hive_cannot_open_split"),
        "look at the object that Athena names: it does not match the table",
    ),
    (("expiredtoken", "security token"), "sign in again: the credentials have expired"),
)


def remedy(reason: str) -> str:
    """Return what to do about *reason*, which is Athena's."""
    lower = reason.lower()
    for words, found in _REMEDIES:
        if any(word in lower for word in words):
            return found
    return "correct the query, or look it up by its id in Athena"
