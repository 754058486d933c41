"""Permissions around the event lake: what is granted, and what is not."""

from __future__ import annotations

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from cdk_nag import AwsSolutionsChecks
from synthesis import ACCOUNT, FOLDER, REGION, Template, cycle, new_app, new_stack, synthesized

from cdk_mailroom import (
    ConfigurationError,
    EventLake,
    EventPublishing,
    EventType,
    PythonHandler,
)
from cdk_mailroom.lake import LakeQueries

OURS = f"arn:aws:ses:{REGION}:{ACCOUNT}:configuration-set"
GLUE = f"arn:aws:glue:{REGION}:{ACCOUNT}"
LOG_ACTIONS = ["logs:CreateLogStream", "logs:PutLogEvents"]


@pytest.fixture(scope="module")
def plain() -> Template:
    """A lake with names that are easy to read, and an analyst."""

    def build(stack):
        lake = EventLake(
            stack, "Lake", queries=LakeQueries(database_name="mail", workgroup_name="Mail")
        )
        EventPublishing(stack, "Out").to_lake(lake)
        lake.grant_query(
            iam.Role(stack, "Analyst", assumed_by=iam.AccountPrincipal(ACCOUNT))
        ).assert_success()
        digest = lambda_.Function(
            stack,
            "Digest",
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="digest.handler",
            code=lambda_.Code.from_inline("def handler(event, context): ..."),
        )
        lake.grant_query(digest).assert_success()

    return synthesized(build)


@pytest.fixture(scope="module")
def keyed() -> Template:
    """The same with a customer key, and a secret with another."""

    def build(stack):
        lake = EventLake(
            stack,
            "Lake",
            encryption_key=kms.Key(stack, "Key"),
            pseudonym_secret=secretsmanager.Secret(
                stack, "Secret", encryption_key=kms.Key(stack, "SecretKey")
            ),
        )
        EventPublishing(stack, "Out").to_lake(lake)
        lake.grant_query(iam.Role(stack, "Analyst", assumed_by=iam.AccountPrincipal(ACCOUNT)))

    return synthesized(build)


def inline(template: Template, role: str) -> list[dict]:
    """Return the statements in the role itself."""
    return [
        one
        for policy in template.at(role)["Policies"]
        for one in policy["PolicyDocument"]["Statement"]
    ]


def allowed(template: Template, role: str) -> set[str]:
    """Return every action that the role may do, inline or attached."""
    statements = [
        one
        for policy in template.at(role).get("Policies", [])
        for one in policy["PolicyDocument"]["Statement"]
    ] + [
        one
        for policy in template.of("AWS::IAM::Policy").values()
        if f"<{role}>" in policy["Roles"]
        for one in policy["PolicyDocument"]["Statement"]
    ]
    found = set()
    for one in statements:
        actions = one["Action"]
        found |= {actions} if isinstance(actions, str) else set(actions)
    return found


def test_ses_may_put_batches_into_this_stream_and_nothing_else(plain):
    """For this configuration set of this account."""
    assert inline(plain, "Out/LakeRole") == [
        {
            "Action": "firehose:PutRecordBatch",
            "Effect": "Allow",
            "Resource": "<Lake/Stream.Arn>",
        }
    ]
    assert allowed(plain, "Out/LakeRole") == {"firehose:PutRecordBatch"}
    assert plain.at("Out/LakeRole")["AssumeRolePolicyDocument"]["Statement"] == [
        {
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
                "ArnLike": {"aws:SourceArn": f"{OURS}/<Out/ConfigurationSet>"},
            },
            "Effect": "Allow",
            "Principal": {"Service": "ses.amazonaws.com"},
        }
    ]


def test_firehose_may_only_write_to_the_lake(plain):
    """Objects below two prefixes, one function, one table, one log."""
    assert inline(plain, "Lake/DeliveryRole") == [
        {
            "Action": ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
            "Effect": "Allow",
            "Resource": ["<Lake/Bucket.Arn>/errors/*", "<Lake/Bucket.Arn>/events/*"],
        },
        {
            "Action": ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
            "Effect": "Allow",
            "Resource": "<Lake/Bucket.Arn>",
        },
        {
            "Action": ["lambda:GetFunctionConfiguration", "lambda:InvokeFunction"],
            "Effect": "Allow",
            "Resource": [
                "<Lake/Transform/Function.Arn>",
                "<Lake/Transform/Function.Arn>:$LATEST",
            ],
        },
        {
            "Action": ["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"],
            "Effect": "Allow",
            "Resource": [
                f"{GLUE}:catalog",
                f"{GLUE}:database/mail",
                f"{GLUE}:table/mail/events",
            ],
        },
        {
            "Action": "logs:PutLogEvents",
            "Effect": "Allow",
            "Resource": "<Lake/DeliveryLogs.Arn>",
        },
    ]
    [trust] = plain.at("Lake/DeliveryRole")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "firehose.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": ACCOUNT}}


def test_firehose_deletes_nothing_and_reads_no_results(plain):
    """What is in the lake stays."""
    assert not [one for one in allowed(plain, "Lake/DeliveryRole") if "Delete" in one]
    assert "results" not in str(inline(plain, "Lake/DeliveryRole"))


def test_with_a_key_firehose_may_encrypt(keyed):
    """With that key, and in two operations."""
    assert inline(keyed, "Lake/DeliveryRole")[-1] == {
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Effect": "Allow",
        "Resource": "<Key.Arn>",
    }
    assert cycle(keyed.references) == []


def test_the_transformation_may_only_log(plain):
    """It neither reads the bucket nor calls other services."""
    assert plain.statements("Lake/Transform/Function") == [
        {"Action": LOG_ACTIONS, "Effect": "Allow", "Resource": "<Lake/Transform/Logs.Arn>"}
    ]


def test_the_transformation_may_read_its_secret(keyed):
    """And decrypt it; not describe, list or write it."""
    found = keyed.statements("Lake/Transform/Function")
    assert {
        "Action": "secretsmanager:GetSecretValue",
        "Effect": "Allow",
        "Resource": "<Secret>",
    } in found
    assert allowed(keyed, "Lake/Transform/Role") == {
        *LOG_ACTIONS,
        "secretsmanager:GetSecretValue",
        "kms:Decrypt",
    }


def test_a_secret_that_was_looked_up_by_name_can_be_read():
    """Its ARN ends in six characters that are unknown at synth."""

    def build(stack):
        named = secretsmanager.Secret.from_secret_name_v2(stack, "Secret", "pseudonyms")
        EventLake(stack, "Lake", pseudonym_secret=named)

    template = synthesized(build)
    arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:pseudonyms"
    assert {
        "Action": "secretsmanager:GetSecretValue",
        "Effect": "Allow",
        "Resource": f"{arn}-??????",
    } in template.statements("Lake/Transform/Function")
    environment = template.environment("Lake/Transform/Function")
    assert environment["MAILROOM_PSEUDONYM_SECRET"] == arn


def analyst(template: Template) -> list[dict]:
    """Return what the analyst may do."""
    [policy] = [
        one for one in template.of("AWS::IAM::Policy").values() if "<Analyst>" in one["Roles"]
    ]
    return policy["PolicyDocument"]["Statement"]


def test_a_query_grant_allows_reading_events_and_writing_results(plain):
    """In this workgroup, of this table, below these prefixes."""
    found = {str(one["Resource"]): one for one in analyst(plain)}
    workgroup = found[f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/Mail"]
    assert workgroup["Action"] == [
        f"athena:{verb}"
        for verb in (
            "BatchGetNamedQuery",
            "BatchGetQueryExecution",
            "GetNamedQuery",
            "GetQueryExecution",
            "GetQueryResults",
            "GetQueryResultsStream",
            "GetWorkGroup",
            "ListNamedQueries",
            "ListQueryExecutions",
            "StartQueryExecution",
            "StopQueryExecution",
        )
    ]
    assert found["<Lake/Bucket.Arn>/events/*"]["Action"] == "s3:GetObject"
    assert found["<Lake/Bucket.Arn>/results/*"]["Action"] == [
        "s3:AbortMultipartUpload",
        "s3:GetObject",
        "s3:ListMultipartUploadParts",
        "s3:PutObject",
    ]
    listing = [one for one in analyst(plain) if one["Action"] == "s3:ListBucket"]
    assert [one["Condition"] for one in listing] == [
        {"StringLike": {"s3:prefix": ["events/*", "results/*"]}}
    ]


def test_a_query_grant_allows_no_changes(plain):
    """Table, events and workgroup cannot be changed, and the error prefix cannot be read."""
    actions = allowed(plain, "Analyst")
    assert not [one for one in actions if "Delete" in one or "Update" in one or "Create" in one]
    assert not [one for one in actions if one.endswith("*")]
    assert "errors" not in str(analyst(plain))
    assert {one["Effect"] for one in analyst(plain)} == {"Allow"}


def test_a_function_that_may_query_knows_the_lake(plain):
    """With the permissions of an analyst, and no others."""
    assert plain.environment("Digest") == {
        "MAILROOM_LAKE_DATABASE": "mail",
        "MAILROOM_LAKE_WORKGROUP": "Mail",
    }
    assert allowed(plain, "Digest/ServiceRole") == allowed(plain, "Analyst")


def test_a_function_elsewhere_cannot_query():
    """A workgroup is in one account and region."""
    app = new_app()
    lake = EventLake(new_stack(app), "Lake")
    there = cdk.Stack(app, "There", env=cdk.Environment(account=ACCOUNT, region="eu-north-1"))
    digest = lambda_.Function(
        there,
        "Digest",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="digest.handler",
        code=lambda_.Code.from_inline("def handler(event, context): ..."),
    )
    with pytest.raises(ConfigurationError, match="a workgroup is in one account and region"):
        lake.grant_query(digest)


def test_the_lakes_variables_are_set_by_the_grant_only():
    with pytest.raises(ConfigurationError, match="let the lake's grant_query"):
        PythonHandler(FOLDER, "app:on_mail", environment={"MAILROOM_LAKE_WORKGROUP": "x"})


def test_a_query_grant_includes_the_key(keyed):
    """To read events and to write results."""
    [found] = [one for one in analyst(keyed) if "kms" in str(one["Action"])]
    assert found["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert found["Resource"] == "<Key.Arn>"


def test_the_wait_needs_no_permission(plain):
    """It only waits."""
    [role] = [
        path
        for path in plain.of("AWS::IAM::Role")
        if path.startswith("MailroomPropagation") and path.endswith("/Role")
    ]
    assert allowed(plain, role) == set(LOG_ACTIONS)


@pytest.mark.parametrize("with_key", [False, True])
def test_cdk_nag_finds_nothing_but_access_logs(with_key):
    """S1 is the app's to decide; each wildcard is answered for where it is made."""
    import re

    app = new_app()
    stack = new_stack(app)
    key = kms.Key(stack, "Key", enable_key_rotation=True) if with_key else None
    out = EventPublishing(
        stack,
        "Out",
        encryption_key=key,
        alert_topic=sns.Topic(stack, "Alerts", master_key=key, enforce_ssl=True),
    )
    lake = out.to_lake()
    out.on_bus([EventType.BOUNCE, EventType.OPEN])
    out.to_event_bus(archive=cdk.Duration.days(3))
    lake.grant_query(iam.Role(stack, "Analyst", assumed_by=iam.AccountPrincipal(ACCOUNT)))
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks())
    with pytest.raises(RuntimeError) as caught:
        app.synth()
    assert set(re.findall(r"AwsSolutions::(AwsSolutions-[^']*)'", str(caught.value))) == {
        "AwsSolutions-S1"
    }
