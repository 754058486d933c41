"""How SQS counts: receives across queues, and the time at which a message was sent."""

from __future__ import annotations

import json
from typing import Any

from conformance.check import Json, check
from conformance.permissions import QUEUE
from conformance.place import Place

ACTIONS = (*QUEUE, "sqs:GetQueueAttributes", "sqs:SendMessage")


def _chain(place: Place, *limits: int) -> list[str]:
    """Queues that each hand on to the next what was received so often; the last one keeps it."""
    queues = [place.queue()]
    for limit in reversed(limits):
        redrive = {"deadLetterTargetArn": place.queue_arn(queues[0]), "maxReceiveCount": limit}
        queues.insert(0, place.queue(RedrivePolicy=json.dumps(redrive)))
    return queues


def _received(place: Place, queue: str) -> dict[str, Any] | None:
    """A message of the queue, which is visible again at once."""
    answer = place.client("sqs").receive_message(
        QueueUrl=queue, VisibilityTimeout=0, WaitTimeSeconds=0, AttributeNames=["All"]
    )
    found: dict[str, Any] | None = next(iter(answer.get("Messages", [])), None)
    return found


def _counts(place: Place, queue: str, following: str) -> list[int]:
    """The number that SQS gives with each receive, until the next queue has the message."""
    counts: list[int] = []

    def moved() -> bool:
        found = _received(place, queue)
        if found is not None:
            counts.append(int(found["Attributes"]["ApproximateReceiveCount"]))
        return found is None and _filled(place, following)

    place.until(moved, seconds=90)
    return counts


def _filled(place: Place, queue: str) -> bool:
    name = "ApproximateNumberOfMessages"
    given = place.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=[name])
    return int(given["Attributes"][name]) > 0


@check(
    "SQS counts the receives of an event",
    actions=ACTIONS,
    creates="three queues",
    minutes=2,
)
def receives_across_queues(place: Place) -> Json:
    """Receive a message until it moves twice: does the second queue count on from the first?"""
    first, second, last = _chain(place, 2, 7)
    place.client("sqs").send_message(QueueUrl=first, MessageBody="event")
    return {
        "first queue, maxReceiveCount 2": _counts(place, first, second),
        "second queue, maxReceiveCount 7": _counts(place, second, last),
    }


@check(
    "Moving an event to another queue by redrive",
    actions=ACTIONS,
    creates="two queues",
    minutes=1,
    expects={"the time sent is kept": True},
)
def time_sent_after_redrive(place: Place) -> Json:
    """Read the time at which a message was sent before and after it moved to another queue."""
    first, second = _chain(place, 1)
    place.client("sqs").send_message(QueueUrl=first, MessageBody="event")
    before = place.until(lambda: _received(place, first), bool, seconds=20)
    place.until(
        lambda: _received(place, first) is None and _filled(place, second), bool, seconds=60
    )
    after = place.until(lambda: _received(place, second), bool, seconds=20)
    times = [(each or {}).get("Attributes", {}).get("SentTimestamp") for each in (before, after)]
    return {"the time sent is kept": times[0] is not None and times[0] == times[1]}
