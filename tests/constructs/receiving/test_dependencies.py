"""Dependencies: no cycles, and every permission exists before its rule."""

from __future__ import annotations

import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from compositions import check_order, templates_of
from synthesis import FOLDER, cycle

from cdk_mailroom import EVERY_RECIPIENT, InboundMail, PythonHandler, actions, handlers


def rules(inbound, *, topic=None, function=None):
    """Add one rule of every kind."""
    extra = [] if topic is None else [actions.Sns(topic=topic)]
    if function is not None:
        extra.append(actions.InvokeFunction(function))
    inbound.add_rule(
        "Gate", recipients=["example.com"], handler=handlers.RejectSpam(), before=extra
    )
    inbound.add_rule(
        "Support",
        recipients=["a@example.com"],
        handler=PythonHandler(FOLDER, "app:on_mail", remember_handled=True),
        after=[handlers.SaveAttachments(), actions.Stop(topic=topic)],
    )
    inbound.add_rule(
        "Sales", recipients=["b@example.com"], handler=handlers.Forward(to=["c@example.net"])
    )
    inbound.add_rule(
        "Reply", recipients=["d@example.com"], handler=handlers.AutoReply(text="Thanks")
    )
    inbound.add_rule("Rest", recipients=EVERY_RECIPIENT)


def plain(stack, other):
    """Everything left to its default."""
    rules(InboundMail(stack, "Inbound"))


def join(stack, other):
    """Rules go into the set that is active."""
    rules(InboundMail(stack, "Inbound", activation="join"))


def replace(stack, other):
    """Ours displaces the set that is active."""
    rules(InboundMail(stack, "Inbound", activation="replace"))


def customer_key(stack, other):
    """One key for bucket, queue and topic."""
    key = kms.Key(stack, "Key")
    topic = sns.Topic(stack, "Topic", master_key=key)
    rules(InboundMail(stack, "Inbound", encryption_key=key, alert_topic=topic), topic=topic)


def customer_key_and_join(stack, other):
    """The key's policy names the joined set."""
    key = kms.Key(stack, "Key")
    topic = sns.Topic(stack, "Topic", master_key=key)
    inbound = InboundMail(stack, "Inbound", encryption_key=key, activation="join")
    rules(inbound, topic=topic)


def everything_from_another_stack(stack, other):
    """Bucket, key, topic, function and rule set."""
    key = kms.Key(other, "Key")
    bucket = s3.Bucket(other, "Bucket", encryption=s3.BucketEncryption.KMS, encryption_key=key)
    topic = sns.Topic(other, "Topic", master_key=key)
    rule_set = ses.ReceiptRuleSet(other, "Set")
    inbound = InboundMail(
        stack, "Inbound", bucket=bucket, encryption_key=None, rule_set=rule_set, alert_topic=topic
    )
    rules(inbound, topic=topic, function=function(other))


def key_from_another_stack(stack, other):
    """Only the key."""
    key = kms.Key(other, "Key")
    rules(InboundMail(stack, "Inbound", encryption_key=key))


def bucket_from_another_stack_and_join(stack, other):
    """Its policy must not name the joined set."""
    bucket = s3.Bucket(other, "Bucket")
    inbound = InboundMail(stack, "Inbound", bucket=bucket, activation="join")
    rules(inbound, topic=sns.Topic(other, "Topic"), function=function(other))


def given_rule_set(stack, other):
    """A set made in the same stack."""
    rules(InboundMail(stack, "Inbound", rule_set=ses.ReceiptRuleSet(stack, "Set")))


def through_a_role(stack, other):
    """SES writes as a role."""
    inbound = InboundMail(stack, "Inbound")
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ses.amazonaws.com"))
    inbound.add_rule(
        "Support", recipients=["a@example.com"], store=actions.S3(bucket=inbound.bucket, role=role)
    )


def function(stack):
    """Return an imported function."""
    return lambda_.Function(
        stack,
        "Theirs",
        code=lambda_.Code.from_inline("def handler(event, context): ..."),
        handler="index.handler",
        runtime=lambda_.Runtime.PYTHON_3_13,
    )


COMPOSITIONS = [
    plain,
    join,
    replace,
    customer_key,
    customer_key_and_join,
    everything_from_another_stack,
    key_from_another_stack,
    bucket_from_another_stack_and_join,
    given_rule_set,
    through_a_role,
]


compositions = pytest.mark.parametrize("build", COMPOSITIONS, ids=lambda build: build.__name__)


def test_the_check_itself_finds_a_cycle():
    """A check that never fails proves nothing."""
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


@compositions
def test_dependencies_have_no_cycle(build):
    """No resource depends on itself, and no two stacks depend on each other."""
    check_order(build)


@compositions
def test_every_permission_is_there_before_the_rule(build):
    """SES checks when a rule is created that it may call, write, publish and encrypt."""
    ours, _ = templates_of(build)
    for path, rule in ours.of("AWS::SES::ReceiptRule").items():
        needed = ours.needs(path)
        for action in rule["Rule"]["Actions"]:
            if "ImportValue" in str(action):
                continue  # the other stack as a whole comes first
            if "LambdaAction" in action:
                target = action["LambdaAction"]["FunctionArn"].strip("<>").removesuffix(".Arn")
                assert any(one.startswith(f"{target}/AllowSes") for one in needed)
            if "SNSAction" in action:
                assert action["SNSAction"]["TopicArn"].strip("<>") + "/Policy" in needed
            if "S3Action" in action and "IamRoleArn" not in action["S3Action"]:
                assert action["S3Action"]["BucketName"].strip("<>") + "/Policy" in needed


@compositions
def test_functions_can_read_before_the_first_mail_comes(build):
    """A rule that runs before its function's policy is there would lose its first mail."""
    ours, _ = templates_of(build)
    for path in ours.of("AWS::SES::ReceiptRule"):
        needed = ours.needs(path)
        for function_path in needed & set(ours.of("AWS::Lambda::Function")):
            role = ours.at(function_path)["Role"].strip("<>").removesuffix(".Arn")
            policies = {
                p for p, one in ours.of("AWS::IAM::Policy").items() if f"<{role}>" in one["Roles"]
            }
            assert policies <= needed


@pytest.mark.parametrize(
    "build", [everything_from_another_stack, bucket_from_another_stack_and_join]
)
def test_permissions_in_another_stack_hold_for_this_account_only(build):
    """The set's name would make the stacks wait for each other, so any set of ours will do."""
    _, other = templates_of(build)
    statement = next(
        one
        for one in other.at("Bucket/Policy")["PolicyDocument"]["Statement"]
        if one["Action"] == "s3:PutObject"
    )
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "111122223333"}
    assert statement["Condition"]["ArnLike"]["aws:SourceArn"].endswith(
        "receipt-rule-set/*:receipt-rule/*"
    )


def test_a_key_in_the_stack_admits_only_ses_and_the_alarms():
    """Beside the account itself, which decides by its own policies."""
    ours, _ = templates_of(customer_key)
    principals = [str(one["Principal"]) for one in ours.at("Key")["KeyPolicy"]["Statement"]]
    assert set(principals) == {
        "{'AWS': 'arn:aws:iam::111122223333:root'}",
        "{'Service': 'cloudwatch.amazonaws.com'}",
        "{'Service': 'ses.amazonaws.com'}",
    }


def test_services_may_use_a_key_for_our_rules_and_alarms_only():
    """The key's statements carry the source account, and those for SES the source ARN."""
    ours, _ = templates_of(customer_key)
    for statement in ours.at("Key")["KeyPolicy"]["Statement"][1:]:
        assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "111122223333"}
        if statement["Principal"] == {"Service": "ses.amazonaws.com"}:
            assert statement["Condition"]["ArnLike"]["aws:SourceArn"].endswith(
                "receipt-rule-set/<Inbound/RuleSet>:receipt-rule/*"
            )
