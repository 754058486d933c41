"""The queues of a pipeline, and the alarms: how events wait, and what is reported."""

from __future__ import annotations

import pytest
from aws_cdk import CfnParameter, Duration
from synthesis import FOLDER, synthesized

from cdk_mailroom import EventPublishing, EventType, PythonHandler


def yours(**options) -> PythonHandler:
    """Return a handler of the user's."""
    return PythonHandler(FOLDER, "app:on_mail", **options)


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
