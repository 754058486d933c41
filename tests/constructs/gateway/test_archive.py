"""Archives: how long, with which key, and who may search them."""

from __future__ import annotations

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from synthesis import ACCOUNT, REGION, Template, new_stack, refuses, warnings_of

from cdk_mailroom.gateway.archive import ArchiveRetention, MailArchive

ARN = f"arn:aws:ses:{REGION}:{ACCOUNT}:mailmanager-archive/a-123"
KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0a1b"
SEARCH = [
    "ses:StartArchiveSearch",
    "ses:GetArchiveSearch",
    "ses:GetArchiveSearchResults",
    "ses:StopArchiveSearch",
    "ses:GetArchiveMessage",
    "ses:GetArchiveMessageContent",
]
USE = ["kms:Decrypt", "kms:GenerateDataKey*", "kms:DescribeKey"]
THROUGH_SES = {"StringEquals": {"kms:ViaService": f"ses.{REGION}.amazonaws.com"}}


@pytest.fixture(scope="module")
def template() -> Template:
    """One stack that has everything; it is only read."""
    stack = new_stack(name="Archives")
    plain = MailArchive(stack, "Plain")
    secret = MailArchive(
        stack,
        "Secret",
        retention=ArchiveRetention.SEVEN_YEARS,
        encryption_key=kms.Key(stack, "Key"),
        name="secret-1",
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    existing = MailArchive.from_archive_arn(stack, "Existing", ARN)
    plain.grant_search(iam.User(stack, "PlainReader"))
    secret.grant_search(iam.User(stack, "SecretReader"))
    searcher = lambda_.Function(
        stack,
        "Searcher",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="x.y",
        code=lambda_.Code.from_inline("x"),
    )
    existing.grant_search(searcher)
    cdk.CfnOutput(stack, "Id", value=plain.archive_id)
    return Template(stack)


def test_an_archive_is_kept_and_has_neither_name_nor_period_by_default(template: Template) -> None:
    """A name may stay taken for 30 days after the archive is deleted."""
    found = template.resources["Plain"]
    assert found.get("Properties", {}) == {}
    assert (found["DeletionPolicy"], found["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_every_option_reaches_the_archive(template: Template) -> None:
    assert template.at("Secret") == {
        "ArchiveName": "secret-1",
        "KmsKeyArn": "<Key.Arn>",
        "Retention": {"RetentionPeriod": "SEVEN_YEARS"},
    }
    assert template.resources["Secret"]["DeletionPolicy"] == "Delete"


def test_the_id_is_that_part_of_the_arn(template: Template) -> None:
    """AWS's documents disagree on the attribute ArchiveId."""
    value = template.readable(template.raw["Outputs"]["Id"]["Value"])
    assert value == {"Fn::Select": [1, {"Fn::Split": ["/", "<Plain.ArchiveArn>"]}]}


def test_ses_may_use_the_key_and_others_through_ses_only(template: Template) -> None:
    _, by_ses, by_callers = template.at("Key")["KeyPolicy"]["Statement"]
    assert by_ses["Principal"] == {"Service": "ses.amazonaws.com"}
    assert by_ses["Action"] == by_callers["Action"] == sorted(USE)
    assert by_callers["Condition"] == THROUGH_SES


def test_the_key_is_there_before_the_archive(template: Template) -> None:
    """With its policy."""
    assert "Key" in template.needs("Secret")


def test_a_searcher_may_search_and_read_that_archive_and_nothing_else(template: Template) -> None:
    (found,) = template.at("PlainReader/DefaultPolicy")["PolicyDocument"]["Statement"]
    assert (found["Action"], found["Resource"]) == (sorted(SEARCH), "<Plain.ArchiveArn>")


def test_a_searcher_may_decrypt_through_ses_only(template: Template) -> None:
    found = template.at("SecretReader/DefaultPolicy")["PolicyDocument"]["Statement"]
    assert {
        "Action": ["kms:Decrypt", "kms:DescribeKey"],
        "Condition": THROUGH_SES,
        "Effect": "Allow",
        "Resource": "<Key.Arn>",
    } in found
    assert len(found) == 2


def test_a_function_finds_its_archive(template: Template) -> None:
    assert template.environment("Searcher") == {"MAILROOM_ARCHIVES": '{"Existing":"a-123"}'}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"retention": "TWO_MONTHS"},
            ("retention is 'TWO_MONTHS'", "use one of THREE"),
        ),
        ({"retention": cdk.Duration.days(90)}, ("retention", "PERMANENT")),
        ({"name": "a"}, ("name is 'a'", "use 2 to 64")),
        ({"name": "-ab"}, ("name", "at both ends")),
        ({"name": "a" * 65}, ("name", "use 2 to 64")),
    ],
)
def test_what_mail_manager_would_refuse_is_refused(stack, options, words) -> None:
    with refuses(*words):
        MailArchive(stack, "Archive", **options)
    MailArchive(stack, "Archive", name="ab", retention="PERMANENT")


def test_the_periods_are_those_of_mail_manager() -> None:
    """As the service's own model has them."""
    import botocore.session

    model = botocore.session.get_session().get_service_model("mailmanager")
    assert list(ArchiveRetention) == model.shape_for("RetentionPeriod").enum


def test_a_key_whose_policy_cannot_be_changed_is_warned_about(stack: cdk.Stack) -> None:
    MailArchive(stack, "Archive", encryption_key=kms.Key.from_key_arn(stack, "Key", KEY_ARN))
    (found,) = warnings_of(stack).values()
    assert "or the archive cannot be created: {" in found[0]


@pytest.mark.parametrize("arn", ["a-123", ARN.replace("archive/", "address-list/")])
def test_the_arn_of_something_else_is_refused(stack: cdk.Stack, arn: str) -> None:
    with refuses("archive_arn", "mailmanager-archive/ID"):
        MailArchive.from_archive_arn(stack, "Archive", arn)
