"""`EventPublishing`: what it creates, each option, and what `on` makes of types and handlers."""

from __future__ import annotations

import json
from importlib import import_module

import pytest
from aws_cdk import CfnParameter, Duration
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from synthesis import Template, new_stack, synthesized

from cdk_mailroom import ConfigurationError, EventPublishing, EventType
from cdk_mailroom.events import Alerts

RECORD = "mailroom.handlers.events.record:on_event"


# The configuration set


def test_an_omitted_option_is_left_to_ses(plain):
    """No option of the configuration set is set unless it was asked for."""
    assert plain.at("Out/ConfigurationSet") == {}


def test_given_resources_are_not_created(given):
    """No configuration set, topic or table is created in addition to the given ones."""
    assert list(given.of("AWS::SES::ConfigurationSet")) == ["Set"]
    assert sorted(given.of("AWS::SNS::Topic")) == ["Alerts", "Topic"]
    assert list(given.of("AWS::DynamoDB::Table")) == ["Table"]


def test_given_resources_are_used(given):
    """By SES, by the subscriptions, and by the functions."""
    destination = given.at("Out/Destination")
    assert destination["ConfigurationSetName"] == "<Set>"
    assert destination["EventDestination"]["SnsDestination"] == {"TopicARN": "<Topic>"}
    assert given.at("Out/Bounce/Subscription")["TopicArn"] == "<Topic>"
    environment = given.environment("Out/Complaint/Function")
    assert environment["MAILROOM_EVENT_TABLE"] == "<Table>"
    assert environment["MAILROOM_ALERT_TOPIC"] == "<Alerts>"


def test_a_given_name_is_used_unchanged():
    """Senders elsewhere can rely on it, and no permission depends on the set."""
    stack = new_stack()
    out = EventPublishing(stack, "Out", configuration_set_name="ours")
    assert out.environment == {"MAILROOM_CONFIGURATION_SET": "ours"}
    assert out.configuration_set_arn.endswith(":configuration-set/ours")


# What SES publishes


def test_ses_publishes_the_handled_types_and_no_others(plain):
    """Types have CloudFormation's spelling; other types would cost money and reach no handler."""
    assert plain.at("Out/Destination")["EventDestination"] == {
        "Enabled": True,
        "MatchingEventTypes": [
            "bounce",
            "click",
            "complaint",
            "deliveryDelay",
            "reject",
            "renderingFailure",
            "send",
        ],
        "SnsDestination": {"TopicARN": "<Out/Topic>"},
    }


@pytest.fixture(scope="module")
def all_types() -> Template:
    """One pipeline of all ten types."""
    return synthesized(lambda stack: EventPublishing(stack, "Out").on(list(EventType)))


def test_all_ten_types_have_a_spelling(all_types):
    """As the CloudFormation reference lists them."""
    assert set(all_types.at("Out/Destination")["EventDestination"]["MatchingEventTypes"]) == {
        *("send", "reject", "bounce", "complaint", "delivery"),
        *("open", "click", "renderingFailure", "deliveryDelay", "subscription"),
    }


def test_every_type_has_a_bundled_behaviour(all_types):
    """The names of the modules are made from the types' names."""
    chosen = json.loads(all_types.environment("Out/Bounce/Function")["MAILROOM_HANDLERS"])
    assert set(chosen) == {str(kind) for kind in EventType}
    for [spec] in chosen.values():
        assert spec.startswith("mailroom.handlers.events.")
        module, _, function = spec.partition(":")
        assert callable(getattr(import_module(module), function))


def test_nothing_is_published_if_nothing_is_handled():
    """A configuration set alone has no destination and needs no table."""
    template = synthesized(lambda stack: EventPublishing(stack, "Out"))
    assert not template.of("AWS::SES::ConfigurationSetEventDestination")
    assert not template.of("AWS::DynamoDB::Table")


# on()


@pytest.mark.parametrize(
    ("pipeline", "handlers"),
    [
        ("Bounce", {"Bounce": ["mailroom.handlers.events.bounce:on_event"]}),
        ("Click", {"Click": [RECORD, "app:on_mail"]}),
        (
            "Complaint",
            {"Complaint": ["mailroom.handlers.events.complaint:on_event", "app:on_mail"]},
        ),
        (
            "Reject",
            {"Reject": [RECORD, "app:on_mail", "mailroom.handlers.events.reject:on_event"]},
        ),
        (
            "Send",
            {
                "Send": ["mailroom.handlers.events.send:on_event"],
                "Rendering Failure": ["mailroom.handlers.events.rendering_failure:on_event"],
                "DeliveryDelay": ["mailroom.handlers.events.delivery_delay:on_event"],
            },
        ),
    ],
)
def test_a_function_runs_the_handlers_in_the_order_given(plain, pipeline, handlers):
    """Each type by the name that its events carry; the event is recorded before all else."""
    environment = plain.environment(f"Out/{pipeline}/Function")
    assert json.loads(environment["MAILROOM_HANDLERS"]) == handlers


@pytest.mark.parametrize(
    ("pipeline", "types"),
    [
        ("Bounce", {"$or": [{"eventType": ["Bounce"]}, {"notificationType": ["Bounce"]}]}),
        ("Send", {"eventType": ["Send", "Rendering Failure", "DeliveryDelay"]}),
    ],
)
def test_a_subscription_filters_by_type_in_the_message(plain, pipeline, types):
    """SES sets no message attributes; raw delivery spares an envelope to decode. Only bounces,
    complaints and deliveries have a notification of an identity."""
    subscription = plain.at(f"Out/{pipeline}/Subscription")
    assert subscription == {
        "Endpoint": f"<Out/{pipeline}/Queue.Arn>",
        "FilterPolicy": types,
        "FilterPolicyScope": "MessageBody",
        "Protocol": "sqs",
        "RawMessageDelivery": True,
        "RedrivePolicy": {"deadLetterTargetArn": f"<Out/{pipeline}/DeadLetterQueue.Arn>"},
        "TopicArn": "<Out/Topic>",
    }


def test_each_call_has_a_queue_of_its_own(plain):
    """A flood of one type delays no other."""
    assert len(plain.of("AWS::SQS::Queue")) == 3 * 5
    assert len(plain.of("AWS::Lambda::Function")) == 5


def test_the_users_settings_of_the_function_win(plain):
    """They also win if the bundled behaviour runs in the same function."""
    assert plain.at("Out/Click/Function")["MemorySize"] == 1024
    assert plain.at("Out/Bounce/Function")["MemorySize"] == 256


def test_lambda_calls_the_runtimes_entry_point(plain):
    """It has its own log group, with a retention of three months."""
    function = plain.at("Out/Bounce/Function")
    assert function["Handler"] == "mailroom.entry.events.handler"
    assert function["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": "<Out/Bounce/Logs>"}
    assert plain.at("Out/Bounce/Logs")["RetentionInDays"] == 90


@pytest.mark.parametrize(
    ("case", "settings"),
    [
        ("plain", ("90", "3600", "7200", "1")),
        ("given", ("30", "300", "3600", "0")),
    ],
)
def test_bundled_behaviours_get_their_settings(request, case, settings):
    """Days and seconds, as whole numbers."""
    environment = request.getfixturevalue(case).environment("Out/Complaint/Function")
    names = ("EVENT_TTL_DAYS", "ALERT_WINDOW_SECONDS", "EXPIRY_WARNING_SECONDS", "SUPPRESS")
    assert tuple(environment[f"MAILROOM_{name}"] for name in names) == settings


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("window", "MAILROOM_ALERT_WINDOW_SECONDS"),
        ("delay_warning", "MAILROOM_EXPIRY_WARNING_SECONDS"),
    ],
)
def test_a_duration_known_only_to_cloudformation_is_passed_on(option, name):
    def build(stack):
        number = CfnParameter(stack, "Number", type="Number").value_as_number
        alerts = Alerts(**{option: Duration.seconds(number)})
        EventPublishing(stack, "Out", alerts=alerts).on(EventType.BOUNCE)

    assert synthesized(build).environment("Out/Bounce/Function")[name] == "<Number>"


def test_a_name_can_be_given_to_a_new_configuration_set():
    """Senders elsewhere can then know it."""
    template = synthesized(
        lambda stack: EventPublishing(stack, "Out", configuration_set_name="ours")
    )
    assert template.at("Out/ConfigurationSet") == {"Name": "ours"}


def test_what_is_added_to_the_configuration_set_is_in_the_template():
    """It is an ordinary one of aws-cdk-lib, and its destinations count among the ten."""

    def build(stack):
        out = EventPublishing(stack, "Out")
        for number in range(10):
            out.configuration_set.add_event_destination(
                f"More{number}",
                destination=ses.EventDestination.sns_topic(sns.Topic(stack, f"T{number}")),
            )
        with pytest.raises(ConfigurationError, match=r"len\(destinations\) is 11"):
            out.on(EventType.BOUNCE)

    template = synthesized(build)
    assert len(template.of("AWS::SES::ConfigurationSetEventDestination")) == 10


def test_a_type_can_be_given_as_text():
    """An `EventType` is a string, so a value from a configuration file needs no conversion."""
    stack = new_stack()
    pipeline = EventPublishing(stack, "Out").on("Rendering Failure")
    assert pipeline.types == (EventType.RENDERING_FAILURE,)
    assert pipeline.node.id == "RenderingFailure"


def test_types_that_were_named_together_share_a_pipeline():
    """And what `on` returns is what `pipelines` has."""
    out = EventPublishing(new_stack(), "Out")
    one = out.on([EventType.OPEN, EventType.CLICK])
    other = out.on(EventType.SEND)
    assert out.pipelines == {EventType.OPEN: one, EventType.CLICK: one, EventType.SEND: other}
    assert (one.function, one.queue, one.dead_letter_queue) != (
        other.function,
        other.queue,
        other.dead_letter_queue,
    )


def test_ids_do_not_depend_on_the_stacks_name():
    """A stack that moves into a stage keeps its queues and their mappings."""

    def ids(name):
        stack = new_stack(name=name)
        EventPublishing(stack, "Out").on(EventType.BOUNCE)
        return sorted(Template(stack).raw["Resources"])

    assert ids("One") == ids("Other")


# More destinations


def test_another_destination_can_be_added_next_to_the_topic():
    """It gets the given types, handled or not."""
    from aws_cdk import aws_events as events

    def build(stack):
        out = EventPublishing(stack, "Out")
        out.on(EventType.BOUNCE)
        out.add_destination(
            "Bus",
            destination=ses.EventDestination.event_bus(
                events.EventBus.from_event_bus_name(stack, "Default", "default")
            ),
            types=[EventType.RENDERING_FAILURE, EventType.SEND],
        )

    template = synthesized(build)
    event_destination = template.at("Out/Bus")["EventDestination"]
    assert event_destination["MatchingEventTypes"] == ["renderingFailure", "send"]
    assert template.at("Out/Destination")["EventDestination"]["MatchingEventTypes"] == ["bounce"]
