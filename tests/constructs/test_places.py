"""What must be in one account, region or network is refused at synth where it is elsewhere."""

from __future__ import annotations

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ses_actions as ses_actions
from aws_cdk import aws_sns as sns
from synthesis import FOLDER, new_app, new_stack, refuses

from cdk_mailroom import (
    EventLake,
    EventPublishing,
    InboundMail,
    PythonHandler,
    SendingIdentity,
    actions,
    handlers,
)

ARN = "arn:aws:{}:us-east-1:111122223333:{}"


def topic(stack):
    return sns.Topic.from_topic_arn(stack, "Topic", ARN.format("sns", "theirs"))


def key(stack):
    return kms.Key.from_key_arn(stack, "Key", ARN.format("kms", "key/k"))


def function(stack):
    return lambda_.Function.from_function_arn(stack, "F", ARN.format("lambda", "function:theirs"))


def bucket(stack):
    return s3.Bucket.from_bucket_attributes(
        stack, "Theirs", bucket_name="theirs", region="us-east-1", encryption_key=key(stack)
    )


def topic_of_a_stack(stack):
    return sns.Topic(new_stack(cdk.App.of(stack), "Far", region="us-east-1"), "Made")


def rule(stack, **arguments):
    """Add a rule that is right but for *arguments*."""
    return InboundMail(stack, "Inbound").add_rule("Rule", recipients=["a@example.com"], **arguments)


@pytest.mark.parametrize(
    ("build", "argument"),
    [
        (lambda stack: rule(stack, after=[actions.Sns(topic=topic(stack))]), "topic"),
        (lambda stack: rule(stack, after=[actions.Sns(topic=topic_of_a_stack(stack))]), "topic"),
        (lambda stack: rule(stack, after=[actions.InvokeFunction(function(stack))]), "function"),
        (
            lambda stack: rule(
                stack,
                store=actions.S3(bucket=s3.Bucket(stack, "B"), client_side_key=key(stack)),
            ),
            "client_side_key",
        ),
        (lambda stack: rule(stack, store=actions.S3(bucket=bucket(stack))), "encryption_key"),
        (
            lambda stack: rule(stack, after=[ses_actions.Sns(topic=topic(stack))]),
            "actions[1].topic",
        ),
        (
            lambda stack: rule(stack, after=[ses_actions.Stop(topic=topic(stack))]),
            "actions[1].topic",
        ),
        (
            lambda stack: rule(stack, after=[ses_actions.Lambda(function=function(stack))]),
            "actions[1].function",
        ),
        (
            lambda stack: rule(stack, after=[ses_actions.Stop(topic=topic_of_a_stack(stack))]),
            "actions[1].topic",
        ),
        (lambda stack: InboundMail(stack, "I", encryption_key=key(stack)), "encryption_key"),
        (lambda stack: InboundMail(stack, "I", alert_topic=topic(stack)), "alert_topic"),
        (lambda stack: EventPublishing(stack, "O", topic=topic(stack)), "topic"),
        (lambda stack: EventPublishing(stack, "O", alert_topic=topic(stack)), "alert_topic"),
        (lambda stack: EventPublishing(stack, "O", encryption_key=key(stack)), "encryption_key"),
        (
            lambda stack: EventPublishing(
                stack,
                "O",
                event_table=dynamodb.Table.from_table_arn(
                    stack, "T", ARN.format("dynamodb", "table/theirs")
                ),
            ),
            "event_table",
        ),
        (lambda stack: EventLake(stack, "L", encryption_key=key(stack)), "encryption_key"),
        (lambda stack: EventLake(stack, "L", alert_topic=topic(stack)), "alert_topic"),
    ],
)
def test_what_is_known_to_be_in_another_region_is_refused(stack, build, argument):
    with refuses(f"{argument} is ", "it is in us-east-1", "pass one in eu-west-1"):
        build(stack)


def test_a_bucket_may_be_in_another_region(stack):
    theirs = s3.Bucket.from_bucket_attributes(
        stack, "Theirs", bucket_name="theirs", region="us-east-1"
    )
    assert rule(stack, store=actions.S3(bucket=theirs))


def test_a_region_that_is_not_known_at_synth_is_not_compared():
    stack = new_stack(region=None)
    assert rule(stack, after=[actions.Sns(topic=topic(stack))])


def sender(app, **env):
    """Return a stack somewhere, and the function of a rule in it."""
    stack = cdk.Stack(app, "Sender", env=cdk.Environment(**env) if env else None)
    return stack, rule(stack, handler=PythonHandler(FOLDER, "app:on_mail")).function


@pytest.mark.parametrize(
    ("env", "place"),
    [
        ({"account": "111122223333", "region": "us-east-1"}, "the region of Sender is us-east-1"),
        ({"account": "222222222222", "region": "eu-west-1"}, "the account of Sender is 2222222222"),
        ({}, "the account of Sender is not known at synth"),
    ],
)
def test_a_function_elsewhere_cannot_send_through_a_configuration_set(env, place):
    """CDK would export its name there, and SES would not know it."""
    app = new_app()
    ours = new_stack(app, "Ours")
    out = EventPublishing(ours, "Out")
    identity = SendingIdentity(ours, "Identity", domain="example.com", publishing=out)
    stack, function = sender(app, **env)
    for owner in (out, identity):
        with refuses("grantee is 'Sender/Inbound/Rule/Handler/Function'", place, "create an Event"):
            owner.grant_send(function)
    forward = handlers.Forward(
        to=["team@example.net"], configuration_set_name=out.configuration_set_name
    )
    with refuses("configuration_set_name is 'Ours/Out/ConfigurationSet/Resource'", place):
        InboundMail(stack, "Other", activation="none").add_rule(
            "Rule", recipients=["a@x.example"], handler=forward
        )


def test_a_function_of_another_stack_of_the_same_place_may_send():
    app = new_app()
    out = EventPublishing(new_stack(app, "Ours"), "Out")
    _, function = sender(app, account="111122223333", region="eu-west-1")
    assert out.grant_send(function)
    role = iam.Role(
        new_stack(app, "Global", region="us-east-1"),
        "Role",
        assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
    )
    assert out.grant_send(role)


def test_the_environment_of_a_sender_is_not_set_by_hand(stack):
    """It would have the variable without the permission."""
    out = EventPublishing(stack, "Out")
    with refuses("environment['MAILROOM_CONFIGURATION_SET'] is ", "grant_send(rule.function)"):
        PythonHandler(FOLDER, "app:on_mail", environment={**out.environment})


PUBLIC = ec2.SubnetConfiguration(name="public", subnet_type=ec2.SubnetType.PUBLIC)
CHOSEN = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)
ISOLATED = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)


@pytest.mark.parametrize(
    ("subnets", "chosen", "words"),
    [
        ([PUBLIC], None, ["vpc is 'Stack/Vpc'", "choose private subnets"]),
        (None, CHOSEN, ["vpc_subnets is 'Stack/Vpc'", "choose private subnets"]),
        (None, ISOLATED, ["vpc_subnets is 'Stack/Vpc'", "choose subnets that the VPC has"]),
    ],
)
def test_a_function_in_public_subnets_is_refused(stack, subnets, chosen, words):
    """It would reach neither S3 nor the internet."""
    vpc = ec2.Vpc(stack, "Vpc", subnet_configuration=subnets)
    with refuses(*words):
        PythonHandler(FOLDER, "app:on_mail", vpc=vpc, vpc_subnets=chosen)


def test_private_subnets_are_fine(stack):
    assert PythonHandler(FOLDER, "app:on_mail", vpc=ec2.Vpc(stack, "Vpc"))
