"""Every receipt action of SES, ours and aws-cdk-lib's, around a handler."""

from __future__ import annotations

import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ses as ses
from aws_cdk import aws_ses_actions as ses_actions
from aws_cdk import aws_sns as sns
from synthesis import FOLDER, Template, ses_may, synthesized

from cdk_mailroom import InboundMail, PythonHandler, actions

SOURCE = "<Inbound/RuleSet>:receipt-rule/*"
TEMPLATES = {
    "MAILBOX_DOES_NOT_EXIST": ("550", "5.1.1", "Mailbox does not exist"),
    "MAILBOX_FULL": ("552", "5.2.2", "Mailbox full"),
    "MESSAGE_CONTENT_REJECTED": ("500", "5.6.1", "Message content rejected"),
    "MESSAGE_TOO_LARGE": ("552", "5.3.4", "Message too large"),
    "TEMPORARY_FAILURE": ("450", "4.0.0", "Temporary failure"),
}


def function(stack, name="Theirs"):
    """Return an imported function."""
    return lambda_.Function(
        stack,
        name,
        code=lambda_.Code.from_inline("def handler(event, context): ..."),
        handler="index.handler",
        runtime=lambda_.Runtime.PYTHON_3_13,
    )


@pytest.fixture(scope="module")
def template() -> Template:
    """One rule for each action of ours, and one for those of aws-cdk-lib."""

    def build(stack):
        inbound = InboundMail(stack, "Inbound")
        topic = sns.Topic(stack, "Topic")
        bucket = s3.Bucket(stack, "Archive")
        key = kms.Key(stack, "ClientKey")
        role = iam.Role(stack, "Writer", assumed_by=iam.ServicePrincipal("ses.amazonaws.com"))
        theirs = function(stack)

        def rule(name, *items, **options):
            inbound.add_rule(
                name,
                recipients=[f"{name.lower()}@example.com"],
                store=False,
                after=items,
                **options,
            )

        rule("S3", actions.S3(bucket=bucket, prefix="all", topic=topic))
        rule("Everything", actions.S3(bucket=s3.Bucket(stack, "Own")))
        rule("Encrypted", actions.S3(bucket=bucket, prefix="secret/", client_side_key=key))
        rule("Sns", actions.Sns(topic=topic))
        rule("SnsBase64", actions.Sns(topic=topic, encoding=actions.EmailEncoding.BASE64))
        rule("Async", actions.InvokeFunction(theirs))
        rule("Sync", actions.InvokeFunction(theirs, synchronous=True, topic=topic))
        keyed = s3.Bucket(
            stack, "Keyed", encryption=s3.BucketEncryption.KMS, encryption_key=kms.Key(stack, "Key")
        )
        rule(
            "Role",
            actions.S3(bucket=keyed, prefix="role/", role=role, topic=topic, client_side_key=key),
        )
        bounce = ses_actions.BounceTemplate
        for template_name in TEMPLATES:
            rule(
                template_name.title().replace("_", ""),
                ses_actions.Bounce(
                    sender="postmaster@example.com",
                    template=getattr(bounce, template_name),
                    topic=topic,
                ),
            )
        rule("Unknown", actions.Bounce(sender="p@example.com", template=actions.UNKNOWN_FAILURE))
        inbound.add_rule(
            "Native",
            recipients=["native@example.com"],
            store=False,
            before=[
                ses_actions.AddHeader(name="X-Seen", value="yes"),
                ses_actions.Sns(topic=topic),
            ],
            handler=PythonHandler(FOLDER, "app:on_mail"),
            after=[
                ses_actions.S3(bucket=bucket, object_key_prefix="native/"),
                ses_actions.Lambda(
                    function=function(stack, "Native"),
                    invocation_type=ses_actions.LambdaInvocationType.REQUEST_RESPONSE,
                ),
                ses_actions.WorkMail(
                    organization_arn="arn:aws:workmail:eu-west-1:1:organization/m-1"
                ),
                ses_actions.Stop(topic=topic),
            ],
        )

    return synthesized(build)


def test_s3_stores_and_announces(template):
    """bucket=, prefix=, topic=."""
    assert template.actions("S3") == [
        {"S3Action": {"BucketName": "<Archive>", "ObjectKeyPrefix": "all/", "TopicArn": "<Topic>"}}
    ]


def test_without_a_prefix_none_is_in_the_template(template):
    """An empty one would be another template, and a change of what is deployed."""
    assert template.actions("Everything") == [{"S3Action": {"BucketName": "<Own>"}}]


def test_s3_can_encrypt_on_the_client_side(template):
    """client_side_key= is SES's KmsKeyArn."""
    [action] = template.actions("Encrypted")
    assert action["S3Action"]["KmsKeyArn"] == "<ClientKey.Arn>"


def test_s3_may_put_below_its_prefix_only(template):
    """SES may put objects below the prefixes of our rules; it may not read, list or delete.

    A slash ends each prefix, as SES adds one: ``all`` does not open ``allotment/``.
    """
    statements = template.at("Archive/Policy")["PolicyDocument"]["Statement"]
    ours = [one for one in statements if "aws:SourceArn" in str(one)]
    assert ours == [
        ses_may("s3:PutObject", ["<Archive.Arn>/all/*", "<Archive.Arn>/secret/*"], SOURCE)
    ]


def test_s3_may_use_the_client_side_key(template):
    """SES may encrypt with the key, for our rules only; no one else is admitted."""
    statements = template.at("ClientKey")["KeyPolicy"]["Statement"]
    assert ses_may(["kms:Decrypt", "kms:GenerateDataKey*"], "*", SOURCE) in statements


def test_s3_may_write_through_a_role(template):
    """role= becomes IamRoleArn, and the bucket's policy stays as it was."""
    [action] = template.actions("Role")
    assert action["S3Action"]["IamRoleArn"] == "<Writer.Arn>"
    assert "Keyed/Policy" not in template.resources


def test_the_role_has_only_the_permissions_that_ses_needs(template):
    """SES uses the role for the object, for both keys, and for the topic.

    https://docs.aws.amazon.com/ses/latest/APIReference/API_S3Action.html
    """
    granted = {
        (str(action), resource)
        for one in template.at("Writer/DefaultPolicy")["PolicyDocument"]["Statement"]
        for resource in ([one["Resource"]] if isinstance(one["Resource"], str) else one["Resource"])
        for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
    }
    assert granted == {
        ("s3:PutObject", "<Keyed.Arn>/role/*"),
        ("kms:Decrypt", "<Key.Arn>"),
        ("kms:GenerateDataKey*", "<Key.Arn>"),
        ("kms:Decrypt", "<ClientKey.Arn>"),
        ("kms:GenerateDataKey*", "<ClientKey.Arn>"),
        ("sns:Publish", "<Topic>"),
    }


def test_the_role_exists_before_the_rule(template):
    """SES assumes the role when the rule is created."""
    assert {"Writer", "Writer/DefaultPolicy"} <= template.needs("Inbound/Role/Rule")


def test_sns_publishes_text_unless_base64_is_asked_for(template):
    """encoding=."""
    assert template.actions("Sns") == [{"SNSAction": {"Encoding": "UTF-8", "TopicArn": "<Topic>"}}]
    assert template.actions("SnsBase64")[0]["SNSAction"]["Encoding"] == "Base64"


def test_sns_may_publish_to_the_topic_and_no_more(template):
    """One statement for SES in the topic's policy, however many actions use the topic."""
    [statement] = template.at("Topic/Policy")["PolicyDocument"]["Statement"]
    assert {key: value for key, value in statement.items() if key != "Sid"} == ses_may(
        "sns:Publish", "<Topic>", SOURCE
    )


def test_an_existing_function_can_be_called_synchronously_or_asynchronously(template):
    """synchronous= and topic=."""
    assert template.actions("Async") == [
        {"LambdaAction": {"FunctionArn": "<Theirs.Arn>", "InvocationType": "Event"}}
    ]
    assert template.actions("Sync") == [
        {
            "LambdaAction": {
                "FunctionArn": "<Theirs.Arn>",
                "InvocationType": "RequestResponse",
                "TopicArn": "<Topic>",
            }
        }
    ]


def test_a_function_may_be_called_for_our_rules_only(template):
    """Each rule that calls the function has a permission of its own, and waits for it."""
    permissions = {
        path: one
        for path, one in template.of("AWS::Lambda::Permission").items()
        if path.startswith("Theirs/")
    }
    assert len(permissions) == 2
    for permission in permissions.values():
        assert permission == {
            "Action": "lambda:InvokeFunction",
            "FunctionName": "<Theirs.Arn>",
            "Principal": "ses.amazonaws.com",
            "SourceAccount": "111122223333",
            "SourceArn": "arn:aws:ses:eu-west-1:111122223333:receipt-rule-set/" + SOURCE,
        }
    waited = [
        template.needs(f"Inbound/{name}/Rule") & set(permissions) for name in ("Async", "Sync")
    ]
    assert waited[0] < waited[1] == set(permissions)


@pytest.mark.parametrize("name", TEMPLATES)
def test_bounce_has_each_of_awss_templates(template, name):
    """Reply code, status code and text reach SES unchanged."""
    [action] = template.actions(name.title().replace("_", ""))
    code, status, text = TEMPLATES[name]
    assert action["BounceAction"] == {
        "Message": text,
        "Sender": "postmaster@example.com",
        "SmtpReplyCode": code,
        "StatusCode": status,
        "TopicArn": "<Topic>",
    }


def test_bounce_has_the_template_that_aws_cdk_lib_lacks(template):
    """The console's "Unknown failure"."""
    [action] = template.actions("Unknown")
    assert (action["BounceAction"]["SmtpReplyCode"], action["BounceAction"]["StatusCode"]) == (
        "550",
        "5.0.0",
    )


def test_actions_of_aws_cdk_lib_run_before_and_after_the_handler(template):
    """Each reaches SES as aws-cdk-lib meant it, in its place."""
    assert template.actions("Native") == [
        {"AddHeaderAction": {"HeaderName": "X-Seen", "HeaderValue": "yes"}},
        {"SNSAction": {"TopicArn": "<Topic>"}},
        {
            "LambdaAction": {
                "FunctionArn": "<Inbound/Native/Handler/Function.Arn>",
                "InvocationType": "Event",
            }
        },
        {"S3Action": {"BucketName": "<Archive>", "ObjectKeyPrefix": "native/"}},
        {"LambdaAction": {"FunctionArn": "<Native.Arn>", "InvocationType": "RequestResponse"}},
        {"WorkmailAction": {"OrganizationArn": "arn:aws:workmail:eu-west-1:1:organization/m-1"}},
        {"StopAction": {"Scope": "RuleSet", "TopicArn": "<Topic>"}},
    ]


def test_permissions_of_aws_cdk_libs_actions_come_before_the_rule(template):
    """Their own bind() is given our rule, so their dependencies hold."""
    assert {"Archive/Policy", "Native/AllowSes"} <= template.needs("Inbound/Native/Rule")


def test_one_function_may_be_called_twice_in_a_rule():
    """The permission is the same, and is made once."""

    def build(stack):
        theirs = actions.InvokeFunction(function(stack))
        InboundMail(stack, "Inbound").add_rule(
            "Twice", recipients=["a@example.com"], before=[theirs], after=[theirs]
        )

    template = synthesized(build)
    assert len(template.actions("Twice")) == 3


def test_a_named_rule_has_its_name_in_the_source_arn():
    """With both names given, the permission is for that one rule."""

    def build(stack):
        inbound = InboundMail(stack, "Inbound", rule_set_name="ours")
        inbound.add_rule(
            "Support",
            recipients=["a@example.com"],
            rule_name="support",
            handler=PythonHandler(FOLDER, "app:on_mail"),
        )

    template = synthesized(build)
    permission = template.at("Inbound/Support/Handler/Function/AllowSes")
    assert permission["SourceArn"].endswith("receipt-rule-set/ours:receipt-rule/support")
    assert (
        ses_may("s3:PutObject", "<Inbound/Bucket.Arn>/Support/*", "ours:receipt-rule/support")
        in (template.at("Inbound/Bucket/Policy")["PolicyDocument"]["Statement"])
    )


def test_a_topic_on_a_customer_key_is_usable():
    """SES encrypts what it publishes, so it may use the topic's key."""

    def build(stack):
        key = kms.Key(stack, "Key")
        topic = sns.Topic(stack, "Topic", master_key=key)
        InboundMail(stack, "Inbound").add_rule(
            "Support", recipients=["a@example.com"], after=[actions.Sns(topic=topic)]
        )

    template = synthesized(build)
    assert template.at("Key")["KeyPolicy"]["Statement"][1:] == [
        ses_may(["kms:Decrypt", "kms:GenerateDataKey*"], "*", SOURCE)
    ]


def test_a_custom_action_is_used():
    """A subclass of ReceiptAction creates what it needs and says what the rule waits for."""

    class Archive(actions.ReceiptAction):
        def bind(self, scope, context):
            topic = sns.Topic(scope, "Topic")
            topic.grant_publish(context.service_principal(topic))
            assert context.rule_id == "Support"
            return actions.BoundAction(
                action=ses.ReceiptRuleActionConfig(
                    stop_action=ses.StopActionConfig(scope="RuleSet", topic_arn=topic.topic_arn)
                ),
                dependencies=[topic],
            )

    def build(stack):
        InboundMail(stack, "Inbound").add_rule(
            "Support", recipients=["a@example.com"], after=[Archive()]
        )

    template = synthesized(build)
    assert (
        template.actions("Support")[-1]["StopAction"]["TopicArn"]
        == "<Inbound/Support/After1/Topic>"
    )
    assert "Inbound/Support/After1/Topic/Policy" in template.needs("Inbound/Support/Rule")
