"""An event as a row: one schema, stable, and never wrong about a type."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom import lake
from mailroom.errors import MissingField
from mailroom.events import parse
from mailroom.testing import sending_event
from runtime.lake.lake_samples import SAMPLES, assert_fits, invoke, line, sample


def test_the_schema_is_what_glue_takes() -> None:
    """Names and types of Hive, comments within Glue's 255 characters, partitions apart."""
    found = lake.columns()
    assert [column["Name"] for column in found] == [column.name for column in lake.SCHEMA]
    assert len({column["Name"] for column in found} | set(lake.PARTITIONS)) == len(found) + 2
    for column in found:
        assert set(column) == {"Name", "Type", "Comment"}
        assert re.fullmatch(r"[a-z][a-z_]*", column["Name"])
        assert 10 < len(column["Comment"]) <= 255
    assert {column["Type"] for column in found} == {
        "string", "bigint", "boolean", "array<string>", "map<string,string>",
    }  # fmt: skip


def test_these_columns_have_a_value_in_every_row() -> None:
    """A query may count on them, and a transform cannot empty them."""
    assert [column.name for column in lake.SCHEMA if not column.nullable] == [
        "event_key", "event_id", "ses_type", "event_time", "event_time_ms", "message_id",
        "recipients", "recipient_count", "recipient_domains", "tags",
    ]  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_fills_its_columns(name: str) -> None:
    """Each of AWS's samples makes a row that fits, the same each time, with all of the event."""
    event = parse(sample(name))
    made = lake.row(event)
    assert_fits(made)
    assert made == lake.row(parse(sample(name)))
    assert json.loads(made["raw"]) == SAMPLES[name]
    assert made["event_key"] == event.key
    assert re.fullmatch("[0-9a-f]{32}", made["event_id"])
    assert lake.partition(event, made) == {
        "event_type": name, "day": made["event_time"][:10],
    }  # fmt: skip
    assert "subject" not in made


OWN = {
    "bounce": {
        "feedback_id": "01000157c44f053b-61b59c11-9236-11e6-8f96-7be8aexample-000000",
        "bounce_type": "Permanent",
        "bounce_sub_type": "General",
        "action": "failed",
        "status": "5.1.1",
        "diagnostic_code": "smtp; 550 5.1.1 user unknown",
        "reporting_mta": "dsn; mta.example.com",
        "source": "sender@example.com",
        "source_domain": "example.com",
        "event_time": "2017-08-05T00:41:02.669Z",
        "event_time_ms": 1501893662669,
        "mail_time": "2017-08-05T00:40:02.012Z",
        "recipient_domains": ["example.com"],
        "configuration_set": "ConfigSet",
    },
    "click": {"link_tags": {"samplekey0": "samplevalue0", "samplekey1": "samplevalue1"}},
    "complaint": {"complaint_feedback_type": "abuse", "arrival_date": "2017-08-05T00:41:02.669Z"},
    "delivery": {"latency_ms": 11893, "smtp_response": "250 2.6.0 Message received"},
    "delivery_delay": {
        "delay_type": "TransientCommunicationFailure",
        "expiration_time": "2020-06-16T00:25:40.914Z",
        "status": "4.4.1",
    },
    "open": {"ip_address": "192.0.2.1", "automated": None},
    "reject": {"reject_reason": "Bad content", "event_time": "2016-10-14T17:38:15.211Z"},
    "rendering_failure": {"template_name": "MyTemplate", "ses_type": "Rendering Failure"},
    "send": {"recipient_count": 1, "recipient_domain": "example.com"},
    "subscription": {
        "contact_list": "ContactListName",
        "subscription_source": "UnsubscribeHeader",
        "unsubscribed_all": True,
        "unsubscribed_topics": ["ExampleTopicName"],
    },
}


@pytest.mark.parametrize("name", SAMPLES)
def test_the_fields_of_each_type_fill_their_columns(name: str) -> None:
    """The fields that AWS documents for a type are in the columns of their names."""
    made = lake.row(parse(sample(name)))
    assert {column: made[column] for column in OWN[name]} == OWN[name]


@pytest.mark.parametrize(
    ("kind", "changes", "columns"),
    [
        ("Bounce", {"remote_mta_ip": "192.0.2.25"},
         ["feedback_id", "bounce_type", "bounce_sub_type", "action", "status", "diagnostic_code",
          "reporting_mta", "remote_mta_ip"]),
        ("Click", {}, ["ip_address", "user_agent", "automated", "link", "link_tags"]),
        ("Complaint", {"complaint_sub_type": "x"},
         ["feedback_id", "complaint_feedback_type", "complaint_sub_type", "arrival_date",
          "user_agent"]),
        ("Delivery", {}, ["reporting_mta", "remote_mta_ip", "latency_ms", "smtp_response"]),
        ("DeliveryDelay", {"reporting_mta": "mta"},
         ["status", "diagnostic_code", "reporting_mta", "delay_type", "expiration_time"]),
        ("Open", {}, ["ip_address", "user_agent", "automated"]),
        ("Reject", {}, ["reject_reason"]),
        ("Rendering Failure", {}, ["template_name", "error_message"]),
        ("Send", {}, []),
        ("Subscription", {}, ["contact_list", "subscription_source", "unsubscribed_all",
                              "unsubscribed_topics"]),
    ],
)  # fmt: skip
def test_a_type_fills_the_columns_that_describe_it_and_no_others(
    kind: str, changes: dict[str, Any], columns: list[str]
) -> None:
    """If SES sends all that it documents for the type."""
    made = lake.row(sending_event(kind, **changes))
    shared = lake.row(sending_event("Send"))
    own = {name for name in made if made[name] is not None and shared[name] is None}
    assert own == set(columns)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"is_bot_event": "Likely"}, True),
        ({"is_bot_event": "Unlikely"}, False),
        ({"is_bot_event": None, "user_agent": "curl/8"}, True),
        ({"is_bot_event": None}, None),
    ],
)
def test_automated_opens_are_recognised_as_in_the_handlers(
    changes: dict[str, Any], expected: bool | None
) -> None:
    """True, false, or null for unknown."""
    assert lake.row(sending_event("Open", **changes))["automated"] is expected


def test_unknown_types_share_one_partition() -> None:
    """Its name, which could be anything, is data and no part of a key."""
    event = sending_event("../../Quantum Leap", height=3)
    made = lake.row(event)
    assert_fits(made)
    assert made["ses_type"] == "../../Quantum Leap"
    assert lake.partition(event, made)["event_type"] == "other" == lake.EVENT_TYPES[-1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-02T03:04:05.678Z", ("2026-01-02T03:04:05.678Z", 1767323045678)),
        ("2026-01-02T03:04:05Z", ("2026-01-02T03:04:05.000Z", 1767323045000)),
        ("2026-01-02T01:04:05.6789+02:00", ("2026-01-01T23:04:05.678Z", 1767308645678)),
        ("0001-01-01T00:00:00", ("0001-01-01T00:00:00.000Z", -62135596800000)),
    ],
)
def test_a_time_is_in_utc_with_milliseconds(text: str, expected: tuple[str, int]) -> None:
    """However it was written."""
    made = lake.row(sending_event("Open", timestamp=text))
    assert (made["event_time"], made["event_time_ms"]) == expected


def test_odd_optional_fields_are_null() -> None:
    """A column is of its type or null, so that no record fails the conversion to Parquet."""
    raw = sample("delivery")
    raw["delivery"].update(processingTimeMillis=True, smtpResponse=["250"], reportingMTA=7)
    raw["mail"].update(source=3, tags={"a": "text", "b": [], "c": [1], "d": ["yes", "no"]})
    made = lake.row(parse(raw))
    assert_fits(made)
    assert made["latency_ms"] is made["smtp_response"] is made["source"] is None
    assert made["tags"] == {"d": "yes"}


@pytest.mark.parametrize(
    ("kind", "field", "column"),
    [
        ("complaint", "arrivalDate", "arrival_date"),
        ("deliverydelay", "expirationTime", "expiration_time"),
    ],
)
def test_a_time_that_is_missing_is_null(kind: str, field: str, column: str) -> None:
    """Empty text would be no time for who compares it with one."""
    names = {"complaint": "Complaint", "deliverydelay": "DeliveryDelay"}
    assert lake.row(sending_event(names[kind], **{field: None}))[column] is None


def test_an_event_without_identity_has_no_row() -> None:
    """Its row could not be distinguished from others."""
    raw = sample("delivery")
    del raw["mail"]["messageId"]
    with pytest.raises(MissingField, match=r"mail\.messageId"):
        lake.row(parse(raw))


ODD: list[Any] = [
    None, True, 1.5, 10**30, -1, "", "\ud800", "a@b", [], {}, [None], ["x", 1], {"a": 1},
    [{"emailAddress": 1}], "9999-12-31T23:59:59-23:59", "2017-W01-1T00:41:02.669Z", float("nan"),
]  # fmt: skip


def paths(value: Any, so_far: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value inside *value*."""
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    return [path for key, one in inner for path in [(*so_far, key), *paths(one, (*so_far, key))]]


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a sample with up to three of its values changed, gone, or new."""
    raw = sample(draw(st.sampled_from(sorted(SAMPLES))))
    for _ in range(draw(st.integers(1, 3))):
        found = paths(raw)
        if not found:
            break
        path = draw(st.sampled_from(found))
        parent: Any = raw
        for step in path[:-1]:
            parent = parent[step]
        kind = draw(st.integers(0, 3))
        if kind == 0:
            del parent[path[-1]]
        elif kind == 1 and isinstance(parent, dict):
            parent[draw(st.text(max_size=8))] = draw(st.sampled_from(ODD))
        else:
            parent[path[-1]] = draw(st.sampled_from(ODD) | st.text(max_size=20))
        raw = json.loads(json.dumps(raw))
    return raw


@given(mutated())
def test_every_record_is_answered_whatever_is_changed(raw: dict[str, Any]) -> None:
    """With a row that fits, or as failed with its data; and its neighbours are not affected."""
    good = sample("send")
    answers, _ = invoke([good, raw, good])
    assert [answer["recordId"] for answer in answers] == ["record-0", "record-1", "record-2"]
    assert [answers[0]["result"], answers[2]["result"]] == ["Ok", "Ok"]
    for answer in answers:
        if answer["result"] == "ProcessingFailed":
            assert "metadata" not in answer
            continue
        assert_fits(line(answer))
        keys = answer["metadata"]["partitionKeys"]
        assert keys["event_type"] in lake.EVENT_TYPES
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", keys["day"])


def test_duckdb_reads_the_schema_as_it_says(tmp_path: Path) -> None:
    """The local engine, from JSON and through Parquet: the same values of the same types."""
    made = [lake.row(parse(sample(name))) for name in SAMPLES]
    lines, parquet = tmp_path / "rows.json", tmp_path / "rows.parquet"
    lines.write_text("".join(json.dumps(one) + "\n" for one in made))
    types = {
        column.name: column.type.replace("string", "varchar")
        .replace("array<varchar>", "varchar[]")
        .replace("map<varchar,varchar>", "map(varchar, varchar)")
        for column in lake.SCHEMA
    }
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * FROM read_json('{lines}', format='newline_delimited', "
            f"columns={types!r})) TO '{parquet}' (FORMAT parquet)"
        )
        found = connection.execute(f"SELECT * FROM read_parquet('{parquet}')").fetchall()
    assert [dict(zip(types, one, strict=True)) for one in found] == made
