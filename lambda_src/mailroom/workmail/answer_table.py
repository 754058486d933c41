"""The answers already given, so that WorkMail gets the same one when it asks again."""

from __future__ import annotations

import json
import time

from mailroom import _runtime
from mailroom.workmail.errors import InProgress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["AnswerTable"]

_KEPT_SECONDS = 24 * 3600  # as long as WorkMail keeps the message, six times any rule's timeout
_LEASE_SECONDS = 20  # the function is stopped after 15


class AnswerTable:
    """A DynamoDB table of answers by invocation id.

    An attempt claims the id, works, and stores its answer. A repetition gets that answer; or
    `InProgress`, while the first attempt is running; or the claim, if the first attempt raised. If
    the first attempt was killed, its claim expires after 20 seconds, and the repetition does the
    work again. So the work is done at least once, and WorkMail gets one answer only. Entries
    expire after a day.

    Args:
        table: Name of the table, whose key is the string ``id``.
        prefix: Put before every id. Default: none.
        client: A DynamoDB client. Default: one is made when it is needed.
    """

    __slots__ = ("_client", "_prefix", "table")

    def __init__(self, table: str, *, prefix: str = "", client: Any = None) -> None:
        self.table = table
        self._prefix = prefix
        self._client = client

    @property
    def client(self) -> Any:
        """The DynamoDB client."""
        return self._client or _runtime.client("dynamodb")

    def claim(self, invocation_id: str, attempt: str) -> tuple[Any] | None:
        """Return ``(answer,)`` if there is one, or ``None`` if the caller is to do the work.

        Args:
            invocation_id: The invocation id, the same for each attempt at a message.
            attempt: A text that only this attempt has.

        Raises:
            InProgress: Another attempt is running.
        """
        now = int(time.time())
        try:
            self.client.put_item(
                TableName=self.table,
                Item={
                    **self._key(invocation_id),
                    "attempt": {"S": attempt},
                    "lease": {"N": str(now + _LEASE_SECONDS)},
                    "expires_at": {"N": str(now + _KEPT_SECONDS)},
                },
                ConditionExpression=(
                    "attribute_not_exists(id) OR (attribute_not_exists(answer) AND lease < :now)"
                ),
                ExpressionAttributeValues={":now": {"N": str(now)}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self.client.exceptions.ConditionalCheckFailedException as error:
            found = error.response.get("Item") or {}
            if "answer" in found:
                return (json.loads(found["answer"]["S"]),)
            raise InProgress(
                "another attempt with this invocation id is running; WorkMail asks again"
            ) from None
        return None

    def store(self, invocation_id: str, attempt: str, answer: Any) -> None:
        """Store *answer*; raise `InProgress` if the claim expired and another attempt has it.

        Args:
            invocation_id: The invocation id, the same for each attempt at a message.
            attempt: A text that only this attempt has.
            answer: The answer, of types that JSON has.
        """
        try:
            self.client.update_item(
                TableName=self.table,
                Key=self._key(invocation_id),
                UpdateExpression="SET answer = :answer",
                ConditionExpression="attempt = :attempt",
                ExpressionAttributeValues={
                    ":answer": {"S": json.dumps(answer)},
                    ":attempt": {"S": attempt},
                },
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            raise InProgress(
                "this attempt took so long that another has begun; WorkMail asks again"
            ) from None

    def release(self, invocation_id: str, attempt: str) -> None:
        """Release the claim, so that the next attempt need not wait until it expires.

        Args:
            invocation_id: The invocation id, the same for each attempt at a message.
            attempt: A text that only this attempt has.
        """
        try:
            self.client.delete_item(
                TableName=self.table,
                Key=self._key(invocation_id),
                ConditionExpression="attempt = :attempt AND attribute_not_exists(answer)",
                ExpressionAttributeValues={":attempt": {"S": attempt}},
            )
        except Exception as error:  # the claim expires anyway, and the first error matters more
            _runtime.log("WARNING", "mailroom.workmail.release", error=type(error).__name__)

    def _key(self, invocation_id: str) -> dict[str, dict[str, str]]:
        return {"id": {"S": f"{self._prefix}{invocation_id}"}}
