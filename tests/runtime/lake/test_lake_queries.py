"""Queries of the lake: what Athena is asked, how long it is waited for, and what comes back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from mailroom.errors import InvalidQuery, NotConfigured, QueryFailed, QueryOutOfTime
from mailroom.lake import Answer, Lake
from mailroom.lake.answers import DOLLARS_PER_TERABYTE, price, typed
from mailroom.lake.remedies import remedy
from mailroom.lake.statements import execution_parameters, literal, parameter_names, with_days
from mailroom.testing import MemoryLake
from runtime.lake.athena_stub import Athena, Refusal

BY_DAY = "SELECT day FROM events WHERE day >= cast(current_date - INTERVAL '30' DAY AS varchar)"
STORY = "-- Which mail?\nSELECT * FROM events WHERE message_id = ? AND note <> 'what?'"


@pytest.fixture
def athena() -> Athena:
    """Athena with two saved queries."""
    return Athena({"rates_by_day": BY_DAY, "message_story": STORY})


@pytest.fixture
def lake(athena: Athena) -> Lake:
    return Lake(
        workgroup="Mail", database="mail", client=athena, clock=athena.clock, sleep=athena.sleep
    )


def test_a_saved_query_is_run_in_its_workgroup_and_database(lake: Lake, athena: Athena) -> None:
    athena.answer(["day", "sent"], ["varchar", "bigint"], [["2026-11-20", "4"]], read=2048)
    answer = lake.query("rates_by_day")
    assert answer.rows == [{"day": "2026-11-20", "sent": 4}]
    assert (answer.bytes_read, answer.truncated, answer.query_id) == (2048, False, "q-1")
    assert athena.started == [
        {
            "QueryString": BY_DAY,
            "WorkGroup": "Mail",
            "QueryExecutionContext": {"Database": "saved_in"},
        }
    ]


def test_workgroup_and_database_come_from_the_environment(
    athena: Athena, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`EventLake.grant_query` sets them."""
    monkeypatch.setenv("MAILROOM_LAKE_WORKGROUP", "Mail")
    monkeypatch.setenv("MAILROOM_LAKE_DATABASE", "mail")
    Lake(client=athena).query(sql="SELECT 1")
    assert athena.started[0]["WorkGroup"] == "Mail"
    assert athena.started[0]["QueryExecutionContext"] == {"Database": "mail"}


def test_without_a_workgroup_the_missing_variable_is_named() -> None:
    with pytest.raises(NotConfigured, match="MAILROOM_LAKE_WORKGROUP"):
        Lake().query("rates_by_day")


def test_values_reach_athena_as_execution_parameters_only(lake: Lake, athena: Athena) -> None:
    hostile = "x' OR '1'='1"
    lake.query("message_story", parameters={"message_id": hostile})
    assert athena.started[0]["QueryString"] == STORY
    assert athena.started[0]["ExecutionParameters"] == ["'x'' OR ''1''=''1'"]


def test_days_change_how_far_back_a_query_looks(lake: Lake, athena: Athena) -> None:
    lake.query("rates_by_day", days=7)
    assert athena.started[0]["QueryString"] == BY_DAY.replace("'30'", "'7'")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "pass the name of a saved query, or sql, and not both"),
        ({"name": "rates_by_day", "sql": "SELECT 1"}, "not both"),
        ({"sql": " "}, "sql is empty"),
        ({"name": "rates"}, "no saved query 'rates': it has message_story, rates_by_day"),
        ({"name": "message_story"}, "no value for the parameter message_id"),
        ({"name": "message_story", "parameters": {"id": "x"}}, "no value for the parameter"),
        ({"name": "rates_by_day", "parameters": {"id": "x"}}, "id is not a parameter"),
        ({"name": "message_story", "parameters": ["x", "y"]}, "has 2 values: pass 1"),
        ({"name": "message_story", "parameters": "x"}, "pass a mapping or a list"),
        ({"name": "message_story", "parameters": [None]}, "message_id is None: pass text"),
        ({"name": "rates_by_day", "days": 0}, "days is 0"),
        ({"name": "rates_by_day", "days": True}, "days is True"),
        ({"name": "message_story", "days": 3, "parameters": ["x"]}, "has no current_date"),
        ({"name": "rates_by_day", "timeout": 0}, "timeout is 0"),
        ({"name": "rates_by_day", "max_rows": 0}, "max_rows is 0"),
    ],
)
def test_wrong_arguments_start_no_query(
    lake: Lake, athena: Athena, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidQuery) as caught:
        lake.query(**arguments)
    assert said in str(caught.value)
    assert athena.started == []


def test_a_query_that_takes_too_long_is_stopped(lake: Lake, athena: Athena) -> None:
    athena.states = ["QUEUED", *["RUNNING"] * 99]
    with pytest.raises(QueryOutOfTime, match="longer than 10 seconds") as caught:
        lake.query("rates_by_day", timeout=10)
    assert athena.stopped == [caught.value.query_id] == ["q-1"]
    assert sum(athena.slept) == pytest.approx(10)
    assert max(athena.slept) == 2
    assert isinstance(caught.value, TimeoutError)


@pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_whatever_ends_the_wait_stops_the_query(
    lake: Lake, athena: Athena, ending: type[BaseException]
) -> None:
    athena.states = ["RUNNING", ending()]
    with pytest.raises(ending):
        lake.query("rates_by_day")
    assert athena.stopped == ["q-1"]


def test_an_interrupt_while_a_query_is_started_stops_it(lake: Lake, athena: Athena) -> None:
    """Its id is in the answer that was not waited for."""
    athena.interruption = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        lake.query("rates_by_day")
    assert (len(athena.started), athena.stopped) == (1, ["q-1"])


def test_progress_is_reported_while_a_query_runs(lake: Lake, athena: Athena) -> None:
    athena.states = ["QUEUED", "RUNNING", "SUCCEEDED"]
    athena.answer([], [], [], read=5)
    seen: list[tuple[str, int]] = []
    lake.query("rates_by_day", progress=lambda *one: seen.append(one))
    assert seen == [("QUEUED", 5), ("RUNNING", 5), ("SUCCEEDED", 5)]


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_a_failure_has_athenas_words_and_a_remedy(lake: Lake, athena: Athena, state: str) -> None:
    athena.states = [state]
    athena.reason = "Bytes scanned limit was exceeded"
    with pytest.raises(QueryFailed, match="Bytes scanned limit was exceeded") as caught:
        lake.query("rates_by_day")
    assert caught.value.reason == athena.reason
    assert "read fewer days" in caught.value.remedy
    assert caught.value.remedy in str(caught.value)


def test_a_refused_call_has_athenas_words_and_a_remedy(lake: Lake, athena: Athena) -> None:
    athena.refusal = Refusal("AccessDeniedException", "not authorized to perform: athena:Start")
    with pytest.raises(QueryFailed, match="not authorized to perform") as caught:
        lake.query("rates_by_day")
    assert "EventLake.grant_query" in caught.value.remedy


def test_every_page_of_rows_and_of_saved_queries_is_read() -> None:
    names = {f"query_{number:03}": "SELECT 1" for number in range(120)}
    athena = Athena(names, page=50)
    lake = Lake(workgroup="Mail", database="mail", client=athena)
    assert list(lake.saved()) == list(names)
    athena.answer(["n"], ["integer"], [[str(number)] for number in range(2500)])
    assert lake.query("query_000").rows == [{"n": number} for number in range(2500)]


@pytest.mark.parametrize(("count", "more"), [(2, False), (3, False), (4, True), (2000, True)])
def test_no_more_rows_are_returned_than_wanted(
    lake: Lake, athena: Athena, count: int, more: bool
) -> None:
    athena.answer(["n"], ["integer"], [[str(number)] for number in range(count)])
    answer = lake.query("rates_by_day", max_rows=3)
    assert (len(answer.rows), answer.truncated) == (min(count, 3), more)


def test_a_first_row_like_the_header_is_not_lost(lake: Lake, athena: Athena) -> None:
    """Only the header itself is left out, and a statement such as SHOW has none."""
    athena.answer(["tag"], ["varchar"], [["tag"], ["x"]])
    assert lake.query("rates_by_day").rows == [{"tag": "tag"}, {"tag": "x"}]
    athena.answer(["tag"], ["varchar"], [["tag"]], statement="UTILITY", header=False)
    assert lake.query("rates_by_day").rows == [{"tag": "tag"}]
    athena.answer(["plan"], ["varchar"], [["Fragment 0"]], header=False)
    assert lake.query("rates_by_day").rows == [{"plan": "Fragment 0"}]


def test_columns_of_the_same_name_are_all_there(lake: Lake, athena: Athena) -> None:
    athena.answer(["n", "n", "n_2"], ["integer"] * 3, [["1", "2", "3"]])
    assert list(lake.query("rates_by_day").rows[0].values()) == [1, 2, 3]


def test_two_texts_of_one_name_are_refused() -> None:
    """The same text twice is there during a deployment, and runs."""
    athena = Athena({"mine": "SELECT 1"})
    athena.saved["other"] = {**athena.saved["mine"], "QueryString": "SELECT 1"}
    lake = Lake(workgroup="Mail", database="mail", client=athena)
    lake.query("mine")
    athena.saved["other"]["QueryString"] = "SELECT 2"
    with pytest.raises(QueryFailed, match="two saved queries named 'mine'"):
        lake.saved()


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        (None, "bigint", None),
        ("-3", "bigint", -3),
        ("2.5", "double", 2.5),
        ("Infinity", "double", float("inf")),
        ("2.50", "decimal(10,2)", Decimal("2.50")),
        ("true", "boolean", True),
        ("false", "boolean", False),
        ("2026-11-20", "date", date(2026, 11, 20)),
        ("2026-11-20 01:02:03.004", "timestamp", datetime(2026, 11, 20, 1, 2, 3, 4000)),
        (
            "2026-11-20 01:02:03.004 UTC",
            "timestamp with time zone",
            datetime(2026, 11, 20, 1, 2, 3, 4000, UTC),
        ),
        ("2026-11-20 01:02 Europe/Berlin", "timestamp with time zone", None),
        ("[a, b]", "array", "[a, b]"),
        ("{k=v}", "map", "{k=v}"),
        ("", "varchar", ""),
        ("12", "varchar", "12"),
        ("many", "bigint", "many"),
    ],
)
def test_values_have_pythons_types(text: str | None, kind: str, value: object) -> None:
    """Text stays text where Python has no such type."""
    expected = text if value is None else value
    found = typed(text, kind)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("it's", "'it''s'"),
        ("", "''"),
        ("?", "'?'"),
        ("\u00fc\n", "'\u00fc\n'"),
        (7, "7"),
        (True, "true"),
        (Decimal("1.50"), "1.50"),
        (0.5, "5.00000000000000000E-01"),
        (date(2026, 11, 1), "'2026-11-01'"),
        (
            datetime(2026, 11, 1, 1, tzinfo=timezone(timedelta(hours=2))),
            "'2026-10-31T23:00:00.000Z'",
        ),
    ],
)
def test_a_value_is_a_literal_of_sql(value: object, written: str) -> None:
    """Times as the lake has them, text in quotes."""
    assert literal(value, "x") == written


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), Decimal("NaN"), b"x", datetime(2026, 1, 1), "x" * 1023, ["x"]],
)
def test_what_is_no_literal_is_refused_with_its_name(value: object) -> None:
    with pytest.raises(InvalidQuery, match="the parameter size"):
        literal(value, "size")


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT 1 WHERE 'a?' = \"b?\" -- ?\n AND /* ? */ true", []),
        ("WHERE e.message_id = ?", ["message_id"]),
        ('WHERE "Source" LIKE ? AND latency_ms>=?', ["source", "latency_ms"]),
        ("WHERE day >= ? AND day < ?", ["1", "2"]),
        ("WHERE day BETWEEN ? AND ? AND status = ?", ["1", "2", "status"]),
        ("WHERE note = 'it''s ?' AND a = ?", ["a"]),
    ],
)
def test_parameters_are_named_by_the_columns_that_they_are_compared_with(
    sql: str, names: list[str]
) -> None:
    """By their number where that is not clear."""
    assert parameter_names(sql) == names


def test_values_by_name_and_number_are_put_in_order() -> None:
    sql = "WHERE day BETWEEN ? AND ? AND status = ?"
    given = {"STATUS": "5.1.1", 2: "b", "1": "a"}
    assert execution_parameters(sql, given) == ["'a'", "'b'", "'5.1.1'"]
    assert execution_parameters(sql, {"3": "c", 2: "b", 1: "a"})[2] == "'c'"


def test_days_in_comments_and_texts_stay() -> None:
    sql = "-- current_date - INTERVAL '9' DAY\nCURRENT_DATE  -  interval '9' day || 'DAY'"
    assert with_days(sql, 2).splitlines() == [
        "-- current_date - INTERVAL '9' DAY",
        "CURRENT_DATE  -  interval '2' day || 'DAY'",
    ]


@pytest.mark.parametrize(
    ("read", "megabytes"),
    [(0, 10), (10 * 1024**2, 10), (10 * 1024**2 + 1, 11), (1024**4, 1024**2)],
)
def test_a_query_is_billed_by_the_megabyte_and_at_least_ten(read: int, megabytes: int) -> None:
    assert price(read) == pytest.approx(megabytes / 1024**2 * DOLLARS_PER_TERABYTE)
    assert Answer([], bytes_read=read, billed=False).price == 0


@pytest.mark.parametrize(
    ("reason", "part"),
    [
        ("Insufficient permissions to execute the query. Access Denied (S3)", "grant_query"),
        ("... is not authorized to perform: kms:Decrypt on resource ...", "key"),
        ("Insufficient Lake Formation permission(s) on events", "Lake Formation"),
        ("COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved", "docs/lake.md"),
        ("TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.m.e' does not exist", "events"),
        ("line 1:1: mismatched input 'SELEC'. Expecting: 'ALTER'", "Trino"),
        ("line 1:15: extraneous input 'FROM' expecting {'*'}", "Trino"),
        ("line 1:15: no viable alternative at input 'SELECT'", "Trino"),
        ("TYPE_MISMATCH: line 3:12: Cannot apply operator: varchar = integer", "type"),
        ("Query exhausted resources at this scale factor", "fewer days"),
        ("Something new", "look it up by its id"),
    ],
)
def test_a_remedy_fits_athenas_reason(reason: str, part: str) -> None:
    assert part in remedy(reason)


def test_a_lake_in_memory_answers_what_the_test_gives() -> None:
    failure = QueryFailed("the query failed", remedy="wait")
    lake = MemoryLake({"rates_by_day": [{"sent": 4}], "SELECT 1": failure})
    assert lake.query("rates_by_day", days=1).rows == [{"sent": 4}]
    with pytest.raises(QueryFailed, match="the query failed"):
        lake.query(sql="SELECT 1")
    with pytest.raises(InvalidQuery, match="no answer to 'rates'"):
        lake.query("rates")
    with pytest.raises(InvalidQuery, match="days is 0"):
        lake.query("rates_by_day", days=0)
    assert lake.asked[0] == {"query": "rates_by_day", "parameters": (), "days": 1}
