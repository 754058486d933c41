"""Topics whose queues do not take what is published."""

import json
from typing import Any

import pytest


@pytest.mark.parametrize("raw", ["true", "false"])
def test_what_a_queue_does_not_take_comes_to_the_dead_letter_queue(account: Any, raw: str) -> None:
    """As the queue would have got it; without a dead-letter queue it is gone."""
    topic, _ = account.topic()
    dead = account.sqs.create_queue(QueueName=account.name("dead"))["QueueUrl"]
    scope = f"arn:aws:sqs:{account.region}:{account.id}"
    redrive = {"deadLetterTargetArn": f"{scope}:{dead.rpartition('/')[2]}"}
    gone = account.sqs.create_queue(QueueName=account.name("gone"))["QueueUrl"]
    account.sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=f"{scope}:{gone.rpartition('/')[2]}",
        Attributes={"RawMessageDelivery": raw, "RedrivePolicy": json.dumps(redrive)},
    )
    account.sqs.delete_queue(QueueUrl=gone)
    account.sns.publish(TopicArn=topic, Message="event")
    (body,) = account.bodies(dead)
    assert (body if raw == "true" else json.loads(body)["Message"]) == "event"
