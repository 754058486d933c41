"""The journal, and what functions add to it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

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


def called(journal: Journal, **fields: Any) -> None:
    """Write a call as the server does."""
    journal.write(
        "call",
        **{
            "message_id": "m1",
            "function": FUNCTION,
            "rule": "Support",
            "event": None,
            "queue": None,
            "receives": None,
            "kept_in": None,
            "output": [],
            "omitted": 0,
            "traceback": [],
            "outcome": "handled",
            "ms": 1.0,
            "error": None,
            "detail": "",
            "place": "",
            **fields,
        },
    )


def invoked(journal: Journal, rule: str = "Support") -> None:
    detail = {"functionArn": FUNCTION}
    journal.write(
        "action", message_id="m1", rule=rule, action="Lambda", outcome="accepted", ms=1.0,
        detail=detail,
    )  # fmt: skip


def test_a_call_belongs_to_its_action_even_if_it_ended_before_that_was_written(
    tmp_path: Path,
) -> None:
    written = accepted(tmp_path / "j")
    called(written, output=["hello"])
    invoked(written)
    (message,) = journal.read(tmp_path / "j")
    assert [one.output for one in message.actions[0].handler] == [["hello"]]
    assert not message.actions[0].pending


def test_a_function_in_two_rules_has_its_own_calls_in_each(tmp_path: Path) -> None:
    written = accepted(tmp_path / "j")
    invoked(written, rule="Gate")
    invoked(written)
    called(written, rule="Gate", outcome="CONTINUE")
    called(written)
    (message,) = journal.read(tmp_path / "j")
    outcomes = [action.handler[0].outcome for action in message.actions]
    assert outcomes == ["CONTINUE", "handled"]


def test_a_call_that_no_action_explains_belongs_to_the_message(tmp_path: Path) -> None:
    written = accepted(tmp_path / "j")
    called(written)
    (message,) = journal.read(tmp_path / "j")
    assert [one.function_name for one in message.calls] == [FUNCTION.split(":")[6]]


class _Lambda:
    """A function with one retry, a queue that it reads, and one that nobody reads."""

    def __init__(self, **configuration: Any) -> None:
        self.configuration = {"FunctionArn": f"{FUNCTION}:$LATEST", **configuration}

    def list_function_event_invoke_configs(self, **name: str) -> dict[str, Any]:
        return {"FunctionEventInvokeConfigs": [self.configuration]}

    def get_function_configuration(self, **name: str) -> dict[str, Any]:
        return {}

    def list_event_source_mappings(self, **source: str) -> dict[str, Any]:
        read = source["EventSourceArn"].endswith(":isolated")
        return {"EventSourceMappings": [{}] if read else []}


class _Queues:
    def get_queue_url(self, **name: str) -> dict[str, Any]:
        return {"QueueUrl": name["QueueName"]}

    def get_queue_attributes(self, **queue: Any) -> dict[str, Any]:
        target = {"events": "isolated", "isolated": "dead"}[queue["QueueUrl"]]
        policy = {"maxReceiveCount": 2, "deadLetterTargetArn": f"arn:aws:sqs:r:0:{target}"}
        return {"Attributes": {"RedrivePolicy": json.dumps(policy)}}


def settled(functions: _Lambda, *tries: HandlerOutcome) -> HandlerOutcome:
    message = record()
    message.actions[1].handler = list(tries)
    clients: dict[str, Any] = {"lambda": functions, "sqs": _Queues()}
    outcomes.settle([message], client=lambda service, arn: clients[service])
    return tries[-1]


def failed(**fields: Any) -> HandlerOutcome:
    return HandlerOutcome(outcome="failed", function_arn=FUNCTION, final=False, **fields)


def test_a_failed_asynchronous_call_is_final_after_its_retries_and_then_in_the_queue() -> None:
    target = {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:0:dead"}}
    once = _Lambda(MaximumRetryAttempts=1, DestinationConfig=target)
    first = settled(once, failed())
    assert (first.final, first.dead_letter_queue) == (False, None)
    second = settled(once, failed(), failed())
    assert (second.final, second.dead_letter_queue) == (True, "dead")


def test_without_a_queue_nothing_keeps_what_failed_three_times() -> None:
    last = settled(_Lambda(), failed(), failed(), failed())
    assert (last.final, last.dead_letter_queue) == (True, None)


@pytest.mark.parametrize(
    ("queue", "receives", "kept"),
    [("events", 2, None), ("isolated", 1, None), ("isolated", 2, "dead")],
)
def test_a_failed_event_is_final_when_no_function_reads_the_next_queue(
    queue: str, receives: int, kept: str | None
) -> None:
    last = settled(_Lambda(), failed(queue=f"arn:aws:sqs:r:0:{queue}", receives=receives))
    assert (last.final, last.dead_letter_queue) == (kept is not None, kept)
