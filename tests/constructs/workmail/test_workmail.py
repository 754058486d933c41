"""`EmailFlowRule`: what is created, who may do what, and the rule in writing."""

from __future__ import annotations

import json
from types import SimpleNamespace

import aws_cdk as cdk
import pytest
from aws_cdk import Duration
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from cdk_nag import AwsSolutionsChecks
from synthesis import (
    ACCOUNT,
    FOLDER,
    REGION,
    Template,
    new_app,
    new_stack,
    synthesized,
    warnings_of,
)

from assemblies import ROOT
from cdk_mailroom import PythonHandler
from cdk_mailroom.workmail import (
    Asynchronous,
    Disclaimer,
    EmailFlowRule,
    ExperimentalFlowRule,
    Fallback,
    FlowDirection,
    FlowHandler,
    FlowMetrics,
    Synchronous,
)
from cdk_mailroom.workmail.console import WrittenRule

ORGANIZATION = "m-" + "0a" * 16
MESSAGES = f"arn:aws:workmailmessageflow:{REGION}:{ACCOUNT}:message/{ORGANIZATION}"
WAITS = Synchronous(timeout=Duration.minutes(30), fallback=Fallback.BOUNCE)


def yours(**options) -> FlowHandler:
    """Return a handler of the user's."""
    return FlowHandler(FOLDER, "app:on_mail", **options)


def rule(stack, construct_id="Flow", **options) -> EmailFlowRule:
    """Return a rule, synchronous and inbound by default."""
    defaults = {
        "organization_id": ORGANIZATION,
        "direction": FlowDirection.INBOUND,
        "handler": yours(),
        "mode": WAITS,
    }
    return EmailFlowRule(stack, construct_id, **{**defaults, **options})


def of(**options) -> Template:
    """Return the template of a stack with one rule."""
    return synthesized(lambda stack: rule(stack, **options))


@pytest.fixture(scope="module")
def plain() -> Template:
    """One rule as the defaults have it."""
    return of()


@pytest.fixture(scope="module")
def replacing() -> Template:
    """One that changes messages."""
    return of(handler=Disclaimer(text="Confidential"), direction="OUTBOUND")


@pytest.fixture(scope="module")
def asynchronous() -> Template:
    """An asynchronous rule."""
    return synthesized(
        lambda stack: rule(
            stack,
            handler=FlowMetrics(),
            mode=Asynchronous(alert_topic=sns.Topic(stack, "Topic")),
            destinations=["sales@example.com", "*.example.com"],
        )
    )


def allowed(template: Template) -> dict[str, object]:
    """Return what the function may do besides writing its log."""
    found = {}
    for statement in template.statements("Flow/Function"):
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            if not action.startswith("logs:"):
                found[action] = statement["Resource"]
    return found


def test_workmail_may_call_for_this_organization_only(plain):
    """And for no other account."""
    [permission] = plain.of("AWS::Lambda::Permission").values()
    assert permission == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": "<Flow/Function.Arn>",
        "Principal": f"workmail.{REGION}.amazonaws.com",
        "SourceAccount": ACCOUNT,
        "SourceArn": f"arn:aws:workmail:{REGION}:{ACCOUNT}:organization/{ORGANIZATION}",
    }


def test_a_reader_may_only_read(plain):
    """Messages of this organization, coming in."""
    assert allowed(plain) == {"workmailmessageflow:GetRawMessageContent": f"{MESSAGES}/incoming/*"}


def test_a_function_that_reads_nothing_has_no_permissions():
    """The event may suffice."""
    template = of(handler=yours(read_mail=False))
    assert allowed(template) == {}
    assert "MAILROOM_FLOW_CONTENT" not in template.environment("Flow/Function")


def test_a_function_that_replaces_messages_may_only_do_that(replacing):
    """In the one direction, by way of the one bucket."""
    messages = f"{MESSAGES}/outgoing/*"
    assert allowed(replacing) == {
        "workmailmessageflow:GetRawMessageContent": messages,
        "workmailmessageflow:PutRawMessageContent": messages,
        "s3:PutObject": "<Flow/Bucket.Arn>/changed/*",
    }


def test_workmail_may_read_the_bucket_for_this_organization_only(replacing):
    """The policy is exactly AWS's, and denies requests without TLS."""
    statements = replacing.at("Flow/Bucket/Policy")["PolicyDocument"]["Statement"]
    assert [one for one in statements if one["Effect"] == "Allow"] == [
        {
            "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "Condition": {
                "Bool": {"aws:SecureTransport": "true"},
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
                "ArnLike": {"aws:SourceArn": f"{MESSAGES}/*"},
            },
            "Effect": "Allow",
            "Principal": {"Service": f"workmail.{REGION}.amazonaws.com"},
            "Resource": "<Flow/Bucket.Arn>/*",
        }
    ]


def test_the_bucket_has_no_key_and_empties_itself(replacing):
    """WorkMail could not decrypt, and a message is in flow for a day."""
    bucket = replacing.at("Flow/Bucket")
    [encryption] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert bucket["LifecycleConfiguration"]["Rules"] == [
        {"ExpirationInDays": 2, "Status": "Enabled"}
    ]
    assert replacing.environment("Flow/Function")["MAILROOM_FLOW_BUCKET"] == "<Flow/Bucket>"


def test_a_function_that_replaces_nothing_has_no_bucket(plain):
    """Nor a queue, nor a table."""
    kinds = {resource["Type"] for resource in plain.resources.values()}
    assert kinds == {
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::Lambda::Function",
        "AWS::Lambda::Permission",
        "AWS::Logs::LogGroup",
    }


def test_the_function_gets_its_settings(plain, asynchronous):
    """Entry point, handler, mode, limits."""
    function = plain.at("Flow/Function")
    assert function["Handler"] == "mailroom.entry.workmail.handler"
    assert function["Timeout"] == 15
    assert plain.environment("Flow/Function") == {
        "MAILROOM_FLOW_HANDLER": "app:on_mail",
        "MAILROOM_RULE": "Flow",
        "MAILROOM_FLOW_MODE": "synchronous",
        "MAILROOM_FLOW_CONTENT": "1",
    }
    environment = asynchronous.environment("Flow/Function")
    assert environment["MAILROOM_FLOW_MODE"] == "asynchronous"
    assert environment["MAILROOM_FLOW_SETTINGS"] == "{}"


def test_a_failed_asynchronous_mail_is_kept(asynchronous):
    """It has two retries, a queue, and an alarm with a topic."""
    config = asynchronous.at("Flow/Function/EventInvokeConfig")
    assert config["DestinationConfig"]["OnFailure"] == {"Destination": "<Flow/DeadLetterQueue.Arn>"}
    assert config["MaximumRetryAttempts"] == 2
    assert asynchronous.at("Flow/DeadLetterAlarm")["AlarmActions"] == ["<Topic>"]
    assert set(allowed(asynchronous)) == {
        "sqs:SendMessage",
    }


def test_answers_can_be_remembered():
    """In a table that forgets by itself; the function may write what it needs to."""
    template = of(handler=yours(read_mail=False), remember_answers=True)
    table = template.at("Flow/Answers")
    assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert allowed(template) == {
        f"dynamodb:{verb}Item": "<Flow/Answers.Arn>" for verb in ("Put", "Update", "Delete")
    }
    assert template.environment("Flow/Function")["MAILROOM_FLOW_TABLE"] == "<Flow/Answers>"


def test_a_given_bucket_is_used():
    """Gets the statement; an imported one gets a warning that says what to grant."""
    template = synthesized(
        lambda stack: rule(stack, handler=yours(replaces=True), bucket=s3.Bucket(stack, "Mine"))
    )
    assert template.at("Mine/Policy")
    assert "Flow/Bucket" not in template.resources
    stack = new_stack()
    rule(
        stack,
        handler=yours(replaces=True),
        bucket=s3.Bucket.from_bucket_name(stack, "Mine", "changed-mail"),
    )
    [text] = warnings_of(stack)["cdk-mailroom:imported-bucket"]
    assert "s3:GetObjectVersion" in text
    assert "changed-mail" in text


def test_a_handler_for_received_mail_can_be_reused():
    """If it is quick enough."""
    template = of(handler=PythonHandler(FOLDER, "app:on_mail", timeout=Duration.seconds(10)))
    assert template.at("Flow/Function")["Timeout"] == 10


def test_the_end_is_announced():
    """Where one decides, until it is acknowledged."""
    stack = new_stack()
    rule(stack)
    [text] = warnings_of(stack)["cdk-mailroom:workmail-ends"]
    assert "2026-04-30" in text
    assert "2027-03-31" in text
    assert "2027-03-31" in (EmailFlowRule.__doc__ or "")


# The rule in writing.


def outputs(template: Template) -> list[str]:
    found = template.raw["Outputs"]
    return [
        template.readable(found[name]["Value"])
        for start in ("FlowRule", "FlowConsoleSteps")
        for name in found
        if name.startswith(start)
    ]


def test_the_rule_is_an_output(plain):
    """In the form of the operations, whole."""
    written, steps = outputs(plain)
    assert json.loads(written) == {
        "Name": "Stack-Flow-" + json.loads(written)["Name"].rpartition("-")[2],
        "Condition": {
            "OriginRuleCondition": {"Patterns": ["*"]},
            "DestinationRuleCondition": {"Patterns": ["*"]},
        },
        "Action": {
            "InboundLambdaAction": {
                "Arn": "<Flow/Function.Arn>",
                "SynchronousLambdaParameters": {
                    "RetryPeriodMinutes": 30,
                    "FallbackAction": {"BounceAction": {}},
                },
            }
        },
    }
    for real in (REGION, ORGANIZATION, "<Flow/Function.Arn>", "30 minutes", "<Flow/Logs>"):
        assert real in steps
    lines = steps.splitlines()
    assert [line.partition(".")[0] for line in lines] == [
        str(number) for number in range(1, len(lines) + 1)
    ]


@pytest.mark.parametrize(
    ("fallback", "action", "choice"),
    [
        (Fallback.DEFAULT, "NormalDeliveryAction", "Default"),
        (Fallback.BOUNCE, "BounceAction", "Bounce"),
        (Fallback.DROP, "DropAction", "Drop"),
        (Fallback.MOVE_TO_JUNK, "MoveToJunkAction", "Deliver to junk folder"),
        (Fallback.BYPASS_SPAM_CHECK, "BypassSpamCheckAction", "Bypass spam check"),
    ],
)
def test_each_fallback_is_written_as_workmail_names_it(fallback, action, choice):
    """One name in the operations, another in the console."""
    log_group = SimpleNamespace(log_group_name="logs")
    written = WrittenRule(
        name="rule",
        organization_id=ORGANIZATION,
        region=REGION,
        direction=FlowDirection.INBOUND,
        mode=Synchronous(timeout=Duration.minutes(30), fallback=fallback),
        senders=["*"],
        destinations=["*"],
        function=SimpleNamespace(function_arn="arn", log_group=log_group),
    )
    parameters = written.operation()["Action"]["InboundLambdaAction"]["SynchronousLambdaParameters"]
    assert parameters["FallbackAction"] == {action: {}}
    assert f"Fallback action: {choice}" in written.steps()


def test_an_asynchronous_rule_is_written_to_the_outputs(asynchronous):
    """Without a timeout and a fallback."""
    written, steps = outputs(asynchronous)
    assert json.loads(written)["Action"] == {"InboundLambdaAction": {"Arn": "<Flow/Function.Arn>"}}
    assert "Run synchronously: off" in steps
    assert "sales@example.com, *.example.com" in steps


def test_an_outbound_rule_is_written_to_the_outputs():
    """Other names for some of the same."""
    template = of(
        direction="OUTBOUND",
        rule_name="Own",
        mode=Synchronous(timeout=Duration.hours(4), fallback="DEFAULT"),
        senders=["a@example.com", "*.example.org"],
    )
    written, _ = outputs(template)
    found = json.loads(written)
    assert found["Name"] == "Own"
    assert found["Condition"]["SenderRuleCondition"] == {
        "Patterns": ["a@example.com", "*.example.org"]
    }
    assert found["Action"]["OutboundLambdaAction"]["SynchronousLambdaParameters"] == {
        "RetryPeriodMinutes": 240,
        "FallbackAction": {"DefaultAction": {}},
    }


def test_cdk_nag_finds_nothing():
    """Each wildcard is answered for where it is made."""
    app = new_app()
    stack = new_stack(app)
    rule(stack, "Changes", handler=Disclaimer(text="Confidential"), remember_answers=True)
    rule(stack, "Counts", handler=FlowMetrics(), mode=Asynchronous())
    ExperimentalFlowRule(stack, "Experiment", flow=rule(stack, "Reads"))
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks())
    app.synth()


def test_the_page_about_leaving_workmail_exists():
    """The warning names a page that is there."""
    assert (ROOT / "docs" / "leaving-workmail.md").is_file()
