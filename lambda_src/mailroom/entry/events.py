"""What Lambda calls for sending events: gives each to the functions of its type."""

from __future__ import annotations

import json
import os
import time

from mailroom import _runtime
from mailroom.entry._deadline import answer_due, deadline, time_until
from mailroom.entry._function import resolve, survivable
from mailroom.errors import MalformedEvent, NotConfigured
from mailroom.events import SendingEvent, SkippedRecord, records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["ANY_TYPE", "handler"]


class _Settings:
    """The environment, read once per process."""

    __slots__ = ("functions", "log_addresses")

    def __init__(self) -> None:
        text = _runtime.setting("MAILROOM_HANDLERS")
        try:
            named = json.loads(text)
        except ValueError as error:
            raise NotConfigured(f"MAILROOM_HANDLERS is not JSON: {error}") from error
        if not isinstance(named, dict) or not all(
            isinstance(specs, list) and all(isinstance(spec, str) for spec in specs)
            for specs in named.values()
        ):
            raise NotConfigured(
                f"MAILROOM_HANDLERS is {text!r:.80}: set it to a JSON object of event types, each "
                "with a list of 'module:function'"
            )
        self.functions: dict[str, list[Callable[[Any], object]]] = {
            kind: [resolve(spec) for spec in specs] for kind, specs in named.items()
        }
        self.log_addresses = os.environ.get("MAILROOM_LOG_ADDRESSES") == "1"


ANY_TYPE = "*"
"""In ``MAILROOM_HANDLERS``: the functions for every type without an entry of its own."""

_RESERVE = 1.0
"""Seconds that are kept for the answer."""
_LATE = "the invocation's time was up before this event was handled"

_settings: _Settings | None = None


def handler(event: Mapping[str, Any], context: Any = None) -> dict[str, Any] | None:
    """Give each event in *event* to the functions of its type, in their order.

    ``MAILROOM_HANDLERS`` is a JSON object of event types, each with a list of
    ``module:function``; ``*`` is for the types without an entry. If one of several functions
    fails, the later ones do not run, and the retry runs all of them again.

    A record that cannot be read fails, and so reaches the dead-letter queue unchanged. SES's
    validation text is skipped. An event that no function takes is logged and counted in the
    metric ``Unhandled``. When the invocation is about to time out, the record that is being handled
    fails, and so do the remaining ones at once: they are retried without those that were handled.
    A function that ends the process, as ``sys.exit`` does, fails its record only.

    Args:
        event: What SQS, SNS or EventBridge invokes the function with, or a bare event.
        context: Lambda's context object, which has the remaining time.

    Returns:
        For SQS, the records that failed (``batchItemFailures``), which alone are retried and end
        in the dead-letter queue; otherwise ``None``.

    Raises:
        UnknownInvocation: *event* comes from none of these.
        Exception: A record failed, and *event* does not come from SQS: Lambda retries it.
    """
    global _settings
    if _settings is None:
        _settings = _Settings()
    failed: list[str] = []
    error: Exception | None = None
    remaining = time_until(answer_due(context), reserve=_RESERVE)
    end = None if remaining is None else time.monotonic() + remaining
    for record_id, item in records(event):
        started = time.perf_counter()
        try:
            with deadline(None if end is None else end - time.monotonic(), _LATE):
                outcome = _handle(item, _settings)
        except BaseException as caught:
            error = survivable(caught)
            failed.append(record_id)
            _log(item, "failed", started, _settings, error)
        else:
            _log(item, outcome, started, _settings)
    if _from_sqs(event):
        return {"batchItemFailures": [{"itemIdentifier": record_id} for record_id in failed]}
    if error is not None:
        raise error
    return None


def _handle(item: SendingEvent | SkippedRecord, settings: _Settings) -> str:
    if isinstance(item, SkippedRecord):
        if item.control:
            return "skipped"
        raise MalformedEvent(item.reason)
    functions = settings.functions.get(item.type) or settings.functions.get(ANY_TYPE)
    if not functions:
        # A dimension's value must be short, ASCII and not empty.
        kind = item.type[:64].encode("ascii", "replace").decode().strip() or "unknown"
        _runtime.metric("Unhandled", 1, Type=kind)
        return "unhandled"
    for function in functions:
        function(item)
    return "handled"


def _from_sqs(event: Mapping[str, Any]) -> bool:
    found = event.get("Records")
    return isinstance(found, list) and any(
        isinstance(record, dict) and record.get("eventSource") == "aws:sqs" for record in found
    )


def _log(
    item: SendingEvent | SkippedRecord,
    outcome: str,
    started: float,
    settings: _Settings,
    error: Exception | None = None,
) -> None:
    fields: dict[str, Any] = {
        "outcome": outcome,
        "ms": round((time.perf_counter() - started) * 1000, 1),
    }
    if isinstance(item, SendingEvent):
        raw = item.raw.get("mail")
        mail = raw if isinstance(raw, dict) else {}
        fields["type"] = item.type[:64]
        # Only strings: a line that cannot be written would fail the whole batch.
        if isinstance(mail.get("messageId"), str):
            fields["message_id"] = mail["messageId"][:256]
        if settings.log_addresses and isinstance(mail.get("destination"), list):
            found = [address for address in mail["destination"] if isinstance(address, str)]
            fields["destination"] = [address[:320] for address in found[:50]]
    else:
        fields["reason"] = item.reason[:200]
    if error is not None:
        fields["error"] = type(error).__name__
        fields["at"] = _runtime.where(error)
        if settings.log_addresses:
            fields["detail"] = str(error)[:2000]
    _runtime.log("INFO" if error is None else "ERROR", "mailroom.events", **fields)


# Lambda imports this module during init, so that a wrong name fails before any event is taken.
if "MAILROOM_HANDLERS" in os.environ:
    _settings = _Settings()
