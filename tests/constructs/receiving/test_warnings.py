"""Warnings: regions that may not receive, and what is imported and so cannot be granted."""

from __future__ import annotations

import pytest
from aws_cdk import Annotations
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from synthesis import FOLDER, new_stack, warnings_of

from cdk_mailroom import InboundMail, PythonHandler, actions

REGION_WARNING = "cdk-mailroom:receiving-region"


def warned(build, code, **options):
    """Return the warnings of kind *code* that *build* leads to."""
    stack = new_stack(**options)
    build(stack, InboundMail(stack, "Inbound"))
    return warnings_of(stack).get(code, [])


def test_a_region_not_known_to_receive_mail_raises_a_warning():
    """AWS's lists disagree, so it is not an error; the text says how to override it."""
    [text] = warned(lambda *_: None, REGION_WARNING, region="ap-south-2")
    assert "Stack/Inbound: " in text
    assert "ap-south-2" in text
    assert f"acknowledge_warning('{REGION_WARNING}')" in text


def test_the_warning_of_the_region_can_be_acknowledged():
    """As the text says."""
    assert not warned(
        lambda _, inbound: Annotations.of(inbound).acknowledge_warning(REGION_WARNING),
        REGION_WARNING,
        region="ap-south-2",
    )


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", None])
def test_a_receiving_or_unresolved_region_raises_no_warning(region):
    """None is a stack that fits any region."""
    assert not warned(lambda *_: None, REGION_WARNING, region=region)


def test_resources_made_in_the_app_raise_no_warning():
    """Everything that can be granted is granted."""
    stack = new_stack()
    topic = sns.Topic(stack, "Topic", master_key=kms.Key(stack, "Key"))
    InboundMail(stack, "Inbound", encryption_key=kms.Key(stack, "Other")).add_rule(
        "Rule",
        recipients=["a@example.com"],
        handler=PythonHandler(FOLDER, "app:on_mail"),
        after=[actions.Sns(topic=topic)],
    )
    assert warnings_of(stack) == {}


def test_an_imported_bucket_raises_a_warning():
    """Its policy is its owner's: the text says what to allow."""

    def build(stack, inbound):
        bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "theirs")
        inbound.add_rule(
            "Rule", recipients=["a@example.com"], store=actions.S3(bucket=bucket, prefix="mail/")
        )

    [text] = warned(build, "cdk-mailroom:imported-bucket")
    assert "Stack/Inbound/Rule/Store: " in text
    for word in (
        "theirs",
        "ses.amazonaws.com",
        "s3:PutObject",
        "mail/*",
        "aws:SourceAccount",
        "InvalidS3Configuration",
    ):
        assert word in text


@pytest.mark.parametrize(
    ("region", "partition"),
    [("us-gov-new-1", "aws-us-gov"), ("cn-new-1", "aws-cn"), ("eu-new-1", "aws"), (None, "aws")],
)
def test_the_warning_names_the_partition_of_a_region_that_the_cdk_does_not_know(region, partition):
    def build(stack, inbound):
        bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "theirs")
        inbound.add_rule("Rule", recipients=["a@example.com"], store=actions.S3(bucket=bucket))

    [text] = warned(build, "cdk-mailroom:imported-bucket", region=region)
    assert f"arn:{partition}:s3:::theirs" in text


def test_an_imported_bucket_on_an_imported_key_raises_a_warning():
    """Each raises its own warning."""

    def build(stack, inbound):
        bucket = s3.Bucket.from_bucket_attributes(
            stack,
            "Bucket",
            bucket_name="theirs",
            encryption_key=kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:1:key/k"),
        )
        inbound.add_rule("Rule", recipients=["a@example.com"], store=actions.S3(bucket=bucket))

    [text] = warned(build, "cdk-mailroom:imported-key")
    for word in (
        "arn:aws:kms:eu-west-1:1:key/k",
        "ses.amazonaws.com",
        "kms:Decrypt",
        "kms:GenerateDataKey*",
        "aws:SourceAccount",
    ):
        assert word in text


def test_an_imported_bucket_that_a_role_writes_to_raises_a_warning():
    """The role is granted the writing, so there is nothing to warn of."""
    from aws_cdk import aws_iam as iam

    def build(stack, inbound):
        role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ses.amazonaws.com"))
        bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "theirs")
        inbound.add_rule(
            "Rule", recipients=["a@example.com"], store=actions.S3(bucket=bucket, role=role)
        )

    assert not warned(build, "cdk-mailroom:imported-bucket")


def test_an_imported_topic_raises_a_warning():
    """Its policy is its owner's: the text says what to allow."""

    def build(stack, inbound):
        topic = sns.Topic.from_topic_arn(stack, "Topic", "arn:aws:sns:eu-west-1:1:theirs")
        inbound.add_rule("Rule", recipients=["a@example.com"], after=[actions.Sns(topic=topic)])

    [text] = warned(build, "cdk-mailroom:imported-topic")
    for word in (
        "arn:aws:sns:eu-west-1:1:theirs",
        "ses.amazonaws.com",
        "sns:Publish",
        "aws:SourceAccount",
    ):
        assert word in text


def test_an_imported_function_raises_a_warning():
    """Its permissions are its owner's: the text gives account and source ARN."""

    def build(stack, inbound):
        function = lambda_.Function.from_function_arn(
            stack, "Function", "arn:aws:lambda:eu-west-1:999999999999:function:theirs"
        )
        inbound.add_rule(
            "Rule", recipients=["a@example.com"], after=[actions.InvokeFunction(function)]
        )

    [text] = warned(build, "cdk-mailroom:imported-function")
    for word in (
        "function:theirs",
        "ses.amazonaws.com",
        "lambda:InvokeFunction",
        "receipt-rule-set/",
        "InvalidLambdaFunction",
    ):
        assert word in text


def test_an_imported_function_of_the_same_account_can_be_granted():
    """Then aws-cdk-lib adds the permission, and there is nothing to warn of."""

    def build(stack, inbound):
        function = lambda_.Function.from_function_attributes(
            stack,
            "Function",
            function_arn="arn:aws:lambda:eu-west-1:111122223333:function:theirs",
            same_environment=True,
        )
        inbound.add_rule(
            "Rule", recipients=["a@example.com"], after=[actions.InvokeFunction(function)]
        )

    assert not warned(build, "cdk-mailroom:imported-function")
