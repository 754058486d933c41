"""What Firehose calls: every record answered, in order, and nothing lost."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import mailroom
from mailroom.entry import lake as entry
from mailroom.errors import HandlerNotFound, UnknownInvocation
from mailroom.events import SendingEvent
from mailroom.ses import VALIDATION_TEXT
from mailroom.testing import event_invocation, sending_event_payload
from runtime.lake.lake_samples import SAMPLES, assert_fits, invoke, line, sample

HERE = __name__


def test_all_samples_are_rows() -> None:
    """Ten records, ten lines, each with the keys of its partition."""
    answers, lines = invoke(list(SAMPLES.values()))
    assert [answer["result"] for answer in answers] == ["Ok"] * 10
    for name, answer in zip(SAMPLES, answers, strict=True):
        made = line(answer)
        assert_fits(made)
        assert answer["metadata"]["partitionKeys"] == {
            "event_type": name, "day": made["event_time"][:10],
        }  # fmt: skip
        assert json.loads(made["raw"]) == SAMPLES[name]
    assert [(one["event"], one["ok"], one["failed"]) for one in lines] == [("mailroom.lake", 10, 0)]


@pytest.mark.parametrize(
    "poison",
    [
        "{",
        "",
        "[]",
        "7",
        '"eventType"',
        json.dumps(json.dumps(sample("send"))),
        '["eventType"]',
        "{}",
        '{"eventType": 3}',
        "[" * 9999,
    ],
)
def test_a_record_that_cannot_be_read_fails_alone_and_unchanged(poison: str) -> None:
    """Its neighbours are rows, and Firehose gets back what it sent, to keep it."""
    payloads = [sample("send"), poison, sample("open")]
    answers, lines = invoke(payloads)
    assert [one["result"] for one in answers] == ["Ok", "ProcessingFailed", "Ok"]
    assert [one["recordId"] for one in answers] == ["record-0", "record-1", "record-2"]
    sent = event_invocation(payloads, "firehose")["records"][1]
    assert answers[1] == {
        "recordId": "record-1", "result": "ProcessingFailed", "data": sent["data"],
    }  # fmt: skip
    assert lines[0]["level"] == "ERROR"
    assert lines[0]["errors"] == {"MalformedEvent": 1}
    assert lines[1]["LakeFailed"] == 1
    assert poison == "" or "SECRET" not in json.dumps(lines)


def test_broken_envelopes_are_answered() -> None:
    """Even what Firehose never sends."""
    answers = entry.handler({"records": [7, {"recordId": "a"}, {"recordId": "b", "data": "*"}]})
    assert [one["recordId"] for one in answers["records"]] == ["0", "a", "b"]
    assert {one["result"] for one in answers["records"]} == {"ProcessingFailed"}
    with pytest.raises(UnknownInvocation):
        entry.handler({"Records": []})


def test_the_validation_text_is_dropped() -> None:
    """It is neither an event nor a failure."""
    answers, lines = invoke([VALIDATION_TEXT, sample("send")])
    assert [one["result"] for one in answers] == ["Dropped", "Ok"]
    assert lines[0]["dropped"] == 1
    assert len(lines) == 1


def test_an_event_in_an_envelope_and_feedback_are_rows() -> None:
    """What EventBridge wraps, and what an identity's feedback calls its type."""
    wrapped = event_invocation(sample("bounce"), "eventbridge")
    feedback = sending_event_payload("Complaint", feedback=True)
    answers, _ = invoke([wrapped, feedback])
    assert json.loads(line(answers[0])["raw"]) == SAMPLES["bounce"]
    assert line(answers[1])["ses_type"] == "Complaint"


def test_text_in_any_script_survives() -> None:
    """In UTF-8, and half a surrogate pair, which no file can hold, is replaced."""
    raw = sample("delivery")
    raw["delivery"]["smtpResponse"] = "250 Καλημέρα \u2028 \ud83d"
    answers, _ = invoke([json.dumps(raw)])
    assert line(answers[0])["smtp_response"] == "250 Καλημέρα \u2028 ?"


# The size of the answer


def large(number: int) -> dict[str, Any]:
    """Return an event of some 5 KB, of which another copy is a column."""
    made = sending_event_payload("Rendering Failure", message_id=f"m-{number}")
    made["failure"]["errorMessage"] = '"' * 2_200
    return made


def size(answers: list[dict[str, Any]]) -> int:
    return len(json.dumps({"records": answers}))


def test_an_answer_never_exceeds_what_lambda_allows() -> None:
    """What has no room fails untouched, so that it is kept whole; all others are rows."""
    payloads = [large(number) for number in range(500)]
    sent = event_invocation(payloads, "firehose")["records"]
    assert len(json.dumps(sent)) < entry.MAX_ANSWER_BYTES, "Lambda could not have asked"
    answers, lines = invoke(payloads)
    assert size(answers) <= entry.MAX_ANSWER_BYTES
    assert [one["recordId"] for one in answers] == [one["recordId"] for one in sent]
    results = [one["result"] for one in answers]
    rows, failed = results.count("Ok"), results.count("ProcessingFailed")
    assert rows + failed == 500
    assert results == ["Ok"] * rows + ["ProcessingFailed"] * failed
    assert rows > 100
    for answer, record in zip(answers[rows:], sent[rows:], strict=True):
        assert answer["data"] == record["data"]
    for answer in answers[:rows]:
        assert line(answer)["raw"] is not None
    assert lines[0]["errors"] == {"Overflow": failed}
    assert [one.get("LakeOverflow") for one in lines[1:]] == [None, failed]


def test_a_buffer_of_one_megabyte_holds_every_record() -> None:
    """Even of the smallest events, whose columns weigh most, with ids as long as Firehose's."""
    text = json.dumps(sample("rendering_failure"), separators=(",", ":"))
    invocation = event_invocation([text] * (1_048_576 // len(text)), "firehose")
    for record in invocation["records"]:
        record["recordId"] = "4" * 56 + "000000"
    answer = entry.handler(invocation)
    assert {one["result"] for one in answer["records"]} == {"Ok"}
    assert len(json.dumps(answer)) < entry.MAX_ANSWER_BYTES


# The user's transform


def transform(event: SendingEvent) -> Any:
    return ANSWERS[event.mail.message_id]


ANSWERS: dict[str, Any] = {}


def transformed(monkeypatch: pytest.MonkeyPatch, *found: Any) -> tuple[list[Any], list[Any]]:
    monkeypatch.setattr(
        sys.modules[HERE], "ANSWERS", {f"m-{n}": one for n, one in enumerate(found)}
    )
    settings = entry._Settings()
    settings.transform = transform
    entry._settings = settings
    return invoke([sending_event_payload("Send", message_id=f"m-{n}") for n in range(len(found))])


def test_a_transform_adds_columns_and_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """A column's name sets the column; all else is text in `extra`; None drops the event."""
    answers, _ = transformed(
        monkeypatch,
        {"template_name": "Spring", "raw": None, "team": "A", "size": 3, "new": True, "no": None},
        None,
        {},
        {"extra": {"a": "b"}, "c": "d"},
    )
    assert [one["result"] for one in answers] == ["Ok", "Dropped", "Ok", "Ok"]
    made = line(answers[0])
    assert_fits(made)
    assert (made["template_name"], made["raw"]) == ("Spring", None)
    assert made["extra"] == {"team": "A", "size": "3", "new": "true"}
    assert line(answers[2])["extra"] is None
    assert line(answers[3])["extra"] == {"a": "b", "c": "d"}


@pytest.mark.parametrize(
    "wrong",
    [{"latency_ms": "3"}, {"event_id": "x"}, {"day": "x"}, {"tags": None}, {1: "x"}, [], True,
     {"automated": "yes"}, {"recipients": "a@b"}, {"link_tags": {"a": 1}}],
)  # fmt: skip
def test_a_wrong_answer_fails_its_record_alone(monkeypatch: pytest.MonkeyPatch, wrong: Any) -> None:
    """A value of another type would fail the conversion to Parquet, far away from its cause."""
    answers, lines = transformed(monkeypatch, {}, wrong, {})
    assert [one["result"] for one in answers] == ["Ok", "ProcessingFailed", "Ok"]
    assert lines[0]["errors"] == {"InvalidAnswer": 1}


@pytest.mark.parametrize(
    "column",
    ["day", "event_id", "event_key", "event_time", "event_time_ms", "event_type", "message_id",
     "ses_type"],
)  # fmt: skip
def test_a_transform_cannot_replace_what_identifies_an_event(
    monkeypatch: pytest.MonkeyPatch, column: str
) -> None:
    """Its partition, its time and the keys by which repeats are found."""
    value = 1 if column == "event_time_ms" else "2026-01-02T03:04:05.000Z"
    answers, _ = transformed(monkeypatch, {column: value})
    assert [one["result"] for one in answers] == ["ProcessingFailed"]


def test_a_transform_that_raises_fails_its_record_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the line says where, without what the event holds."""
    monkeypatch.setattr(sys.modules[HERE], "ANSWERS", {"m-0": {}})
    settings = entry._Settings()
    settings.transform = transform
    entry._settings = settings
    answers, lines = invoke(
        [sending_event_payload("Send", message_id=one) for one in ("m-0", "SECRET")]
    )
    assert [one["result"] for one in answers] == ["Ok", "ProcessingFailed"]
    assert lines[0]["errors"] == {"KeyError": 1}
    assert lines[0]["at"].startswith("test_lake_handler.py:")
    assert "SECRET" not in json.dumps(lines)


def test_the_setting_names_the_transform(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is not there fails before any event."""
    monkeypatch.setenv("MAILROOM_TRANSFORM", "json:no_such")
    with pytest.raises(HandlerNotFound, match="no_such"):
        entry.handler({"records": []})
    monkeypatch.setenv("MAILROOM_TRANSFORM", "json:dumps")
    assert entry._Settings().transform is json.dumps


def test_lambda_finds_a_wrong_setting_while_it_initialises() -> None:
    """Not with the first event."""
    env = {
        **os.environ,
        "PYTHONPATH": str(Path(mailroom.__file__).parents[1]),
        "_HANDLER": "mailroom.entry.lake.handler",
        "MAILROOM_TRANSFORM": "json:no_such",
    }
    done = subprocess.run(
        [sys.executable, "-c", "import mailroom.entry.lake"], env=env,
        capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "HandlerNotFound" in done.stderr


def test_data_is_base64_as_firehose_requires() -> None:
    """Without line breaks."""
    answers, _ = invoke([sample("click")])
    assert base64.b64encode(base64.b64decode(answers[0]["data"])).decode() == answers[0]["data"]
