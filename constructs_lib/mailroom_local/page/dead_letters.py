"""What functions could not handle: the dead-letter queues, and the way back from them.

Nothing is deleted from a queue before what follows has taken it, so that a replay which is
interrupted can be repeated.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from mailroom_local import _calls
from mailroom_local.control.environments import Environment
from mailroom_local.page.accounts import Accounts, Queue, on_failure, pages, queues
from mailroom_local.page.errors import Refused
from mailroom_local.page.index import Index
from mailroom_local.page.shapes import short

_BATCH = 10
_MOST = 200
_HIDDEN_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class _DeadLetterQueue:
    """A queue that nothing reads, and what puts messages into it."""

    place: Environment
    queue: Queue
    sources: Mapping[str, str]
    """The URLs of the queues whose messages it gets, by ARN."""
    readers: Mapping[str, list[str]]
    """The functions that read these queues, by the queue's ARN."""
    functions: list[str]
    """The functions whose failed invocations it gets."""


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """The dead-letter queues of all accounts.

    Args:
        accounts: The accounts.
        index: The messages that dead letters are about.
    """

    accounts: Accounts
    index: Index
    # Who looks hides messages for a moment from who replays.
    _lock: Lock = field(default_factory=Lock)

    def counted(self) -> list[dict[str, Any]]:
        """The queues with their depths; nothing is received for that."""
        return [_counted(found.queue) for found in self._queues()]

    def listed(self) -> list[dict[str, Any]]:
        """The queues with their messages, each of which is received once more."""
        with self._lock:
            return [self._described(found) for found in self._queues()]

    def replay(self, name: str, ids: list[str]) -> dict[str, Any]:
        """Give messages back to where they came from, and delete what was taken."""
        with self._lock:
            known = {one.queue.arn: one for one in self._queues()}
            found = known.get(name) or {one.queue.name: one for one in known.values()}.get(name)
            if found is None:
                names = ", ".join(one.queue.name for one in known.values()) or "there is none"
                raise Refused(404, f"queue is {name!r}: pass a dead-letter queue: {names}")
            return self._replay(found, ids)

    def _replay(self, found: _DeadLetterQueue, ids: list[str]) -> dict[str, Any]:
        sqs = self.accounts.client("sqs", found.place)
        replayed, failed = list[str](), dict[str, str]()
        left = []
        for message in self._messages(found):
            if message["MessageId"] not in ids:
                left.append(message)
                continue
            try:
                self._give_back(found, message)
                replayed.append(message["MessageId"])
                sqs.delete_message(QueueUrl=found.queue.url, ReceiptHandle=message["ReceiptHandle"])
            except (BotoCoreError, ClientError, Refused) as error:
                if message["MessageId"] not in replayed:
                    left.append(message)
                failed[message["MessageId"]] = str(error)
        self._show_again(sqs, found.queue.url, left)
        for one in ids:
            if one not in replayed and one not in failed:
                failed[one] = "it is not in the queue: list the queue again"
        return {
            "replayed": replayed,
            "failed": [{"id": one, "error": error} for one, error in failed.items()],
        }

    def _give_back(self, found: _DeadLetterQueue, message: Mapping[str, Any]) -> None:
        record = _record(message["Body"])
        functions = self.accounts.client("lambda", found.place)
        if record is not None:
            arn, payload = record["requestContext"]["functionArn"], record["requestPayload"]
            functions.invoke(
                FunctionName=":".join(arn.split(":")[:7]),
                InvocationType="Event",
                Payload=json.dumps(payload).encode(),
            )
            return
        source = self._source(found, message)
        if source is not None:
            attributes = message.get("Attributes") or {}
            group = attributes.get("MessageGroupId")
            self.accounts.client("sqs", found.place).send_message(
                QueueUrl=found.sources[source],
                MessageBody=message["Body"],
                MessageAttributes=message.get("MessageAttributes") or {},
                **({"MessageGroupId": group} if group else {}),
            )
            return
        if len(found.functions) == 1:
            functions.invoke(
                FunctionName=found.functions[0],
                InvocationType="Event",
                Payload=message["Body"].encode(),
            )
            return
        raise Refused(409, "nothing says where it came from: send it on by the AWS CLI")

    def _source(self, found: _DeadLetterQueue, message: Mapping[str, Any]) -> str | None:
        """The ARN of the queue from which a message came."""
        named = (message.get("Attributes") or {}).get("DeadLetterQueueSourceArn")
        if named in found.sources:
            return str(named)
        return next(iter(found.sources)) if len(found.sources) == 1 else None

    def _queues(self) -> Iterator[_DeadLetterQueue]:
        for place in self.accounts.all:
            functions = self.accounts.client("lambda", place)
            readers: dict[str, list[str]] = {}
            for one in pages(functions, "list_event_source_mappings", "EventSourceMappings"):
                readers.setdefault(one["EventSourceArn"], []).append(one["FunctionArn"])
            failing: dict[str, list[str]] = {}
            for function in pages(functions, "list_functions", "Functions"):
                if target := on_failure(functions, function):
                    failing.setdefault(target, []).append(function["FunctionArn"])
            found = list(queues(self.accounts.client("sqs", place)))
            for queue in found:
                sources = {o.arn: o.url for o in found if o.dead_letter_queue == queue.arn}
                # What a function reads, or what goes on to another queue, is no end.
                ends = queue.arn not in readers and queue.dead_letter_queue is None
                if ends and (sources or queue.arn in failing):
                    yield _DeadLetterQueue(
                        place=place,
                        queue=queue,
                        sources=sources,
                        readers=readers,
                        functions=failing.get(queue.arn, []),
                    )

    def _described(self, found: _DeadLetterQueue) -> dict[str, Any]:
        messages = list(self._messages(found))
        self._show_again(self.accounts.client("sqs", found.place), found.queue.url, messages)
        letters = [self._letter(found, message) for message in messages]
        return {**_counted(found.queue), "messages": letters}

    def _messages(self, found: _DeadLetterQueue) -> Iterator[dict[str, Any]]:
        """The messages of a queue, which are hidden until :meth:`_show_again`."""
        sqs = self.accounts.client("sqs", found.place)
        seen: set[str] = set()
        while len(seen) < _MOST:
            answer = sqs.receive_message(
                QueueUrl=found.queue.url,
                MaxNumberOfMessages=_BATCH,
                VisibilityTimeout=_HIDDEN_SECONDS,
                WaitTimeSeconds=0,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            fresh = [m for m in answer.get("Messages", []) if m["MessageId"] not in seen]
            if not fresh:
                return
            seen.update(message["MessageId"] for message in fresh)
            yield from fresh

    def _show_again(self, sqs: Any, url: str, messages: list[dict[str, Any]]) -> None:
        for start in range(0, len(messages), _BATCH):
            sqs.change_message_visibility_batch(
                QueueUrl=url,
                Entries=[
                    {
                        "Id": str(number),
                        "ReceiptHandle": message["ReceiptHandle"],
                        "VisibilityTimeout": 0,
                    }
                    for number, message in enumerate(messages[start : start + _BATCH])
                ],
            )

    def _letter(self, found: _DeadLetterQueue, message: Mapping[str, Any]) -> dict[str, Any]:
        body = message["Body"]
        record = _record(body)
        arn, error = "", ""
        if record is not None:
            arn = record["requestContext"]["functionArn"]
            answer = record.get("responsePayload") or {}
            error = ": ".join(
                str(answer[name]) for name in ("errorType", "errorMessage") if answer.get(name)
            )
            about = _calls.message_ids(record["requestPayload"])
        else:
            source = self._source(found, message)
            arn = next(iter(found.readers.get(source or "", found.functions)), "")
            about = _calls.message_ids({"Records": [{"body": body}]})
            about = about or _calls.message_ids(_json(body))
        entry = self.index.get(about[0]) if about else None
        if entry is not None:
            error = _last_error(entry.record.outcomes, arn) or error
        stamp = (message.get("Attributes") or {}).get("SentTimestamp")
        return {
            "id": message["MessageId"],
            "at": _iso(stamp),
            "function": short(arn) or None,
            "error": error or None,
            "about": entry.key if entry is not None else None,
            "body": body,
        }


def _counted(queue: Queue) -> dict[str, Any]:
    return {"name": queue.name, "arn": queue.arn, "depth": queue.depth}


def _record(body: str) -> dict[str, Any] | None:
    """Lambda's record about an invocation that failed, if it is one."""
    found = _json(body)
    context = found.get("requestContext") if isinstance(found, dict) else None
    if isinstance(context, dict) and context.get("functionArn") and "requestPayload" in found:
        record: dict[str, Any] = found
        return record
    return None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (RecursionError, ValueError):
        return None


def _last_error(calls: Any, arn: str) -> str:
    failed = [call for call in calls if call.failed and short(call.function_arn) == short(arn)]
    if not failed:
        return ""
    return ": ".join(filter(None, (failed[-1].error, failed[-1].detail)))


def _iso(milliseconds: str | None) -> str | None:
    if not milliseconds:
        return None
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC).isoformat()
