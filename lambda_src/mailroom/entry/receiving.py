"""What Lambda calls for received mail: `handler` gives the mail to the user's function."""

from __future__ import annotations

import os
import time

from mailroom import _runtime
from mailroom.entry._function import resolve
from mailroom.errors import InvalidAnswer, NotConfigured, UnknownInvocation
from mailroom.receiving import Disposition, MailBucket, ReceivedMail
from mailroom.ses import SETUP_NOTIFICATION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from mailroom.receiving.bucket import Store

__all__ = ["handler"]


_ON_ERROR = {
    "continue": Disposition.CONTINUE,
    "stop_rule": Disposition.STOP_RULE,
    "stop_rule_set": Disposition.STOP_RULE_SET,
    "raise": None,
}


class _Settings:
    """The environment, read once per process."""

    __slots__ = ("function", "log_addresses", "on_error", "rule", "store")

    function: Callable[[ReceivedMail], object]
    store: Store | None

    def __init__(self) -> None:
        self.function = resolve(_runtime.setting("MAILROOM_HANDLER"))
        self.rule = os.environ.get("MAILROOM_RULE")
        self.log_addresses = os.environ.get("MAILROOM_LOG_ADDRESSES") == "1"
        on_error = os.environ.get("MAILROOM_ON_ERROR", "continue")
        if on_error not in _ON_ERROR:
            raise NotConfigured(f"MAILROOM_ON_ERROR is {on_error!r}; it must be {_one_of()}")
        self.on_error = _ON_ERROR[on_error]
        self.store = None
        bucket = os.environ.get("MAILROOM_BUCKET")
        if bucket:
            # At init, where Lambda gives a whole core, rather than inside the first request.
            self.store = MailBucket(
                bucket=bucket,
                prefix=os.environ.get("MAILROOM_PREFIX", ""),
                # Empty would put the marks where the messages are, so it counts as unset.
                mark_prefix=os.environ.get("MAILROOM_MARK_PREFIX") or None,
                client=_runtime.client("s3"),
            )


def _one_of() -> str:
    return ", ".join(repr(name) for name in _ON_ERROR)


_settings: _Settings | None = None


def handler(event: Mapping[str, Any], context: Any = None) -> dict[str, str] | None:
    """Lambda's entry point: give the one mail in *event* to the user's function.

    Asynchronous (``Event``): exceptions propagate, so that Lambda retries and then sends the
    invocation to the on-failure queue. The answer is ignored.

    Synchronous (``RequestResponse``): returns ``{"disposition": …}``. If the user's function
    raises, or answers what is no disposition, the invocation goes to the failure queue
    (``MAILROOM_FAILURE_QUEUE``) and ``MAILROOM_ON_ERROR`` decides what SES is told:
    ``continue`` (default), ``stop_rule``, ``stop_rule_set``, or ``raise`` to let the error out,
    which SES treats as ``CONTINUE``. The default is ``continue`` because SES itself fails open,
    and because mail that went one step too far can be found again while mail that was stopped by
    a typo cannot.

    SES's setup notification is recognised and skipped. Anything that is not one mail from SES
    raises `UnknownInvocation`, to the caller, or by way of Lambda to the on-failure queue.
    """
    global _settings
    if _settings is None:
        _settings = _Settings()
    started = time.perf_counter()
    if _is_setup_notification(event):
        _runtime.log("INFO", "mailroom.receiving", rule=_settings.rule, outcome="skipped")
        return None
    raw = _only_record(event)
    if _dig(raw, "receipt", "action", "invocationType") == "RequestResponse":
        return _answer(raw, event, context, started, _settings)
    try:
        _handle(raw, _settings)
    except BaseException as error:
        _log(raw, "failed", started, _settings, error)
        raise
    _log(raw, "handled", started, _settings)
    return None


def _answer(
    raw: Mapping[str, Any],
    event: Mapping[str, Any],
    context: Any,
    started: float,
    settings: _Settings,
) -> dict[str, str]:
    try:
        disposition = _handle(raw, settings, _disposition)
    except Exception as error:
        _log(raw, "failed", started, settings, error)
        if os.environ.get("MAILROOM_FAILURE_QUEUE"):
            _runtime.dead_letter(event, error, context)
        if settings.on_error is None:
            raise
        return {"disposition": settings.on_error.value}
    _log(raw, disposition.value, started, settings)
    return {"disposition": disposition.value}


def _handle(
    raw: Mapping[str, Any], settings: _Settings, check: Callable[[object], Any] | None = None
) -> Any:
    store = settings.store
    mail = ReceivedMail(raw, store=store)
    # Asked for before the handler runs, so that its absence is not noticed after the work is done.
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
            f"the handler answered {type(answer).__name__} {answer!r:.80}; "
            f"allowed are {allowed} and None"
        ) from None


def _is_setup_notification(event: Mapping[str, Any]) -> bool:
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or len(records) != 1 or not isinstance(records[0], dict):
        return False
    record = records[0]
    if record.get("eventSource") == "aws:ses":
        return bool(_dig(record, "ses", "mail", "messageId") == SETUP_NOTIFICATION)
    if record.get("eventSource") == "aws:s3":
        key = _dig(record, "s3", "object", "key")
        return isinstance(key, str) and key.endswith(SETUP_NOTIFICATION)
    return False


def _dig(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _only_record(event: Mapping[str, Any]) -> Mapping[str, Any]:
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


def _log(
    raw: Mapping[str, Any],
    outcome: str,
    started: float,
    settings: _Settings,
    error: BaseException | None = None,
) -> None:
    fields: dict[str, Any] = {
        "message_id": _dig(raw, "mail", "messageId"),
        "rule": settings.rule,
        "outcome": outcome,
        "ms": round((time.perf_counter() - started) * 1000, 1),
    }
    if error is not None:
        fields["error"] = type(error).__name__
        fields["at"] = _runtime.where(error)
    if settings.log_addresses:
        fields["source"] = _dig(raw, "mail", "source")
        fields["recipients"] = _dig(raw, "receipt", "recipients")
        fields["detail"] = None if error is None else str(error)
    _runtime.log("INFO" if error is None else "ERROR", "mailroom.receiving", **fields)


# Lambda imports this module while it initialises: a wrong name then fails before any mail is taken.
# Last in the file, because the user's module imports this one while this one is being imported.
if "MAILROOM_HANDLER" in os.environ:
    _settings = _Settings()
