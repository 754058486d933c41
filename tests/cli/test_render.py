"""How messages are shown."""

import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailroom_cli import render
from mailroom_cli.terminal import show
from mailroom_local.control import (
    ActionRecord,
    EventRecord,
    HandlerOutcome,
    MessageRecord,
    RuleRecord,
)

Make = Callable[..., MessageRecord]


def piped(*messages: MessageRecord, full: bool = False) -> str:
    stream = io.StringIO()
    show(render.messages(messages, full=full), stream=stream)
    return stream.getvalue()


def event(kind: str, after: float = 0.0, **payload: Any) -> EventRecord:
    return EventRecord(
        kind=kind,
        at=datetime(2026, 11, 20, 12, tzinfo=UTC) + timedelta(seconds=after),
        recipient="reader@example.net",
        destinations=[{"kind": "SNS", "name": "topic", "outcome": "delivered"}],
        payload={"eventType": kind, **payload},
    )


def sent(make: Make, *events: EventRecord, **fields: Any) -> MessageRecord:
    values = {"outgoing": True, "rules": [], "actions": [], "configuration_set": "news"}
    return make(
        at=datetime(2026, 11, 20, 12, tzinfo=UTC), events=list(events), **{**values, **fields}
    )


def test_a_received_message_is_aligned_and_short(record: Make) -> None:
    heading, *rows = piped(record()).splitlines()
    assert re.fullmatch(
        r'\d\d:\d\d:\d\d  abcdefghijkl  jane@example.net → support@example.com  "Hi"', heading
    )
    assert rows == [
        "  Support  S3      done      3 ms  in/abcdefghijkl…",
        "           Lambda  handled  12 ms  SupportFunction  in 7 ms",
        "  finished in 12 ms",
    ]


def test_the_columns_of_several_messages_are_aligned(record: Make) -> None:
    action = ActionRecord(rule="A", kind="WorkMail", outcome="done", ms=1000.0)
    shown = piped(record(), record(actions=[action], rules=[]))
    rows = [line for line in shown.splitlines() if line.endswith((" ms", "…", "in 7 ms"))]
    rows = [line for line in rows if not line.startswith("  finished")]
    assert len(rows) == 3
    assert len({line.index(" ms") for line in rows}) == 1


def test_an_older_message_shows_its_day(record: Make) -> None:
    shown = piped(record(at=datetime(2026, 1, 2, 12, tzinfo=UTC)))
    assert shown.startswith("2026-01-0")


def test_one_message_is_shown_in_full(record: Make) -> None:
    rule = RuleRecord(name="Support", recipients=["a@b.example"], verdicts={"spam": "PASS"})
    message = record(rules=[rule])
    shown = piped(message, full=True)
    assert str(message.message_id) in shown
    assert "mail/in/abcdefghijklmnopqrstuvwxyz" in shown
    assert "Help-SupportFunction0123ABCD-0123456789ABC" in shown
    assert "Support: a@b.example  spam PASS" in shown


def test_a_refusal_is_shown_with_its_reason(record: Make) -> None:
    refused = record(
        message_id=None, refused="550 5.1.1 no", reason="no rule", rules=[], actions=[]
    )
    heading, refusal = piped(refused).splitlines()
    assert "  refused  jane@example.net" in heading
    assert refusal == "  550 5.1.1 no  (no rule)"


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"finished": False}, "  in progress"),
        ({"rules": [], "actions": []}, "  no rule matched"),
        ({"actions": []}, "  Support    no actions\n  finished in 12 ms"),
        ({"stopped_by": "Support"}, "  finished in 12 ms; Support stopped the rule set"),
        ({"ms": None}, "  finished in 0 ms"),
    ],
)
def test_every_outcome_is_shown(record: Make, fields: dict[str, Any], shown: str) -> None:
    assert piped(record(**fields)).endswith(f"{shown}\n")


def test_a_function_that_does_not_report_was_at_least_invoked(record: Make) -> None:
    message = record()
    message.actions[1].handler = []
    assert "SupportFunction  invocation accepted" in piped(message)


def failure(**fields: Any) -> HandlerOutcome:
    values = {"error": "ValueError", "detail": "no ticket", "place": "app.py:14"}
    return HandlerOutcome(outcome="failed", ms=3.0, **{**values, **fields})


def test_a_failed_function_is_shown_in_red_with_error_line_tries_queue_and_output(
    record: Make, screen: Any
) -> None:
    message = record()
    last = failure(output=["hello"], dead_letter_queue="Help-DeadLetters0123ABCD-0123456789ABC")
    message.actions[1].handler = [failure(output=["hello"], final=False), last]
    assert piped(message).splitlines()[2:-1] == [
        "           Lambda  failed  12 ms  SupportFunction  in 3 ms",
        "    ValueError: no ticket  app.py:14",
        "    2 tries, now in the dead-letter queue DeadLetters",
        "    │ hello",
    ]
    show(render.messages([message]), stream=screen)
    assert "\x1b[31mfailed\x1b[0m" in screen.getvalue()
    assert "\x1b[31mValueError: no ticket\x1b[0m" in screen.getvalue()
    assert "\x1b[1;31mapp.py:14\x1b[0m" in screen.getvalue()


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (failure(final=False), "1 try, another follows"),
        (failure(), "1 try, and no dead-letter queue keeps it"),
    ],
)
def test_what_becomes_of_a_failed_call_is_said(
    record: Make, last: HandlerOutcome, said: str
) -> None:
    message = record()
    message.actions[1].handler = [last]
    assert f"    {said}\n" in piped(message)


def test_only_one_message_in_full_shows_tries_that_went_otherwise(record: Make) -> None:
    message = record()
    message.actions[1].handler = [failure(), HandlerOutcome(outcome="handled")]
    assert "ValueError" not in piped(message)
    assert "    after 2 tries\n" in piped(message)
    assert "ValueError: no ticket  app.py:14\n    1 try so far\n" in piped(message, full=True)


def test_much_output_is_cut_unless_one_message_is_shown_in_full(record: Make) -> None:
    message = record()
    lines = [f"line {number}" for number in range(20)]
    message.actions[1].handler = [HandlerOutcome(outcome="handled", output=lines, omitted=5)]
    assert "│ … 12 lines above" in piped(message)
    assert "│ line 11\n" not in piped(message)
    assert "│ line 0\n" in piped(message, full=True)
    assert "│ … 5 lines more: `mailroom tail`" in piped(message)


def test_a_synchronous_function_that_failed_shows_its_answer_in_red(
    record: Make, screen: Any
) -> None:
    message = record()
    message.actions[1].outcome = "CONTINUE"
    message.actions[1].handler = [failure()]
    show(render.messages([message]), stream=screen)
    assert "\x1b[31mCONTINUE\x1b[0m" in screen.getvalue()


def test_a_function_of_an_event_is_shown_below_it_if_it_failed_or_printed(record: Make) -> None:
    quiet, loud = event("Delivery"), event("Bounce")
    arn = "arn:aws:lambda:us-east-1:0:function:Help-OnBounce0123ABCD-0123456789ABC"
    quiet.handlers = [HandlerOutcome(outcome="handled", function_arn=arn)]
    loud.handlers = [failure(function_arn=arn, final=False)]
    rows = piped(sent(record, quiet, loud)).splitlines()[1:]
    assert rows[2:] == [
        "    OnBounce  failed in 3 ms",
        "    ValueError: no ticket  app.py:14",
        "    1 try, another follows",
    ]
    assert piped(sent(record, quiet), full=True).count("handled") == 1


def test_the_error_of_an_action_is_cut_unless_shown_in_full(record: Make) -> None:
    error = "cannot write:\n" + "x" * 200
    action = ActionRecord(
        rule="Support",
        kind="SNS",
        outcome="failed",
        ms=1,
        detail={"topicArn": "arn:aws:sns:us-east-1:0:tickets", "error": error},
    )
    message = record(actions=[action])
    assert f"tickets  cannot write: {'x' * 86}\n" in piped(message)
    assert f"tickets  cannot write: {'x' * 200}\n" in piped(message, full=True)


def test_a_sent_message_is_a_row_for_each_event(record: Make) -> None:
    click = event("Click", 75, click={"link": "https://example.com"})
    message = sent(record, event("Send"), click, message_id="0100018f-1b2c-3d4e-5f6a-7b8c-9d0e")
    heading, *rows = piped(message).splitlines()
    assert "  0100018f-1b2c-3d4e-5f6a-7  ↗ jane@example.net" in heading
    assert heading.endswith('"Hi"  news')
    assert rows == [
        "     +0 ms  Send   reader@example.net  → SNS",
        "  +0:01:15  Click  reader@example.net  https://example.com  → SNS",
    ]


def test_a_failed_destination_is_shown_with_the_full_reason(record: Make) -> None:
    failed = event("Send")
    failed.destinations[0] |= {"outcome": "failed", "error": "no such topic"}
    message = sent(record, failed)
    assert piped(message).splitlines()[1].endswith("→ SNS failed")
    assert piped(message, full=True).splitlines()[1].endswith("→ SNS topic failed (no such topic)")


def test_mail_without_a_configuration_set_says_that_it_has_no_events(record: Make) -> None:
    shown = piped(sent(record, configuration_set=None))
    assert shown.endswith("  no configuration set, so no events\n")


@pytest.mark.parametrize(
    ("outcome", "colour"),
    [
        ("done", 32), ("CONTINUE", 32), ("accepted", 32), ("skipped", 33), ("STOP_RULE", 33),
        ("STOP_RULE_SET", 33), ("failed", 31), ("bounced", 31),
    ],
)  # fmt: skip
def test_the_colour_shows_how_an_action_went(
    record: Make, screen: Any, outcome: str, colour: int
) -> None:
    action = ActionRecord(rule="Support", kind="S3", outcome=outcome, ms=1)
    show(render.messages([record(actions=[action])]), stream=screen)
    assert f"\x1b[{colour}m{outcome}\x1b[0m" in screen.getvalue()


@pytest.mark.parametrize(
    ("kind", "colour"),
    [("Delivery", 32), ("Rendering Failure", 31), ("Bounce", 31), ("DeliveryDelay", 33)],
)
def test_the_colour_shows_how_serious_an_event_is(
    record: Make, screen: Any, kind: str, colour: int
) -> None:
    show(render.messages([sent(record, event(kind))]), stream=screen)
    assert f"\x1b[{colour}m{kind}\x1b[0m" in screen.getvalue()


@pytest.mark.parametrize(
    ("fields", "ending"),
    [
        ({"finished": False}, "in progress"),
        ({"rules": [], "actions": []}, "no rule matched"),
        (
            {"outgoing": True, "rules": [], "actions": [], "configuration_set": None},
            "no configuration set, so no events",
        ),
    ],
)
def test_an_unusual_outcome_is_yellow(
    record: Make, screen: Any, fields: dict[str, Any], ending: str
) -> None:
    show(render.messages([record(**fields)]), stream=screen)
    assert f"\x1b[33m{ending}\x1b[0m" in screen.getvalue()


def test_nothing_is_cut_off_however_narrow_the_terminal_is(record: Make, screen: Any) -> None:
    long = "".join(chr(ord("a") + place % 26) for place in range(150))
    rule = RuleRecord(name="r" + long, recipients=[], verdicts={})
    messages = [
        record(rcpt_tos=[long], rules=[], actions=[]),
        record(rules=[rule], actions=[]),
        record(actions=[ActionRecord(rule="", kind="Stop", outcome="done", ms=1,
                                     detail={"scope": "s" + long})], rules=[]),
    ]  # fmt: skip
    show(render.messages(messages), stream=screen)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue())
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert len(re.findall("[a-z]", shown)) >= 3 * 150
    joined = "".join(shown.split())
    assert long in joined
    assert "s" + long in joined


def test_long_details_wrap_by_words_below_their_column(record: Make, screen: Any) -> None:
    message = record()
    reason = "the customer is not in the address book of the company that wrote the mail"
    message.actions[1].handler = []
    message.actions[1].outcome, message.actions[1].detail["error"] = "failed", reason
    show(render.messages([message]), stream=screen)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue()).splitlines()
    assert all(len(line) <= 80 for line in lines)
    first = next(line for line in lines if "SupportFunction" in line)
    below = lines[lines.index(first) + 1]
    assert len(below) - len(below.lstrip()) == first.index("SupportFunction")
    words = " ".join(" ".join(lines).split())
    assert reason in words


def test_json_has_everything_and_times_in_iso_8601(record: Make) -> None:
    message = sent(record, event("Send"), actions=record().actions)
    document = json.loads(json.dumps(render.document(message)))
    assert document["at"] == document["events"][0]["at"] == "2026-11-20T12:00:00+00:00"
    assert document["actions"][1]["handler"][0]["outcome"] == "handled"
