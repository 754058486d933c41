"""The mail bucket, where SES stores whole messages."""

from __future__ import annotations

from mailroom import _runtime, ses
from mailroom.errors import MessageNotStored, NotConfigured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from io import BufferedIOBase
    from typing import Any, Protocol

    class Store(Protocol):
        """Where whole messages are kept; `MailBucket` in Lambda, memory in a unit test."""

        def open(self, message_id: str) -> BufferedIOBase: ...
        def was_handled(self, message_id: str) -> bool: ...
        def mark_handled(self, message_id: str) -> None: ...
        def marks(self, message_id: str) -> frozenset[str]: ...
        def mark(self, message_id: str, name: str) -> bool: ...


__all__ = ["MailBucket", "open_object"]

_CHUNK = 64 * 1024
_UNNAMEABLE = ("ParamValidationError", "UnicodeEncodeError")
"""Exceptions by which botocore refuses a name before it asks S3."""


class MailBucket:
    """The mail bucket, which the rule's S3 action fills: one object a message.

    Marks of handled messages are empty objects in the same bucket, so recognising a repeated
    delivery needs no table.

    Args:
        bucket: The bucket's name.
        prefix: The S3 action's prefix; a slash joins it to the message id unless it ends with
            one. Default: nothing.
        mark_prefix: What the keys of marks begin with. Default: no marks are kept.
        client: An S3 client. Default: this process's own, made on first use.
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

    def key(self, message_id: str) -> str:
        """Return the key of a message.

        Args:
            message_id: SES's id of the message.
        """
        return ses.object_key(self.prefix, message_id)

    def open(self, message_id: str) -> BufferedIOBase:
        """Open the stored message, as `ReceivedMail.open` does.

        Args:
            message_id: SES's id of the message.
        """
        return open_object(self.bucket, self.key(message_id), self.client)

    def was_handled(self, message_id: str) -> bool:
        """Return whether `mark_handled` was called for *message_id*.

        Args:
            message_id: SES's id of the message.
        """
        key = self._mark(message_id)
        # A listing, because asking for a missing object needs the permission to list as well.
        answer = self.client.list_objects_v2(Bucket=self.bucket, Prefix=key, MaxKeys=1)
        return any(found["Key"] == key for found in answer.get("Contents", ()))

    def mark_handled(self, message_id: str) -> None:
        """Write the mark of *message_id*, if this function keeps marks.

        Args:
            message_id: SES's id of the message.
        """
        if self.mark_prefix is not None:
            self.client.put_object(Bucket=self.bucket, Key=self._mark(message_id), Body=b"")

    def marks(self, message_id: str) -> frozenset[str]:
        """Return the names that `mark` was called with for *message_id*.

        Args:
            message_id: SES's id of the message.
        """
        start = f"{self._mark(message_id)}/"
        # S3 answers with a thousand at most, and no handler needs more than a few.
        answer = self.client.list_objects_v2(Bucket=self.bucket, Prefix=start)
        return frozenset(found["Key"].removeprefix(start) for found in answer.get("Contents", ()))

    def mark(self, message_id: str, name: str) -> bool:
        """Write the mark *name* of *message_id*; return whether it is new.

        Args:
            message_id: SES's id of the message.
            name: The name of the mark, such as that of a step.
        """
        key = f"{self._mark(message_id)}/{name}"
        try:
            self.client.put_object(Bucket=self.bucket, Key=key, Body=b"", IfNoneMatch="*")
        except self.client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise
            return False
        return True

    def _mark(self, message_id: str) -> str:
        if self.mark_prefix is None:
            raise NotConfigured(
                "this function keeps no marks (MAILROOM_MARK_PREFIX is not set): set "
                "remember_handled=True where the handler is declared"
            )
        return self.mark_prefix + message_id


def open_object(bucket: str, key: str, client: Any = None) -> BufferedIOBase:
    """Open the message that is the object *key*; by default with this process's own client."""
    from io import BufferedReader

    client = client or _runtime.client("s3")
    try:
        answer = client.get_object(Bucket=bucket, Key=key)
    except client.exceptions.ClientError as error:
        # S3 answers 403 for a missing object if the caller may not list the bucket.
        if error.response["Error"]["Code"] not in ("NoSuchKey", "AccessDenied"):
            raise
        raise MessageNotStored(
            f"bucket {bucket!r} has no object {key!r} that this function may read: its retention "
            "has passed, it was deleted, or an earlier action stopped SES before it was stored"
        ) from error
    except Exception as error:
        if type(error).__name__ not in _UNNAMEABLE:
            raise
        raise MessageNotStored(
            f"no bucket and object can be called {bucket!r:.80} and {key!r:.80}: see where the "
            "event comes from"
        ) from error
    return BufferedReader(answer["Body"], _CHUNK)
