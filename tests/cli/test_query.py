"""`mailroom query`: the lake it finds, what it runs, and how it shows the answer."""

import csv
import io
import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from mailroom.lake import Answer
from mailroom_cli import account, answers
from mailroom_cli.terminal import show
from runtime.lake.athena_stub import Athena, Refusal

Run = Callable[..., tuple[int, str, str]]
HOSTILE = "\x1b]0;PWNED\x07\x1b[2J\x9b2J\u202e\x7f"
STORY = "-- Its story\nSELECT * FROM events WHERE message_id = ? AND latency_ms > ?"
SQL = "SELECT 1 WHERE day >= cast(current_date - INTERVAL '30' DAY AS varchar)"
RATES = {
    "day": "varchar",
    "sent": "bigint",
    "delivered": "bigint",
    "bounced": "bigint",
    "bounced_for_now": "bigint",
    "complained": "bigint",
    "bounce_rate": "double",
    "complaint_rate": "double",
}


@pytest.fixture
def athena(monkeypatch: pytest.MonkeyPatch) -> Athena:
    """The Athena of a real account."""
    found = Athena({"rates_by_day": SQL, "message_story": STORY})
    chosen = account.Account(where="the account", client={"athena": found}.__getitem__)
    monkeypatch.setattr(account, "resolve", lambda options: chosen)
    return found


def test_without_a_name_the_saved_queries_are_listed(mailroom: Run, athena: Athena) -> None:
    status, printed, _ = mailroom("query")
    assert status == 0
    assert [line.split()[0] for line in printed.splitlines()] == [
        *("query", "message_story", "rates_by_day"),
    ]
    assert "message_id, latency_ms" in printed
    assert "About rates_by_day" in printed
    (first, _) = json.loads(mailroom("query", "--json")[1])
    assert (first["name"], first["sql"]) == ("message_story", STORY)
    assert first["parameters"] == ["message_id", "latency_ms"]


def test_the_text_of_a_saved_query_is_shown(mailroom: Run, athena: Athena) -> None:
    assert mailroom("query", "message_story", "--show") == (0, STORY + "\n", "")
    assert mailroom("query", "none", "--show")[0] == 2
    assert athena.started == []


def test_an_answer_is_a_table_with_its_price(mailroom: Run, athena: Athena) -> None:
    athena.answer(["day", "sent"], ["varchar", "bigint"], [["2026-11-20", "4"]], read=30 * 1024**3)
    status, printed, said = mailroom("query", "rates_by_day", "--days", "7")
    assert status == 0
    assert [line.split() for line in printed.splitlines()] == [["day", "sent"], ["2026-11-20", "4"]]
    assert said.splitlines()[-1] == (
        "1 row; 30.0 GB read, about $0.14648 at $5 per TB and at least 10 MB a query"
    )
    assert athena.started[0]["QueryString"] == SQL.replace("30", "7")


def test_json_has_types_bytes_and_price(mailroom: Run, athena: Athena) -> None:
    rows: list[list[str | None]] = [["a", "1.50", "NaN", None]]
    athena.answer(list("abcd"), ["varchar", "decimal", "double", "boolean"], rows)
    status, printed, _ = mailroom("query", "--sql", "SELECT 1", "--json")
    document = json.loads(printed)
    assert (status, document["query"]) == (0, None)
    assert document["rows"] == [{"a": "a", "b": 1.5, "c": "nan", "d": None}]
    assert (document["bytes_read"], document["truncated"]) == (0, False)
    assert document["price_usd"] == pytest.approx(10 / 1024**2 * 5)


def test_csv_is_what_csv_readers_expect(mailroom: Run, athena: Athena) -> None:
    athena.answer(["a", "b", "c"], ["varchar", "boolean", "bigint"], [['x,"\ny', "true", None]])
    _, printed, said = mailroom("query", "rates_by_day", "--csv")
    assert list(csv.reader(io.StringIO(printed))) == [["a", "b", "c"], ['x,"\ny', "true", ""]]
    assert "1 row" in said


def test_parameters_have_the_types_of_their_columns(mailroom: Run, athena: Athena) -> None:
    mailroom("query", "message_story", "--param", "message_id=0'1", "--param", "latency_ms=5")
    assert athena.started[-1]["ExecutionParameters"] == ["'0''1'", "5"]
    mailroom("query", "message_story", "--param", "1=007", "--param", "2:=2.5")
    assert athena.started[-1]["ExecutionParameters"] == ["'007'", "2.50000000000000000E+00"]
    assert athena.started[-1]["QueryString"] == STORY


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rates_by_day", "--sql", "SELECT 1"], "are two queries"),
        (["--days", "3"], "--days has no effect"),
        (["--csv"], "--csv has no effect"),
        (["rates_by_day", "--show", "--param", "a=b"], "--param has no effect"),
        (["--show"], "--show needs the name"),
        (["rates_by_day", "--param", "a"], "pass NAME=VALUE"),
        (["rates_by_day", "--param", "=a"], "pass NAME=VALUE"),
        (["rates_by_day", "--param", "latency_ms=soon"], "a number"),
        (["rates_by_day", "--param", "automated=1"], "true or false"),
        (["rates_by_day", "--param", "x:=y"], "a number, true or false for x"),
        (["rates_by_day", "--param", "a=b", "--param", "A=c"], "--param a is given twice"),
        (["rates_by_day", "--days", "0"], "whole number above 0"),
        (["rates_by_day", "--days", "40000"], "days is 40000"),
        (["rates_by_day", "--timeout", "0"], "pass 1 to 3600"),
        (["rates_by_day", "--json", "--csv"], "not allowed with"),
        (["rates"], "no saved query 'rates'"),
        (["message_story"], "no value for the parameter message_id"),
    ],
)
def test_wrong_arguments_are_status_2_and_start_no_query(
    mailroom: Run, athena: Athena, arguments: list[str], said: str
) -> None:
    status, printed, complaint = mailroom("query", *arguments)
    assert (status, printed, athena.started) == (2, "", [])
    assert said in complaint


def test_a_failure_is_told_in_athenas_words_with_a_remedy(mailroom: Run, athena: Athena) -> None:
    athena.states, athena.reason = ["FAILED"], "TABLE_NOT_FOUND: Table 'x' does not exist"
    status, _, complaint = mailroom("query", "--sql", "SELECT 1 FROM x")
    assert status == 1
    assert (
        "mailroom: the query failed: TABLE_NOT_FOUND: Table 'x' does not exist [query q-1]\n  "
        in (complaint)
    )
    assert "the table is events" in complaint
    athena.refusal = Refusal("ExpiredTokenException", "The security token is expired")
    assert "sign in again" in mailroom("query", "rates_by_day")[2]


def test_ctrl_c_stops_the_query(mailroom: Run, athena: Athena) -> None:
    athena.states = ["RUNNING", KeyboardInterrupt()]
    status, printed, complaint = mailroom("query", "rates_by_day")
    assert (status, printed, athena.stopped) == (130, "", ["q-1"])
    assert "stopped the query" in complaint


def test_more_rows_than_wanted_are_announced(mailroom: Run, athena: Athena) -> None:
    athena.answer(["n"], ["bigint"], [["1"], ["2"], ["3"]])
    _, printed, said = mailroom("query", "rates_by_day", "--limit", "2")
    assert printed.split() == ["n", "1", "2"]
    assert "2 rows; there are more: pass a larger --limit" in said


def test_the_lake_is_found_by_its_workgroup(mailroom: Run, athena: Athena) -> None:
    assert mailroom("query")[0] == 0
    athena.workgroups.append({**athena.workgroups[-1], "Name": "Other"})
    status, _, complaint = mailroom("query")
    assert (status, "2 event lakes: Mail, Other" in complaint) == (1, True)
    assert "--stack" in complaint
    assert mailroom("query", "--workgroup", "Mail")[0] == 0
    athena.workgroups = [{"Name": "primary"}]
    assert "has no event lake\n  deploy an app" in mailroom("query")[2]
    athena.saved = {}
    assert "Mine has no saved queries" in mailroom("query", "--workgroup", "Mine")[2]


def test_a_stack_has_its_lake_or_none(
    mailroom: Run, athena: Athena, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stack that does not exist has none."""

    class CloudFormation:
        def get_paginator(self, operation: str) -> Any:
            assert operation == "list_stack_resources"
            return self

        def paginate(self, **given: str) -> list[Any]:
            if given != {"StackName": "Mail"}:
                raise Refusal("ValidationError", "Stack [Other] does not exist")
            kinds = {"Mine": "AWS::Athena::WorkGroup", "Queue": "AWS::SQS::Queue"}
            resources = [
                {"ResourceType": kind, "PhysicalResourceId": name} for name, kind in kinds.items()
            ]
            return [{"StackResourceSummaries": resources}]

    clients = {"athena": athena, "cloudformation": CloudFormation()}
    chosen = account.Account(where="the account", client=clients.__getitem__)
    monkeypatch.setattr(account, "resolve", lambda options: chosen)
    mailroom("query", "rates_by_day", "--stack", "Mail")
    assert [one["WorkGroup"] for one in athena.started] == ["Mine"]
    status, _, complaint = mailroom("query", "--stack", "Other")
    assert (status, "no event lake in the stack Other" in complaint) == (1, True)


def shown(answer: Answer, screen: Any) -> list[str]:
    """The lines of an answer on a terminal of 80 columns, without colours."""
    show(answers.table(answer, 80), stream=screen)
    return re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue()).splitlines()


def test_the_widest_saved_query_fits_80_columns(screen: Any) -> None:
    """Names of columns wrap between words, numbers never."""
    values = ["2026-11-20", 123456, 123400, 1200, 1100, 12, 0.972, 0.0097]
    lines = shown(Answer([dict(zip(RATES, values, strict=True))], columns=RATES), screen)
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert lines[-1].split() == [str(value) for value in values]


def test_rows_with_too_many_columns_are_one_below_the_other(screen: Any) -> None:
    """Without what is NULL."""
    row: dict[str, Any] = {f"column_{number}": "x" * 20 for number in range(20)}
    lines = shown(Answer([{**row, "none": None, "dash": "-"}] * 2), screen)
    assert [line for line in lines if line.startswith("row")] == ["row 1", "row 2"]
    assert len(lines) == 2 * (1 + 21)
    assert max(map(len, lines)) <= 80


def test_numbers_are_aligned_to_the_right(screen: Any) -> None:
    lines = shown(Answer([{"n": Decimal("1.5"), "t": "a"}, {"n": 10, "t": None}]), screen)
    assert [line.rstrip() for line in lines] == ["  n  t", "1.5  a", " 10  -"]


@pytest.mark.parametrize("count", [2, 40])
def test_control_characters_of_the_data_reach_no_terminal(screen: Any, count: int) -> None:
    """Neither in values nor in names, as a table, as records, as CSV or as JSON."""
    row = {f"{HOSTILE}{number}": HOSTILE for number in range(count)}
    answer = Answer([row])
    show(answers.table(answer, 2000 if count == 2 else 80), stream=screen)
    show(answers.csv_lines(answer, harmless=True), stream=screen)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue())
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", plain)
    assert r"\x1b]0;PWNED\x07" in "".join(plain.split())


def test_csv_and_json_for_a_terminal_are_harmless(
    mailroom: Run, athena: Athena, screen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    athena.answer(["a"], ["varchar"], [[HOSTILE]])
    monkeypatch.setattr("sys.stdout", screen)
    mailroom("query", "rates_by_day", "--csv")
    mailroom("query", "rates_by_day", "--json")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", screen.getvalue())


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KB"), (3 * 1024**4, "3.0 TB")],
)
def test_bytes_are_shown_in_a_unit_that_suits_them(count: int, text: str) -> None:
    assert answers.size(count) == text


def test_the_local_aws_costs_nothing_and_says_so() -> None:
    answer = Answer([], bytes_read=2048)
    assert answers.cost([answer], local=True) == (
        "2.0 KB read by the local AWS, which reads whole tables and costs nothing"
    )
    assert answers.document(None, answer, local=True)["price_usd"] == 0
