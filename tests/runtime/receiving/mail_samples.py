"""AWS's samples of received mail, altered as tests need."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mailroom.receiving import ReceivedMail

PAYLOADS = Path(__file__).parents[2] / "payloads"
BUCKET = "mail-bucket"
MESSAGE_ID = "o3vrnil0e2ic28tr"

CONTEXT = SimpleNamespace(
    aws_request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
    invoked_function_arn="arn:aws:lambda:us-east-1:111122223333:function:Example",
    function_version="$LATEST",
)


def sample(name: str = "received_mail") -> dict[str, Any]:
    """Return one of AWS's documented events, freshly parsed."""
    event: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text())
    return event


def ses(event: dict[str, Any]) -> dict[str, Any]:
    """Return the part of *event* that a view is made of."""
    part: dict[str, Any] = event["Records"][0]["ses"]
    return part


def synchronous(event: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return *event*, or the sample, as SES sends it when it waits for the answer."""
    event = event or sample()
    ses(event)["receipt"]["action"]["invocationType"] = "RequestResponse"
    return event


def without(*path: str) -> ReceivedMail:
    """Return the sample's view with the key at *path* taken away."""
    raw = ses(sample())
    part = raw
    for key in path[:-1]:
        part = part[key]
    del part[path[-1]]
    return ReceivedMail(raw)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return what was logged since the last call, each line parsed."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]
