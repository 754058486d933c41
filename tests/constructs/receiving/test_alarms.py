"""Alarms on mail that SES, or a function that SES waits for, failed to handle."""

from __future__ import annotations

import pytest
from aws_cdk import aws_sns as sns
from synthesis import FOLDER, Template, synthesized

from cdk_mailroom import InboundMail, PythonHandler, handlers
from cdk_mailroom.receiving.alarms import RULE_SET_FAILURES

EMPTY = "notBreaching"


@pytest.fixture(scope="module")
def told() -> Template:
    """Synchronous and asynchronous handlers, and somebody to tell."""

    def build(stack):
        inbound = InboundMail(stack, "Inbound", alert_topic=sns.Topic(stack, "Alerts"))
        inbound.add_rule(
            "Gate",
            recipients=["gate@example.com"],
            before=[handlers.RejectSpam()],
            handler=PythonHandler(FOLDER, "app:on_mail", synchronous=True),
        )
        for number in range(2):
            rule = inbound.add_rule(
                f"Desk{number}",
                recipients=[f"desk{number}@example.com"],
                handler=PythonHandler(FOLDER, "app:on_mail"),
            )
            assert rule.failure_alarms == ()
        assert [*inbound.alarms] == [
            "DeadLetterAlarm",
            "PublishFailureAlarm",
            "PublishExpiredAlarm",
        ]
        assert len(inbound.rules[0].failure_alarms) == 4

    return synthesized(build)


@pytest.fixture(scope="module")
def joined() -> Template:
    """Rules in whatever set is active, and nobody to tell."""
    return synthesized(lambda stack: InboundMail(stack, "Inbound", activation="join"))


@pytest.mark.parametrize("metric", RULE_SET_FAILURES)
def test_a_failure_of_ses_is_an_alarm(told, metric):
    alarm = told.at(f"Inbound/{metric}Alarm")
    assert alarm["Namespace"] == "AWS/SES"
    assert alarm["MetricName"] == metric
    assert (alarm["Statistic"], alarm["Period"]) == ("Sum", 300)
    assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (1, 1)
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert alarm["TreatMissingData"] == EMPTY
    assert alarm["AlarmActions"] == ["<Alerts>"]


@pytest.mark.parametrize("metric", RULE_SET_FAILURES)
def test_ses_counts_failures_by_rule_set_alone(told, metric):
    """No metric has both dimensions, so an alarm that names both would never go off."""
    assert told.at(f"Inbound/{metric}Alarm")["Dimensions"] == [
        {"Name": "RuleSetName", "Value": "<Inbound/RuleSet>"}
    ]


def test_more_rules_make_no_more_alarms(told):
    """Only a synchronous function has its own."""
    assert sorted(told.of("AWS::CloudWatch::Alarm")) == [
        "Inbound/DeadLetterAlarm",
        "Inbound/Gate/Before1/FailureAlarm",
        "Inbound/Gate/Before1/NotKeptAlarm",
        "Inbound/Gate/Handler/FailureAlarm",
        "Inbound/Gate/Handler/NotKeptAlarm",
        "Inbound/PublishExpiredAlarm",
        "Inbound/PublishFailureAlarm",
    ]


@pytest.mark.parametrize("metric", RULE_SET_FAILURES)
def test_the_alarms_are_about_the_joined_rule_set(joined, metric):
    alarm = joined.at(f"Inbound/{metric}Alarm")
    [dimension] = alarm["Dimensions"]
    assert dimension["Value"] == "<Inbound/Activation/Resource/Default.RuleSetName>"
    assert "AlarmActions" not in alarm


@pytest.mark.parametrize("action", ["Before1", "Handler"])
@pytest.mark.parametrize(
    ("alarm", "namespace", "metric"),
    [
        ("FailureAlarm", "AWS/Lambda", "Errors"),
        ("NotKeptAlarm", "Mailroom", "FailureNotKept"),
    ],
)
def test_a_synchronous_function_that_leaves_no_dead_letter_is_an_alarm(
    told, action, alarm, namespace, metric
):
    """Nothing else tells of it: SES may go on as if nothing had happened."""
    found = told.at(f"Inbound/Gate/{action}/{alarm}")
    assert (found["Namespace"], found["MetricName"]) == (namespace, metric)
    assert found["Dimensions"] == [
        {"Name": "FunctionName", "Value": f"<Inbound/Gate/{action}/Function>"}
    ]
    assert (found["Statistic"], found["Threshold"]) == ("Sum", 1)
    assert found["TreatMissingData"] == EMPTY
    assert found["AlarmActions"] == ["<Alerts>"]
