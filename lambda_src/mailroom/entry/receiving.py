"""What Lambda calls for received mail: `handler` gives the mail to the user's function."""

from __future__ import annotations

import os
import time

from mailroom import _runtime
from mailroom.entry._deadline import answer_due, deadline, initialised, time_until
from mailroom.entry._function import resolve, survivable
from mailroom.errors import (
    HandlerDied,
    InvalidAnswer,
    NotConfigured,
    OutOfTime,
    UnknownInvocation,
)
from mailroom.receiving import Disposition, ReceivedMail
from mailroom.ses import SETUP_NOTIFICATION, SYNCHRONOUS_SECONDS, WAITING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from mailroom.entry._child import Child
    from mailroom.receiving.bucket import Store

    _Failure = tuple[str, str, str | None]  # the error, its text and its place

__all__ = ["handler"]


_ON_ERROR = {
    "continue": Disposition.CONTINUE,
    "stop_rule": Disposition.STOP_RULE,
    "stop_rule_set": Disposition.STOP_RULE_SET,
    "raise": None,
}

# Seconds before an answer is due: for the failure's record, which may need a new client of SQS, and
# for the answer itself.
_FOR_FAILURE = 3.0
_FOR_ANSWER = 0.5
# How much of its time a handler in a child has before it is interrupted; then it is killed.
_UNTIL_INTERRUPTED = 0.9
_LATE = "the handler was still running when SES's answer was due"


class _Settings:
    """The environment, read once per process."""

    __slots__ = (
        "_child",
        "function",
        "log_addresses",
        "on_error",
        "rule",
        "store",
        "synchronous",
    )

    function: Callable[[ReceivedMail], object]
    store: Store | None

    def __init__(self) -> None:
        self.function = resolve(_runtime.setting("MAILROOM_HANDLER"))
        self.rule = os.environ.get("MAILROOM_RULE")
        self.log_addresses = os.environ.get("MAILROOM_LOG_ADDRESSES") == "1"
        # An event that cannot be read does not say so, and Mail Manager's may not.
        self.synchronous = os.environ.get("MAILROOM_SYNCHRONOUS") == "1"
        on_error = os.environ.get("MAILROOM_ON_ERROR", "continue")
        if on_error not in _ON_ERROR:
            allowed = ", ".join(map(repr, _ON_ERROR))
            raise NotConfigured(f"MAILROOM_ON_ERROR is {on_error!r}: set it to one of {allowed}")
        self.on_error = _ON_ERROR[on_error]
        self.store = None
        bucket = os.environ.get("MAILROOM_BUCKET")
        if bucket:
            # Made during init, when Lambda gives a whole core.
            from mailroom.receiving.bucket import MailBucket

            self.store = MailBucket(
                bucket=bucket,
                prefix=os.environ.get("MAILROOM_PREFIX", ""),
                # An empty one would mix the marks with the messages, so it counts as unset.
                mark_prefix=os.environ.get("MAILROOM_MARK_PREFIX") or None,
                client=_runtime.client("s3"),
            )
        self._child: Child | None = None

    @property
    def is_control(self) -> bool:
        """Whether mail must not pass if the handler fails."""
        return self.on_error in (Disposition.STOP_RULE, Disposition.STOP_RULE_SET)

    @property
    def child(self) -> Child:
        """The process of a control, whose end must not be the end of the answer."""
        if self._child is None:
            from mailroom.entry._child import Child

            self._child = Child(self._outcome)
        return self._child

    def _outcome(
        self, question: tuple[Mapping[str, Any], float | None]
    ) -> tuple[str, _Failure | None]:
        raw, end = question
        try:
            with deadline(None if end is None else end - time.monotonic(), _LATE):
                return _handle(raw, self, _disposition).value, None
        except BaseException as error:
            return Disposition.STOP_RULE_SET.value, _described(error)


_settings: _Settings | None = None


def handler(event: Mapping[str, Any], context: Any = None) -> dict[str, Any] | None:
    """Give the mail in *event* to the user's function.

    Asynchronous (``Event``): an exception propagates, so that Lambda retries and then sends the
    invocation to the on-failure queue. The function's return value is ignored.

    Synchronous (``RequestResponse``): if the event cannot be read, or the function raises, calls
    ``sys.exit``, returns something that is not a disposition, or has not ended in time,
    ``MAILROOM_ON_ERROR`` decides the answer to SES: ``continue`` (default), ``stop_rule``,
    ``stop_rule_set``, or ``raise`` to let the call fail. The invocation goes to the failure queue
    (``MAILROOM_FAILURE_QUEUE``); if that fails too, the answer is the same, and the log and the
    metric ``FailureNotKept`` say so. The function must end three seconds before Lambda's timeout
    and SES's 30 seconds, whichever comes first, or when three quarters of a shorter time are over.
    `deadline` says how that is enforced. With ``stop_rule`` and ``stop_rule_set`` the function runs
    in a child process, so that one that is killed, runs out of memory or cannot be interrupted is
    answered too. What SES does when a call fails is not documented, so ``raise`` is for code that
    needs neither answer.
    ``continue`` is the default because mail that went one step too far can be found again, while
    mail that a typo stopped cannot.

    Mail also arrives as a notification of a receipt rule's topic and as an event of S3; see
    `mailroom.receiving.arrivals`. Through SQS, each record fails by itself.

    SES's setup notification is skipped.

    A rule of Mail Manager invokes the function as a receipt rule does, by AWS's documentation. The
    mail may also be there without a record around it. ``MAILROOM_SYNCHRONOUS=1`` means that the
    caller waits for the answer, whether or not the event says so.

    Args:
        event: What SES, Mail Manager, SNS, SQS, S3 or EventBridge invokes the function with.
        context: Lambda's context object; its ids are part of a failure's record.

    Returns:
        ``{"disposition": …}`` if SES waits for it; for SQS, the records that failed
        (``batchItemFailures``); else ``None``.

    Raises:
        UnknownInvocation: *event* is neither one mail from SES nor an arrival, and the function is
            not synchronous.
    """
    global _settings
    if _settings is None:
        _settings = _Settings()
    started = time.perf_counter()
    if _is_setup_notification(event):
        _runtime.log("INFO", "mailroom.receiving", rule=_settings.rule, outcome="skipped")
        return None
    if not _is_from_ses(event):
        arrived = _arrivals()
        if arrived is not None and arrived.is_arrival(event):
            return arrived.handle(  # type: ignore[no-any-return]
                event,
                context,
                store=_settings.store,
                run=lambda mail: _run(mail, _settings),
                log=lambda raw, outcome, started, error=None: _log(
                    raw, outcome, started, _settings, error and _described(error)
                ),
            )
    if _settings.synchronous:
        return _answer(event, context, started, _settings)
    raw = _only_record(event)
    if _dig(raw, "receipt", "action", "invocationType") in WAITING:
        return _answer(event, context, started, _settings)
    try:
        _handle(raw, _settings)
    except BaseException as error:
        _log(raw, "failed", started, _settings, _described(error))
        raise
    _log(raw, "handled", started, _settings)
    return None


def _answer(
    event: Mapping[str, Any],
    context: Any,
    started: float,
    settings: _Settings,
) -> dict[str, str]:
    due = answer_due(context, SYNCHRONOUS_SECONDS)
    seconds = time_until(due, reserve=_FOR_FAILURE)
    failed: BaseException | None = None
    failure: _Failure | None = None
    raw: Mapping[str, Any] = {}
    try:
        raw = _only_record(event)
        if settings.is_control:
            disposition, failure = _ask(raw, settings, seconds)
        else:
            with deadline(seconds, _LATE):
                disposition = _handle(raw, settings, _disposition)
    except BaseException as caught:
        failed, failure = caught, _described(caught)
    if failure is None:
        _log(raw, disposition.value, started, settings)
        return {"disposition": disposition.value}
    _log(raw, "failed", started, settings, failure)
    if os.environ.get("MAILROOM_FAILURE_QUEUE"):
        _keep(event, raw, failure, context, settings, time_until(due, reserve=_FOR_ANSWER))
    if settings.on_error is None:
        assert failed is not None
        raise survivable(failed)
    return {"disposition": settings.on_error.value}


def _ask(
    raw: Mapping[str, Any], settings: _Settings, seconds: float | None
) -> tuple[Disposition, _Failure | None]:
    """Return what a control decides in its child, and how it failed if it did."""
    now = time.monotonic()
    end = None if seconds is None else now + seconds * _UNTIL_INTERRUPTED
    last = None if seconds is None else now + seconds
    (answer,) = settings.child.ask(
        [(raw, end)], lambda: None if last is None else max(last - time.monotonic(), 0)
    )
    if isinstance(answer, HandlerDied | OutOfTime):
        raise answer
    value, failure = answer
    return Disposition(value), failure


def _keep(
    event: Mapping[str, Any],
    raw: Mapping[str, Any],
    failure: _Failure,
    context: Any,
    settings: _Settings,
    seconds: float | None,
) -> None:
    """Put the invocation on the failure queue; if that fails, log it."""
    try:
        with deadline(seconds, "the failure queue did not answer in time"):
            name, text, _ = failure
            _runtime.dead_letter(event, name, text, context)
    except BaseException as caught:
        _runtime.log(
            "ERROR",
            "mailroom.receiving",
            message_id=_dig(raw, "mail", "messageId"),
            rule=settings.rule,
            outcome="failure not kept",
            error=type(caught).__name__,
            detail=str(caught)[:500],
        )
        function = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "unknown")
        _runtime.metric("FailureNotKept", 1, FunctionName=function)


def _handle(
    raw: Mapping[str, Any], settings: _Settings, check: Callable[[object], Any] | None = None
) -> Any:
    mail = ReceivedMail(raw, store=settings.store, synchronous=settings.synchronous)
    return _run(mail, settings, check)


def _run(
    mail: ReceivedMail, settings: _Settings, check: Callable[[object], Any] | None = None
) -> Any:
    store = settings.store
    # Read before the handler runs, so that a missing id fails before the work is done.
    message_id = None if store is None else mail.message_id
    answer = settings.function(mail)
    if check is not None:
        answer = check(answer)
    if store is not None and message_id is not None:
        store.mark_handled(message_id)
    return answer


def _disposition(answer: object) -> Disposition:
    if answer is None:
        return Disposition.CONTINUE
    try:
        return Disposition(answer)  # type: ignore[arg-type]
    except ValueError:
        allowed = ", ".join(f"Disposition.{item.name}" for item in Disposition)
        raise InvalidAnswer(
            f"the handler returned {type(answer).__name__} {answer!r:.80}: return {allowed} or None"
        ) from None


def _arrivals() -> Any:
    """Return what handles other callers than SES; ``None`` in the zip of a bundled behaviour."""
    try:
        from mailroom.entry import _arrivals
    except ImportError:
        return None
    return _arrivals


def _is_bare(event: Mapping[str, Any]) -> bool:
    # Both, because an event about sent mail has a ``mail`` too.
    return (
        isinstance(event, dict)
        and "Records" not in event
        and all(isinstance(event.get(key), dict) for key in ("mail", "receipt"))
    )


def _is_from_ses(event: Mapping[str, Any]) -> bool:
    if _is_bare(event):
        return True
    records = event.get("Records") if isinstance(event, dict) else None
    return isinstance(records, list) and any(
        isinstance(record, dict) and "ses" in record for record in records
    )


def _is_setup_notification(event: Mapping[str, Any]) -> bool:
    if _is_bare(event):
        return bool(_dig(event, "mail", "messageId") == SETUP_NOTIFICATION)
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or len(records) != 1:
        return False
    return bool(_dig(records[0], "ses", "mail", "messageId") == SETUP_NOTIFICATION)


def _dig(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _only_record(event: Mapping[str, Any]) -> Mapping[str, Any]:
    if _is_bare(event):
        return event
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or len(records) != 1:
        raise UnknownInvocation(
            "expected an SES event with exactly one record, got "
            + (f"{len(records)} records" if isinstance(records, list) else _shape(event))
        )
    record = records[0]
    ses = record.get("ses") if isinstance(record, dict) else None
    if not isinstance(ses, dict):
        source = record.get("eventSource") if isinstance(record, dict) else None
        raise UnknownInvocation(f"expected a record from aws:ses, got one from {source!r}")
    return ses


def _shape(event: object) -> str:
    if isinstance(event, dict):
        return f"a mapping with the keys {sorted(map(str, event))[:8]}"
    return type(event).__name__


def _described(error: BaseException) -> _Failure:
    return type(error).__name__, str(error), _runtime.where(error)


def _log(
    raw: Mapping[str, Any],
    outcome: str,
    started: float,
    settings: _Settings,
    failure: _Failure | None = None,
) -> None:
    fields: dict[str, Any] = {
        "message_id": _dig(raw, "mail", "messageId"),
        "rule": settings.rule,
        "outcome": outcome,
        "ms": round((time.perf_counter() - started) * 1000, 1),
    }
    if failure is not None:
        fields["error"], _, fields["at"] = failure
    if settings.log_addresses:
        fields["source"] = _dig(raw, "mail", "source")
        fields["recipients"] = _dig(raw, "receipt", "recipients")
        fields["detail"] = None if failure is None else failure[1]
    _runtime.log("INFO" if failure is None else "ERROR", "mailroom.receiving", **fields)


# Lambda imports this module during init, so that a wrong name fails before any mail is taken.
if "MAILROOM_HANDLER" in os.environ:
    _settings = _Settings()
    initialised()
