"""What Lambda calls for mail in flow through WorkMail: `handler`."""

from __future__ import annotations

import os
import time

from mailroom import _runtime
from mailroom.entry._deadline import answer_due, deadline, initialised, time_until
from mailroom.entry._function import resolve, survivable
from mailroom.errors import NotConfigured, UnknownInvocation
from mailroom.workmail import ANSWER_SECONDS, AnswerTable, FlowMail, MessageFlow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["handler"]

_RESERVE = 1.0  # for the answer table, and for what WorkMail's clock counts and ours does not


_WHOSE = {
    True: f"WorkMail's {ANSWER_SECONDS:g} s, or the function's timeout, were nearly over",
    False: "the function's timeout was nearly over",
}


class _Settings:
    """The environment, read once per process."""

    __slots__ = ("answers", "flow", "function", "log_addresses", "rule", "synchronous")

    function: Callable[[FlowMail], object]
    flow: MessageFlow | None

    def __init__(self) -> None:
        self.function = resolve(_runtime.setting("MAILROOM_FLOW_HANDLER"))
        self.rule = os.environ.get("MAILROOM_RULE")
        self.log_addresses = os.environ.get("MAILROOM_LOG_ADDRESSES") == "1"
        mode = os.environ.get("MAILROOM_FLOW_MODE", "synchronous")
        if mode not in ("synchronous", "asynchronous"):
            raise NotConfigured(
                f"MAILROOM_FLOW_MODE is {mode!r}: set it to 'synchronous' or 'asynchronous'"
            )
        self.synchronous = mode == "synchronous"
        self.flow = None
        bucket = os.environ.get("MAILROOM_FLOW_BUCKET")
        if bucket or os.environ.get("MAILROOM_FLOW_CONTENT") == "1":
            # At init, when Lambda gives a whole core, rather than during the first request.
            self.flow = MessageFlow(
                bucket=bucket,
                synchronous=self.synchronous,
                client=_runtime.client("workmailmessageflow"),
                s3=_runtime.client("s3") if bucket else None,
            )
        table = os.environ.get("MAILROOM_FLOW_TABLE")
        self.answers = (
            AnswerTable(table, prefix=f"{self.rule or ''}/", client=_runtime.client("dynamodb"))
            if table
            else None
        )


_settings: _Settings | None = None


def handler(event: Mapping[str, Any], context: Any = None) -> dict[str, Any] | None:
    """Pass the mail in *event* to the user's function and return its answer.

    Synchronous: the function returns an `Answer`, or ``None`` for `Answer.default` to all, but not
    ``None`` after it began an answer. Exceptions propagate: WorkMail asks again until the rule's
    timeout, then applies the rule's fallback. One second before WorkMail's 15 or the function's
    timeout are over, a function that is still running is ended by a `deadline`, and `OutOfTime`
    propagates. Unlike being killed, this leaves a log line that says where, and releases the claim
    in the answer table.

    Asynchronous: exceptions propagate, so that Lambda retries and then sends the event to the
    on-failure queue. WorkMail does not wait; an answer is ignored, with a warning in the log.

    Settings
        ``MAILROOM_FLOW_HANDLER``
            The function, ``module:function``. The name differs from SES's, so that one folder can
            have functions for both.
        ``MAILROOM_FLOW_MODE``
            ``synchronous`` (default) or ``asynchronous``.
        ``MAILROOM_FLOW_CONTENT``
            ``1`` if the function may read messages.
        ``MAILROOM_FLOW_BUCKET``
            Bucket for new content; the function may then read and replace messages.
        ``MAILROOM_FLOW_TABLE``
            The `AnswerTable`, by which repeated invocations get the same answer.
        ``MAILROOM_RULE``
            Name of the rule, for the log and the table.
        ``MAILROOM_LOG_ADDRESSES``
            ``1`` to log envelope, sender and error texts.
    """
    global _settings
    if _settings is None:
        _settings = _Settings()
    settings = _settings
    started = time.monotonic()
    _check_event(event)
    due = answer_due(context, ANSWER_SECONDS if settings.synchronous else None)
    seconds = time_until(due, reserve=_RESERVE)
    end = None if seconds is None else time.monotonic() + seconds
    mail = FlowMail(event, flow=settings.flow, deadline=end)
    try:
        answer, outcome = _once(mail, end, context, settings)
        if settings.synchronous:
            mail.check_time()
    except BaseException as error:
        _log(mail, "failed", started, settings, error)
        raise survivable(error)  # noqa: B904 (it is the same error, or has it as its cause)
    _log(mail, outcome, started, settings)
    return answer


def _once(
    mail: FlowMail, end: float | None, context: Any, settings: _Settings
) -> tuple[dict[str, Any] | None, str]:
    answers = settings.answers
    if answers is None:
        return _decide(mail, end, settings)
    invocation_id = mail.invocation_id
    attempt = f"{getattr(context, 'aws_request_id', None) or 'local'}-{time.time_ns()}"
    known = answers.claim(invocation_id, attempt)
    if known is not None:
        return known[0], "repeated"
    try:
        result = _decide(mail, end, settings)
    except BaseException:
        answers.release(invocation_id, attempt)
        raise
    answers.store(invocation_id, attempt, result[0])
    return result


def _decide(
    mail: FlowMail, end: float | None, settings: _Settings
) -> tuple[dict[str, Any] | None, str]:
    seconds = None if end is None else end - time.monotonic()
    with deadline(seconds, f"the handler was still running when {_WHOSE[settings.synchronous]}"):
        answer = settings.function(mail)
    # Another thread than the main one has no deadline.
    mail.check_time()
    if not settings.synchronous:
        return None, "handled" if answer is None else "answer ignored: the rule is asynchronous"
    checked = mail.checked_answer(answer)
    return checked.payload(), ",".join(checked.kinds)


def _check_event(event: object) -> None:
    if isinstance(event, dict) and "messageId" in event and "envelope" in event:
        return
    shape = (
        f"a mapping with the keys {sorted(map(str, event))[:8]}"
        if isinstance(event, dict)
        else type(event).__name__
    )
    raise UnknownInvocation(
        f"the event is {shape}: invoke this function with events of WorkMail's message flow"
    )


def _log(
    mail: FlowMail,
    outcome: str,
    started: float,
    settings: _Settings,
    error: BaseException | None = None,
) -> None:
    raw = mail.raw
    fields: dict[str, Any] = {
        "message_id": raw.get("messageId"),
        "invocation_id": raw.get("invocationId"),
        "direction": raw.get("flowDirection"),
        "rule": settings.rule,
        "outcome": outcome,
        "ms": round((time.monotonic() - started) * 1000, 1),
    }
    if error is not None:
        fields["error"] = type(error).__name__
        fields["at"] = _runtime.where(error)
    if settings.log_addresses:
        fields["envelope"] = raw.get("envelope")
        fields["sender"] = raw.get("sender")
        fields["detail"] = None if error is None else str(error)
    level = "INFO" if error is None else "ERROR"
    if outcome.startswith("answer ignored"):
        level = "WARNING"
    _runtime.log(level, "mailroom.workmail", **fields)


# Lambda imports this module while it initialises, so a wrong name fails before any mail arrives.
if "MAILROOM_FLOW_HANDLER" in os.environ:
    _settings = _Settings()
    initialised()
