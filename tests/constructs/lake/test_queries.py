"""The saved queries, run by DuckDB on a few events that can be counted by hand."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from cdk_mailroom.lake import named_queries
from mailroom.events import parse
from mailroom.lake import PARTITIONS, SCHEMA, partition, row
from mailroom.testing import sending_event_payload

_TYPES = {"string": "VARCHAR", "bigint": "BIGINT", "boolean": "BOOLEAN"}
_TYPES |= {"array<string>": "VARCHAR[]", "map<string,string>": "MAP(VARCHAR, VARCHAR)"}
TODAY = datetime(2026, 11, 20, 12, tzinfo=UTC)
MACHINE = "Mozilla/5.0"


def stamp(ago: timedelta) -> str:
    """Return SES's spelling of a time before `TODAY`."""
    return (TODAY - ago).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def happened(kind: str, message: str, *, to="a@one.test", days=1, minutes=0, **detail):
    """Return an event about *message*."""
    when = stamp(timedelta(days=days, minutes=-minutes))
    if kind not in ("Send", "Rendering Failure"):
        detail["timestamp"] = when
    return sending_event_payload(
        kind,
        recipients=[to] if isinstance(to, str) else to,
        message_id=message,
        sent_at=stamp(timedelta(days=days)),
        tags={"campaign": ["autumn"]},
        **detail,
    )


DELIVERED = happened("Delivery", "m1", minutes=1, processing_time_millis=2_000)
EVENTS = [
    happened("Send", "m1"),
    DELIVERED,
    DELIVERED,
    happened("Open", "m1", minutes=2, is_bot_event="Likely", user_agent=MACHINE),
    happened("Open", "m1", minutes=3),
    happened("Click", "m1", minutes=4),
    happened("Send", "m2", to="b@two.test"),
    happened("Bounce", "m2", to="b@two.test", minutes=1, feedback_id="f2"),
    happened("Send", "m3", to="c@two.test"),
    happened("Delivery", "m3", to="c@two.test", minutes=1, processing_time_millis=4_000),
    happened("Open", "m3", to="c@two.test", minutes=2, is_bot_event="Likely", user_agent=MACHINE),
    happened("Complaint", "m3", to="c@two.test", minutes=9, feedback_id="f3"),
    happened("Complaint", "m1", minutes=9, feedback_id="f4", complaint_feedback_type="not-spam"),
    happened("Send", "m4", to=["d@two.test", "e@one.test"]),
    happened(
        "Bounce",
        "m5",
        to="f@one.test",
        feedback_id="f5",
        bounce_sub_type="OnAccountSuppressionList",
    ),
    happened("Rendering Failure", "m6", template_name="t", error_message="no name"),
    happened("Send", "old", days=40),
    happened("Brand New", "m7", some="thing"),
]


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> duckdb.DuckDBPyConnection:
    """The rows as partitions on disk, as the table ``events``."""
    folder = tmp_path_factory.mktemp("lake")
    for raw in EVENTS:
        event = parse(raw)
        made = row(event)
        keys = partition(event, made)
        place = folder.joinpath(*(f"{name}={keys[name]}" for name in PARTITIONS))
        place.mkdir(parents=True, exist_ok=True)
        with (place / "events.json").open("a", encoding="utf-8") as file:
            file.write(json.dumps(made) + "\n")
    connection = duckdb.connect()
    names = {column.name: _TYPES[column.type] for column in SCHEMA}
    names |= dict.fromkeys(PARTITIONS, "VARCHAR")
    connection.execute(
        "CREATE MACRO approx_percentile(value, part) AS approx_quantile(value, part)"
    )
    connection.execute(
        f"CREATE TABLE events AS SELECT * FROM read_json('{folder}/*/*/*.json', "
        f"columns = {names!r}, hive_partitioning = true, hive_types_autocast = false)"
    )
    return connection


def ask(lake: duckdb.DuckDBPyConnection, query: str, *values: str) -> list[dict]:
    """Return the answer to a saved query, as if today were `TODAY`."""
    sql = named_queries()[query].replace("current_date", f"DATE '{TODAY:%Y-%m-%d}'")
    cursor = lake.execute(sql, list(values))
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, found, strict=True)) for found in cursor.fetchall()]


def test_the_query_rates_by_day_counts_each_day(lake):
    """A duplicate counts once; what SES did not send, and not-spam, not at all."""
    [day] = ask(lake, "rates_by_day")
    assert day == {
        "day": "2026-11-19",
        "sent": 4,
        "delivered": 2,
        "bounced": 1,
        "bounced_for_now": 0,
        "complained": 1,
        "bounce_rate": 25.0,
        "complaint_rate": 25.0,
    }


def test_the_query_rates_by_domain_counts_each_domain(lake):
    """A mail to two domains counts for both."""
    found = {one["domain"]: one for one in ask(lake, "rates_by_domain")}
    assert {name: one["sent"] for name, one in found.items()} == {"one.test": 2, "two.test": 3}
    assert found["two.test"]["bounce_rate"] == 33.333
    assert found["one.test"]["bounce_rate"] == 0


def test_the_query_latency_percentiles_answers_in_seconds(lake):
    found = {one["domain"]: one for one in ask(lake, "latency_percentiles")}
    assert found["one.test"]["p50"] == 2.0
    assert found["two.test"]["p99"] == found["two.test"]["slowest"] == 4.0
    assert found["one.test"]["delivered"] == 1


def test_the_query_message_story_lists_each_event_once(lake):
    """In order, each event once, with the number of its copies."""
    found = ask(lake, "message_story", "m1")
    assert [(one["event_type"], one["copies"]) for one in found] == [
        ("send", 1),
        ("delivery", 2),
        ("open", 1),
        ("open", 1),
        ("click", 1),
        ("complaint", 1),
    ]
    assert [one["automated"] for one in found[2:4]] == [True, False]


def test_the_query_engagement_by_tag_separates_people_from_machines(lake):
    """People and machines apart; tags of SES's own are left out."""
    [found] = ask(lake, "engagement_by_tag")
    assert found == {
        "tag": "campaign",
        "tag_value": "autumn",
        "delivered": 2,
        "opened": 1,
        "clicked": 1,
        "opened_automated": 2,
        "clicked_automated": 0,
        "open_rate": 50.0,
        "click_rate": 50.0,
    }


def test_the_query_failing_templates_gives_the_reason(lake):
    [found] = ask(lake, "failing_templates")
    assert (found["template_name"], found["error_message"], found["failed"]) == (
        "t",
        "no name",
        1,
    )


def test_the_query_bounce_reasons_counts_bounces_by_reason(lake):
    """Mail that SES itself suppressed is included."""
    found = {one["bounce_sub_type"]: one["bounced"] for one in ask(lake, "bounce_reasons")}
    assert found == {"General": 1, "OnAccountSuppressionList": 1}


def test_the_query_duplicates_finds_only_repeated_events(lake):
    [found] = ask(lake, "duplicates")
    assert (found["message_id"], found["event_type"], found["copies"]) == ("m1", "delivery", 2)


def test_the_view_has_each_event_once(lake):
    """And every event, an unknown one and an old one too."""
    ask(lake, "view_without_duplicates")
    [(once,)] = lake.execute("SELECT count(*) FROM events_once").fetchall()
    assert once == len(EVENTS) - 1
    [(kinds,)] = lake.execute(
        "SELECT count(*) FROM events_once WHERE event_type = 'other'"
    ).fetchall()
    assert kinds == 1


@pytest.mark.parametrize("name", named_queries())
def test_a_query_is_written_for_both_engines(name):
    """A title, an explanation, and no division that Trino would cut to one decimal."""
    sql = named_queries()[name]
    title, explanation, *_ = sql.splitlines()
    assert title.startswith("-- ")
    assert explanation.startswith("-- ")
    # Trino: a decimal divided by an integer keeps the decimal's places, so 100.0 would keep one.
    assert not re.search(r"\d\.0+ [*/]|[*/] \d+\.0", sql)
    assert ";" not in "\n".join(line for line in sql.splitlines() if not line.startswith("--"))


@pytest.mark.parametrize("name", [name for name in named_queries() if name.find("view") < 0])
def test_a_query_can_be_limited_to_some_days(name):
    """Otherwise it reads, and bills, two years of data."""
    assert "day >= cast(cast(current_date - INTERVAL" in named_queries()[name]
