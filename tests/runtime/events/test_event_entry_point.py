"""The entry point: each record by itself, in order, and what failed comes again."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import mailroom
from mailroom import errors
from mailroom.entry import events
from mailroom.entry.events import handler
from mailroom.events import SendingEvent
from mailroom.ses import VALIDATION_TEXT
from mailroom.testing import event_invocation, sending_event_payload
from runtime.events.event_aws import ENVELOPES, metrics, sample
from runtime.runtime_api import invoke

TASK = Path(mailroom.__file__).parent
WITH_ANSWERS = [envelope for envelope in ENVELOPES if envelope.startswith("sqs")]
RAISING = [envelope for envelope in ENVELOPES if not envelope.startswith("sqs")]


class App(ModuleType):
    """A user's module: it records its calls, and fails where a test says so."""

    def __init__(self) -> None:
        super().__init__("user_app")
        self.seen: list[tuple[str, str]] = []
        self.fail: set[tuple[str, str]] = set()

    def note(self, function: str, event: SendingEvent) -> None:
        self.seen.append((function, event.mail.message_id))
        if (function, event.mail.message_id) in self.fail:
            raise ZeroDivisionError("jane@example.com")

    def first(self, event: SendingEvent) -> None:
        self.note("first", event)

    def second(self, event: SendingEvent) -> None:
        self.note("second", event)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> App:
    """Send and everything unnamed go to the module's functions."""
    found = App()
    monkeypatch.setitem(sys.modules, "user_app", found)
    use(monkeypatch, {"Send": ["user_app:first", "user_app:second"]})
    return found


def use(monkeypatch: pytest.MonkeyPatch, handlers: Any) -> None:
    """Let the environment name *handlers*."""
    monkeypatch.setenv("MAILROOM_HANDLERS", json.dumps(handlers))
    monkeypatch.setattr(events, "_settings", None)


def sends(*ids: str) -> list[Any]:
    """Return a Send event of each message id."""
    return [sending_event_payload("Send", message_id=one) for one in ids]


def failed(answer: Any) -> list[str]:
    """Return the ids in a partial answer, which has this shape and no other."""
    assert set(answer) == {"batchItemFailures"}
    assert all(set(entry) == {"itemIdentifier"} for entry in answer["batchItemFailures"])
    return [entry["itemIdentifier"] for entry in answer["batchItemFailures"]]


class Context:
    """Lambda's context with the milliseconds that are left, one a question."""

    def __init__(self, *left: int) -> None:
        self.left = list(left)

    def get_remaining_time_in_millis(self) -> int:
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]


def test_functions_run_in_their_order(app: App) -> None:
    """The records one after the other, of each the functions as they are named."""
    assert failed(handler(event_invocation(sends("a", "b")))) == []
    assert app.seen == [("first", "a"), ("second", "a"), ("first", "b"), ("second", "b")]


def test_after_a_failure_the_later_functions_wait(app: App) -> None:
    """They would act on what the first could not finish; all run when the record comes again."""
    app.fail = {("first", "a")}
    invocation = event_invocation(sends("a", "b"))
    assert failed(handler(invocation)) == ["record-0"]
    assert app.seen == [("first", "a"), ("first", "b"), ("second", "b")]
    app.fail.clear()
    assert failed(handler(event_invocation(sends("a")))) == []
    assert app.seen[-2:] == [("first", "a"), ("second", "a")]


@pytest.mark.parametrize("envelope", WITH_ANSWERS)
def test_a_queue_is_always_answered_with_a_list(app: App, envelope: str) -> None:
    """Without one, Lambda takes the whole batch for handled."""
    assert handler(event_invocation(sends("a"), envelope)) == {"batchItemFailures": []}
    app.fail = {("second", "a")}
    assert failed(handler(event_invocation(sends("a"), envelope))) == ["record-0"]


@pytest.mark.parametrize("envelope", RAISING)
def test_without_a_queue_a_failure_is_raised(app: App, envelope: str) -> None:
    """Lambda itself tries again then."""
    assert handler(event_invocation(sends("a")[0], envelope)) is None
    app.fail = {("second", "a")}
    with pytest.raises(ZeroDivisionError):
        handler(event_invocation(sends("a")[0], envelope))


@pytest.mark.parametrize("poison", ["", "{", "[]", '{"eventType": 5}', '{"eventType": "Send"}'])
def test_one_poison_record_fails_alone_among_nine(app: App, poison: str) -> None:
    """The other nine are handled; the poison reaches the dead-letter queue as it came."""
    payloads = sends(*"abcdefghi")
    payloads.insert(4, poison)
    assert failed(handler(event_invocation(payloads))) == ["record-4"]
    assert [one for name, one in app.seen if name == "second"] == list("abcdefghi")


def test_a_queue_record_without_a_body_fails_alone(app: App) -> None:
    """Named by its id, as another id would make Lambda repeat the batch."""
    invocation = event_invocation(sends("a", "b"))
    del invocation["Records"][0]["body"]
    assert failed(handler(invocation)) == ["record-0"]
    invocation["Records"][0] = None
    assert failed(handler(invocation)) == ["0"]


@pytest.mark.parametrize("envelope", ["sqs", "sqs-sns", "sns"])
def test_control_messages_are_handled(
    app: App, envelope: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are said to be skipped, and no function sees them."""
    answer = handler(event_invocation(VALIDATION_TEXT, envelope))
    assert answer == (None if envelope == "sns" else {"batchItemFailures": []})
    assert app.seen == []
    (line,) = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert (line["outcome"], line["reason"]) == ("skipped", "SES validated the topic")
    assert 0 <= line["ms"] < 60_000


def test_a_type_without_functions_goes_to_those_of_any_type(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``*`` takes what has no entry, known or not."""
    use(monkeypatch, {"Send": ["user_app:first"], "*": ["user_app:second"]})
    handler(event_invocation([sample("open"), sending_event_payload("Reply", message_id="r")]))
    assert app.seen == [("second", sample("open")["mail"]["messageId"]), ("second", "r")]


@pytest.mark.parametrize(
    ("kind", "dimension"),
    [("Reply", "Reply"), ("Open", "Open"), ("ä" * 5000, "?" * 64), (" ", "unknown")],
)
def test_an_event_without_a_function_is_logged_and_counted(
    app: App, capsys: pytest.CaptureFixture[str], kind: str, dimension: str
) -> None:
    """It is not a failure, because no handler was configured."""
    assert failed(handler(event_invocation(sending_event_payload(kind)))) == []
    output = capsys.readouterr().out
    assert metrics(output) == [{"Unhandled": 1, "Type": dimension}]
    assert json.loads(output.splitlines()[-1])["outcome"] == "unhandled"


def test_a_record_is_begun_however_short_the_time(app: App) -> None:
    """Otherwise nothing would ever move; without a time from Lambda there is no limit."""
    invocation = event_invocation(sends("a", "b", "c", "d"))
    assert failed(handler(invocation, Context(100))) == []
    assert failed(handler(invocation, object())) == []


def test_a_log_line_has_no_addresses_unless_asked(
    app: App, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line a record: type, message id, outcome, error, and where; an address only if set."""
    app.fail = {("first", "a")}
    handler(event_invocation(sends("a")))
    text = capsys.readouterr().out
    line = json.loads(text)
    assert (line["type"], line["message_id"], line["outcome"]) == ("Send", "a", "failed")
    assert (line["level"], line["error"]) == ("ERROR", "ZeroDivisionError")
    assert line["at"].startswith("test_event_entry_point.py:")
    assert "example.com" not in text
    monkeypatch.setenv("MAILROOM_LOG_ADDRESSES", "1")
    monkeypatch.setattr(events, "_settings", None)
    handler(event_invocation(sends("a")))
    line = json.loads(capsys.readouterr().out)
    assert (line["destination"], line["detail"]) == (["recipient@example.com"], "jane@example.com")


@pytest.mark.parametrize("value", [[[]] * 3, "x" * 100_000, {"a": 1}, 5, None])
def test_a_line_can_always_be_written(
    app: App, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, value: Any
) -> None:
    """Whatever a record has for its ids and addresses, the others are not to suffer."""
    monkeypatch.setenv("MAILROOM_LOG_ADDRESSES", "1")
    odd = sending_event_payload("Send")
    nested: Any = []
    for _ in range(900):
        nested = [nested]
    odd["mail"].update(messageId=value, destination=[value, nested])
    answer = handler(event_invocation([odd, *sends("b")]))
    assert failed(answer) == ([] if isinstance(value, str) else ["record-0"])
    assert ("second", "b") in app.seen
    assert max(map(len, capsys.readouterr().out.splitlines())) < 4000


def test_a_line_has_at_most_fifty_addresses(
    app: App, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No mail that SES sends has more, so a longer list is not worth a long line."""
    monkeypatch.setenv("MAILROOM_LOG_ADDRESSES", "1")
    addresses = [f"p{number}@example.com" for number in range(60)]
    [event] = sends("a")
    event["mail"]["destination"] = addresses
    handler(event_invocation([event]))
    assert json.loads(capsys.readouterr().out)["destination"] == addresses[:50]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "MAILROOM_HANDLERS is not set"),
        ("{", "MAILROOM_HANDLERS is not JSON"),
        ("[]", "set it to a JSON object"),
        ('{"Send": "user_app:first"}', "set it to a JSON object"),
        ('{"Send": [5]}', "set it to a JSON object"),
        ('{"Send": ["user_app:third"]}', "has no function 'third'"),
    ],
)
def test_the_error_names_a_wrong_setting(
    app: App, monkeypatch: pytest.MonkeyPatch, text: str, error: str
) -> None:
    """Before any event is touched."""
    monkeypatch.setenv("MAILROOM_HANDLERS", text)
    with pytest.raises(errors.MailroomError, match=error):
        handler(event_invocation(sends("a")))
    assert app.seen == []


BOTO3 = """
class Conditional(Exception):
    response = {}

class client:
    class exceptions:
        ConditionalCheckFailedException = Conditional

    def __init__(self, service, config):
        print("CLIENT", service)

    def put_item(self, **arguments):
        print("PUT", arguments["Item"]["recipient"]["S"])

    def put_suppressed_destination(self, **arguments):
        print("SUPPRESSED", arguments["EmailAddress"], arguments["Reason"])
"""

APP = """
def on_bounce(event):
    print("APP", event.bounce_type)
"""


def test_a_bounce_is_handled_in_the_real_runtime_client(tmp_path: Path) -> None:
    """Laid out as deployed: clients at init, the bundled behaviour, then the user's function."""
    shutil.copytree(TASK, tmp_path / "mailroom", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "boto3.py").write_text(BOTO3)
    (tmp_path / "app.py").write_text(APP)
    invocation = event_invocation([sample("bounce"), "{"], "sqs-sns")
    outcome = invoke(
        invocation,
        handler="mailroom.entry.events.handler",
        folder=tmp_path,
        env={
            "MAILROOM_HANDLERS": json.dumps(
                {"Bounce": ["mailroom.handlers.events.bounce:on_event", "app:on_bounce"]}
            ),
            "MAILROOM_EVENT_TABLE": "Events",
        },
    )
    assert outcome.init_error is None, outcome.init_error
    assert outcome.results == [{"batchItemFailures": [{"itemIdentifier": "record-1"}]}]
    plain = [line for line in outcome.output.splitlines() if line[:1].isupper()]
    assert plain == [
        "CLIENT dynamodb",
        "CLIENT sesv2",
        "PUT recipient@example.com",
        "SUPPRESSED recipient@example.com BOUNCE",
        "APP Permanent",
    ]
    assert [line.get("outcome") for line in outcome.lines() if "event" in line] == [
        "handled",
        "failed",
    ]


@pytest.mark.parametrize(
    "line", ["while True: pass", "import time; time.sleep(60)", "import sys; sys.exit(1)"]
)
def test_an_event_that_hangs_or_exits_fails_without_those_handled_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """What was handled is not repeated, and the answer comes before Lambda kills the process."""
    (tmp_path / "hostile.py").write_text(
        f"def on_event(event):\n    if event.mail.message_id == 'poison':\n        {line}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "hostile", raising=False)
    use(monkeypatch, {"Send": ["hostile:on_event"]})
    answer = handler(event_invocation(sends("a", "poison", "b")), Context(1_000))
    kept_going = "exit" in line
    assert failed(answer) == (["record-1"] if kept_going else ["record-1", "record-2"])
