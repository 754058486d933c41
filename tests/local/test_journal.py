"""The journal, what functions add to it, and how both are shown."""

import contextlib
import io
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mailroom_local import render
from mailroom_local.journal import ActionRecord, HandlerOutcome, MessageRecord, RuleRecord
from mailroom_local.progress import Terminal
from mailroom_local.terminal import coloured

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
FUNCTION = (
    "arn:aws:lambda:us-east-1:000000000000:function:Help-SupportFunction0123ABCD-0123456789ABC"
)


class Screen(io.StringIO):
    """A terminal that remembers."""

    def isatty(self) -> bool:
        return True


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


def test_the_table_is_aligned_and_short() -> None:
    """Generated names lose stack and suffix; ids and keys are cut."""
    assert render.table([record()], colour=False).splitlines()[1:] == [
        "  Support  S3      done       3 ms  in/abcdefghijkl…",
        "           Lambda  accepted  12 ms  SupportFunction  handled in 7 ms",
        "  finished in 12 ms",
    ]


def test_one_message_is_shown_in_full() -> None:
    """Whole id, whole names, verdicts, and what SES would object to."""
    rule = RuleRecord(name="Support", recipients=["a@b.example"], verdicts={"spam": "PASS"})
    shown = render.table(
        [record(rules=[rule], unverified=["a@b.example"])], colour=False, full=True
    )
    assert record().message_id in shown
    assert "Help-SupportFunction0123ABCD-0123456789ABC" in shown
    assert "Support: a@b.example  spam PASS" in shown
    assert "not verified, so SES would refuse: a@b.example" in shown


def test_a_refusal_is_shown_with_its_reason() -> None:
    """The reply is what the sender saw, the reason is for us."""
    refused = record(
        message_id=None, refused="550 5.1.1 no", reason="no rule", rules=[], actions=[]
    )
    shown = render.table([refused], colour=False)
    assert "550 5.1.1 no  (no rule)" in shown


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"finished": False}, "under way"),
        ({"rules": [], "actions": []}, "no rule took it"),
        ({"actions": []}, "no actions"),
        ({"stopped_by": "Support"}, "the rule set stopped by Support"),
    ],
)
def test_every_ending_has_its_words(fields: dict[str, Any], shown: str) -> None:
    """Nothing just ends."""
    assert shown in render.table([record(**fields)], colour=False)


def test_colour_is_only_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR is honoured, and files get plain text."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert coloured(Screen())
    assert not coloured(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not coloured(Screen())
    assert "\x1b[" in render.table([record()], colour=True)
    assert "\x1b[" not in render.table([record()], colour=False)


def test_json_holds_everything(tmp_path: Path) -> None:
    """For programs: the same records, times in ISO 8601."""
    (found,) = json.loads(render.as_json([record()]))
    assert found["at"] == AT.isoformat()
    assert found["actions"][1]["handler"][0]["outcome"] == "handled"


def test_progress_is_plain_lines_outside_a_terminal() -> None:
    """A log file gets no escape sequences."""
    stream = io.StringIO()
    with Terminal(stream).step("Deploying") as report:
        report("1/2")
    began, ended = stream.getvalue().splitlines()
    assert began == "Deploying ..."
    assert ended.startswith("Deploying: done in 0.")


def test_progress_is_one_live_line_on_a_terminal() -> None:
    """With the seconds that have passed, and what is being done."""
    stream = Screen()
    progress = Terminal(stream)
    with contextlib.suppress(ValueError), progress.step("Deploying") as report:
        report("1/2\x1b[31m")
        for _ in range(200):
            if "1/2" in stream.getvalue():
                break
            time.sleep(0.01)
        raise ValueError("oops")
    painted = stream.getvalue()
    assert painted.count("\n") == 1
    assert "1/2" in painted
    assert "\x1b[31m" not in painted
    assert painted.splitlines()[-1].split("\r")[-1].startswith("\x1b[2K✗ Deploying: failed after")
