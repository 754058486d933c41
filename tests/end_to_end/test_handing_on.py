"""Mail that goes to five kinds of targets, and mail that arrives by topics, queues and buckets."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from end_to_end.letters.handing import SECRET
from mailroom.receiving import HandedMail, handed_on
from mailroom.testing import message


def received(app: Any, queue: str) -> Any:
    """The first record of a queue, as SQS gives it to a function."""
    sqs = app.aws.client("sqs")
    found = app.aws.wait_until(
        lambda: sqs.receive_message(QueueUrl=app[queue]).get("Messages", []), bool, seconds=30
    )
    return {"body": found[0]["Body"]}


def from_queue(app: Any) -> HandedMail:
    return handed_on(received(app, "HandedQueue"))


def from_topic(app: Any) -> HandedMail:
    """Through a queue that subscribes to it: SNS's own JSON is around the event."""
    return handed_on(received(app, "HandedTopicQueue"))


def from_bus(app: Any) -> HandedMail:
    """Through a rule of the bus that has a queue as its target."""
    return handed_on(received(app, "HandedBusQueue"))


def from_machine(app: Any) -> HandedMail:
    machine = app.aws.client("stepfunctions")
    found = app.aws.wait_until(
        lambda: machine.list_executions(stateMachineArn=app["HandedExecutions"])["executions"],
        bool,
        seconds=30,
    )
    execution = machine.describe_execution(executionArn=found[0]["executionArn"])
    mail = handed_on(execution["input"])
    assert execution["name"] == mail.id
    return mail


def from_webhook(app: Any) -> HandedMail:
    """With the signature verified."""
    app.aws.wait_until(lambda: app.hook.requests, bool, seconds=30)
    headers, body = app.hook.requests[0]
    return handed_on(body, headers=headers, secret=SECRET)


@pytest.fixture(scope="module")
def sent(letters: Any) -> Any:
    """A mail for all of the rules; their functions may do what their roles allow, no more."""
    with letters.aws.permissions_enforced():
        content = message(text="My printer is on fire.\n", attachments={"fire.log": b"12:00"})
        letters.aws.send(content, mail_from="jane@example.com", rcpt_tos=["handed@letters.example"])
        letters.aws.send(
            message(text="Größer\n"),
            mail_from="jane@example.com",
            rcpt_tos=["arriving@letters.example"],
        )
        yield letters


@pytest.mark.parametrize("read", [from_queue, from_topic, from_bus, from_machine, from_webhook])
def test_a_mail_arrives_where_it_is_handed_on_to(
    sent: Any, read: Callable[[Any], HandedMail]
) -> None:
    """The same event everywhere, and the whole mail where the event says."""
    mail = read(sent)
    assert (mail.subject, mail.text) == ("Test Subject", "My printer is on fire.\n")
    assert mail.recipients == ["handed@letters.example"]
    assert [(one.name, one.size) for one in mail.attachments] == [("fire.log", 5)]
    assert mail.stored_at is not None
    bucket, key = mail.stored_at
    stored = sent.aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    assert b"My printer is on fire." in stored
    assert json.dumps(mail.raw["cut"]) == "[]"


def test_a_mail_reaches_the_same_function_by_topic_queue_and_bucket(sent: Any) -> None:
    """Each time as a whole; only S3 does not know the envelope."""
    logs = sent.aws.client("logs")

    def told() -> dict[str, Any]:
        lines = logs.filter_log_events(logGroupName=sent["ArrivedLogs"])["events"]
        found = [json.loads(one["message"]) for one in lines if '"way"' in one["message"]]
        return {one.pop("way"): one for one in found}

    known = {"text": "Größer\n", "from": "jane@example.com", "to": ["arriving@letters.example"]}
    ways = sent.aws.wait_until(told, lambda found: len(found) == 3, seconds=30)
    assert ways == {
        "UTF8": known,
        "BASE64": known,
        "S3": {"text": "Größer\n", "from": None, "to": None},
    }
