"""Receives a mail, and compares what a topic gets with what was recorded."""

import json
from typing import Any

import pytest


@pytest.fixture(scope="module")
def notified(account: Any) -> Any:
    """The envelopes of a topic that is named by an SNS action and by an S3 action."""
    topic = account.sns.create_topic(Name=account.name("topic"))["TopicArn"]
    queue = account.sqs.create_queue(QueueName=account.name("queue"))["QueueUrl"]
    arn = f"arn:aws:sqs:{account.region}:{account.id}:{queue.rpartition('/')[2]}"
    account.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    rules = account.rule_set()
    stored = {"BucketName": account.bucket(), "TopicArn": topic}
    actions = {"S3Action": stored}, {"SNSAction": {"TopicArn": topic}}
    account.rule(rules, *actions, Recipients=["example.com"], ScanEnabled=True)
    account.ses.set_active_receipt_rule_set(RuleSetName=rules)
    fields = (
        b"X-Mailroom-Verdict: dmarc=FAIL",
        b"Message-ID: <1@example.net>",
        b"Date: Sat, 9 May 2020 10:16:03 +0100",
    )
    account.send(headers=b"".join(field + b"\r\n" for field in fields))
    account.ses.set_active_receipt_rule_set()
    account.ses.delete_receipt_rule_set(RuleSetName=rules)
    return [json.loads(body) for body in account.bodies(queue)]


def test_a_rule_greets_its_topic(notified: Any) -> None:
    """Once, though two of its actions name it."""
    subjects = [envelope["Subject"] for envelope in notified]
    assert subjects.count("Amazon SES Email Receipt Subscription Notification") == 1
    assert subjects.count("Amazon SES Email Receipt Notification") == 2


@pytest.mark.parametrize(
    ("name", "action"),
    [("actionmailbox-inbound-email", "SNS"), ("actionmailbox-inbound-email-s3", "S3")],
)
def test_a_notification_has_the_recorded_shape(
    notified: Any, record: Any, compare: Any, name: str, action: str
) -> None:
    """Envelope, header fields of SES in their order, and the action."""
    recorded = record(name)
    told = [json.loads(envelope["Message"]) for envelope in notified]
    (number,) = [
        number
        for number, each in enumerate(told)
        if each.get("receipt", {}).get("action", {}).get("type") == action
    ]
    for event in (recorded["event"], told[number]):
        names = [header["name"] for header in event["mail"]["headers"]]
        # What follows is the sender's.
        first = names.index("X-SES-DKIM-SIGNATURE") + 1
        event["mail"]["headers"] = event["mail"]["headers"][:first]
    envelope = {key: value for key, value in notified[number].items() if key != "Message"}
    exactly = ("notificationType", "Subject", "type", "encoding")
    compare(name, recorded, {"envelope": envelope, "event": told[number]}, exactly=exactly)


def test_a_rule_that_does_not_scan_adds_no_verdicts_of_a_scan(account: Any, active: str) -> None:
    """Neither to the stored message."""
    bucket = account.bucket()
    account.rule(active, {"S3Action": {"BucketName": bucket}}, Recipients=["example.com"])
    received = account.send()
    assert b"Verdict" not in account.read(bucket, received.message_id)
