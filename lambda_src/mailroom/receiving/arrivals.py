"""Received mail that reaches a function in another way than by SES calling it.

- Notifications of a receipt rule's topic, from SNS itself or through SQS: with the whole mail in
  them (the SNS action, in UTF-8 or Base64), or with the object that the S3 action wrote.
- S3's events about new objects of the mail bucket, from S3 itself or through SQS, SNS or
  EventBridge.

https://docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from __future__ import annotations

import json

from mailroom._views import Headers, optional, required
from mailroom.errors import NotConfigured, UnknownInvocation
from mailroom.receiving.bucket import open_object
from mailroom.receiving.mail import ReceivedMail
from mailroom.ses import SETUP_NOTIFICATION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import BufferedIOBase
    from typing import Any

    from mailroom.mime.mailboxes import Address
    from mailroom.receiving.bucket import Store

__all__ = ["BucketMail", "arrivals", "is_arrival", "is_from_sqs", "mails"]

_MOST_LAYERS = 4
_GREETING = "Amazon SES Email Receipt Subscription Notification"
_SUBSCRIBED = "AmazonSnsSubscriptionSucceeded"


class BucketMail(ReceivedMail):
    """A mail of which only its object in the bucket is known, because S3's event says no more.

    SES's event would have said the rest, so it is ``None`` here, and each `Verdict` has the status
    ``None``. As no recipient is known, `reply` needs ``from_address``. The header fields are those
    of the stored mail, so looking at one loads it.
    """

    __slots__ = ()

    def __init__(self, raw: Mapping[str, Any], *, store: Store) -> None:
        """Describe a mail of a bucket.

        Args:
            raw: The event in which S3 names the object.
            store: Where the message is.
        """
        super().__init__(raw, store=store)

    @property
    def source(self) -> None:  # type: ignore[override]
        """``None``: S3 does not know the envelope sender. See `return_path`."""

    @property
    def recipients(self) -> None:  # type: ignore[override]
        """``None``: S3 does not know the envelope recipients."""

    @property
    def timestamp(self) -> None:  # type: ignore[override]
        """``None``: S3 knows only when the object was written."""

    @property
    def action_timestamp(self) -> None:  # type: ignore[override]
        """``None``: S3 knows no action."""

    @property
    def destination(self) -> list[str]:
        """The addresses in ``To`` and ``Cc`` of the stored mail."""
        return [one.ascii_address for one in (*self.to_addresses, *self.cc_addresses)]

    @property
    def headers(self) -> Headers:
        """All header fields of the stored mail, as they are written; loads the mail."""
        if self._headers is None:
            fields = self._load().fields
            self._headers = Headers([{"name": name, "value": value} for name, value in fields])
        return self._headers

    @property
    def headers_truncated(self) -> bool:
        """``False``: `headers` are those of the stored mail."""
        return False

    @property
    def sender(self) -> Address | None:
        """Who wrote the mail: the first address in ``From``, else ``Sender``."""
        found = self.senders or self.addresses("Sender")
        return found[0] if found else None

    @property
    def automatic_reason(self) -> str | None:
        """Why `is_automatic` is true; by the header fields alone."""
        from mailroom.mime import automatic

        path = self.return_path
        # The empty one is that of a bounce, and none is not.
        return automatic.reason(self.headers, "unknown" if path is None else path)

    @property
    def _receipt(self) -> Mapping[str, Any]:
        return {}


class _Held:
    """The store of one mail: its content, or its object; marks are in the function's own bucket."""

    __slots__ = ("_content", "_found", "_marks", "bucket", "prefix")

    def __init__(
        self,
        marks: Store | None,
        *,
        content: bytes | None = None,
        found: tuple[str, str] | None = None,
    ) -> None:
        self._marks = marks
        self._content = content
        self._found = found
        # For `ReceivedMail.stored_at`.
        self.bucket: str | None = getattr(marks, "bucket", None) if content is None else None
        self.prefix: str = getattr(marks, "prefix", "")
        if found is not None:
            self.bucket, key = found
            self.prefix = "".join(key.rpartition("/")[:2])

    def open(self, message_id: str) -> BufferedIOBase:
        """Open the mail."""
        if self._content is not None:
            from io import BytesIO

            return BytesIO(self._content)
        if self._found is not None:
            return open_object(*self._found)
        if self._marks is not None:
            return self._marks.open(message_id)
        raise NotConfigured(
            "this notification has neither the mail nor its place in S3, and the function has no "
            "mail bucket (MAILROOM_BUCKET is not set): publish with actions.Sns, or let the rule "
            "store its mail and the handler read it"
        )

    def was_handled(self, message_id: str) -> bool:
        """Return whether `mark_handled` was called."""
        return self._marked().was_handled(message_id)

    def mark_handled(self, message_id: str) -> None:
        """Write the mark, if the function keeps marks."""
        if self._marks is not None:
            self._marks.mark_handled(message_id)

    def marks(self, message_id: str) -> frozenset[str]:
        """Return the names of the function's marks."""
        return self._marked().marks(message_id)

    def mark(self, message_id: str, name: str) -> bool:
        """Write a mark."""
        return self._marked().mark(message_id, name)

    def _marked(self) -> Store:
        if self._marks is None:
            raise NotConfigured(
                "this function has no mail bucket to keep marks in (MAILROOM_BUCKET is not set): "
                "let its rule store its mail, and set remember_handled=True"
            )
        return self._marks


def is_arrival(event: object) -> bool:
    """Return whether *event* is something that `arrivals` may read.

    Args:
        event: What Lambda was invoked with.
    """
    if not isinstance(event, dict):
        return False
    if _is_bucket_event(event):
        return True
    records = event.get("Records")
    return (
        isinstance(records, list)
        and bool(records)
        and all(isinstance(one, dict) and _source(one) in _SOURCES for one in records)
    )


def is_from_sqs(event: Mapping[str, Any]) -> bool:
    """Return whether SQS brings *event*, and so waits for the list of what failed.

    Args:
        event: What Lambda was invoked with.
    """
    records = event.get("Records") or ()
    return any(_source(record) == "aws:sqs" for record in records)


def arrivals(event: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield ``(id, payload)`` for each record of *event*; `mails` reads the payload.

    The id is what SQS calls the record in a partial answer. Nothing is decoded here, so that one
    that cannot be read does not affect the others.

    Args:
        event: What Lambda was invoked with.
    """
    if _is_bucket_event(event):
        yield str(event.get("id", 0)), event
        return
    for position, record in enumerate(event["Records"]):
        source = _source(record)
        if source == "aws:sqs":
            yield str(record.get("messageId", position)), record.get("body")
        elif source == "aws:sns":
            yield str(position), record.get("Sns")
        else:
            yield str(position), {"Records": [record]}


def mails(payload: object, *, store: Store | None = None) -> list[ReceivedMail]:
    """Return the mails that *payload* is about: one, or none for a control message of SES or S3.

    Several, if S3 tells of several objects at once.

    Args:
        payload: A notification of a receipt rule, an event of S3, or the JSON of either; what SNS,
            SQS or EventBridge wraps around it is taken off.
        store: The function's own mail bucket, for its marks, and for notifications that do not say
            where the mail is. Default: none.

    Raises:
        UnknownInvocation: *payload* is none of these.
    """
    found: Any = payload
    for _ in range(_MOST_LAYERS):
        found = _decoded(found)
        if found.get("notificationType") == "Received":
            return _notified(found, store)
        if found.get("notificationType") == _SUBSCRIBED or found.get("Event") == "s3:TestEvent":
            return []
        if _is_bucket_event(found):
            return _stored(*_place(found["detail"]), found["detail"], store)
        if isinstance(found.get("Records"), list):
            return [mail for record in found["Records"] for mail in _created(record, store)]
        if "Message" not in found:
            break
        if found.get("Subject") == _GREETING:
            return []
        found = found["Message"]
    raise UnknownInvocation(
        "expected a notification of a receipt rule or an event of S3, got one with the keys "
        f"{sorted(map(str, found))[:8]}"
    )


def _decoded(payload: object) -> dict[str, Any]:
    if isinstance(payload, (str, bytes)):
        try:
            payload = json.loads(payload)
        except (ValueError, RecursionError) as error:
            raise UnknownInvocation(f"the record is not JSON: {error}") from None
    if not isinstance(payload, dict):
        raise UnknownInvocation(f"the record is not an object, but {type(payload).__name__}")
    return payload


def _notified(raw: dict[str, Any], store: Store | None) -> list[ReceivedMail]:
    mail = required(raw, "mail", "", dict)
    message_id = required(mail, "messageId", "mail", str)
    if message_id == SETUP_NOTIFICATION:
        return []
    receipt = optional(raw, "receipt", "", dict) or {}
    action = optional(receipt, "action", "receipt", dict) or {}
    content = optional(raw, "content", "", str)
    if content is not None:
        held = _Held(store, content=_content(content, action))
    elif isinstance(action.get("bucketName"), str):
        key = required(action, "objectKey", "receipt.action", str)
        held = _Held(store, found=(action["bucketName"], key))
    else:
        held = _Held(store)
    return [ReceivedMail(raw, store=held)]


def _content(content: str, action: Mapping[str, Any]) -> bytes:
    from binascii import a2b_base64

    # "BASE64" or "UTF8" in what SES publishes, "Base64" or "UTF-8" in its documentation. Where it
    # does not say, a colon tells: each mail has one, and Base64 has none.
    encoding = action.get("encoding")
    if encoding is None and ":" not in content:
        try:
            return a2b_base64("".join(content.splitlines()), strict_mode=True)
        except ValueError:
            encoding = "UTF-8"
    if str(encoding or "").lower() != "base64":
        return content.encode("utf-8", "replace")  # halves of surrogate pairs
    try:
        return a2b_base64(content)
    except ValueError as error:
        raise UnknownInvocation(f"the notification's content is not Base64: {error}") from None


def _created(record: object, store: Store | None) -> list[ReceivedMail]:
    if not isinstance(record, dict) or _source(record) != "aws:s3":
        raise UnknownInvocation("a record within the record is not an event of S3")
    name = str(record.get("eventName") or "ObjectCreated:")
    if not name.removeprefix("s3:").startswith("ObjectCreated:"):
        raise UnknownInvocation(
            f"the event from 'aws:s3' is {name!r:.60}: notify of s3:ObjectCreated:* only"
        )
    from urllib.parse import unquote_plus

    bucket, key = _place(record.get("s3"))
    return _stored(bucket, unquote_plus(key), record, store)


def _place(raw: Any) -> tuple[str | None, str]:
    raw = _object(raw)
    key = _object(raw.get("object")).get("key")
    if not isinstance(key, str):
        raise UnknownInvocation("the event from 'aws:s3' has no object's key")
    return _object(raw.get("bucket")).get("name"), key


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _stored(
    bucket: str | None, key: str, raw: Mapping[str, Any], store: Store | None
) -> list[ReceivedMail]:
    message_id = key.rpartition("/")[2]
    if message_id == SETUP_NOTIFICATION:
        return []
    # Marks are empty objects of the same bucket, and writing one must not call for another.
    detail = raw.get("s3") or raw
    if key.startswith("handled/") and not detail["object"].get("size"):
        return []
    if not message_id or not isinstance(bucket, str):
        raise UnknownInvocation("the event from 'aws:s3' has no bucket's name, or no message id")
    held = _Held(store, found=(bucket, key))
    return [BucketMail({"mail": {"messageId": message_id}, "s3": raw}, store=held)]


def _source(record: Mapping[str, Any]) -> object:
    # SNS alone begins with a capital.
    return record.get("eventSource") or record.get("EventSource")


_SOURCES = ("aws:s3", "aws:sns", "aws:sqs")


def _is_bucket_event(event: Mapping[str, Any]) -> bool:
    return (
        event.get("source") == "aws.s3"
        and event.get("detail-type") == "Object Created"
        and isinstance(event.get("detail"), dict)
    )
