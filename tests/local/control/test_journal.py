"""The journal, and what functions add to it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailroom_local._journal import Journal
from mailroom_local.control import (
    ActionRecord,
    HandlerOutcome,
    MessageRecord,
    RuleRecord,
    journal,
    outcomes,
)

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
FUNCTION = (
    "arn:aws:lambda:us-east-1:000000000000:function:Help-SupportFunction0123ABCD-0123456789ABC"
)


def accepted(path: Path) -> Journal:
    """A journal with one accepted message."""
    written = Journal(path)
    written.write(
        "accepted",
        message_id="m1",
        mail_from="jane@example.net",
        rcpt_tos=["a@example.com"],
        subject="Hi",
        size=10,
        tls=True,
        unverified=[],
    )
    return written


def record(**fields: Any) -> MessageRecord:
    """A message that went through one rule with two actions."""
    values: dict[str, Any] = {
        "message_id": "abcdefghijklmnopqrstuvwxyz0123456789abcd",
        "at": AT,
        "mail_from": "jane@example.net",
        "rcpt_tos": ["support@example.com"],
        "subject": "Hi",
        "finished": True,
        "ms": 12.3,
        "rules": [RuleRecord(name="Support", recipients=["support@example.com"], verdicts={})],
        "actions": [
            ActionRecord(
                rule="Support",
                kind="S3",
                outcome="done",
                ms=3.2,
                detail={"bucketName": "mail", "objectKey": "in/abcdefghijklmnopqrstuvwxyz"},
            ),
            ActionRecord(
                rule="Support",
                kind="Lambda",
                outcome="accepted",
                ms=12.0,
                detail={"functionArn": FUNCTION},
                handler=[HandlerOutcome(outcome="handled", ms=7.0)],
            ),
        ],
    }
    return MessageRecord(**{**values, **fields})


def test_a_message_is_assembled_from_its_lines(tmp_path: Path) -> None:
    """Rules and actions belong to the message of their id."""
    written = accepted(tmp_path / "j")
    written.write("rule", message_id="m1", rule="r", recipients=["a@example.com"], verdicts={})
    written.write("action", message_id="m1", rule="r", action="S3", outcome="done", ms=1.0)
    written.write("action", message_id="other", rule="r", action="S3", outcome="done", ms=1.0)
    (message,) = journal.read(tmp_path / "j")
    assert not message.finished
    written.write("finished", message_id="m1", stopped_by=None, ms=2.0)
    (message,) = journal.read(tmp_path / "j")
    assert message.finished
    assert [(action.rule, action.kind) for action in message.actions] == [("r", "S3")]


def test_a_line_that_is_still_being_written_is_left_for_later(tmp_path: Path) -> None:
    """Readers run while the server writes."""
    accepted(tmp_path / "j")
    with (tmp_path / "j").open("a") as half:
        half.write('{"type": "finished", "mess')
    assert [message.message_id for message in journal.read(tmp_path / "j")] == ["m1"]


def test_only_the_last_messages_are_parsed_with_everything_that_happened_to_them(
    tmp_path: Path,
) -> None:
    """Half a second of 10,000 messages would be spent on what nobody sees."""
    (tmp_path / "j").write_text("not parsed\n")
    written = Journal(tmp_path / "j")
    for name in ("m1", "m2", "m3"):
        written.write("accepted", message_id=name)
    written.refused(mail_from="", rcpt_tos=[], reply="550 no", reason="test")
    for name in ("m1", "m3"):
        written.write("finished", message_id=name)
    found = journal.read(tmp_path / "j", last=2)
    assert [(message.message_id, message.finished) for message in found] == [
        ("m3", True),
        (None, True),
    ]
    assert len(journal.read(tmp_path / "j", last=4)) == 4
    assert journal.read(tmp_path / "j", last=0) == []


def test_more_messages_than_there_are_is_all_of_them(tmp_path: Path) -> None:
    """The reader does not know how many there are."""
    accepted(tmp_path / "j")
    assert [message.message_id for message in journal.read(tmp_path / "j", last=5)] == ["m1"]


def test_a_message_is_found_without_parsing_others(tmp_path: Path) -> None:
    """By the beginning of its id, which may stand in another message's fields, too."""
    written = accepted(tmp_path / "j")
    written.write("accepted", message_id="other", subject='"message_id":"m1')
    written.write("finished", message_id="m1")
    with (tmp_path / "j").open("a") as file:
        file.write("not parsed\n")
    assert [(one.message_id, one.finished) for one in journal.find(tmp_path / "j", "m")] == [
        ("m1", True)
    ]


def test_a_missing_journal_reads_as_empty(tmp_path: Path) -> None:
    """Nothing has been received yet."""
    assert journal.read(tmp_path / "j") == []


class _Logs:
    def __init__(self, *texts: str) -> None:
        self._texts = texts

    def get_paginator(self, operation: str) -> Any:
        return self

    def paginate(self, **group: str) -> list[dict[str, Any]]:
        return [{"events": [{"message": text} for text in self._texts]}]


class _Functions:
    def get_function_configuration(self, **name: str) -> dict[str, Any]:
        return {}


def line(**fields: Any) -> str:
    """What the runtime logs for that message."""
    return json.dumps({"event": "mailroom.receiving", "message_id": record().message_id, **fields})


def test_the_outcome_of_a_handler_is_read_from_its_log() -> None:
    """One for each attempt; other lines and other messages are passed over."""
    message = record()
    logs = _Logs(
        "START RequestId: 1",
        '{"not": "ours"}',
        "{broken",
        line(message_id="another", outcome="handled"),
        line(rule="Support", outcome="failed", ms=3.0, error="ValueError"),
        line(rule="Support", outcome="handled", ms=4.0),
    )
    outcomes.join([message], functions=_Functions(), logs=logs)
    assert message.actions[1].handler == [
        HandlerOutcome(outcome="failed", ms=3.0, error="ValueError"),
        HandlerOutcome(outcome="handled", ms=4.0),
    ]


def test_a_function_in_two_rules_reports_on_each() -> None:
    """The line names its rule."""
    message = record()
    message.actions[0] = ActionRecord(
        rule="Gate", kind="Lambda", outcome="accepted", ms=1, detail={"functionArn": FUNCTION}
    )
    logs = _Logs(line(rule="Gate", outcome="CONTINUE"), line(rule="Support", outcome="handled"))
    outcomes.join([message], functions=_Functions(), logs=logs)
    assert [action.handler[0].outcome for action in message.actions] == ["CONTINUE", "handled"]


def test_a_function_that_does_not_report_was_at_least_accepted() -> None:
    """Handlers may be other people's."""
    message = record()
    outcomes.join([message], functions=_Functions(), logs=_Logs("hello"))
    assert message.actions[1].pending
