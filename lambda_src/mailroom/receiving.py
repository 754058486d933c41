"""Receive mail: a typed view of what SES tells a Lambda function, and the function's entry point.

The user writes a plain function::

    def on_mail(mail: ReceivedMail) -> Disposition | None: ...

and `handler` below is what Lambda calls. The construct names the user's function in
``MAILROOM_HANDLER``; everything else that it sets is listed at `handler`.

SES's side is documented at
https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-lambda-event.html
"""

from __future__ import annotations

import os
import time
from enum import StrEnum

from mailroom import _runtime
from mailroom._views import Headers, date_time, optional, required
from mailroom.errors import InvalidAnswer, MessageNotStored, NotConfigured, UnknownInvocation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from email.message import EmailMessage
    from io import BufferedIOBase
    from typing import Any, Protocol, TypeVar

    T = TypeVar("T")

    class Store(Protocol):
        """Where whole messages are kept; `MailBucket` in Lambda, memory in a unit test."""

        def open(self, message_id: str) -> BufferedIOBase: ...
        def was_handled(self, message_id: str) -> bool: ...
        def mark_handled(self, message_id: str) -> None: ...


__all__ = [
    "SETUP_NOTIFICATION",
    "Disposition",
    "Headers",
    "MailBucket",
    "ReceivedMail",
    "Verdict",
    "handler",
]

SETUP_NOTIFICATION = "AMAZON_SES_SETUP_NOTIFICATION"
"""Message id and object name that SES uses when an S3 action is created: no mail, never handled."""

_CHUNK = 64 * 1024


class Disposition(StrEnum):
    """What a synchronous handler wants to happen next; ``None`` means `CONTINUE`.

    An asynchronous handler's answer is ignored, as SES does not wait for it.
    """

    CONTINUE = "CONTINUE"
    """The rule's next action, then the next rule."""
    STOP_RULE = "STOP_RULE"
    """No further action of this rule; the next matching rule runs."""
    STOP_RULE_SET = "STOP_RULE_SET"
    """Nothing further at all."""


class Verdict:
    """The outcome of one of SES's checks.

    ``status`` is SES's own word: ``PASS``, ``FAIL``, ``GRAY``, ``PROCESSING_FAILED``,
    ``DISABLED``, one that AWS adds later, or ``None`` if SES did not say. Exactly as careful as
    that: `passed` and `failed` are both false for everything in between.
    """

    __slots__ = ("status",)

    def __init__(self, status: str | None) -> None:
        self.status = status

    @property
    def passed(self) -> bool:
        """Whether SES looked and found nothing wrong."""
        return self.status == "PASS"

    @property
    def failed(self) -> bool:
        """Whether SES looked and found the mail wanting."""
        return self.status == "FAIL"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Verdict):
            return self.status == other.status
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.status)

    def __repr__(self) -> str:
        return f"Verdict({self.status!r})"


class ReceivedMail:
    """One mail as SES received it; a view of the event, which stays reachable as ``raw``.

    ``raw`` is the mapping with the keys ``mail`` and ``receipt``. Nothing is copied or checked
    until it is asked for, and only a missing key that was asked for raises (`MissingField`, with
    its path). What RFC 5322 makes optional, or AWS, is ``None`` or empty instead.
    """

    __slots__ = ("_headers", "_mail", "_store", "raw")

    def __init__(self, raw: Mapping[str, Any], *, store: Store | None = None) -> None:
        self.raw = raw
        self._mail = required(raw, "mail", "mail", dict)
        self._store = store
        self._headers: Headers | None = None

    # The envelope (RFC 5321): what the SMTP conversation said.

    @property
    def message_id(self) -> str:
        """SES's own id of this mail, which is also its object name in the mail bucket.

        Not the ``Message-ID`` header field, which the sender chose; see `header_message_id`.
        """
        return required(self._mail, "messageId", "mail.messageId", str)

    @property
    def source(self) -> str:
        """The envelope sender (MAIL FROM); empty for the null reverse-path of a bounce."""
        return optional(self._mail, "source", "mail.source", str) or ""

    @property
    def destination(self) -> list[str]:
        """All addresses in ``To`` and ``Cc``; who the mail was sent to is `recipients`."""
        return list(optional(self._mail, "destination", "mail.destination", list) or ())

    @property
    def recipients(self) -> list[str]:
        """The envelope recipients that this receipt rule matched."""
        return list(required(self._receipt, "recipients", "receipt.recipients", list))

    # The header fields (RFC 5322): what the sender wrote. Anyone can write anything.

    @property
    def headers(self) -> Headers:
        """All header fields, or the first 50 KB of them if `headers_truncated`."""
        if self._headers is None:
            self._headers = Headers(optional(self._mail, "headers", "mail.headers", list) or ())
        return self._headers

    @property
    def headers_truncated(self) -> bool:
        """Whether SES cut `headers`, which it does beyond 50 KB; `read()` has all of them."""
        return bool(self._mail.get("headersTruncated"))

    @property
    def common_headers(self) -> Mapping[str, Any]:
        """SES's decoded choice of fields, as SES spells it; see the attributes beside this one."""
        return optional(self._mail, "commonHeaders", "mail.commonHeaders", dict) or {}

    @property
    def subject(self) -> str | None:
        """The ``Subject``, decoded; ``None`` if the mail has none."""
        return self._common("subject", str)

    @property
    def from_(self) -> list[str]:
        """The ``From`` addresses with display names; empty if there are none."""
        return list(self._common("from", list) or ())

    @property
    def to(self) -> list[str]:
        """The ``To`` addresses with display names; empty if there are none."""
        return list(self._common("to", list) or ())

    @property
    def cc(self) -> list[str]:
        """The ``Cc`` addresses with display names; empty if there are none."""
        return list(self._common("cc", list) or ())

    @property
    def reply_to(self) -> list[str]:
        """The ``Reply-To`` addresses with display names; empty if there are none."""
        return list(self._common("replyTo", list) or ())

    @property
    def return_path(self) -> str | None:
        """The ``Return-Path`` that SES wrote, from the envelope sender."""
        return self._common("returnPath", str)

    @property
    def date(self) -> str | None:
        """The ``Date`` as the sender wrote it (RFC 5322 syntax, if the sender kept to it)."""
        return self._common("date", str)

    @property
    def header_message_id(self) -> str | None:
        """The ``Message-ID`` header field, angle brackets included."""
        return self._common("messageId", str)

    # What SES made of it.

    @property
    def spam(self) -> Verdict:
        """SES's spam check; ``DISABLED`` if the rule does not scan."""
        return self._verdict("spamVerdict")

    @property
    def virus(self) -> Verdict:
        """SES's virus check; ``DISABLED`` if the rule does not scan."""
        return self._verdict("virusVerdict")

    @property
    def spf(self) -> Verdict:
        """The Sender Policy Framework check (RFC 7208)."""
        return self._verdict("spfVerdict")

    @property
    def dkim(self) -> Verdict:
        """The DomainKeys Identified Mail check (RFC 6376)."""
        return self._verdict("dkimVerdict")

    @property
    def dmarc(self) -> Verdict:
        """The DMARC check (RFC 7489); status ``None`` where SES leaves it out."""
        return self._verdict("dmarcVerdict")

    @property
    def dmarc_policy(self) -> str | None:
        """The sending domain's policy, ``none``, ``quarantine`` or ``reject``, if DMARC failed."""
        return optional(self._receipt, "dmarcPolicy", "receipt.dmarcPolicy", str)

    @property
    def timestamp(self) -> datetime:
        """When SES received the mail (aware, UTC)."""
        return date_time(self._mail, "timestamp", "mail.timestamp")

    @property
    def action_timestamp(self) -> datetime:
        """When SES ran this rule's action (aware, UTC)."""
        return date_time(self._receipt, "timestamp", "receipt.timestamp")

    @property
    def processing_time_millis(self) -> int | None:
        """From SES's reception of the mail to this action, in milliseconds."""
        path = "receipt.processingTimeMillis"
        return optional(self._receipt, "processingTimeMillis", path, int)

    @property
    def action(self) -> Mapping[str, Any]:
        """The receipt rule's action as SES describes it: ``type``, ``functionArn`` and so on."""
        return optional(self._receipt, "action", "receipt.action", dict) or {}

    @property
    def synchronous(self) -> bool:
        """Whether SES waits for the answer (at most 30 s)."""
        return self.action.get("invocationType") == "RequestResponse"

    # The message itself, which SES leaves in the mail bucket.

    def open(self) -> BufferedIOBase:
        """Open the whole message as a binary stream; it need never fit in memory.

        Close it, or use it in a ``with``. Raises `MessageNotStored` if the bucket has no such
        object (retention passed, or another rule stored it), `NotConfigured` if the rule does
        not store its mail or the function was not granted to read it.
        """
        return self._need_store().open(self.message_id)

    def read(self) -> EmailMessage:
        """Fetch and parse the whole message; raises what `open` raises.

        Parsing holds about three times the message's size in memory. For the fields alone, use
        `headers`; for very large mail, use `open`.
        """
        from email import policy
        from email.message import EmailMessage
        from email.parser import BytesFeedParser

        # Feeding chunks needs 2.7 times the message in memory, message_from_bytes 7 to 8 times.
        parser = BytesFeedParser(EmailMessage, policy=policy.default)
        with self.open() as stream:
            while chunk := stream.read(_CHUNK):
                parser.feed(chunk)
        return parser.close()

    @property
    def stored_at(self) -> tuple[str, str] | None:
        """Bucket and object name of the message; ``None`` if this function has no mail bucket."""
        bucket = getattr(self._store, "bucket", None)
        if bucket is None:
            return None
        return bucket, f"{getattr(self._store, 'prefix', '')}{self.message_id}"

    @property
    def already_handled(self) -> bool:
        """Whether this function finished with this message id before; asks S3 each time.

        SES and Lambda deliver at least once. The runtime leaves a mark after the handler returned,
        never before, so that a crash half-way leads to another try and not to lost mail. Raises
        `NotConfigured` unless the construct was told to ``remember_handled``.
        """
        return self._need_store().was_handled(self.message_id)

    def _need_store(self) -> Store:
        if self._store is None:
            raise NotConfigured(
                "this function has no mail bucket: let the rule store its mail and its handler "
                "read it (MAILROOM_BUCKET is not set)"
            )
        return self._store

    @property
    def _receipt(self) -> Mapping[str, Any]:
        return required(self.raw, "receipt", "receipt", dict)

    def _verdict(self, key: str) -> Verdict:
        path = f"receipt.{key}"
        verdict = optional(self._receipt, key, path, dict) or {}
        return Verdict(optional(verdict, "status", f"{path}.status", str))

    def _common(self, key: str, kind: type[T]) -> T | None:
        return optional(self.common_headers, key, f"mail.commonHeaders.{key}", kind)

    def __repr__(self) -> str:
        return f"<ReceivedMail {self._mail.get('messageId')}>"


class MailBucket:
    """The mail bucket, as the rule's S3 action fills it: one object a message, named by its id.

    Marks of finished messages lie in the same bucket under ``handled/``, so that recognising a
    repeated delivery needs no table.
    """

    __slots__ = ("_client", "bucket", "mark_prefix", "prefix")

    def __init__(
        self, *, bucket: str, prefix: str = "", mark_prefix: str | None = None, client: Any = None
    ) -> None:
        self.bucket = bucket
        self.prefix = prefix
        self.mark_prefix = mark_prefix
        self._client = client

    @property
    def client(self) -> Any:
        """The S3 client, made on first use unless one was given."""
        if self._client is None:
            self._client = _runtime.client("s3")
        return self._client

    def open(self, message_id: str) -> BufferedIOBase:
        """Open the stored message; see `ReceivedMail.open`."""
        from io import BufferedReader

        key = self.prefix + message_id
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=key)
        except self.client.exceptions.ClientError as error:
            # To those who may not list the bucket, S3 says 403 of an object that is not there.
            if error.response["Error"]["Code"] not in ("NoSuchKey", "AccessDenied"):
                raise
            raise MessageNotStored(
                f"bucket {self.bucket!r} has no object {key!r} that this function may read: its "
                "retention passed, it was deleted, or an action before this one kept SES from "
                "storing it"
            ) from error
        return BufferedReader(answer["Body"], _CHUNK)

    def was_handled(self, message_id: str) -> bool:
        """Return whether `mark_handled` was called for *message_id*."""
        key = self._mark(message_id)
        # A listing, because asking for a missing object answers 403 to those who may not list.
        answer = self.client.list_objects_v2(Bucket=self.bucket, Prefix=key, MaxKeys=1)
        return any(found["Key"] == key for found in answer.get("Contents", ()))

    def mark_handled(self, message_id: str) -> None:
        """Leave the mark of *message_id*, if this function keeps marks at all."""
        if self.mark_prefix is not None:
            self.client.put_object(Bucket=self.bucket, Key=self._mark(message_id), Body=b"")

    def _mark(self, message_id: str) -> str:
        if self.mark_prefix is None:
            raise NotConfigured(
                "this function does not remember what it handled: set remember_handled=True "
                "where the handler is declared (MAILROOM_MARK_PREFIX is not set)"
            )
        return self.mark_prefix + message_id


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
        self.function = _runtime.resolve(_runtime.setting("MAILROOM_HANDLER"))
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
