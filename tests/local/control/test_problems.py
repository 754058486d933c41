"""Whatever goes wrong with a message is a line of its story; without a server."""

import json
import smtplib
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from mailroom_local._background import Background
from mailroom_local._journal import Journal
from mailroom_local.control import clients, journal
from mailroom_local.control.journal import MessageRecord
from mailroom_local.receiving import decisions, smtp
from mailroom_local.receiving.message import Envelope
from mailroom_local.receiving.runner import Receiver
from mailroom_local.sending.mailer import Mailer
from mailroom_local.sending.message import SentMessage
from mailroom_local.server.certificate import Certificates
from mailroom_local.server.smtp import SmtpServer

RAW = b"From: a@example.net\r\nTo: b@example.com\r\nSubject: Hi\r\n\r\nHello\r\n"
ENVELOPE = Envelope(
    mail_from="a@example.net",
    rcpt_tos=("b@example.com",),
    client_address="127.0.0.1",
    client_name="client",
    tls=False,
)


class Service:
    """Every client of AWS in one: answers what it was given, and raises the rest."""

    def __init__(self, **answers: Any) -> None:
        self._answers = answers

    def __getattr__(self, name: str) -> Any:
        def call(*_: Any, **__: Any) -> Any:
            answer = self._answers.get(name, RuntimeError(f"{name} broke"))
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call

    def get_paginator(self, name: str) -> Any:
        return Service(paginate=[{"Identities": []}])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def receiver(
    path: Path, patch: pytest.MonkeyPatch, *actions: dict[str, Any], **answers: Any
) -> Any:
    """A receiver whose rule has these actions."""
    rule = {
        "Name": "r",
        "Enabled": True,
        "Recipients": ["example.com"],
        "Actions": list(actions),
    }
    patch.setattr(clients, "client", lambda *_, **__: Service())
    found = decisions.InForce(rules=[rule], filters=[], identities=["example.com"])
    return Receiver(
        endpoint="http://127.0.0.1:1",
        account="000000000000",
        region="us-east-1",
        journal=Journal(path),
        in_force=lambda account, region: found,
    )


def told(path: Path, enough: Callable[[list[MessageRecord]], bool]) -> list[MessageRecord]:
    """The stories, once so much of them is there."""
    deadline = time.monotonic() + 10
    while not enough(found := journal.read(path)):
        assert time.monotonic() < deadline, found
        time.sleep(0.005)
    return found


def test_a_problem_names_the_error_and_its_place(path: Path) -> None:
    """And leaves the thread alive for the next message."""

    def breaks(number: int) -> None:
        raise ValueError(f"no\n{number}")

    written = Journal(path)
    background = Background(written, name="test", workers=1)
    for name in ("one", "two"):
        written.write("accepted", message_id=name)
        background.begin(name, breaks, 1)
    for story in told(path, lambda found: len(found) == 2 and all(s.problems for s in found)):
        (problem,) = story.problems
        assert problem.startswith("ValueError: no 1 (constructs_lib/mailroom_local/_background.py:")


def test_what_waits_when_the_server_stops_is_finished(path: Path) -> None:
    background = Background(Journal(path), name="test", workers=1)
    done: list[int] = []
    for number in range(20):
        background.begin(None, lambda one: (time.sleep(0.005), done.append(one)), number)
    background.close()
    assert done == list(range(20))


def test_the_story_of_what_cannot_be_finished_in_time_says_so(path: Path) -> None:
    """Of what is in progress and of what has not begun, once for each message."""
    written, go_on = Journal(path), Event()
    background = Background(written, name="test", workers=1)
    for name in ("one", "two"):
        written.write("accepted", message_id=name)
        background.begin(name, go_on.wait)
    background.begin("two", go_on.wait)
    background.close(by=time.monotonic() + 0.01)
    go_on.set()
    stories = journal.read(path)
    assert [story.finished for story in stories] == [True, True]
    for story in stories:
        assert story.problems == ["not finished, because the local AWS was stopped"]


def test_what_comes_while_the_server_stops_has_a_story_with_an_end(path: Path) -> None:
    """A client may have sent it just then."""
    written = Journal(path)
    background = Background(written, name="test", workers=1)
    background.close()
    written.write("accepted", message_id="late")
    background.begin("late", print)
    [story] = journal.read(path)
    assert story.finished
    assert story.problems == ["not finished, because the local AWS was stopped"]


def test_an_action_that_breaks_does_not_take_the_next_with_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of whatever type the exception is; the message's story has an end."""
    made = receiver(
        path,
        monkeypatch,
        {"S3Action": {"BucketName": "b"}},
        {"AddHeaderAction": {"HeaderName": "X", "HeaderValue": "y"}},
    )
    made.accept(RAW, ENVELOPE)
    (story,) = told(path, lambda found: found[0].finished)
    made.close()
    assert [action.outcome for action in story.actions] == ["failed", "done"]
    assert story.actions[0].detail["error"] == "RuntimeError: put_object broke"
    assert "mailroom_local/receiving/runner.py:" in story.actions[0].detail["place"]
    assert story.finished


def test_a_story_ends_though_running_its_rules_broke(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as by an action that nobody has heard of."""
    made = receiver(path, monkeypatch, {"NewAction": {}})
    made.accept(RAW, ENVELOPE)
    (story,) = told(path, lambda found: found[0].finished)
    made.close()
    assert story.finished
    assert story.problems[0].startswith("KeyError: 'NewAction' (mailroom_local/receiving/runner.py")


def test_nothing_is_accepted_of_what_is_answered_with_an_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its story would never end."""

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("down")

    made = receiver(path, monkeypatch)
    # For the message the rules are matched once more than for its recipients.
    monkeypatch.setattr(Receiver, "admit", lambda *_, **__: None)
    monkeypatch.setattr(decisions, "match_rules", broken)
    with serving(made, path) as client, pytest.raises(smtplib.SMTPDataError) as error:
        client.sendmail("a@example.net", ["b@example.com"], RAW)
    made.close()
    assert error.value.smtp_code == 451
    (story,) = journal.read(path)
    assert str(story.refused).startswith("451 ")
    assert str(story.reason).startswith("RuntimeError: down at ")
    assert story.rcpt_tos == ["b@example.com"]


class serving:  # noqa: N801  # used like a function
    """A client of a server that receives for this receiver."""

    def __init__(self, made: Any, path: Path) -> None:
        bound = socket.create_server(("127.0.0.1", 0))
        self._server = SmtpServer(
            bound=bound,
            conversation=smtp.conversation(
                receiver=made,
                others=[],
                journal=Journal(path),
                tls=Certificates(path.with_suffix(".pem"), host_names=("localhost",)).context(),
                host_name="localhost",
            ),
        )
        self._port = bound.getsockname()[1]

    def __enter__(self) -> smtplib.SMTP:
        self._server.start()
        self._client = smtplib.SMTP("127.0.0.1", self._port, timeout=10)
        return self._client

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._server.stop()


def test_every_refusal_of_the_protocol_is_in_the_journal(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those that the SMTP library makes by itself."""
    made = receiver(path, monkeypatch)
    with serving(made, path) as client:
        codes = [client.docmd(text)[0] for text in ("BOGUS", "RCPT TO:<a@b.example>", "DATA")]
        client.ehlo()
        client.mail("a@example.net")
        codes.append(client.rcpt("someone@elsewhere.example")[0])
    made.close()
    stories = journal.read(path)
    assert [int(str(story.refused)[:3]) for story in stories] == codes
    assert stories[-1].reason == "no enabled rule of the active rule set matches this recipient"
    assert stories[-1].rcpt_tos == ["someone@elsewhere.example"]
    assert stories[-1].mail_from == "a@example.net"


def test_an_event_that_cannot_be_published_does_not_take_the_others_with_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither those of other destinations nor the next of its message."""
    types = ["SEND", "DELIVERY"]
    destinations = [
        {"Name": "bus", "Enabled": True, "MatchingEventTypes": types, "EventBridgeDestination": {}},
        {
            "Name": "topic",
            "Enabled": True,
            "MatchingEventTypes": types,
            "SnsDestination": {"TopicArn": "arn"},
        },
    ]
    answers = {"get_configuration_set_event_destinations": {"EventDestinations": destinations}}
    service = Service(publish={}, **answers)
    monkeypatch.setattr(clients, "client", lambda *_, **__: service)
    mailer = Mailer(
        endpoint="http://127.0.0.1:1",
        account="000000000000",
        region="us-east-1",
        journal=Journal(path),
        put_event=lambda *_, **__: json.loads("{"),
    )
    mailer.send(outgoing())
    (story,) = told(path, lambda found: found[0].finished)
    mailer.close()
    assert story.finished
    assert [event.kind for event in story.events] == ["Send", "Delivery"]
    for event in story.events:
        assert [each["outcome"] for each in event.destinations] == ["failed", "published"]
        assert event.destinations[0]["error"].startswith("JSONDecodeError: ")
    # The reputation metrics could not be written either.
    assert "RuntimeError: put_metric_data broke" in story.problems[0]


def outgoing() -> SentMessage:
    return SentMessage(
        message_id="id",
        operation="SendEmail",
        sent_at=datetime.now(UTC),
        source="a@example.net",
        source_arn="arn:aws:ses:us-east-1:0:identity/example.net",
        recipients=("b@example.com",),
        raw=RAW,
        account="000000000000",
        region="us-east-1",
        caller="someone",
        source_ip="127.0.0.1",
        configuration_set="set",
    )
