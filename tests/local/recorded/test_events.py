"""Sends as it was recorded, and compares what reaches a subscriber of the event destination."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from mailroom.ses import VALIDATION_TEXT, EventType
from mailroom_local.events import payloads
from mailroom_local.events.payloads import Happening
from mailroom_local.sending import outcomes
from mailroom_local.sending.message import SentMessage

SENDER = "sender@sending.example"
RECIPIENT = "reader@example.net"
TAGS = [{"Name": "custom-tag", "Value": "tag-value"}]


def send_email(account: Any, configuration_set: str) -> str:
    body = {"Text": {"Data": "Hi"}, "Html": {"Data": "<p>Hi</p>"}}
    return str(
        account.ses.send_email(
            Source=SENDER,
            Destination={"ToAddresses": [RECIPIENT]},
            Message={"Subject": {"Data": "Subject"}, "Body": body},
            ConfigurationSetName=configuration_set,
            Tags=TAGS,
        )["MessageId"]
    )


def send_raw_email(account: Any, configuration_set: str) -> str:
    return str(
        account.ses.send_raw_email(
            Source=SENDER,
            Destinations=[RECIPIENT],
            RawMessage={"Data": b"\r\nno header at all\r\n"},
            ConfigurationSetName=configuration_set,
            Tags=TAGS,
        )["MessageId"]
    )


def send_templated_email(account: Any, configuration_set: str) -> str:
    template = account.name("template")
    account.ses.create_template(
        Template={"TemplateName": template, "SubjectPart": "Subject", "TextPart": "Hi"}
    )
    return str(
        account.ses.send_templated_email(
            Source=SENDER,
            Destination={"ToAddresses": [RECIPIENT]},
            Template=template,
            TemplateData="{}",
            ConfigurationSetName=configuration_set,
            Tags=TAGS,
        )["MessageId"]
    )


@pytest.fixture(scope="module")
def subscriber(account: Any) -> Iterator[tuple[str, Callable[[], list[dict[str, Any]]]]]:
    """A configuration set, and what its topic sends to a queue: whole envelopes."""
    name = account.name("set")
    account.v2.create_configuration_set(ConfigurationSetName=name)
    topic = account.sns.create_topic(Name=account.name("topic"))["TopicArn"]
    queue = account.sqs.create_queue(QueueName=account.name("queue"))["QueueUrl"]
    arn = f"arn:aws:sqs:{account.region}:{account.id}:{queue.rpartition('/')[2]}"
    account.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    account.destination(name, "SEND", "DELIVERY", SnsDestination={"TopicArn": topic})
    return name, lambda: [json.loads(body) for body in account.bodies(queue)]


def test_a_topic_is_validated_without_a_subject(
    account: Any, subscriber: Any, record: Any, compare: Any
) -> None:
    """In plain text."""
    (envelope,) = subscriber[1]()
    assert envelope["Message"] == VALIDATION_TEXT
    compare("sns-validation-message", record("sns-validation-message"), envelope)


@pytest.mark.parametrize("send", [send_email, send_raw_email, send_templated_email])
def test_events_have_the_recorded_shape(
    account: Any, subscriber: Any, record: Any, compare: Any, send: Any
) -> None:
    """Envelope, header fields in their order, tags, and the part of the type."""
    configuration_set, envelopes = subscriber
    account.story(send(account, configuration_set), count=2)
    exactly = ("eventType", "Subject", "Type", "ses:operation", "MIME-Version")
    for envelope in envelopes():
        message = envelope.pop("Message")
        event = json.loads(message)
        assert message.endswith("}\n")
        kind = event["eventType"].lower()
        name = f"event-{kind}-sns-{send.__name__}"
        compare(name, record(name), {"envelope": envelope, "event": event}, exactly=exactly)
        assert event["mail"]["tags"]["ses:operation"] == [
            "".join(word.capitalize() for word in send.__name__.split("_"))
        ]


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("mailcoach-bouncewebhookcontent", outcomes.AMAZON_OUTCOMES["bounce"][0]),
        ("mailcoach-complaintwebhookcontent", outcomes.AMAZON_OUTCOMES["complaint"][1]),
    ],
)
def test_bounces_and_complaints_have_the_recorded_shape(
    record: Any, compare: Any, name: str, outcome: Any
) -> None:
    """Of a message that has the header fields of the recorded one."""
    recorded = record(name)["event"]
    happening = Happening(kind=outcome.kind, recipient=RECIPIENT, detail=outcome.detail)
    told = payloads.payload(happening, _as_recorded(recorded["mail"]), at=datetime.now(UTC))
    exactly = ("eventType", "bounceType", "bounceSubType", "status", "action")
    compare(name, recorded, told, exactly=exactly)


def test_feedback_on_an_identity_has_the_recorded_shape(record: Any, compare: Any) -> None:
    """Without tags and header fields."""
    name = "lambda-sns-feedback-2017"
    recorded = json.loads(record(name)["Records"][0]["Sns"]["Message"])
    happening = Happening(kind=EventType.DELIVERY, recipient=RECIPIENT)
    told = payloads.feedback(happening, _as_recorded(recorded["mail"]), at=datetime.now(UTC))
    compare(name, recorded, told, exactly=("notificationType",))


def test_a_message_is_sent_though_the_topic_of_its_events_is_gone(account: Any) -> None:
    """Nothing but the validation ever reached it."""
    name, _ = account.configuration_set("SEND")
    (found,) = account.v2.get_configuration_set_event_destinations(ConfigurationSetName=name)[
        "EventDestinations"
    ]
    account.sns.delete_topic(TopicArn=found["SnsDestination"]["TopicArn"])
    message_id = send_email(account, name)
    account.story(message_id)
    event, *_ = account.aws.message(message_id, handlers=False).events
    assert event.destinations[0]["outcome"] == "failed"


def _as_recorded(mail: dict[str, Any]) -> SentMessage:
    headers = mail.get("headers", [])
    header = "".join(f"{each['name']}: {each['value']}\r\n" for each in headers)
    return SentMessage(
        message_id=mail["messageId"],
        operation="SendRawEmail",
        sent_at=datetime.now(UTC),
        source=mail["source"],
        source_arn=mail["sourceArn"],
        recipients=tuple(mail["destination"]),
        raw=(header + "\r\nHi\r\n").encode(),
        account=mail["sendingAccountId"],
        region="us-east-1",
        caller="someone",
        source_ip="192.0.2.1",
        configuration_set="set",
    )
