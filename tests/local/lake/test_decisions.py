"""How Firehose and Athena decide, without a server."""

import base64
import gzip
import json
from datetime import date
from typing import Any

import pytest

from mailroom_local.lake import firehose, queries
from mailroom_local.lake.firehose import Record
from mailroom_local.lake.projection import Projection


def record(name: str, data: bytes = b"x") -> Record:
    """A record as it was put."""
    return Record(id=name, data=data, original=data, arrived=7)


def test_only_enabled_lambda_processors_run() -> None:
    """With the stream's settings, or 1 MB and three retries; booleans may be text."""
    arn = {"ParameterName": "LambdaArn", "ParameterValue": "arn:f"}
    size = {"ParameterName": "BufferSizeInMBs", "ParameterValue": "0.5"}
    retries = {"ParameterName": "NumberOfRetries", "ParameterValue": "1"}
    configuration = {
        "Enabled": "true",
        "Processors": [
            {"Type": "AppendDelimiterToRecord"},
            {"Type": "Lambda", "Parameters": [arn]},
            {"Type": "Lambda", "Parameters": [arn, size, retries]},
        ],
    }
    found = firehose.processors({"ProcessingConfiguration": configuration})
    assert [(each.buffer_bytes, each.retries) for each in found] == [(1048576, 3), (524288, 1)]
    assert not firehose.processors({"ProcessingConfiguration": {**configuration, "Enabled": False}})
    assert not firehose.processors({})


def test_an_answer_passes_drops_or_fails_each_record() -> None:
    """A record that it lacks, or with data that is not base64, fails; a dropped one is gone."""
    records = [record(name) for name in ("ok", "dropped", "failed", "absent", "broken")]
    listed: list[Any] = [
        {
            "recordId": "ok",
            "result": "Ok",
            "data": base64.b64encode(b"new").decode(),
            "metadata": {"partitionKeys": {"day": 1}},
        },
        {"recordId": "dropped", "result": "Dropped"},
        {"recordId": "failed", "result": "ProcessingFailed"},
        {"recordId": "broken", "result": "Ok", "data": "!"},
        "not a record",
    ]
    good, bad = firehose.answered(records, {"records": listed})
    assert [(each.id, each.data, each.original) for each in good] == [("ok", b"new", b"x")]
    assert good[0].keys == {"day": "1"}
    assert {failure.record.id: failure.code for failure in bad} == {
        "failed": "Lambda.ProcessingFailedStatus",
        "absent": "Lambda.MissingRecordId",
        "broken": "Lambda.JsonProcessingException",
    }
    assert {failure.kind for failure in bad} == {"processing-failed"}
    assert {failure.attempts for failure in bad} == {1}


@pytest.mark.parametrize("answer", [None, [], {}, {"records": "x"}])
def test_an_answer_without_records_fails_them_all(answer: object) -> None:
    """None is lost."""
    good, bad = firehose.answered([record("a"), record("b")], answer)
    assert good == []
    assert [failure.code for failure in bad] == ["Lambda.FunctionError"] * 2


def test_a_call_has_the_size_that_the_stream_sets() -> None:
    """But never less than one record."""
    records = [
        Record(id=str(number), data=b"x" * size, original=b"", arrived=0)
        for number, size in enumerate([3, 4, 9, 1, 1])
    ]
    calls = firehose.batches(records, 7)
    assert [[record.id for record in call] for call in calls] == [["0", "1"], ["2"], ["3", "4"]]
    assert firehose.batches([], 7) == []


def test_a_function_gets_records_in_base64() -> None:
    """With the stream's ARN and the time of arrival."""
    event = firehose.question([record("a")], stream_arn="arn:s", region="r", id="i")
    assert event == {
        "invocationId": "i",
        "deliveryStreamArn": "arn:s",
        "region": "r",
        "records": [{"recordId": "a", "approximateArrivalTimestamp": 7, "data": "eA=="}],
    }


@pytest.mark.parametrize(
    ("kind", "code", "data"),
    [
        ("processing-failed", "errorCode", b"put"),
        ("format-conversion-failed", "lastErrorCode", b"x"),
    ],
)
def test_an_error_line_keeps_the_event_data(kind: str, code: str, data: bytes) -> None:
    """A transformation that of the sender, a conversion its input."""
    changed = Record(id="a", data=b"x", original=b"put", arrived=7)
    (failure,) = firehose.failed([changed], "Code", "Why", kind=kind, attempts=4)
    line = firehose.error_line(failure, now=9, more={"lambdaArn": "arn:f"})
    assert line.endswith(b"}\n")
    told = json.loads(line)
    assert base64.b64decode(told["rawData"]) == data
    assert (told[code], told["attemptsMade"], told["arrivalTimestamp"]) == ("Code", 4, 7)
    assert (told["attemptEndingTimestamp"], told["lambdaArn"]) == (9, "arn:f")


def test_an_object_is_compressed_as_the_destination_says() -> None:
    """And named so, unless it sets an extension."""
    body, extension = firehose.packed(b"x", {"CompressionFormat": "GZIP"})
    assert (gzip.decompress(body), extension) == (b"x", ".gz")
    assert firehose.packed(b"x", {"CompressionFormat": "GZIP", "FileExtension": ".j"})[1] == ".j"
    assert firehose.packed(b"x", {"CompressionFormat": "UNCOMPRESSED"}) == (b"x", "")


def table(template: str | None = None, **parameters: str) -> dict[str, Any]:
    """A table with the partition keys kind and number."""
    more = {"storage.location.template": template} if template else {}
    return {
        "StorageDescriptor": {"Location": "s3://lake/rows"},
        "PartitionKeys": [{"Name": "kind"}, {"Name": "number"}],
        "Parameters": {
            "projection.enabled": "TRUE",
            "projection.kind.type": "enum",
            "projection.kind.values": "a, b",
            "projection.number.type": "integer",
            "projection.number.range": "1,12",
            **parameters,
            **more,
        },
    }


@pytest.mark.parametrize(
    ("uri", "values"),
    [
        ("s3://lake/rows/kind=a/number=1/x", {"kind": "a", "number": "1"}),
        ("s3://lake/rows/kind=b/number=12/x/y", {"kind": "b", "number": "12"}),
        ("s3://lake/rows/kind=c/number=1/x", None),
        ("s3://lake/rows/kind=a/number=13/x", None),
        ("s3://lake/rows/kind=a/number=0/x", None),
        ("s3://lake/rows/kind=a/number=one/x", None),
        ("s3://lake/rows/kind=a/x", None),
        ("s3://lake/other/kind=a/number=1/x", None),
    ],
)
def test_an_object_is_in_a_projected_partition_or_not(
    uri: str, values: dict[str, str] | None
) -> None:
    """By enumerations and ranges, both with their ends."""
    assert Projection(table(), today=date(2026, 11, 20)).partition(uri) == values


def test_a_template_says_where_partitions_are() -> None:
    """Injected keys have any value, which may be encoded."""
    made = Projection(
        table("s3://lake/${number}/${kind}", **{"projection.kind.type": "injected"}),
        today=date(2026, 11, 20),
    )
    assert made.enabled
    assert made.partition("s3://lake/3/a%20b/x") == {"kind": "a b", "number": "3"}
    assert not Projection({"StorageDescriptor": {"Location": "s3://l"}}, today=date.min).enabled


@pytest.mark.parametrize(
    ("allowed", "good", "bad"),
    [
        ("2026-01-01,2026-01-31", "2026-01-31", "2026-02-01"),
        ("NOW-1DAYS,NOW", "2026-11-19", "2026-11-18"),
        ("NOW-1WEEKS,NOW+1DAY", "2026-11-21", "2026-11-22"),
        ("NOW-1MONTHS,NOW", "2026-10-20", "2026-10-19"),
        ("NOW-1YEARS,NOW", "2025-11-19", "2025-11-18"),
    ],
)
def test_a_range_of_days_includes_both_ends(allowed: str, good: str, bad: str) -> None:
    """A month is 31 days and a year 366, so that nothing is missing."""
    days = {
        "projection.number.type": "date",
        "projection.number.range": allowed,
        "projection.number.format": "yyyy-MM-dd",
    }
    made = Projection(table(**days), today=date(2026, 11, 20))
    assert made.partition(f"s3://lake/rows/kind=a/number={good}/x") is not None
    assert made.partition(f"s3://lake/rows/kind=a/number={bad}/x") is None
    assert made.partition("s3://lake/rows/kind=a/number=today/x") is None


def test_parameters_replace_question_marks_outside_of_text() -> None:
    """Not in strings, names or comments."""
    sql = "SELECT '?', \"?\", ? -- ?\n/* ? */ FROM t WHERE a = ?"
    expected = "SELECT '?', \"?\", 1 -- ?\n/* ? */ FROM t WHERE a = 'it''s'"
    assert queries.with_parameters(sql, ["1", "'it''s'"]) == expected
    for wrong in ([], ["1"], ["1", "2", "3"]):
        with pytest.raises(ValueError, match="more"):
            queries.with_parameters(sql, wrong)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("CREATE VIEW v AS SELECT 1", (None, "v", "SELECT 1", False)),
        ('-- c\ncreate or replace view D."V" as SELECT 1;', ("d", "v", "SELECT 1", True)),
        ("SELECT 'CREATE VIEW v AS x'", None),
    ],
)
def test_a_statement_creates_a_view_or_not(sql: str, expected: tuple[Any, ...] | None) -> None:
    """With the names in lower case, as Glue has them."""
    made = queries.new_view(sql)
    assert (made and (made.database, made.name, made.query, made.replace)) == expected


def test_a_views_query_survives_in_glue() -> None:
    """As a comment that holds JSON; a table has none."""
    assert queries.view_query({"ViewOriginalText": queries.view_text("SELECT 1")}) == "SELECT 1"
    assert queries.view_query({"ViewOriginalText": "SELECT 1"}) is None
    assert queries.view_query({}) is None


def test_nested_values_are_written_as_athena_does() -> None:
    """Lists in brackets, structures in braces, null in words."""
    assert queries.shown({"a": [1, None, {"b": "c"}]}) == "{a=[1, null, {b=c}]}"
    assert queries.shown(1.5) == 1.5
