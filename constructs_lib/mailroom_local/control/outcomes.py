"""Whether a failed call of a function was the last one, and which queue keeps what failed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from mailroom_local.control.journal import HandlerOutcome, MessageRecord

_RETRIES = 2
"""How often Lambda calls a function again by default, if an asynchronous call failed."""


def settle(messages: Iterable[MessageRecord], *, client: Callable[[str, str], Any]) -> None:
    """Complete the last call of each function that failed.

    Args:
        messages: The messages.
        client: Returns the boto3 client of a service in the account and region of an ARN.
    """

    # A queue or function is looked up once, and only for what failed.
    @cache
    def asynchronously(function_arn: str) -> tuple[int, str | None]:
        return asynchronous(client("lambda", function_arn), function_arn)

    @cache
    def redrive(queue_arn: str) -> tuple[int, str] | None:
        return _redrive(client, queue_arn)

    for tries, synchronous in _failures(messages):
        last = tries[-1]
        if last.queue:
            found = redrive(last.queue)
            last.final = found is not None and (last.receives or 0) >= found[0]
            last.dead_letter_queue = found[1] if found and last.final else None
        elif synchronous:
            last.final = True
        else:
            retries, queue = asynchronously(last.function_arn)
            last.final = len(tries) > retries
            last.dead_letter_queue = queue.rpartition(":")[2] if queue and last.final else None


def _failures(messages: Iterable[MessageRecord]) -> Iterator[tuple[list[HandlerOutcome], bool]]:
    for message in messages:
        for action in message.actions:
            yield from _failed(action.handler, action.outcome != "accepted")
        for outcomes in (*(event.handlers for event in message.events), message.calls):
            for function in {outcome.function_arn for outcome in outcomes}:
                yield from _failed([one for one in outcomes if one.function_arn == function], False)


def _failed(
    tries: list[HandlerOutcome], synchronous: bool
) -> Iterator[tuple[list[HandlerOutcome], bool]]:
    if tries and not tries[-1].final:
        yield tries, synchronous


def asynchronous(functions: Any, function_arn: str) -> tuple[int, str | None]:
    """How often Lambda calls a function again that failed, and what gets the rest, by ARN."""
    from botocore.exceptions import ClientError

    name = ":".join(function_arn.split(":")[:7])
    try:
        found = functions.list_function_event_invoke_configs(FunctionName=name)
    except ClientError:
        found = {}
    # The CDK configures the version $LATEST, which the invocations without a version are.
    own = [
        each
        for each in found.get("FunctionEventInvokeConfigs", [])
        if each["FunctionArn"] in (name, f"{name}:$LATEST")
    ]
    configured: Mapping[str, Any] = min(own, key=lambda each: len(each["FunctionArn"]), default={})
    target = (configured.get("DestinationConfig") or {}).get("OnFailure", {}).get("Destination")
    if not target:
        try:
            function = functions.get_function_configuration(FunctionName=name)
        except ClientError:
            # It was deleted, so it is not called again.
            return -1, None
        target = (function.get("DeadLetterConfig") or {}).get("TargetArn")
    retries = configured.get("MaximumRetryAttempts")
    return _RETRIES if retries is None else int(retries), target or None


def _redrive(client: Callable[[str, str], Any], queue_arn: str) -> tuple[int, str] | None:
    """After how many receives an event goes to a dead-letter queue, and the queue's name."""
    from botocore.exceptions import ClientError

    queues, functions = client("sqs", queue_arn), client("lambda", queue_arn)
    try:
        url = queues.get_queue_url(QueueName=queue_arn.rpartition(":")[2])["QueueUrl"]
        attributes = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
    except ClientError:
        return None
    policy = json.loads((attributes.get("Attributes") or {}).get("RedrivePolicy") or "{}")
    target = policy.get("deadLetterTargetArn")
    if not target:
        return None
    # From a queue that a function reads, the event is tried again.
    read = functions.list_event_source_mappings(EventSourceArn=target)["EventSourceMappings"]
    return None if read else (int(policy["maxReceiveCount"]), target.rpartition(":")[2])
