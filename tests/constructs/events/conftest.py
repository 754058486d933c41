"""Two stacks that publish events, synthesized once for this folder."""

from __future__ import annotations

import pytest
from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from synthesis import FOLDER, Template, synthesized

from cdk_mailroom import BUNDLED, EventPublishing, EventType, PythonHandler
from cdk_mailroom.events import Alerts


def yours(**options) -> PythonHandler:
    """Return a handler of the user's."""
    return PythonHandler(FOLDER, "app:on_mail", **options)


@pytest.fixture(scope="session")
def plain() -> Template:
    """Everything left to its default, and each way of handling a type once."""

    def build(stack):
        out = EventPublishing(stack, "Out")
        out.on(EventType.BOUNCE)
        out.on(EventType.CLICK, yours(timeout=Duration.seconds(20), memory_size=1024))
        out.on(EventType.COMPLAINT, BUNDLED, yours())
        out.on(EventType.REJECT, yours(), BUNDLED)
        out.on([EventType.SEND, EventType.RENDERING_FAILURE, EventType.DELIVERY_DELAY])

    return synthesized(build)


@pytest.fixture(scope="session")
def given() -> Template:
    """Every resource given by the user."""

    def build(stack):
        text = dynamodb.AttributeType.STRING
        out = EventPublishing(
            stack,
            "Out",
            configuration_set=ses.ConfigurationSet(stack, "Set"),
            topic=sns.Topic(stack, "Topic"),
            alert_topic=sns.Topic(stack, "Alerts"),
            event_table=dynamodb.Table(
                stack,
                "Table",
                partition_key=dynamodb.Attribute(name="message_id", type=text),
                sort_key=dynamodb.Attribute(name="at", type=text),
            ),
            retention=Duration.days(30),
            alerts=Alerts(window=Duration.minutes(5), delay_warning=Duration.hours(1)),
            suppress=False,
            maximum_concurrency=2,
            reputation_alarms=False,
        )
        out.on(EventType.BOUNCE)
        out.on(EventType.COMPLAINT)

    return synthesized(build)
