"""Dead-letter queues: mail and events that no function could handle."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

from mailroom_cli.doctor.findings import Finding
from mailroom_cli.doctor.place import Place, counted
from mailroom_cli.doctor.reading import Absent, Listed, Unseen
from mailroom_cli.names import short_name

RANK = 60
NEEDS = (
    "lambda:ListFunctionEventInvokeConfigs",
    "lambda:ListFunctions",
    "sqs:GetQueueAttributes",
    "sqs:ListQueues",
)

_RECORDS = "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"
_MOST_QUEUES = 200
_MOST_FUNCTIONS = 500
# What the constructs set for each function of theirs.
_OURS = "MAILROOM_"


def look(place: Place) -> Iterator[Finding]:
    """Look at the queues that failed calls and records go to."""
    queues = place.reader.pages("sqs", "list_queues", "QueueUrls", most=_MOST_QUEUES)
    # The number of messages and the URL of each queue.
    known: dict[str, tuple[int, str]] = {}
    # Whose dead letters a queue has: another queue's, or a function's.
    origins: dict[str, str] = {}
    with suppress(Unseen):
        origins.update(_of_functions(place))
    for url in queues.items:
        with suppress(Absent, Unseen):
            attributes = place.reader.call(
                "sqs",
                "get_queue_attributes",
                QueueUrl=url,
                AttributeNames=["ApproximateNumberOfMessages", "QueueArn", "RedrivePolicy"],
                absent=("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"),
            )["Attributes"]
            count = int(attributes["ApproximateNumberOfMessages"])
            known[attributes["QueueArn"]] = count, url
            if redrive := attributes.get("RedrivePolicy"):
                origins[json.loads(redrive)["deadLetterTargetArn"]] = attributes["QueueArn"]
    full = [letters for letters in sorted(origins) if known.get(letters, (0, ""))[0]]
    for letters in full:
        yield _full(place, letters.rpartition(":")[2], origins[letters], *known[letters])
    if origins and not full and place.saw_all:
        yield place.ok("dead-letters", f"{counted(len(origins), 'dead-letter queue')}, all empty")
    elif not origins and place.saw_all:
        yield place.note("none", "no dead-letter queue")
    with suppress(Unseen):
        if not _functions(place).complete:
            yield place.warning(
                "not-all",
                f"only the first {_MOST_FUNCTIONS} functions were looked at for the queues of "
                "their failed calls",
            )
    if not queues.complete:
        yield place.warning("not-all", f"only the first {_MOST_QUEUES} queues were looked at")


def _full(place: Place, letters: str, origin: str, count: int, url: str) -> Finding:
    name = origin.rpartition(":")[2]
    found = f"{counted(count, 'message')} in the dead-letter queue {short_name(letters)}"
    if ":sqs:" in origin:
        return place.problem(
            "dead-letters",
            found,
            remedy="mend what failed, then handle them again:",
            command=f"mailroom replay {letters} --to {name}{_options(place)}",
        )
    return place.problem(
        "dead-letters",
        f"{found}, of calls of {short_name(name)}",
        remedy="mend what failed; each message is a whole call, and its requestPayload the event "
        f"to invoke {name} with again. To read some:",
        command=place.aws("sqs", "receive-message", queue_url=url, max_number_of_messages=10),
        source=_RECORDS,
    )


def _functions(place: Place) -> Listed:
    return place.reader.pages("lambda", "list_functions", "Functions", most=_MOST_FUNCTIONS)


def _of_functions(place: Place) -> Iterator[tuple[str, str]]:
    """The queues that failed calls of functions go to, and the ARNs of the functions."""
    for function in _functions(place).items:
        arn = function["FunctionArn"]
        if ":sqs:" in (target := (function.get("DeadLetterConfig") or {}).get("TargetArn", "")):
            yield target, arn
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
            if ":sqs:" in (target := on_failure.get("Destination", "")):
                yield target, arn


def _options(place: Place) -> str:
    if place.is_local:
        return f" --state {place.state}" if place.state else ""
    profile = f" --profile {place.profile}" if place.profile else ""
    return f" --aws --region {place.region}{profile}"
