"""`EventPublishing`: what it creates, each option, and what `on` makes of types and handlers."""

from __future__ import annotations

import json
from importlib import import_module

import pytest
from aws_cdk import CfnParameter, Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from synthesis import FOLDER, Template, new_stack, synthesized

from cdk_mailroom import BUNDLED, ConfigurationError, EventPublishing, EventType, PythonHandler
from cdk_mailroom.events import Alerts

RECORD = "mailroom.handlers.events.record:on_event"


def yours(**options) -> PythonHandler:
    """Return a handler of the user's."""
    return PythonHandler(FOLDER, "app:on_mail", **options)


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
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


@pytest.mark.parametrize("queue", ["Queue", "IsolationQueue"])
@pytest.mark.parametrize(("pipeline", "seconds"), [("Bounce", 6 * 60), ("Click", 6 * 20)])
def test_a_queue_waits_six_times_as_long_as_the_function_may_run(plain, pipeline, seconds, queue):
    """AWS recommends this; otherwise a slow batch would be delivered again."""
    assert plain.at(f"Out/{pipeline}/{queue}")["VisibilityTimeout"] == seconds


def test_a_timeout_known_only_to_cloudformation_is_passed_on():
    """The queue waits as long as any function of Lambda's can need."""

    def build(stack):
        seconds = CfnParameter(stack, "Seconds", type="Number").value_as_number
        EventPublishing(stack, "Out").on(EventType.OPEN, yours(timeout=Duration.seconds(seconds)))

    template = synthesized(build)
    assert template.at("Out/Open/Queue")["VisibilityTimeout"] == 6 * 900
    assert template.at("Out/Open/AgeAlarm")["Threshold"] == 2 * 6 * 900
    assert template.at("Out/Open/IsolationAgeAlarm")["Threshold"] == 7 * 6 * 900
    assert template.at("Out/Open/Function")["Timeout"] == "<Seconds>"


@pytest.mark.parametrize("pipeline", ["Bounce", "Click"])
def test_an_event_is_isolated_after_two_failures_and_dead_after_five_more(plain, pipeline):
    """SQS counts what was received from any queue."""
    redrives = {
        name: plain.at(f"Out/{pipeline}/{name}").get("RedrivePolicy")
        for name in ("Queue", "IsolationQueue", "DeadLetterQueue")
    }
    assert redrives == {
        "Queue": {
            "deadLetterTargetArn": f"<Out/{pipeline}/IsolationQueue.Arn>",
            "maxReceiveCount": 2,
        },
        "IsolationQueue": {
            "deadLetterTargetArn": f"<Out/{pipeline}/DeadLetterQueue.Arn>",
            "maxReceiveCount": 7,
        },
        "DeadLetterQueue": None,
    }


def test_events_wait_long_enough_for_a_weekend_in_each_queue(plain):
    """A move restarts no retention, so one that moves on its last day has days left."""
    days = [
        plain.at(f"Out/Bounce/{name}")["MessageRetentionPeriod"] / 86_400
        for name in ("Queue", "IsolationQueue", "DeadLetterQueue")
    ]
    assert days == [4, 8, 14]


def test_queues_are_encrypted_and_take_tls_only(plain):
    """All fifteen of them."""
    for queue in plain.of("AWS::SQS::Queue").values():
        assert queue["SqsManagedSseEnabled"] is True
    for path in plain.of("AWS::SQS::Queue"):
        first = plain.at(f"{path}/Policy")["PolicyDocument"]["Statement"][0]
        assert (first["Effect"], first["Condition"]) == (
            "Deny",
            {"Bool": {"aws:SecureTransport": "false"}},
        )


@pytest.mark.parametrize("case", ["plain", "given"])
def test_a_broken_record_does_not_affect_other_records(request, case):
    """Partial batches, and a limit on how many run at once."""
    template = request.getfixturevalue(case)
    assert template.at("Out/Bounce/Mapping") == {
        "BatchSize": 10,
        "EventSourceArn": "<Out/Bounce/Queue.Arn>",
        "FunctionName": "<Out/Bounce/Function>",
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 10 if case == "plain" else 2},
    }


def test_an_isolated_event_does_not_share_an_invocation(plain):
    """The same function takes it, so a process that dies fails this event only."""
    assert plain.at("Out/Bounce/IsolationMapping") == {
        "BatchSize": 1,
        "EventSourceArn": "<Out/Bounce/IsolationQueue.Arn>",
        "FunctionName": "<Out/Bounce/Function>",
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 2},
    }


def test_a_dead_letter_raises_an_alarm(plain):
    """It is raised within a minute and published to the alert topic."""
    alarm = plain.at("Out/Bounce/DeadLetterAlarm")
    assert alarm["AlarmActions"] == ["<Out/AlertTopic>"]
    assert alarm["Dimensions"] == [
        {"Name": "QueueName", "Value": "<Out/Bounce/DeadLetterQueue.QueueName>"}
    ]
    assert (alarm["Threshold"], alarm["Period"], alarm["ComparisonOperator"]) == (
        1,
        60,
        "GreaterThanOrEqualToThreshold",
    )
    assert "Bounce" in alarm["AlarmDescription"]


@pytest.mark.parametrize("policy", ["Queue", "DeadLetterQueue"])
def test_sns_may_fill_the_queues_before_it_is_subscribed(plain, policy):
    """What comes before that would be lost."""
    assert f"Out/Bounce/{policy}/Policy" in plain.needs("Out/Bounce/Subscription")


@pytest.mark.parametrize(
    ("alarm", "metric"),
    [
        ("NotificationAlarm", "NumberOfNotificationsFailed"),
        ("RedriveAlarm", "NumberOfNotificationsFailedToRedriveToDlq"),
    ],
)
@pytest.mark.parametrize(
    ("case", "topic", "alerts"),
    [("plain", "Out/Topic.TopicName", "Out/AlertTopic"), ("given", "Topic.TopicName", "Alerts")],
)
def test_what_sns_fails_to_deliver_is_an_alarm(request, case, topic, alerts, alarm, metric):
    """One for the topic, however many subscriptions it has."""
    found = request.getfixturevalue(case).at(f"Out/{alarm}")
    assert (found["Namespace"], found["MetricName"]) == ("AWS/SNS", metric)
    assert found["Dimensions"] == [{"Name": "TopicName", "Value": f"<{topic}>"}]
    assert (found["Statistic"], found["Threshold"]) == ("Sum", 1)
    assert found["TreatMissingData"] == "notBreaching"
    assert found["AlarmActions"] == [f"<{alerts}>"]


@pytest.mark.parametrize("name", ["", "Isolation"])
def test_an_event_that_waits_for_an_hour_is_an_alarm(plain, name):
    """Seven attempts of a minute, each hidden for six, are over before that."""
    alarm = plain.at(f"Out/Bounce/{name}AgeAlarm")
    assert alarm["MetricName"] == "ApproximateAgeOfOldestMessage"
    assert alarm["Dimensions"] == [
        {"Name": "QueueName", "Value": f"<Out/Bounce/{name}Queue.QueueName>"}
    ]
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Maximum", 3600)
    assert alarm["AlarmActions"] == ["<Out/AlertTopic>"]


def test_alarms_can_be_reached_by_their_names(stack):
    """To add an action, or to change a threshold."""
    out = EventPublishing(stack, "Out")
    before = set(out.alarms)
    pipeline = out.on(EventType.BOUNCE)
    assert set(out.alarms) - before == {"NotificationAlarm", "RedriveAlarm"}
    for owner in (out, pipeline, out.on_bus(EventType.OPEN)):
        assert {name: alarm.node.path for name, alarm in owner.alarms.items()} == {
            name: f"{owner.node.path}/{name}" for name in owner.alarms
        }


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


def test_events_can_be_kept_forever():
    """The runtime always sets a time to live, so it is set to a hundred years."""
    template = synthesized(
        lambda stack: EventPublishing(stack, "Out", retention="forever").on(EventType.BOUNCE)
    )
    assert template.environment("Out/Bounce/Function")["MAILROOM_EVENT_TTL_DAYS"] == "36500"


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


# The event table


def test_one_table_for_all_types(plain):
    """A message's history is in one place."""
    assert list(plain.of("AWS::DynamoDB::Table")) == ["Out/EventTable"]
    for name in ("Bounce", "Click", "Complaint", "Reject", "Send"):
        environment = plain.environment(f"Out/{name}/Function")
        assert environment["MAILROOM_EVENT_TABLE"] == "<Out/EventTable>"


@pytest.mark.parametrize("way", ["on", "on_bus"])
def test_a_custom_function_alone_has_a_table_too(way):
    """Its events are in a message's history as all others are."""

    def build(stack):
        out = EventPublishing(stack, "Out", retention=Duration.days(7))
        getattr(out, way)(EventType.BOUNCE, yours())

    template = synthesized(build)
    assert list(template.of("AWS::DynamoDB::Table")) == ["Out/EventTable"]
    [function] = template.of("AWS::Lambda::Function")
    environment = template.environment(function)
    assert json.loads(environment.pop("MAILROOM_HANDLERS")) == {"Bounce": [RECORD, "app:on_mail"]}
    assert environment == {
        "MAILROOM_EVENT_TABLE": "<Out/EventTable>",
        "MAILROOM_EVENT_TTL_DAYS": "7",
    }


def test_the_table_is_created_when_it_is_asked_for():
    template = synthesized(lambda stack: EventPublishing(stack, "Out").event_table)
    assert list(template.of("AWS::DynamoDB::Table")) == ["Out/EventTable"]


def test_the_tables_keys_are_those_that_the_runtime_writes(plain):
    """Items of a real event carry the table's and the index's keys, and the time to forget."""
    from mailroom.handlers.events import _settings, _table
    from mailroom.testing import sending_event

    table = plain.at("Out/EventTable")
    [index] = table["GlobalSecondaryIndexes"]
    assert table["KeySchema"] == [
        {"AttributeName": "message_id", "KeyType": "HASH"},
        {"AttributeName": "at", "KeyType": "RANGE"},
    ]
    assert index["IndexName"] == "recipient"
    assert index["KeySchema"] == [
        {"AttributeName": "recipient", "KeyType": "HASH"},
        {"AttributeName": "at", "KeyType": "RANGE"},
    ]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILROOM_EVENT_TABLE", "Table")
        settings = _settings.Settings()
    [item] = _table.items(sending_event("Bounce"), settings)
    for attribute in table["AttributeDefinitions"]:
        assert list(item[attribute["AttributeName"]]) == [attribute["AttributeType"]]
    assert list(item["expires_at"]) == ["N"]
    assert index["Projection"] == {
        "ProjectionType": "INCLUDE",
        "NonKeyAttributes": ["type", "configuration_set"],
    }
    assert set(index["Projection"]["NonKeyAttributes"]) <= set(item)


def test_the_table_is_paid_by_use_encrypted_and_recoverable(plain):
    """And it stays when the stack goes."""
    table = plain.at("Out/EventTable")
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert plain.resources["Out/EventTable"]["DeletionPolicy"] == "Retain"
    assert plain.resources["Out/EventTable"]["UpdateReplacePolicy"] == "Retain"


def test_mailroom_trace_finds_the_table_by_its_tag(plain):
    """The tag is the table's alone."""
    assert plain.at("Out/EventTable")["Tags"] == [{"Key": "mailroom:event-table", "Value": "true"}]
    tagged = [
        path
        for path, resource in plain.resources.items()
        if "mailroom:event-table" in str(resource.get("Properties", {}).get("Tags"))
    ]
    assert tagged == ["Out/EventTable"]


def test_a_customer_key_encrypts_topics_table_and_queues():
    """Everything that holds addresses is encrypted with it."""

    def build(stack):
        EventPublishing(stack, "Out", encryption_key=kms.Key(stack, "Key")).on(EventType.BOUNCE)

    template = synthesized(build)
    for topic in template.of("AWS::SNS::Topic").values():
        assert topic["KmsMasterKeyId"] == "<Key.Arn>"
    for queue in template.of("AWS::SQS::Queue").values():
        assert queue["KmsMasterKeyId"] == "<Key.Arn>"
    assert template.at("Out/EventTable")["SSESpecification"] == {
        "KMSMasterKeyId": "<Key.Arn>",
        "SSEEnabled": True,
        "SSEType": "KMS",
    }


# Reputation


@pytest.mark.parametrize(
    ("alarm", "metric", "threshold"),
    [
        ("BounceWarning", "BounceRate", 0.025),
        ("BounceReview", "BounceRate", 0.05),
        ("ComplaintWarning", "ComplaintRate", 0.0005),
        ("ComplaintReview", "ComplaintRate", 0.001),
    ],
)
def test_an_alarm_is_set_at_each_threshold_of_aws_and_at_half_of_it(
    plain, alarm, metric, threshold
):
    """The account's own rates, as AWS judges them; a quiet hour changes nothing."""
    found = plain.at(f"Out/{alarm}")
    assert found["Namespace"] == "AWS/SES"
    assert found["MetricName"] == f"Reputation.{metric}"
    assert "Dimensions" not in found
    assert found["Threshold"] == threshold
    assert found["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert found["TreatMissingData"] == "ignore"
    assert found["AlarmActions"] == ["<Out/AlertTopic>"]
    assert f"{threshold * 100:g} %" in found["AlarmDescription"]


def test_reputation_alarms_can_be_left_out(given):
    """One set of them is enough for an account; the queues keep their alarms."""
    assert sorted(given.of("AWS::CloudWatch::Alarm")) == [
        "Out/Bounce/AgeAlarm",
        "Out/Bounce/DeadLetterAlarm",
        "Out/Bounce/IsolationAgeAlarm",
        "Out/Complaint/AgeAlarm",
        "Out/Complaint/DeadLetterAlarm",
        "Out/Complaint/IsolationAgeAlarm",
        "Out/NotificationAlarm",
        "Out/RedriveAlarm",
    ]
