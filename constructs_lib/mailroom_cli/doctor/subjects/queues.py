"""Dead-letter queues: mail and events that no function could handle."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

from mailroom_cli.doctor.findings import Finding
from mailroom_cli.doctor.place import Place, counted
from mailroom_cli.doctor.reading import Absent, Unseen
from mailroom_cli.names import short_name

RANK = 60
NEEDS = (
    "lambda:ListFunctionEventInvokeConfigs",
    "lambda:ListFunctions",
    "sqs:GetQueueAttributes",
    "sqs:ListQueues",
)

_MOST_QUEUES = 200
_MOST_FUNCTIONS = 500
# What the constructs set for each function of theirs.
_OURS = "MAILROOM_"


def look(place: Place) -> Iterator[Finding]:
    """Look at the queues that failed calls and records go to."""
    queues = place.reader.pages("sqs", "list_queues", "QueueUrls", most=_MOST_QUEUES)
    waiting, letters = {}, set()
    with suppress(Unseen):
        letters |= set(_of_functions(place))
    for url in queues.items:
        with suppress(Absent, Unseen):
            attributes = place.reader.call(
                "sqs",
                "get_queue_attributes",
                QueueUrl=url,
                AttributeNames=["ApproximateNumberOfMessages", "QueueArn", "RedrivePolicy"],
                absent=("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"),
            )["Attributes"]
            waiting[attributes["QueueArn"]] = int(attributes["ApproximateNumberOfMessages"])
            if redrive := attributes.get("RedrivePolicy"):
                letters.add(json.loads(redrive)["deadLetterTargetArn"])
    full = {arn: waiting[arn] for arn in sorted(letters) if waiting.get(arn)}
    for arn, count in full.items():
        name = arn.rpartition(":")[2]
        yield place.problem(
            "dead-letters",
            f"{counted(count, 'message')} in the dead-letter queue {short_name(name)}",
            remedy="mend what failed, then handle them again:",
            command=f"mailroom replay {name}{_options(place)}",
        )
    if letters and not full:
        yield place.ok("dead-letters", f"{counted(len(letters), 'dead-letter queue')}, all empty")
    elif not letters and not place.reader.unseen:
        yield place.note("none", "no dead-letter queue")
    if not queues.complete:
        yield place.warning("not-all", f"only the first {_MOST_QUEUES} queues were looked at")


def _of_functions(place: Place) -> Iterator[str]:
    """The queues that failed calls of the constructs' functions go to."""
    found = place.reader.pages("lambda", "list_functions", "Functions", most=_MOST_FUNCTIONS)
    for function in found.items:
        if target := (function.get("DeadLetterConfig") or {}).get("TargetArn", ""):
            yield target
        variables = (function.get("Environment") or {}).get("Variables") or {}
        if not any(name.startswith(_OURS) for name in variables):
            continue
        configured = place.reader.pages(
            "lambda",
            "list_function_event_invoke_configs",
            "FunctionEventInvokeConfigs",
            most=10,
            FunctionName=function["FunctionName"],
        )
        for one in configured.items:
            on_failure = (one.get("DestinationConfig") or {}).get("OnFailure") or {}
            if ":sqs:" in (arn := on_failure.get("Destination", "")):
                yield arn


def _options(place: Place) -> str:
    if place.is_local:
        return ""
    profile = f" --profile {place.profile}" if place.profile else ""
    return f" --aws --region {place.region}{profile}"
