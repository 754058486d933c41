"""What a queue does not take from a topic: SNS puts it into the subscription's dead-letter queue.

ministack drops it.
https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from mailroom_local._emulator import internals

_PRINCIPAL = "sns.amazonaws.com"

_original: Callable[..., None] = internals.sns.deliver_to_sqs


def deliver_to_queue(endpoint: str, *message: Any, topic_arn: str = "", **more: Any) -> None:
    """Deliver to a queue, or to what the subscription names for what it does not take.

    The message is the same in both; AWS does not document what comes to a dead-letter queue.
    """
    target = endpoint if _takes(endpoint, topic_arn) else _dead_letter_queue(endpoint, topic_arn)
    if target:
        _original(target, *message, topic_arn=topic_arn, **more)


def _takes(queue_arn: str, topic_arn: str) -> bool:
    if internals.sqs.queue_by_arn(queue_arn) is None:
        return False
    account = topic_arn.split(":")[4] if topic_arn else internals.responses.get_account_id()
    allows: bool = internals.sqs.queue_policy_allows(queue_arn, _PRINCIPAL, topic_arn, account)
    return allows


def _dead_letter_queue(endpoint: str, topic_arn: str) -> str:
    topic = internals.sns.topics.get(topic_arn) or {}
    for subscription in topic.get("subscriptions", ()):
        if subscription["endpoint"] == endpoint:
            policy = json.loads(subscription["attributes"].get("RedrivePolicy") or "{}")
            return str(policy.get("deadLetterTargetArn") or "")
    return ""
