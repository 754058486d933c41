"""Turns what the user named into a source and a target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from mailroom_cli.errors import CommandError, UsageError
from mailroom_cli.replay.selection import Selection
from mailroom_cli.replay.sources import Objects, Queue, Source
from mailroom_cli.replay.targets import Target, ToFunction, ToQueue, ToStream

_Clients = Callable[[str], Any]
_CHECK = "check the name and the region; without --aws, the local AWS is searched"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a replay takes, from where, and where to."""

    source: Source
    """Where events come from."""
    target: Target | None
    """Where events go to; ``None`` to only count them."""
    selection: Selection
    """Which events are meant."""


def plan(
    client: _Clients,
    *,
    source: str,
    target: str | None,
    selection: Selection,
    after: str | None = None,
) -> Plan:
    """Find the source and the target.

    Args:
        client: Returns the boto3 client of a service.
        source: ``s3://BUCKET/PREFIX``, ``lake:BUCKET/PREFIX``, or a queue by URL, ARN or name.
        target: A queue or function by URL, ARN or name, ``queue:NAME``, ``function:NAME`` or
            ``stream:NAME``; ``None`` to only count events.
        selection: Which events are meant.
        after: Where to resume.

    Raises:
        UsageError: The names make no sense, or not together.
        CommandError: Something that is named does not exist.
    """
    origin = _source(client, source, selection=selection, after=after)
    goal = None if target is None else _target(client, target)
    if isinstance(origin, Queue) and isinstance(goal, ToQueue) and origin.url == goal.url:
        raise UsageError(
            f"source and target are the same queue: {source}",
            remedy="pass the queue of the handlers with --to",
        )
    return Plan(source=origin, target=goal, selection=selection)


def _source(client: _Clients, text: str, *, selection: Selection, after: str | None) -> Source:
    for start, lake in (("s3://", False), ("lake:", True)):
        if text.startswith(start):
            bucket, _, prefix = text[len(start) :].lstrip("/").partition("/")
            if not bucket:
                raise UsageError(f"{text!r} has no bucket", remedy=f"pass {start}BUCKET/PREFIX")
            return Objects(
                client("s3"), bucket, prefix, lake=lake, selection=selection, after=after
            )
    if after is not None:
        raise UsageError(
            "--resume has no effect on a queue: what was handled is already gone from it",
            remedy="omit --resume",
        )
    name = text.removeprefix("queue:")
    return Queue(client("sqs"), _queue_url(client("sqs"), name))


def _target(client: _Clients, text: str) -> Target:
    prefix, separator, name = text.partition(":")
    if text.startswith(("https://", "http://")):
        return ToQueue(client("sqs"), text)
    if prefix == "arn":
        service = (text.split(":") + [""] * 3)[2]
        if service == "lambda":
            return ToFunction(client("lambda"), text)
        if service == "firehose":
            return ToStream(client("firehose"), text.rpartition("/")[2])
        return ToQueue(client("sqs"), _queue_url(client("sqs"), text))
    if separator and prefix == "queue":
        return ToQueue(client("sqs"), _queue_url(client("sqs"), name))
    if separator and prefix == "function":
        return ToFunction(client("lambda"), name)
    if separator and prefix == "stream":
        return ToStream(client("firehose"), name)
    return _named(client, text)


def _named(client: _Clients, name: str) -> Target:
    queue = _found(lambda: client("sqs").get_queue_url(QueueName=name))
    function = _found(lambda: client("lambda").get_function(FunctionName=name))
    if queue is not None and function is not None:
        raise UsageError(
            f"{name!r} is both a queue and a function",
            remedy=f"pass --to queue:{name} or --to function:{name}",
        )
    if queue is not None:
        return ToQueue(client("sqs"), queue["QueueUrl"])
    if function is not None:
        return ToFunction(client("lambda"), name)
    raise CommandError(f"no queue or function is named {name!r}", remedy=_CHECK)


def _queue_url(sqs: Any, text: str) -> str:
    if text.startswith(("https://", "http://")):
        return text
    name = text.rpartition(":")[2]
    found = _found(lambda: sqs.get_queue_url(QueueName=name))
    if found is None:
        raise CommandError(f"no queue is named {name!r}", remedy=_CHECK)
    return str(found["QueueUrl"])


def _found(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if any(word in code for word in ("NonExistentQueue", "QueueDoesNotExist", "NotFound")):
            return None
        raise
