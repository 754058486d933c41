"""What Lambda functions reported about messages, read from CloudWatch Logs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mailroom_local.control.journal import HandlerOutcome, MessageRecord

# The `mailroom` runtime logs one of these for each message.
_EVENTS = frozenset({"mailroom.receiving", "mailroom.workmail"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    rule: str
    outcome: HandlerOutcome


def join(messages: Sequence[MessageRecord], *, functions: Any, logs: Any) -> None:
    """Add to each Lambda action what its function reported, one outcome for each attempt.

    A function that does not use the ``mailroom`` runtime reports nothing.
    """
    said: dict[str, dict[str, list[_Line]]] = {}
    # What functions logged before the first of these messages is about others.
    since = min((int(message.at.timestamp() * 1000) for message in messages), default=0)
    for message in messages:
        for action in message.actions:
            name = action.function_name
            if name is None or message.message_id is None:
                continue
            if name not in said:
                said[name] = _lines(name, since, functions=functions, logs=logs)
            lines = said[name].get(message.message_id, [])
            # One function may serve two rules of the same message.
            own = [line for line in lines if line.rule == action.rule]
            action.handler = [line.outcome for line in own or lines]


def _lines(name: str, since: int, *, functions: Any, logs: Any) -> dict[str, list[_Line]]:
    from botocore.exceptions import ClientError

    found: dict[str, list[_Line]] = {}
    try:
        configuration = functions.get_function_configuration(FunctionName=name)
        group = configuration.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{name}"
        paginator = logs.get_paginator("filter_log_events")
        pages = paginator.paginate(logGroupName=group, startTime=since)
        texts = [event["message"] for page in pages for event in page["events"]]
    except ClientError as error:
        # Without a log group, the function has not run yet; without the function, it was deleted.
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return found
        raise
    for text in texts:
        record = _parse(text)
        if record is not None:
            line = _Line(
                rule=str(record.get("rule", "")),
                outcome=HandlerOutcome(
                    outcome=str(record.get("outcome", "")),
                    ms=record.get("ms"),
                    error=record.get("error"),
                ),
            )
            found.setdefault(str(record.get("message_id", "")), []).append(line)
    return found


def _parse(text: str) -> dict[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        record = json.loads(text)
    except ValueError:
        return None
    return record if isinstance(record, dict) and record.get("event") in _EVENTS else None
