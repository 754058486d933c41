"""How SNS carries events: greetings, envelopes, and what it cannot deliver."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from conformance.check import Json, Need, check
from conformance.events import LISTENER, Listener, observed
from conformance.mailing import SIMULATOR, SUCCESS
from conformance.permissions import CONFIGURATION_SET, TOPIC
from conformance.place import Place
from conformance.roles import enforced

FEEDBACK = ("ses:GetIdentityNotificationAttributes", "ses:SetIdentityNotificationTopic")


@check(
    "The validation of a topic is plain text",
    actions=(*CONFIGURATION_SET, "ses:SendEmail"),
    needs=(Need.DOMAIN,),
    creates=f"{LISTENER}, each twice",
    minutes=1,
    expects={"raw": {"Send": {"envelope": "none"}}},
)
def envelope(place: Place) -> Json:
    """Read the validation of a topic and an event, with and without raw delivery."""
    found: dict[str, Any] = {"raw": {}, "not raw": {}}
    for how, told in found.items():
        listener = Listener(place, "SEND", raw=how == "raw")
        sent = place.send_email(ConfigurationSetName=listener.name)
        listener.story(sent, "Send")
        for body in listener.bodies:
            text, parts = _opened(body)
            event = text.startswith("{")
            told["Send" if event else "validation"] = {
                "text": "the event" if event else text.strip(),
                "ends with a newline": text.endswith("\n"),
                "envelope": "none" if parts is None else _described(parts),
            }
    return found


def _described(parts: dict[str, Any]) -> Json:
    kept = ("Subject", "Type", "SignatureVersion")
    return {
        "fields": sorted([*parts, "Message"]),
        **{name: parts.get(name, "none") for name in kept},
    }


def _dead_letters(place: Place, *, raw: bool, **encryption: str) -> dict[str, Any]:
    """What a subscription's dead-letter queue gets if SNS may not write to its queue."""
    sns = place.client("sns")
    topic, _ = place.topic()
    dead = place.subscribed(topic, raw=raw)
    if encryption:
        place.client("sqs").set_queue_attributes(QueueUrl=dead, Attributes=encryption)
    for each in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=each["SubscriptionArn"])
    closed = place.queue()
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=place.queue_arn(closed),
        Attributes={
            "RawMessageDelivery": str(raw).lower(),
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": place.queue_arn(dead)}),
        },
    )
    began = time.monotonic()
    with enforced(place):
        sns.publish(TopicArn=topic, Message='{"eventType": "Send"}', Subject="Subject")
        bodies = place.until(lambda: place.taken(dead), seconds=120)
    if not bodies:
        return {"arrived": False}
    _, parts = _opened(bodies[0])
    return {
        "arrived": True,
        "within a minute": time.monotonic() - began < 60,
        "body": "the bare event" if parts is None else "SNS's envelope",
        "fields of the envelope": sorted(parts or {}),
    }


DEAD = (*TOPIC, "sns:ListSubscriptionsByTopic", "sns:Publish", "sns:Unsubscribe")


@check(
    "What SNS puts into a subscription's dead-letter queue",
    actions=DEAD,
    creates="two topics, six queues",
    minutes=1,
)
def dead_letter(place: Place) -> Json:
    """Publish to a queue that SNS may not write to, and read the dead-letter queue."""
    return {
        "raw": _dead_letters(place, raw=True),
        "not raw": _dead_letters(place, raw=False),
    }


@check(
    "SNS can use a dead-letter queue with SQS's own encryption",
    actions=DEAD,
    creates="a topic, three queues",
    minutes=1,
)
def encrypted_dead_letter(place: Place) -> Json:
    """The same with a dead-letter queue that SQS encrypts by itself."""
    return _dead_letters(place, raw=True, SqsManagedSseEnabled="true")


@check(
    "SNS gives up at once on a queue that it may not write to",
    actions=DEAD,
    creates="a topic, three queues",
    minutes=1,
    expects={"within a minute": True},
)
def gives_up(place: Place) -> Json:
    """The same: does the event come to the dead-letter queue at once?"""
    return {"within a minute": _dead_letters(place, raw=True).get("within a minute", False)}


@check(
    "SES publishes to a topic without counting",
    actions=(
        *CONFIGURATION_SET,
        "cloudwatch:ListMetrics",
        "ses:SendEmail",
    ),
    needs=(Need.DOMAIN,),
    creates=LISTENER,
    minutes=16,
    here="the local AWS asks no topic's policy and counts no messages of topics",
)
def refused_topic(place: Place) -> Iterator[Json]:
    """Deny SES the topic, send, and look for metrics a quarter of an hour later."""
    listener = Listener(place, "SEND")
    metrics = place.client("cloudwatch")
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": {"Service": "ses.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": listener.topic,
            }
        ],
    }
    place.client("sns").set_topic_attributes(
        TopicArn=listener.topic, AttributeName="Policy", AttributeValue=json.dumps(policy)
    )
    yield place.later(60)
    listener.story(place.send_email(ConfigurationSetName=listener.name), "Send", seconds=60)
    yield place.later(900)
    found = set()
    for words in (listener.name, listener.topic.rpartition(":")[2]):
        for page in metrics.get_paginator("list_metrics").paginate():
            for metric in page["Metrics"]:
                if any(words in each["Value"] for each in metric["Dimensions"]):
                    found.add(f"{metric['Namespace']} {metric['MetricName']}")
    return {
        "metrics": sorted(found),
        "metrics that count a failure": sorted(
            each for each in found if any(word in each for word in ("Fail", "Denied", "Error"))
        ),
        "events that arrived": len(listener.bodies) - 1,
    }


@check(
    "A new feedback topic of an identity is greeted",
    actions=(*TOPIC, *FEEDBACK),
    needs=(Need.DOMAIN,),
    creates="a topic, a queue; the identity's feedback topic is changed, and changed back",
    minutes=1,
)
def feedback_greeting(place: Place) -> Json:
    """Make a topic the feedback topic of the identity, and read what it gets."""
    topic, queue = place.topic()
    _feedback(place, topic, "Bounce")
    bodies = place.until(lambda: place.taken(queue), seconds=60)
    return [_greeting(body) for body in bodies]


@check(
    "Feedback on an identity has neither tags",
    actions=(*TOPIC, *FEEDBACK, "ses:SendEmail"),
    needs=(Need.DOMAIN,),
    creates="a topic, a queue; the identity's feedback topics are changed, and changed back",
    minutes=3,
)
def feedback(place: Place) -> Json:
    """Read the identity's feedback on mail that is delivered, bounces, and is complained of."""
    topic, queue = place.topic(raw=True)
    for kind in ("Delivery", "Bounce", "Complaint"):
        _feedback(place, topic, kind)
    for name in ("success", "bounce", "complaint"):
        place.send_email(f"{name}@{SIMULATOR}")
    found: dict[str, Any] = {}

    def read() -> bool:
        for body in place.taken(queue):
            told = json.loads(body)
            kind, to = told["notificationType"], told.get("mail", {}).get("destination")
            # What is complained of was delivered before.
            if to == [SUCCESS] or kind in ("Bounce", "Complaint"):
                found[kind] = observed(told)
        return len(found) == 3

    place.until(read, seconds=120)
    return dict(sorted(found.items()))


@check(
    "Some complaints of a topic shared with identity feedback",
    actions=(*CONFIGURATION_SET, *FEEDBACK, "ses:SendEmail"),
    needs=(Need.DOMAIN,),
    creates=f"{LISTENER}; the identity's feedback topic is changed, and changed back",
    minutes=3,
)
def complaint_on_a_shared_topic(place: Place) -> Json:
    """Have a complaint on a topic that gets the identity's feedback and published events."""
    listener = Listener(place, "COMPLAINT")
    _feedback(place, listener.topic, "Complaint")
    sent = place.send_email(f"complaint@{SIMULATOR}", ConfigurationSetName=listener.name)
    listener.until(lambda: len(listener.all_of(sent)) >= 2, seconds=120)
    found = {}
    for told in listener.all_of(sent):
        kind = next((key for key in ("eventType", "notificationType") if key in told), "neither")
        found[f"named by {kind}"] = observed(told)
    return found


def _feedback(place: Place, topic: str, kind: str) -> None:
    """Make a topic the identity's feedback topic while the check runs."""
    ses, identity = place.client("ses"), place.domain
    known = ses.get_identity_notification_attributes(Identities=[identity])
    before = known["NotificationAttributes"].get(identity, {}).get(f"{kind}Topic")
    of = {"Identity": identity, "NotificationType": kind}
    restored = {**of, "SnsTopic": before} if before else of
    place.cleanup.add("feedback topic", ses.set_identity_notification_topic, **restored)
    ses.set_identity_notification_topic(**of, SnsTopic=topic)


def _opened(body: str) -> tuple[str, dict[str, Any] | None]:
    """The text in a queue's message, and the rest of SNS's envelope if it has one."""
    try:
        found = json.loads(body)
    except ValueError:
        return body, None
    if not isinstance(found, dict) or "TopicArn" not in found:
        return body, None
    return found.pop("Message"), found


def _greeting(body: str) -> Json:
    text, parts = _opened(body)
    try:
        found = json.loads(text)
    except ValueError:
        return {"text": text}
    return {
        "subject": (parts or {}).get("Subject"),
        "keys": sorted(found),
        "notificationType": found.get("notificationType"),
    }
