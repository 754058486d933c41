"""`mailroom log`: one message, all messages, and following new ones."""

import io
import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from mailroom_cli import follow as following
from mailroom_cli.follow import follow
from mailroom_local import LocalAws
from mailroom_local.control import EventRecord, HandlerOutcome, MessageRecord

Run = Callable[..., tuple[int, str, str]]
Make = Callable[..., MessageRecord]


@pytest.fixture
def log(mailroom: Run, local_aws: LocalAws) -> Run:
    return lambda *arguments: mailroom("log", *arguments, "--state", str(local_aws.state.root))


def send(aws: LocalAws) -> str:
    raw = b"Subject: Test\r\n\r\nHi\r\n"
    sent = aws.send(raw, mail_from="jane@example.net", rcpt_tos=["support@example.com"])
    aws.wait(sent.message_id, seconds=10, handlers=False)
    return sent.message_id


def test_one_message_is_shown_in_full_by_the_beginning_of_its_id(
    log: Run, rules: Any, local_aws: LocalAws
) -> None:
    rules.take("example.com", name="all")
    first, second = send(local_aws), send(local_aws)
    status, printed, _ = log(second[:10])
    assert status == 0
    assert second in printed
    assert "  all: support@example.com  " in printed
    status, printed, _ = log()
    assert (status, second in printed) == (0, False)
    assert printed.index(first[:12]) < printed.index(second[:12])
    status, printed, _ = log(second[:10], "--json")
    assert [message["message_id"] for message in json.loads(printed)] == [second]


def test_an_unknown_id_is_status_1(log: Run) -> None:
    status, printed, complaint = log("UPPER")
    assert (status, printed) == (1, "")
    assert "0 messages have an id that begins with 'UPPER'" in complaint


def test_the_journal_of_a_local_aws_that_has_ended_can_be_read(
    mailroom: Run, tmp_path: Path
) -> None:
    state = str(tmp_path)
    assert mailroom("log", "--state", state)[0] == 1
    (tmp_path / "journal.jsonl").touch()
    assert mailroom("log", "--state", state) == (
        0,
        "no messages yet: send one with `mailroom send --to ADDRESS --body TEXT`\n",
        "",
    )
    assert mailroom("log", "--state", state, "--json")[1] == "[]\n"


def journal_of(state: Path, count: int) -> None:
    lines = (
        f'{{"type":"accepted","at":"2026-11-27T09:00:00+00:00","message_id":"m{number}-"}}\n'
        for number in range(count)
    )
    (state / "journal.jsonl").write_text("".join(lines))


def test_the_last_messages_are_shown_unless_more_are_asked_for(
    mailroom: Run, tmp_path: Path
) -> None:
    journal_of(tmp_path, 60)

    def shown(*arguments: str) -> tuple[int, bool]:
        _, printed, _ = mailroom("log", "--state", str(tmp_path), *arguments)
        return len(re.findall(r"m\d+-", printed)), "`mailroom log --last all`" in printed

    assert shown() == (50, True)
    assert shown("--last", "2") == (2, True)
    assert shown("--last", "60") == (60, False)
    assert shown("--last", "all") == (60, False)


def test_json_has_every_message_unless_fewer_are_asked_for(mailroom: Run, tmp_path: Path) -> None:
    journal_of(tmp_path, 60)
    run = ("log", "--json", "--state", str(tmp_path))
    every = json.loads(mailroom(*run)[1])
    assert [message["message_id"] for message in every] == [f"m{n}-" for n in range(60)]
    assert json.loads(mailroom(*run, "--last", "2")[1]) == every[-2:]


@pytest.mark.parametrize("count", ["0", "-1", "some"])
def test_last_takes_a_number_or_all(mailroom: Run, count: str) -> None:
    status, _, complaint = mailroom("log", "--last", count)
    assert status == 2
    assert f"{count!r} is not a number of messages: pass 1 or more, or all" in complaint


def test_following_cannot_be_limited_to_one_message(log: Run) -> None:
    status, _, complaint = log("abc", "--follow")
    assert status == 2
    assert complaint.splitlines() == [
        "mailroom: --follow shows every message, not just abc",
        "  omit --follow or the message id",
    ]


@pytest.mark.parametrize(("arguments", "as_json"), [([], False), (["--json"], True)])
def test_follow_goes_on_in_the_form_that_was_asked_for(
    log: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], as_json: bool
) -> None:
    followed: list[bool] = []
    monkeypatch.setattr(
        following, "follow", lambda aws, *, as_json: followed.append(as_json) or aws.messages()
    )
    assert log("--follow", *arguments)[0] == 0
    assert followed == [as_json]


class Journal:
    """A local AWS whose journal grows with each read, and which then ends."""

    def __init__(self, *looks: list[MessageRecord], lost: bool = False) -> None:
        self.looks = list(looks)
        self.lost = lost
        self.joined = 0

    def messages(self, *, handlers: bool = True) -> list[MessageRecord]:
        if handlers:
            self.joined += 1
            if self.lost:
                raise EndpointConnectionError(endpoint_url="http://127.0.0.1")
        return self.looks[0]

    def followed(self, **options: Any) -> None:
        def next_look(seconds: float) -> None:
            self.looks.pop(0)

        aws: Any = self
        follow(aws, while_=lambda: bool(self.looks), sleep=next_look, **options)


def test_a_message_is_shown_once_when_it_has_finished(
    record: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = Journal([], [record(finished=False)], [record()], [record()])
    at = datetime.now(UTC)
    for look in journal.looks:
        for message in look:
            message.at = at
    journal.followed()
    printed = capsys.readouterr().out
    assert printed.count("abcdefghijkl") == 2  # the id and the object's key
    assert "in progress" not in printed
    assert journal.joined == 2, "the functions' logs are read although nothing is new"


def test_the_log_waits_until_a_function_reports(
    record: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    pending, done = record(), record()
    done.at = pending.at
    pending.actions[1].handler = []
    Journal([pending], [done]).followed()
    printed = capsys.readouterr().out
    assert "invocation accepted" not in printed
    assert printed.count("SupportFunction  in 7 ms") == 1


def test_a_function_that_never_reports_is_not_waited_for_long(
    record: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    silent = record(at=datetime.now(UTC) - timedelta(seconds=20.5), ms=10_000)
    silent.actions[1].handler = []
    Journal([silent]).followed()
    assert "invocation accepted" in capsys.readouterr().out
    silent.ms = 11_000
    Journal([silent]).followed()
    assert capsys.readouterr().out == ""


def test_a_sent_message_is_shown_again_with_each_new_event(
    record: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    def sent(*kinds: str) -> MessageRecord:
        events = [
            EventRecord(kind=kind, at=at, recipient=None, destinations=[], payload={})
            for kind in kinds
        ]
        return record(at=at, outgoing=True, rules=[], actions=[], events=events)

    at = datetime.now(UTC)
    Journal([sent("Send")], [sent("Send")], [sent("Send", "Open")]).followed()
    printed = capsys.readouterr().out
    assert (printed.count("Send"), printed.count("Open")) == (2, 1)


def test_json_is_a_line_for_each_message(record: Make, capsys: pytest.CaptureFixture[str]) -> None:
    Journal([record(), record(message_id="other")]).followed(as_json=True)
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["message_id"][:5] for line in lines] == ["abcde", "other"]


def test_messages_are_shown_after_the_server_has_ended(
    record: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    Journal([record()], lost=True).followed()
    assert "abcdefghijkl" in capsys.readouterr().out


def test_on_a_terminal_a_message_in_progress_is_live_and_then_replaced(
    record: Make, screen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", screen)
    waiting, done = record(finished=False), record()
    done.at = waiting.at
    Journal([waiting], [waiting], [done], []).followed()
    shown = screen.getvalue()
    assert shown.count("in progress") >= 2
    after = shown[shown.rindex("in progress") :]
    assert "\x1b[2K" in after, "the live rows stay on the screen"
    assert "\x1b[?25h" in after, "the cursor stays hidden"
    assert re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", after).count("finished in 12 ms") == 1


def test_a_pipe_gets_no_control_codes(record: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stdout", pipe)
    done = record()
    Journal([record(finished=False)], [done]).followed()
    assert "finished in 12 ms" in pipe.getvalue()
    assert "\x1b" not in pipe.getvalue()


def test_the_latest_outcome_of_a_handler_is_what_is_shown(
    record: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    message = record()
    message.actions[1].handler = [HandlerOutcome(outcome="failed", error="ValueError")]
    Journal([message]).followed()
    assert "    ValueError\n" in capsys.readouterr().out
