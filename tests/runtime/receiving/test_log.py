"""One JSON line for each mail, without personal data."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO, TextIOWrapper
from typing import Any

import pytest

from mailroom.entry import receiving as entry
from mailroom.receiving import Disposition, ReceivedMail
from runtime.receiving.mail_samples import (
    CONTEXT,
    MESSAGE_ID,
    lines,
    sample,
    ses,
    synchronous,
)


def test_each_handled_mail_leaves_one_line(
    deploy: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Message id, rule, outcome and milliseconds, and no further field."""
    deploy(lambda _: None, rule="Support")
    entry.handler(sample(), CONTEXT)
    (line,) = lines(capsys)
    assert datetime.fromisoformat(line.pop("timestamp")).tzinfo is UTC
    assert 0 <= line.pop("ms") < 60_000
    assert line == {
        "level": "INFO",
        "event": "mailroom.receiving",
        "message_id": MESSAGE_ID,
        "rule": "Support",
        "outcome": "handled",
    }


def test_a_synchronous_outcome_is_the_disposition(
    deploy: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """The line has the answer to SES."""
    deploy(lambda _: Disposition.STOP_RULE)
    entry.handler(synchronous(), CONTEXT)
    assert [line["outcome"] for line in lines(capsys)] == ["STOP_RULE"]


@pytest.mark.parametrize("event", [sample(), synchronous()], ids=["async", "sync"])
def test_a_failure_is_logged_with_type_and_location_but_no_text(
    deploy: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    event: dict[str, Any],
) -> None:
    """Error texts and addresses are personal data, so neither is in the one line."""

    def function(mail: ReceivedMail) -> None:
        raise ValueError(f"no such customer {mail.source}")

    deploy(function, on_error="raise")
    with pytest.raises(ValueError, match="no such customer"):
        entry.handler(event, CONTEXT)
    output = capsys.readouterr().out
    (line,) = map(json.loads, output.splitlines())
    assert (line["level"], line["outcome"], line["error"]) == ("ERROR", "failed", "ValueError")
    assert line["at"].startswith("test_log.py:")
    assert "customer" not in output
    assert "@" not in output


def test_addresses_and_text_are_logged_when_switched_on(
    deploy: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """``MAILROOM_LOG_ADDRESSES=1`` adds the envelope and the error's text; "0" does not."""

    def function(_: ReceivedMail) -> None:
        raise ValueError("no such customer")

    deploy(function, log_addresses="1")
    entry.handler(synchronous(), CONTEXT)
    (line,) = lines(capsys)
    assert line["source"] == "janedoe@example.com"
    assert line["recipients"] == ["johndoe@example.com"]
    assert line["detail"] == "no such customer"
    deploy(function, log_addresses="0")
    entry.handler(synchronous(), CONTEXT)
    assert "source" not in lines(capsys)[0]


def test_a_broken_header_never_makes_logging_fail(deploy: Callable[..., None]) -> None:
    """A lone surrogate, which JSON can carry, must not turn a handled mail into a failure."""
    deploy(lambda _: Disposition.STOP_RULE, log_addresses="1")
    event = synchronous()
    ses(event)["mail"]["source"] = "\ud800@example.com"
    stdout = TextIOWrapper(BytesIO(), encoding="utf-8", errors="strict")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", stdout)
        assert entry.handler(event, CONTEXT) == {"disposition": "STOP_RULE"}
    stdout.seek(0)
    assert json.loads(stdout.read())["source"] == "\ud800@example.com"
