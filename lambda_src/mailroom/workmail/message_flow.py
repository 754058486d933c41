"""WorkMail's message flow API, by which messages in flow are read and replaced."""

from __future__ import annotations

import re

from mailroom import _runtime
from mailroom.errors import NotConfigured
from mailroom.workmail.errors import MessageFrozen, MessageNotFound, NotReplaceable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from io import BufferedIOBase
    from typing import Any

__all__ = ["MessageFlow"]

_CHUNK = 64 * 1024


class MessageFlow:
    """The message flow API, and the bucket from which WorkMail reads new content.

    Args:
        bucket: Name of the bucket. Default: messages cannot be replaced.
        prefix: Put before every key; letters, digits, ``-`` and ``/``. Default: ``changed/``.
        synchronous: Whether the rule is; only then does WorkMail replace messages.
        client: A client of ``workmailmessageflow``. Default: one is made when it is needed.
        s3: An S3 client. Default: one is made when it is needed.

    Raises:
        NotConfigured: The prefix has other characters.
    """

    __slots__ = ("_client", "_s3", "bucket", "prefix", "synchronous")

    def __init__(
        self,
        *,
        bucket: str | None = None,
        prefix: str = "changed/",
        synchronous: bool = True,
        client: Any = None,
        s3: Any = None,
    ) -> None:
        if not re.fullmatch(r"[a-zA-Z0-9\-/]*", prefix):
            raise NotConfigured(f"prefix is {prefix!r}: use letters, digits, '-' and '/'")
        self.bucket = bucket
        self.prefix = prefix
        self.synchronous = synchronous
        self._client = client
        self._s3 = s3

    @property
    def client(self) -> Any:
        """The client of the service ``workmailmessageflow``."""
        return self._client or _runtime.client("workmailmessageflow")

    @property
    def s3(self) -> Any:
        """The S3 client."""
        return self._s3 or _runtime.client("s3")

    def open(self, message_id: str) -> BufferedIOBase:
        """Open the message; see `FlowMail.open`.

        Args:
            message_id: WorkMail's id of the message.
        """
        from io import BufferedReader

        answer = self._ask("get_raw_message_content", messageId=message_id)
        return BufferedReader(answer["messageContent"], _CHUNK)

    def replace(self, message_id: str, content: bytes) -> None:
        """Replace the message by *content*, and read it back; see `FlowMail.replace`.

        Args:
            message_id: WorkMail's id of the message.
            content: The bytes of the new message.
        """
        if not self.synchronous:
            raise NotReplaceable(
                "the rule is asynchronous, so WorkMail would accept the content and deliver the "
                "message unchanged: use a synchronous rule"
            )
        if not self.bucket:
            raise NotConfigured(
                "the function may not replace messages: set replaces=True where the handler is "
                "declared (MAILROOM_FLOW_BUCKET is not set)"
            )
        key = self._store(message_id, content)
        place = {"bucket": self.bucket, "key": key}
        self._ask("put_raw_message_content", messageId=message_id, content={"s3Reference": place})
        with self.open(message_id) as stream:
            there = stream.read()
        # WorkMail may have added a trace field to the header; the body must be the same.
        if _body(there) != _body(content):
            raise NotReplaceable(
                "WorkMail accepted the new content and returns other content: look at the mail, "
                "which was not changed as intended"
            )

    def _store(self, message_id: str, content: bytes) -> str:
        from base64 import b64encode
        from hashlib import sha256

        digest = sha256(content)
        # Named by its content, so that a retry writes the same object. WorkMail does not find keys
        # with dots or underscores.
        name = re.sub(r"[^a-zA-Z0-9\-]", "-", message_id)
        key = f"{self.prefix}{name}/{digest.hexdigest()[:32]}"
        self.s3.put_object(
            Bucket=self.bucket,
            Key=key,
            Body=content,
            ContentType="message/rfc822",
            ChecksumSHA256=b64encode(digest.digest()).decode(),
        )
        return key

    def _ask(self, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self.client, operation)(**arguments)
        except self.client.exceptions.ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "ResourceNotFoundException":
                raise MessageNotFound(
                    "WorkMail has no such message; it keeps messages for 24 hours"
                ) from error
            if code == "MessageFrozen":
                raise MessageFrozen(
                    "WorkMail does not allow changes to this message; it may have been redirected"
                ) from error
            if code in ("MessageRejected", "InvalidContentLocation"):
                raise NotReplaceable(
                    f"WorkMail refuses the new content ({code}): "
                    f"{error.response['Error'].get('Message', '')}"
                ) from error
            raise


def _body(content: bytes) -> bytes:
    found = re.search(rb"\r?\n\r?\n", content)
    return b"" if found is None else b"\n".join(content[found.end() :].splitlines()).rstrip()
