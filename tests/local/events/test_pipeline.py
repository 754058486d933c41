"""What ministack has to do well for event handling to be rehearsed: filters, batches, redrive."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

HANDLER = (
    "return {'batchItemFailures': [{'itemIdentifier': r['messageId']} "
    "for r in event['Records'] if 'poison' in r['body']]}"
)

# What the construct subscribes a queue of bounces with.
BOUNCES = {"$or": [{"eventType": ["Bounce"]}, {"notificationType": ["Bounce"]}]}
FEEDBACK = Path(__file__).parents[2] / "payloads" / "identity_feedback.json"


@pytest.fixture
def pipeline(account: Any) -> tuple[str, str, str, str]:
    """A configuration set whose bounces go to a queue with a function, the DLQ, and the topic."""
    name = account.name("set")
    account.v2.create_configuration_set(ConfigurationSetName=name)
    topic = account.sns.create_topic(Name=account.name("topic"))["TopicArn"]
    scope = f"arn:aws:sqs:{account.region}:{account.id}"
    dead, queue = account.name("dead"), account.name("bounces")
    dead_url = account.sqs.create_queue(QueueName=dead)["QueueUrl"]
    redrive = {"deadLetterTargetArn": f"{scope}:{dead}", "maxReceiveCount": 2}
    queue_url = account.sqs.create_queue(
        QueueName=queue,
        Attributes={"VisibilityTimeout": "1", "RedrivePolicy": json.dumps(redrive)},
    )["QueueUrl"]
    account.sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=f"{scope}:{queue}",
        Attributes={
            "RawMessageDelivery": "true",
            "FilterPolicyScope": "MessageBody",
            "FilterPolicy": json.dumps(BOUNCES),
        },
    )
    account.destination(name, "SEND", "BOUNCE", "DELIVERY", SnsDestination={"TopicArn": topic})
    return name, queue_url, dead_url, topic


def test_a_subscription_filters_by_the_events_type(
    account: Any, pipeline: tuple[str, str, str, str]
) -> None:
    """On the message's body: neither other types pass, nor the validation text."""
    name, queue, *_ = pipeline
    account.story(account.mail("bounce@simulator.amazonses.com", ConfigurationSetName=name))
    account.story(account.mail(ConfigurationSetName=name))
    assert [json.loads(body)["eventType"] for body in account.bodies(queue)] == ["Bounce"]


def test_a_subscription_takes_the_feedback_of_an_identity(
    account: Any, pipeline: tuple[str, str, str, str]
) -> None:
    """Of its types only, and no received mail."""
    _, queue, _, topic = pipeline
    feedback = json.loads(FEEDBACK.read_text())
    for kind in ("Delivery", "Received", "Bounce"):
        message = json.dumps({**feedback, "notificationType": kind})
        account.sns.publish(TopicArn=topic, Message=message)
    kinds = [json.loads(body)["notificationType"] for body in account.bodies(queue)]
    assert kinds == ["Bounce"]


def test_only_the_failed_part_of_a_batch_fails(
    account: Any, pipeline: tuple[str, str, str, str]
) -> None:
    """The poison record ends in the dead-letter queue alone, and soon."""
    name, queue, dead, _ = pipeline
    function = account.function(HANDLER)
    account.functions.create_event_source_mapping(
        FunctionName=function,
        EventSourceArn=f"arn:aws:sqs:{account.region}:{account.id}:{queue.rpartition('/')[2]}",
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        ScalingConfig={"MaximumConcurrency": 2},
    )
    for label in ("good", "poison"):
        to = f"bounce+{label}@simulator.amazonses.com"
        account.story(account.mail(to, ConfigurationSetName=name))
    started = time.monotonic()
    found = account.aws.wait_until(
        lambda: account.bodies(dead, wait=1), lambda bodies: bool(bodies), seconds=10
    )
    assert time.monotonic() - started < 6
    assert ["poison" in body for body in found] == [True]
    counts = account.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessages"] == "0"
    assert counts["ApproximateNumberOfMessagesNotVisible"] == "0"
