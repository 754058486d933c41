"""What Mail Manager logs, and the alarms."""

from __future__ import annotations

from aws_cdk import aws_logs as logs
from synthesis import ACCOUNT, REGION, Template

from cdk_mailroom import MailGateway, gateway


def test_actions_recipients_and_messages_are_logged(whole):
    """Each into the log group of the gateway, one after the other."""
    sources = whole.of("AWS::Logs::DeliverySource")
    assert {
        path: (one["ResourceArn"], one["LogType"])
        for path, one in sources.items()
        if path.startswith("Gateway/")
    } == {
        "Gateway/ActionsSource": ("<Gateway/RuleSet.RuleSetArn>", "APPLICATION_LOGS"),
        "Gateway/AcceptedSource": ("<Gateway/IngressPoint.IngressPointArn>", "APPLICATION_LOGS"),
        "Gateway/PolicySource": (
            "<Gateway/IngressPoint.IngressPointArn>",
            "TRAFFIC_POLICY_DEBUG_LOGS",
        ),
    }
    assert all(len(one["Name"]) <= 60 for one in sources.values())
    destination = whole.at("Gateway/LogDestination")
    assert destination["DestinationResourceArn"] == "<Gateway/Logs.Arn>"
    assert destination["OutputFormat"] == "json"
    assert "Gateway/AcceptedDelivery" in whole.needs("Gateway/PolicyDelivery")


def test_only_actions_are_logged_by_default(whole):
    """The alarm needs them."""
    sources = whole.of("AWS::Logs::DeliverySource")
    assert [path for path in sources if path.startswith("Keyed/")] == ["Keyed/ActionsSource"]
    assert whole.at("Keyed/Logs")["RetentionInDays"] == 90


def test_the_log_service_alone_may_write_for_this_account(whole):
    """The deliveries wait for the permission."""
    (policy,) = [
        path for path in whole.of("AWS::Logs::ResourcePolicy") if path.startswith("Gateway/Logs/")
    ]
    assert policy in whole.needs("Gateway/ActionsDelivery")
    import json

    (statement,) = json.loads(whole.at(policy)["PolicyDocument"])["Statement"]
    assert statement == {
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Condition": {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:*"},
        },
        "Effect": "Allow",
        "Principal": {"Service": "delivery.logs.amazonaws.com"},
        "Resource": "<Gateway/Logs.Arn>",
    }


def test_the_log_service_may_use_the_key_for_the_log_alone(whole):
    statements = whole.at("Key")["KeyPolicy"]["Statement"]
    (found,) = [one for one in statements if "logs" in one["Principal"].get("Service", "")]
    name = whole.at("Keyed/Logs")["LogGroupName"]
    assert found == {
        "Action": [
            "kms:Decrypt*",
            "kms:Describe*",
            "kms:Encrypt*",
            "kms:GenerateDataKey*",
            "kms:ReEncrypt*",
        ],
        "Condition": {
            "ArnEquals": {
                "kms:EncryptionContext:aws:logs:arn": (
                    f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"
                )
            }
        },
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{REGION}.amazonaws.com"},
        "Resource": "*",
    }


def test_a_failed_action_raises_an_alarm(whole):
    """By a metric of this gateway alone, as Mail Manager's own are not documented."""
    (transformation,) = whole.at("Gateway/FailedActions")["MetricTransformations"]
    alarm = whole.at("Gateway/FailedActionsAlarm")
    assert whole.at("Gateway/FailedActions")["FilterPattern"] == (
        '{ $.action_metadata.action_status = "FAILURE" }'
    )
    assert (alarm["Namespace"], alarm["MetricName"]) == (
        transformation["MetricNamespace"],
        transformation["MetricName"],
    )
    assert alarm["AlarmActions"] == ["<Topic>"]
    other = whole.at("Keyed/FailedActionsAlarm")
    assert other["MetricName"] != alarm["MetricName"]
    assert "AlarmActions" not in other


def test_a_dead_letter_raises_an_alarm(whole):
    """As with InboundMail."""
    alarm = whole.at("Gateway/DeadLetterAlarm")
    assert alarm["Dimensions"] == [
        {"Name": "QueueName", "Value": "<Gateway/DeadLetterQueue.QueueName>"}
    ]


def test_the_alarms_are_there_to_be_used(stack):
    """By their construct ids."""
    gate = MailGateway(stack, "Gateway", recipients=["@example.com"])
    assert list(gate.alarms) == ["DeadLetterAlarm", "FailedActionsAlarm"]


def test_nothing_is_logged_if_that_is_asked_for(stack):
    """There is no alarm on failed actions then."""
    gate = MailGateway(
        stack, "Gateway", recipients=["@example.com"], logs=gateway.Logs(actions=False)
    )
    gate.add_rule("Rule", after=[gateway.actions.Drop()], store=False)
    template = Template(stack)
    assert gate.log_group is None
    assert list(gate.alarms) == ["DeadLetterAlarm"]
    assert template.of("AWS::Logs::LogGroup") == {}


def test_logs_are_kept_as_long_as_asked_for(stack):
    """Three months by default."""
    gate = MailGateway(
        stack,
        "Gateway",
        recipients=["@example.com"],
        logs=gateway.Logs(retention=logs.RetentionDays.ONE_YEAR),
    )
    gate.add_rule("Rule", after=[gateway.actions.Drop()], store=False)
    assert Template(stack).at("Gateway/Logs")["RetentionInDays"] == 365
