"""EventBridge and CloudWatch as destinations: rules, archive, dimensions."""

from __future__ import annotations

import json

import pytest
from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sqs as sqs
from synthesis import ACCOUNT, FOLDER, REGION, Template, cycle, synthesized

from cdk_mailroom import BUNDLED, EventPublishing, EventType, PythonHandler
from mailroom.ses import EVENT_BRIDGE_NAMES
from mailroom.testing import event_invocation, sending_event_payload

BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"


@pytest.fixture(scope="module")
def bus() -> Template:
    """Handlers and a target on the bus, an archive, and metrics."""

    def build(stack):
        out = EventPublishing(stack, "Out")
        made = out.on_bus(EventType.BOUNCE)
        assert made.rule.node.path == "Stack/Out/BusBounce/Rule"
        out.on_bus(
            [EventType.OPEN, EventType.RENDERING_FAILURE],
            BUNDLED,
            PythonHandler(FOLDER, "app:on_mail"),
        )
        rule = out.on_bus(EventType.CLICK, targets.SqsQueue(sqs.Queue(stack, "Queue")))
        assert isinstance(rule, events.Rule)
        assert out.to_event_bus(EventType.SEND) is None
        assert out.to_event_bus(EventType.SEND, archive=Duration.days(30)) is not None
        source = ses.CloudWatchDimensionSource
        out.to_metrics(
            [
                ses.CloudWatchDimension(
                    name=name, default_value="none", source=getattr(source, kind)
                )
                for name, kind in (
                    ("campaign", "MESSAGE_TAG"),
                    ("Reply-To", "EMAIL_HEADER"),
                    ("link", "LINK_TAG"),
                )
            ],
            types=[EventType.SEND, EventType.BOUNCE],
        )

    return synthesized(build)


def test_ses_publishes_to_the_default_bus_what_rules_ask_for(bus):
    """One destination, with the types of every call together."""
    assert bus.at("Out/BusDestination")["EventDestination"] == {
        "Enabled": True,
        "EventBridgeDestination": {"EventBusArn": BUS},
        "MatchingEventTypes": ["bounce", "click", "open", "renderingFailure", "send"],
    }


def test_a_rule_matches_its_types_of_this_configuration_set(bus):
    """The default bus carries the events of every service and configuration set."""
    assert bus.at("Out/BusOpen/Rule")["EventPattern"] == {
        "source": ["aws.ses"],
        "detail-type": ["Email Opened", "Email Rendering Failed"],
        "detail": {"mail": {"tags": {"ses:configuration-set": ["<Out/ConfigurationSet>"]}}},
    }


@pytest.mark.parametrize("kind", list(EventType))
def test_each_type_has_its_own_name_on_the_bus(kind):
    """The names are those of the runtime's payload builder."""
    event = event_invocation(sending_event_payload(str(kind)), "eventbridge")
    assert event["detail-type"] == EVENT_BRIDGE_NAMES[kind]
    assert event["source"] == "aws.ses"


def test_the_same_handlers_work_behind_a_rule(bus):
    """With the same function, queue and dead-letter queue as behind a topic."""
    assert json.loads(bus.environment("Out/BusOpen/Function")["MAILROOM_HANDLERS"]) == {
        "Open": ["mailroom.handlers.events.open:on_event", "app:on_mail"],
        "Rendering Failure": ["mailroom.handlers.events.rendering_failure:on_event", "app:on_mail"],
    }
    assert bus.at("Out/BusOpen/Function")["Handler"] == "mailroom.entry.events.handler"
    [target] = bus.at("Out/BusOpen/Rule")["Targets"]
    assert target["Arn"] == "<Out/BusOpen/Queue.Arn>"
    assert target["DeadLetterConfig"] == {"Arn": "<Out/BusOpen/DeadLetterQueue.Arn>"}
    assert bus.at("Out/BusOpen/DeadLetterAlarm")["AlarmActions"] == ["<Out/AlertTopic>"]


def test_what_event_bridge_can_put_nowhere_is_an_alarm(bus):
    """What it cannot put into the queue is in the dead-letter queue, which has an alarm."""
    alarm = bus.at("Out/BusOpen/UndeliveredAlarm")
    assert (alarm["Namespace"], alarm["MetricName"]) == (
        "AWS/Events",
        "InvocationsFailedToBeSentToDlq",
    )
    assert alarm["Dimensions"] == [{"Name": "RuleName", "Value": "<Out/BusOpen/Rule>"}]
    assert alarm["AlarmActions"] == ["<Out/AlertTopic>"]


@pytest.mark.parametrize("queue", ["Queue", "DeadLetterQueue"])
def test_only_its_rule_may_fill_a_queue(bus, queue):
    """Neither another rule nor another account's."""
    statements = bus.at(f"Out/BusBounce/{queue}/Policy")["PolicyDocument"]["Statement"]
    assert [one for one in statements if one["Effect"] == "Allow"] == [
        {
            "Action": "sqs:SendMessage",
            "Condition": {"ArnEquals": {"aws:SourceArn": "<Out/BusBounce/Rule.Arn>"}},
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Resource": f"<Out/BusBounce/{queue}.Arn>",
        }
    ]


def test_an_eventbridge_target_can_be_added_to_the_rule(bus):
    """No other resource is created."""
    [target] = bus.at("Out/BusClick")["Targets"]
    assert target["Arn"] == "<Queue.Arn>"
    assert "Out/BusClick/Function" not in bus.resources


def test_ses_publishes_only_when_somebody_listens(bus):
    """Rule, queue permission and function come first, because earlier events are lost."""
    before = bus.needs("Out/BusDestination")
    assert {
        "Out/BusBounce/Rule",
        "Out/BusBounce/Queue/Policy",
        "Out/BusBounce/Mapping",
        "Out/BusClick",
        "Out/Archive/Archive",
        "Out/ConfigurationSet",
    } <= before


def test_the_archive_keeps_this_configuration_sets_events(bus):
    """They are kept for the given time."""
    [archive] = bus.of("AWS::Events::Archive").values()
    assert archive["SourceArn"] == BUS
    assert archive["RetentionDays"] == 30
    assert archive["EventPattern"] == {
        "source": ["aws.ses"],
        "detail": {"mail": {"tags": {"ses:configuration-set": ["<Out/ConfigurationSet>"]}}},
    }


def test_metrics_have_the_dimensions_that_were_named(bus):
    """In SES's own spelling of where a value comes from."""
    told = bus.at("Out/MetricsDestination")["EventDestination"]
    assert told["MatchingEventTypes"] == ["bounce", "send"]
    assert told["CloudWatchDestination"]["DimensionConfigurations"] == [
        {
            "DimensionName": name,
            "DimensionValueSource": source,
            "DefaultDimensionValue": "none",
        }
        for name, source in (
            ("campaign", "messageTag"),
            ("Reply-To", "emailHeader"),
            ("link", "linkTag"),
        )
    ]


def test_dependencies_have_no_cycle(bus):
    """CloudFormation would refuse the template."""
    assert cycle(bus.references) == []


def test_a_customer_key_admits_eventbridge_without_a_dependency():
    """It admits all rules of this account; the rule's own ARN would be a cycle."""

    def build(stack):
        out = EventPublishing(stack, "Out", encryption_key=kms.Key(stack, "Key"))
        out.on_bus(EventType.BOUNCE)

    template = synthesized(build)
    assert cycle(template.references) == []
    statements = template.at("Key")["KeyPolicy"]["Statement"]
    [found] = [
        one for one in statements if one["Principal"].get("Service") == "events.amazonaws.com"
    ]
    assert found["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert found["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/*"},
    }


def test_the_bus_gets_all_types_unless_some_are_named():
    """Rules outside the app may match any type."""
    template = synthesized(lambda stack: EventPublishing(stack, "Out").to_event_bus())
    told = template.at("Out/BusDestination")["EventDestination"]
    assert len(told["MatchingEventTypes"]) == 10
