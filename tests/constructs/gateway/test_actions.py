"""The actions of a gateway's rules, and what the one role may do for them."""

from __future__ import annotations

import pytest
from aws_cdk import CfnParameter, Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from synthesis import ACCOUNT, REGION, Template, refuses

from cdk_mailroom import ConfigurationError, MailGateway, actions, gateway
from cdk_mailroom.gateway.actions import BoundGatewayAction, GatewayAction

ROLE = "<Gateway/Role.Arn>"
UUID = "11111111-2222-3333-4444-555555555555"


def identity(name):
    """Return the ARN of an identity."""
    return f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/{name}"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            "Archive",
            {"Archive": {"TargetArchive": "a-archive", "ActionFailurePolicy": "CONTINUE"}},
        ),
        (
            "Async",
            {
                "InvokeLambda": {
                    "FunctionArn": "<Theirs.Arn>",
                    "InvocationType": "EVENT",
                    "RoleArn": ROLE,
                    "RetryTimeMinutes": 2160,
                    "ActionFailurePolicy": "CONTINUE",
                }
            },
        ),
        (
            "Sync",
            {
                "InvokeLambda": {
                    "FunctionArn": "<Theirs.Arn>",
                    "InvocationType": "REQUEST_RESPONSE",
                    "RoleArn": ROLE,
                    "RetryTimeMinutes": 0,
                    "ActionFailurePolicy": "DROP",
                }
            },
        ),
        (
            "Bounce",
            {
                "Bounce": {
                    "RoleArn": ROLE,
                    "Sender": "postmaster@example.com",
                    "DiagnosticMessage": "No such user",
                    "SmtpReplyCode": "450",
                    "StatusCode": "4.1.1",
                    "Message": "Try again",
                    "ActionFailurePolicy": "CONTINUE",
                }
            },
        ),
        (
            "Publish",
            {
                "PublishToSns": {
                    "RoleArn": ROLE,
                    "TopicArn": "<Topic>",
                    "Encoding": "UTF-8",
                    "PayloadType": "CONTENT",
                    "ActionFailurePolicy": "CONTINUE",
                }
            },
        ),
        (
            "PublishHeaders",
            {
                "PublishToSns": {
                    "RoleArn": ROLE,
                    "TopicArn": "<Topic>",
                    "Encoding": "BASE64",
                    "PayloadType": "HEADERS",
                    "ActionFailurePolicy": "CONTINUE",
                }
            },
        ),
        (
            "Q",
            {
                "DeliverToQBusiness": {
                    "RoleArn": ROLE,
                    "ApplicationId": "11111111-2222-3333-4444-555555555555",
                    "IndexId": "99999999-2222-3333-4444-555555555555",
                    "ActionFailurePolicy": "CONTINUE",
                }
            },
        ),
        (
            "Relay",
            {
                "Relay": {
                    "Relay": "<Office.RelayId>",
                    "MailFrom": "PRESERVE",
                    "ActionFailurePolicy": "CONTINUE",
                }
            },
        ),
        (
            "RelayElsewhere",
            {
                "Relay": {
                    "Relay": "r-theirs",
                    "MailFrom": "REPLACE",
                    "ActionFailurePolicy": "CONTINUE",
                }
            },
        ),
        ("Replace", {"ReplaceRecipient": {"ReplaceWith": ["a@example.com", "b@example.com"]}}),
        ("Send", {"Send": {"RoleArn": ROLE, "ActionFailurePolicy": "CONTINUE"}}),
    ],
)
def test_an_action_is_written_in_full(rules, rule, expected):
    """What happens if it fails, too: AWS's sources disagree on what omitting it means."""
    assert rules[rule]["Actions"] == [expected]


def test_the_role_may_do_what_the_actions_need_and_no_more(whole):
    """One statement an action, each on its own resource."""

    def allow(actions, resource, **condition):
        found = {"Action": actions, "Effect": "Allow", "Resource": resource}
        return found | ({"Condition": condition} if condition else {})

    assert whole.at("Gateway/Role/DefaultPolicy")["PolicyDocument"]["Statement"] == [
        allow("s3:PutObject", "<Gateway/Bucket.Arn>/Support/*"),
        allow("s3:ListBucket", "<Gateway/Bucket.Arn>"),
        allow(
            "lambda:InvokeFunction",
            [
                "<Gateway/Gate/Handler/Function.Arn>",
                "<Gateway/Support/Handler/Function.Arn>",
                "<Theirs.Arn>",
            ],
        ),
        allow(
            "ses:SendBounce",
            identity("*"),
            StringEquals={"ses:FromAddress": "postmaster@example.com"},
        ),
        allow("sns:Publish", "<Topic>"),
        allow(
            "qbusiness:BatchPutDocument",
            f"arn:aws:qbusiness:{REGION}:{ACCOUNT}:application/"
            "11111111-2222-3333-4444-555555555555/index/99999999-2222-3333-4444-555555555555",
        ),
        allow(
            ["ses:SendEmail", "ses:SendRawEmail"],
            [identity("example.com"), identity("example.net")],
        ),
    ]


def test_only_mail_manager_may_be_the_role_for_rule_sets_of_this_account(whole):
    """Not for somebody else's rules, nor for receipt rules."""
    assert whole.at("Gateway/Role")["AssumeRolePolicyDocument"]["Statement"] == [
        {
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
                "ArnLike": {
                    "aws:SourceArn": f"arn:aws:ses:{REGION}:{ACCOUNT}:mailmanager-rule-set/*"
                },
            },
            "Effect": "Allow",
            "Principal": {"Service": "ses.amazonaws.com"},
        }
    ]


def test_keys_are_granted_with_what_they_encrypt(whole):
    """The role may decrypt none of the stored mail."""
    statements = whole.at("Keyed/Role/DefaultPolicy")["PolicyDocument"]["Statement"]
    keys = [one for one in statements if "kms:" in str(one["Action"])]
    assert keys == [
        {
            "Action": ["kms:Encrypt", "kms:GenerateDataKey*"],
            "Effect": "Allow",
            "Resource": ["<Key.Arn>", "<ObjectKey.Arn>"],
        },
        {
            "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*"],
            "Effect": "Allow",
            "Resource": "<TopicKey.Arn>",
        },
        {
            "Action": ["kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*"],
            "Condition": {
                "StringEquals": {
                    "kms:ViaService": f"qbusiness.{REGION}.amazonaws.com",
                    "kms:CallerAccount": ACCOUNT,
                }
            },
            "Effect": "Allow",
            "Resource": "<Key.Arn>",
        },
    ]


def test_a_default_configuration_set_is_granted_if_it_is_named(whole):
    """Sending asks for permission on both."""
    statements = whole.at("Keyed/Role/DefaultPolicy")["PolicyDocument"]["Statement"]
    assert statements[-1]["Resource"] == [
        f"arn:aws:ses:{REGION}:{ACCOUNT}:configuration-set/default-set",
        identity("a.example"),
    ]


def test_a_copy_elsewhere_names_its_key(whole):
    """The bucket's own key needs no name."""
    stored = [
        action["WriteToS3"]
        for rule in whole.at("Keyed/RuleSet")["Rules"]
        for action in rule["Actions"]
        if "WriteToS3" in action
    ]
    assert [one.get("S3SseKmsKeyId") for one in stored] == [None, "<ObjectKey.Arn>"]
    assert [one["S3Prefix"] for one in stored] == ["Store/", "all/"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda a: a.AddHeader("Spam", "yes"), ("name is 'Spam'", "X-")),
        (lambda a: a.AddHeader("X-" + "a" * 63, "yes"), ("name", "62")),
        (lambda a: a.AddHeader("X-A", "a\r\nBcc: b@example.com"), ("value", "line breaks")),
        (lambda a: a.AddHeader("X-A", "a" * 129), ("value", "128")),
        (lambda a: a.AddHeader("X-A", ""), ("value", "1 to")),
        (lambda a: a.Archive("arn:aws:ses:eu-west-1:1:mailmanager-archive/a-1"), ("archive",)),
        (lambda a: a.Archive(5), ("archive is 5", "MailArchive")),
        (lambda a: a.Relay(5), ("relay is 5", "Relay")),
        (lambda a: a.Relay("r-1", mail_from="KEEP"), ("mail_from is 'KEEP'", "PRESERVE")),
        (lambda a: a.Send(identities=[]), ("identities is []", "at least one")),
        (lambda a: a.Send(identities="example.com"), ("identities", "list")),
        (lambda a: a.Send(identities=["."]), ("identities[0]",)),
        (
            lambda a: a.Send(identities=["a.example"], configuration_set_name="a b"),
            ("configuration_set_name is 'a b'",),
        ),
        (lambda a: a.ReplaceRecipients(), ("len(addresses) is 0", "1 to 100")),
        (lambda a: a.ReplaceRecipients("a@b.example", "a@b.example"), ("addresses[1]",)),
        (
            lambda a: a.ReplaceRecipients("first_last@example.com"),
            ("first_last@example.com", "underscore", "CloudFormation"),
        ),
        (
            lambda a: a.Bounce(sender="no_reply@example.com", diagnostic="x"),
            ("sender", "underscore"),
        ),
        (lambda a: a.Bounce(sender="example.com", diagnostic="x"), ("sender", "address")),
        (lambda a: a.Bounce(sender="a@b.example", diagnostic="naïve"), ("diagnostic", "ASCII")),
        (
            lambda a: a.Bounce(sender="a@b.example", diagnostic="x", smtp_reply_code="250"),
            ("smtp_reply_code is '250'",),
        ),
        (
            lambda a: a.Bounce(sender="a@b.example", diagnostic="x", status_code="2.0.0"),
            ("status_code is '2.0.0'",),
        ),
        (
            lambda a: a.Bounce(sender="a@b.example", diagnostic="x", message="é"),
            ("message", "ASCII"),
        ),
        (lambda a: a.DeliverToQBusiness(application_id="a", index_id="b"), ("index_id is 'b'",)),
    ],
)
def test_what_mail_manager_or_cloudformation_refuses_is_refused(make, words):
    """When the action is described, by argument."""
    with refuses(*words):
        make(gateway.actions)


@pytest.mark.parametrize(
    "make",
    [
        lambda a, stack, **options: a.Archive("a-1", **options),
        lambda a, stack, **options: a.Bounce(sender="a@b.example", diagnostic="x", **options),
        lambda a, stack, **options: a.DeliverToQBusiness(
            application_id=UUID, index_id=UUID, **options
        ),
        lambda a, stack, **options: a.InvokeFunction(
            lambda_.Function.from_function_name(stack, "F", "theirs"), **options
        ),
        lambda a, stack, **options: a.Publish(sns.Topic(stack, "Topic"), **options),
        lambda a, stack, **options: a.Relay("r-1", **options),
        lambda a, stack, **options: a.Send(identities=["a.example"], **options),
        lambda a, stack, **options: a.Store(s3.Bucket(stack, "Bucket"), **options),
    ],
)
def test_an_action_can_do_nothing_else_when_it_fails_than_go_on_or_drop(stack, make):
    """By the two words that Mail Manager has."""
    with refuses("- on_failure is 'STOP'", "use one of ['CONTINUE', 'DROP']"):
        make(gateway.actions, stack, on_failure="STOP")


@pytest.mark.parametrize("prefix", ["mail", "/mail/", "a" * 62 + "/"])
def test_a_prefix_that_mail_manager_may_read_in_another_way_is_refused(stack, prefix):
    """Whether it puts a slash behind a prefix is not documented."""
    with refuses("prefix is", "62", "'/'"):
        gateway.actions.Store(s3.Bucket(stack, "Bucket"), prefix=prefix)


@pytest.mark.parametrize("imported", [False, True])
def test_a_bucket_with_the_longest_name_is_refused(stack, imported):
    """S3 takes 63 characters, Mail Manager 62."""
    name = "a" * 63
    bucket = (
        s3.Bucket.from_bucket_name(stack, "Bucket", name)
        if imported
        else s3.Bucket(stack, "Bucket", bucket_name=name)
    )
    with refuses("bucket is 'aaa", "62"):
        gateway.actions.Store(bucket)


@pytest.mark.parametrize(
    ("retry", "words"),
    [
        (Duration.hours(37), "36 hours"),
        (Duration.seconds(90), "whole minutes"),
        (240, "Duration.hours(4)"),
    ],
)
def test_a_time_that_mail_manager_does_not_retry_for_is_refused(stack, retry, words):
    """Of a function's action, and of a rule."""
    gate = MailGateway(stack, "Gateway", recipients=["@example.com"])
    with refuses("retry", words):
        gate.add_rule("Rule", after=[gateway.actions.Drop()], retry=retry)
    with refuses("retry", words):
        gateway.actions.InvokeFunction(None, retry=retry)


def test_a_fifo_topic_and_another_payload_are_refused(stack):
    """An action has no message group."""
    with refuses("topic", "FIFO"):
        gateway.actions.Publish(sns.Topic(stack, "Topic", fifo=True))
    with refuses("payload is 'BODY'", "HEADERS"):
        gateway.actions.Publish(sns.Topic(stack, "Other"), payload="BODY")


class Mine(GatewayAction):
    """An action of a user's own."""

    def __init__(self, **settings):
        self._settings = settings

    def bind(self, scope, context):
        """Return whatever was given."""
        bucket = s3.Bucket(scope, "Bucket")
        return BoundGatewayAction(
            action=ses.CfnMailManagerRuleSet.RuleActionProperty(**self._settings),
            dependencies=[bucket],
        )


def test_an_action_of_ones_own_creates_what_it_needs(stack):
    """The rule set waits for what it says."""
    gate = MailGateway(stack, "Gateway", recipients=["@example.com"])
    gate.add_rule("Rule", before=[Mine(drop={})], store=False)
    assert "Gateway/Rule/Before1/Bucket" in Template(stack).needs("Gateway/RuleSet")


@pytest.mark.parametrize("settings", [{}, {"drop": {}, "add_header": {"header_name": "X-A"}}])
def test_an_action_of_ones_own_is_exactly_one(stack, settings):
    """AWS refuses a union with none or several members."""
    gate = MailGateway(stack, "Gateway", recipients=["@example.com"])
    with refuses("Before1", "exactly one"):
        gate.add_rule("Rule", before=[Mine(**settings)], store=False)


def test_an_action_of_receipt_rules_is_refused(stack):
    """They grant to SES, and are written in another form."""
    gate = MailGateway(stack, "Gateway", recipients=["@example.com"])
    with refuses("actions[0]", "gateway.actions"):
        gate.add_rule("Rule", before=[actions.S3(bucket=gate.bucket)], store=False)


def test_what_only_cloudformation_knows_passes(stack):
    """It cannot be looked at."""
    text = CfnParameter(stack, "Text").value_as_string
    try:
        gateway.actions.AddHeader("X-A", text)
        gateway.actions.Bounce(sender=text, diagnostic=text, message=text)
        gateway.actions.ReplaceRecipients(text)
    except ConfigurationError as error:  # pragma: no cover
        pytest.fail(str(error))
