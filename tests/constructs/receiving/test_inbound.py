"""`InboundMail`: what it creates, each option, and the security of what it creates."""

from __future__ import annotations

import json

import pytest
from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from synthesis import ACCOUNT, FOLDER, REGION, Template, new_stack, synthesized

from cdk_mailroom import InboundMail, PythonHandler


@pytest.fixture(scope="module")
def plain() -> Template:
    """Everything left to its default."""

    def build(stack):
        inbound = InboundMail(stack, "Inbound")
        inbound.add_rule(
            "Support", recipients=["a@example.com"], handler=PythonHandler(FOLDER, "app:on_mail")
        )

    return synthesized(build)


@pytest.fixture(scope="module")
def keyed() -> Template:
    """With a customer key, and options other than the defaults."""

    def build(stack):
        InboundMail(
            stack,
            "Inbound",
            rule_set_name="ours",
            encryption_key=kms.Key(stack, "Key"),
            retention=Duration.days(7),
            removal_policy=RemovalPolicy.DESTROY,
            alert_topic=sns.Topic(stack, "Alarms"),
        )

    return synthesized(build)


def test_the_bucket_cannot_be_reached_from_outside(plain):
    """Public access is blocked in all four ways, and access lists are off."""
    bucket = plain.at("Inbound/Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_the_bucket_is_encrypted_by_s3_unless_a_key_is_given(plain):
    """SSE-S3 is the default."""
    [rule] = plain.at("Inbound/Bucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}


def test_a_key_encrypts_the_bucket_and_the_queue(keyed):
    """encryption_key= is used for both, with a bucket key to keep the KMS bill low."""
    [rule] = keyed.at("Inbound/Bucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {
        "BucketKeyEnabled": True,
        "ServerSideEncryptionByDefault": {"KMSMasterKeyID": "<Key.Arn>", "SSEAlgorithm": "aws:kms"},
    }
    assert keyed.at("Inbound/DeadLetterQueue")["KmsMasterKeyId"] == "<Key.Arn>"


def test_the_bucket_refuses_plain_http_and_old_tls(plain):
    """Two denials for everybody: without TLS, and with TLS older than 1.2."""
    statements = plain.at("Inbound/Bucket/Policy")["PolicyDocument"]["Statement"]
    denied = [one["Condition"] for one in statements if one["Effect"] == "Deny"]
    assert denied == [
        {"Bool": {"aws:SecureTransport": "false"}},
        {"NumericLessThan": {"s3:TlsVersion": 1.2}},
    ]


def test_the_bucket_outlives_the_stack(plain):
    """Mail is kept when the stack is deleted."""
    assert plain.resources["Inbound/Bucket"]["DeletionPolicy"] == "Retain"
    assert plain.resources["Inbound/Bucket"]["UpdateReplacePolicy"] == "Retain"


def test_a_removal_policy_is_applied(keyed):
    """removal_policy= is the new bucket's."""
    assert keyed.resources["Inbound/Bucket"]["DeletionPolicy"] == "Delete"


@pytest.mark.parametrize(
    ("template", "days"), [("plain", 90), ("keyed", 7)], ids=["default", "given"]
)
def test_mail_expires(template, days, request):
    """After 90 days unless retention= says otherwise."""
    bucket = request.getfixturevalue(template).at("Inbound/Bucket")
    assert {"ExpirationInDays": days, "Status": "Enabled"} in bucket["LifecycleConfiguration"][
        "Rules"
    ]


def test_mail_can_be_kept_forever():
    """retention="forever" leaves no rule that expires mail; unfinished uploads still go."""
    template = synthesized(lambda stack: InboundMail(stack, "Inbound", retention="forever"))
    assert template.at("Inbound/Bucket")["LifecycleConfiguration"]["Rules"] == [
        {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}, "Status": "Enabled"}
    ]


def test_the_queue_is_encrypted_and_keeps_messages_for_14_days(plain):
    """SSE-SQS is the default; 14 days is the longest that SQS keeps anything."""
    queue = plain.at("Inbound/DeadLetterQueue")
    assert queue == {"MessageRetentionPeriod": 1_209_600, "SqsManagedSseEnabled": True}


def test_the_queue_refuses_plain_http_and_admits_nobody(plain):
    """The queue's policy has one statement, a denial."""
    [statement] = plain.at("Inbound/DeadLetterQueue/Policy")["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_one_message_in_the_queue_raises_an_alarm(plain):
    """The alarm is raised by the first message; missing data raises none."""
    alarm = plain.at("Inbound/DeadLetterAlarm")
    assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert alarm["Dimensions"] == [
        {"Name": "QueueName", "Value": "<Inbound/DeadLetterQueue.QueueName>"}
    ]
    assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (1, 1)
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert alarm["TreatMissingData"] == "notBreaching"
    assert "AlarmActions" not in alarm


def test_alarms_publish_to_the_alert_topic(keyed):
    """alert_topic= is where the alarm is announced."""
    assert keyed.at("Inbound/DeadLetterAlarm")["AlarmActions"] == ["<Alarms>"]


def test_an_alarm_may_publish_to_its_topic(keyed):
    """A topic's first statement replaces the policy that let CloudWatch in, so it has its own."""
    (statement,) = keyed.at("Alarms/Policy")["PolicyDocument"]["Statement"]
    assert statement == {
        "Sid": "AlarmsOfThisAccount",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": "<Alarms>",
        "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
    }


def test_a_rule_set_name_is_used(keyed):
    """rule_set_name= names the new set; CloudFormation names it otherwise."""
    assert keyed.at("Inbound/RuleSet") == {"RuleSetName": "ours"}


def test_a_rule_set_has_no_name_of_its_own_unless_given(plain):
    """Two stacks of the same app must not collide."""
    assert plain.at("Inbound/RuleSet") == {}


def test_a_given_rule_set_is_used_and_none_is_created():
    """rule_set= takes the rules, and is not activated."""

    def build(stack):
        given = ses.ReceiptRuleSet.from_receipt_rule_set_name(stack, "Theirs", "theirs")
        inbound = InboundMail(stack, "Inbound", rule_set=given)
        inbound.add_rule("Support", recipients=["a@example.com"])

    template = synthesized(build)
    assert template.of("AWS::SES::ReceiptRuleSet") == {}
    assert template.at("Inbound/Support/Rule")["RuleSetName"] == "theirs"
    assert template.of("Custom::SesActiveReceiptRuleSet") == {}


def test_our_rules_can_follow_one_of_theirs():
    """after= puts our first rule after an existing rule of the given set."""

    def build(stack):
        given = ses.ReceiptRuleSet.from_receipt_rule_set_name(stack, "Theirs", "theirs")
        theirs = ses.ReceiptRule.from_receipt_rule_name(stack, "Rule", "first")
        inbound = InboundMail(stack, "Inbound", rule_set=given, after_rule=theirs)
        inbound.add_rule("Support", recipients=["a@example.com"])

    assert synthesized(build).at("Inbound/Support/Rule")["After"] == "first"


def test_a_given_bucket_is_used_and_none_is_created():
    """bucket= takes the mail; SES is let in by that bucket's own policy."""

    def build(stack):
        inbound = InboundMail(stack, "Inbound", bucket=s3.Bucket(stack, "Mine"))
        inbound.add_rule("Support", recipients=["a@example.com"])

    template = synthesized(build)
    assert list(template.of("AWS::S3::Bucket")) == ["Mine"]
    [action] = template.actions("Support")
    assert action["S3Action"]["BucketName"] == "<Mine>"
    assert "Mine/Policy" in template.needs("Inbound/Support/Rule")


def test_logs_are_kept_for_three_months(plain):
    """Every log group has a retention, including the custom resource's."""
    retention = {
        path: log["RetentionInDays"] for path, log in plain.of("AWS::Logs::LogGroup").items()
    }
    assert set(retention.values()) == {90}
    assert len(retention) == len(plain.of("AWS::Lambda::Function"))


def test_every_function_logs_into_a_group_of_ours(plain):
    """Otherwise Lambda would create a group that is never deleted."""
    assert all(
        "LogGroup" in one["LoggingConfig"] for one in plain.of("AWS::Lambda::Function").values()
    )


def test_nothing_is_public(plain):
    """No statement allows an anonymous principal, and no function has a URL."""
    for policy in [
        *plain.of("AWS::S3::BucketPolicy").values(),
        *plain.of("AWS::SQS::QueuePolicy").values(),
    ]:
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Deny" or statement["Principal"] != {"AWS": "*"}
    assert not plain.of("AWS::Lambda::Url")
    assert all(
        "SourceAccount" in permission for permission in plain.of("AWS::Lambda::Permission").values()
    )


def test_no_secret_is_written_into_the_template(plain):
    """Nothing in the environment of a function looks like a credential."""
    names = {name for path in plain.of("AWS::Lambda::Function") for name in plain.environment(path)}
    assert not [
        name for name in names if any(word in name for word in ("SECRET", "PASSWORD", "KEY"))
    ]
    assert "AKIA" not in json.dumps(plain.raw)


def test_created_resources_are_reachable(stack):
    """What was made can be used and overridden."""
    inbound = InboundMail(stack, "Inbound")
    rule = inbound.add_rule(
        "Support", recipients=["a@example.com"], handler=PythonHandler(FOLDER, "app:on_mail")
    )
    assert isinstance(inbound.bucket, s3.Bucket)
    assert inbound.rules == (rule,)
    assert rule.function is not None
    assert rule.dead_letter_queue is inbound.dead_letter_queue
    assert isinstance(rule.rule.node.default_child, ses.CfnReceiptRule)
    assert inbound.identity is None


def test_an_environment_agnostic_stack_is_accepted():
    """Without a known account and region, both become parameters of CloudFormation's own."""

    def build(stack):
        inbound = InboundMail(stack, "Inbound")
        inbound.add_rule(
            "Support", recipients=["a@example.com"], handler=PythonHandler(FOLDER, "app:on_mail")
        )

    template = synthesized(build, region=None)
    permission = template.at("Inbound/Support/Handler/Function/AllowSes")
    assert permission["SourceAccount"] == "<AWS::AccountId>"
    assert permission["SourceArn"] == (
        "arn:<AWS::Partition>:ses:<AWS::Region>:<AWS::AccountId>:"
        "receipt-rule-set/<Inbound/RuleSet>:receipt-rule/*"
    )


def test_arns_use_the_stacks_partition():
    """A stack in China names China's resources."""
    stack = new_stack(region="cn-north-1")
    rule = InboundMail(stack, "Inbound").add_rule("Support", recipients=["a@example.com"])
    policy = stack.resolve(rule.stored.bucket.policy.document)
    assert f"arn:aws-cn:ses:cn-north-1:{ACCOUNT}" in json.dumps(policy)


def test_the_mail_can_be_granted(stack):
    """grant_read_mail of the whole, and of one rule, give exactly that."""
    from aws_cdk import aws_iam as iam

    inbound = InboundMail(stack, "Inbound")
    support = inbound.add_rule("Support", recipients=["a@example.com"])
    for name, source in (("All", inbound), ("One", support)):
        role = iam.Role(stack, name, assumed_by=iam.AccountRootPrincipal())
        source.grant_read_mail(role).assert_success()
    template = Template(stack)

    def granted(name):
        return [
            (one["Action"], one["Resource"])
            for one in template.at(f"{name}/DefaultPolicy")["PolicyDocument"]["Statement"]
        ]

    assert granted("All") == [("s3:GetObject", "<Inbound/Bucket.Arn>/*")]
    assert granted("One") == [("s3:GetObject", "<Inbound/Bucket.Arn>/Support/*")]


def test_two_stacks_of_one_app_do_not_collide():
    """Nothing that is shared between stacks hides in a module-level variable."""
    from synthesis import new_app

    app = new_app()
    stacks = [new_stack(app, name, region=REGION) for name in ("One", "Two")]
    for stack in stacks:
        inbound = InboundMail(stack, "Inbound", activation="join")
        inbound.add_rule("Support", recipients=["a@example.com"])
    assembly = app.synth()
    one, two = (assembly.get_stack_by_name(stack.stack_name) for stack in stacks)
    assert not one.dependencies[1:]
    assert not two.dependencies[1:]
    assert set(one.template["Resources"]) == set(two.template["Resources"])
