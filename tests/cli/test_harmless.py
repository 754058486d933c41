"""What others wrote reaches no terminal as control characters, whichever command shows it."""

import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from mailroom_cli import functions, render, timeline
from mailroom_cli.commands import show as show_command
from mailroom_cli.commands import tail
from mailroom_cli.main import main
from mailroom_cli.terminal import show
from mailroom_local import _journal
from mailroom_local.control import (
    ActionRecord,
    EventRecord,
    HandlerOutcome,
    MessageRecord,
    RuleRecord,
)

# Renames the window, rings, clears the screen (also by a C1 control), turns text around.
HOSTILE = "\x1b]0;PWNED\x07\x1b[2J\x9b2J\u202e\u2066[red]"
HARMLESS = r"\x1b]0;PWNED\x07\x1b[2J\x9b2J\u202e\u2066[red]"
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)

Make = Callable[..., MessageRecord]


@pytest.fixture
def wide(screen: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A terminal on which no column wraps."""
    monkeypatch.setenv("COLUMNS", "3000")
    return screen


def check(screen: io.StringIO, *, times: int) -> None:
    """No control character but line ends and our own colours, and all that was hostile visible."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue())
    assert not re.search(
        r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f]", plain
    )
    assert "".join(plain.split()).count(HARMLESS) >= times


@pytest.mark.parametrize("full", [False, True])
def test_the_log_of_a_received_message(record: Make, wide: Any, full: bool) -> None:
    call = HandlerOutcome(
        outcome="failed",
        function_arn=f"arn:aws:lambda:r:0:function:{HOSTILE}",
        error=HOSTILE,
        detail=f"{HOSTILE}\n{HOSTILE}",
        place=HOSTILE,
        output=[HOSTILE, json.dumps({"event": f"mailroom.{HOSTILE}", "name": HOSTILE})],
        dead_letter_queue=HOSTILE,
    )
    received = record(
        mail_from=HOSTILE,
        rcpt_tos=[HOSTILE],
        subject=HOSTILE,
        stopped_by=HOSTILE,
        problems=[HOSTILE],
        calls=[call],
        rules=[RuleRecord(name=HOSTILE, recipients=[HOSTILE], verdicts={HOSTILE: HOSTILE})],
        actions=[
            ActionRecord(
                rule=HOSTILE,
                kind="AddHeader",
                outcome=HOSTILE,
                ms=1,
                detail={"headerName": HOSTILE, "headerValue": HOSTILE, "error": HOSTILE},
            ),
            ActionRecord(
                rule=HOSTILE,
                kind="Lambda",
                outcome="accepted",
                ms=1,
                detail={"functionArn": HOSTILE * 7},
                handler=[call],
            ),
        ],
    )
    refused = record(refused=HOSTILE, reason=HOSTILE, rules=[], actions=[])
    show(render.messages([received, refused], full=full), stream=wide)
    check(wide, times=24)


# Every part of an event that is somebody else's text.
EVENTS = {
    "Bounce": {
        "bounce": {
            "bounceType": HOSTILE,
            "bounceSubType": HOSTILE,
            "bouncedRecipients": [{"diagnosticCode": HOSTILE}],
        }
    },
    "Complaint": {"complaint": {"complaintFeedbackType": HOSTILE}},
    "Delivery": {"delivery": {"smtpResponse": HOSTILE}},
    "DeliveryDelay": {
        "deliveryDelay": {
            "delayType": HOSTILE,
            "expirationTime": HOSTILE,
            "delayedRecipients": [{"diagnosticCode": HOSTILE}],
        }
    },
    "Open": {"open": {"userAgent": HOSTILE}},
    "Click": {"click": {"link": HOSTILE, "linkTags": {HOSTILE: [HOSTILE]}}},
    "Reject": {"reject": {"reason": HOSTILE}},
    "Rendering Failure": {"failure": {"templateName": HOSTILE, "errorMessage": HOSTILE}},
    "Subscription": {
        "subscription": {
            "contactList": HOSTILE,
            "newTopicPreferences": {
                "topicSubscriptionStatus": [{"topicName": HOSTILE, "subscriptionStatus": HOSTILE}]
            },
        }
    },
    HOSTILE: {HOSTILE: HOSTILE},
}


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: (kind[:1].isalpha() and kind) or "other")
def test_the_log_of_a_sent_message(record: Make, wide: Any, kind: str) -> None:
    event = EventRecord(
        kind=kind,
        at=AT,
        recipient=HOSTILE,
        destinations=[{"kind": HOSTILE, "name": HOSTILE, "outcome": "failed", "error": HOSTILE}],
        payload={"eventType": kind, **EVENTS[kind]},
    )
    sent = record(
        at=AT, outgoing=True, rules=[], actions=[], events=[event], configuration_set=HOSTILE
    )
    show(render.messages([sent], full=True), stream=wide)
    check(wide, times=5)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: (kind[:1].isalpha() and kind) or "other")
def test_the_timeline_of_an_event_table(wide: Any, kind: str) -> None:
    item = {
        "message_id": HOSTILE,
        "at": f"2026-11-20T12:00:00Z#{kind}#1",
        "type": kind,
        "recipient": HOSTILE,
        "source": HOSTILE,
        "configuration_set": HOSTILE,
        "detail": json.dumps(EVENTS[kind]),
    }
    show(render.story(HOSTILE, timeline.entries([item])), stream=wide)
    check(wide, times=4)


def test_the_lines_that_functions_print(wide: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", wide)
    lines = [HOSTILE, f"\t{HOSTILE}", json.dumps({"event": f"mailroom.{HOSTILE}", "x": HOSTILE})]
    log: Any = functions.Log(None, function=HOSTILE, group="", where=HOSTILE)
    on = tail.Screen([log], as_json=False)
    on.show(
        [functions.Printed(function=HOSTILE, at=AT, message=line, where=HOSTILE) for line in lines]
    )
    check(wide, times=7)


@pytest.mark.parametrize("options", [[], ["--headers"], ["--raw"], ["--html"]])
def test_a_message(
    wide: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: list[str]
) -> None:
    message = EmailMessage()
    message["Subject"] = HOSTILE
    message["From"] = f"{HOSTILE} <jane@example.net>"
    message.set_content(f"{HOSTILE}\r\n{HOSTILE}\n", cte="8bit")
    message.add_alternative(f"<p>{HOSTILE}\n{HOSTILE}</p>", subtype="html", cte="8bit")
    message.add_attachment(b"", maintype="text", subtype="csv", filename=HOSTILE)
    journal = _journal.Journal(tmp_path / "journal.jsonl")
    journal.write("accepted", message_id="m1", mail_from="", rcpt_tos=[])
    journal.keep("m1", message.as_bytes())
    monkeypatch.setattr("sys.stdout", wide)
    assert main(["show", "m1", "--state", str(tmp_path), *options]) == 0
    assert show_command.__doc__
    check(wide, times=2)
