"""A call that was refused leaves nothing behind, so that it can be corrected and repeated."""

from __future__ import annotations

import pytest
from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ses_actions as ses_actions
from aws_cdk import aws_sns as sns
from constructs import Construct
from synthesis import FOLDER, Template, synthesized

from cdk_mailroom import ConfigurationError, InboundMail, PythonHandler, actions, handlers
from cdk_mailroom._checks import leaving_nothing


def refused_and_corrected(refused, corrected):
    """Return the templates of a stack where *refused* came before *corrected*, and without it."""

    def build(stack):
        inbound = InboundMail(stack, "Inbound")
        with pytest.raises(ConfigurationError):
            refused(stack, inbound)
        corrected(stack, inbound)

    return (
        synthesized(build).raw["Resources"],
        synthesized(lambda stack: corrected(stack, InboundMail(stack, "Inbound"))).raw["Resources"],
    )


def rule(**options):
    """Return what adds a rule with *options*."""
    return lambda _, inbound: inbound.add_rule("Rule", **options)


def fifo_topic(stack, inbound):
    """Add a rule with an action of aws-cdk-lib whose settings SES would refuse."""
    topic = sns.Topic.from_topic_arn(stack, "Topic", "arn:aws:sns:eu-west-1:111122223333:a.fifo")
    inbound.add_rule(
        "Rule",
        recipients=["a@example.com"],
        handler=PythonHandler(FOLDER, "app:on_mail"),
        after=[ses_actions.Stop(topic=topic)],
    )


def raises_in_bind(stack, inbound):
    """Add a rule whose last action refuses when the others are bound already."""

    class Picky(actions.ReceiptAction):
        def bind(self, scope, context):
            sns.Topic(scope, "Topic")
            raise ConfigurationError("not like this")

    inbound.add_rule("Rule", recipients=["a@example.com"], after=[Picky()])


@pytest.mark.parametrize(
    "refused",
    [
        rule(recipients=["nonsense"]),
        rule(recipients=["a@example.com"], store=False),
        rule(recipients=["a@example.com"], store=False, handler=handlers.SaveAttachments()),
        rule(
            recipients=["a@example.com"], scan=False, handler=handlers.Forward(to=["b@x.example"])
        ),
        fifo_topic,
        raises_in_bind,
    ],
    ids=["recipient", "nothing to do", "not stored", "not scanned", "FIFO topic", "in bind"],
)
def test_a_refused_rule_can_be_corrected_under_the_same_id(refused):
    """The template is the same as without the refused call."""
    handler = PythonHandler(FOLDER, "app:on_mail")
    after, without = refused_and_corrected(
        refused, rule(recipients=["a@example.com"], handler=handler)
    )
    assert after == without


def test_a_refused_inbound_can_be_corrected_under_the_same_id(stack):
    """Nothing is created before all arguments were looked at."""
    with pytest.raises(ConfigurationError):
        InboundMail(stack, "Inbound", rule_set_name="-", retention=Duration.days(0))
    InboundMail(stack, "Inbound")
    assert "Inbound/RuleSet" in Template(stack).resources


def test_a_refused_filter_can_be_corrected_under_the_same_id(stack):
    """The same holds for filters."""
    inbound = InboundMail(stack, "Inbound")
    with pytest.raises(ConfigurationError):
        inbound.add_ip_filter("Filter", cidr="nonsense")
    inbound.add_ip_filter("Filter", cidr="203.0.113.1")
    assert "Inbound/Filter" in Template(stack).resources


def test_the_next_rule_does_not_follow_a_refused_one(stack):
    """The order of the rules is that of the calls that succeeded."""
    inbound = InboundMail(stack, "Inbound")
    inbound.add_rule("First", recipients=["a@example.com"])
    with pytest.raises(ConfigurationError):
        raises_in_bind(stack, inbound)
    inbound.add_rule("Third", recipients=["c@example.com"])
    assert Template(stack).at("Inbound/Third/Rule")["After"] == "<Inbound/First/Rule>"
    assert [one.node.id for one in inbound.rules] == ["First", "Third"]


def test_an_existing_child_is_not_removed(stack):
    """A second rule of the same id fails, and the first stays."""
    inbound = InboundMail(stack, "Inbound")
    inbound.add_rule("Rule", recipients=["a@example.com"])
    with pytest.raises(RuntimeError, match="already"):
        inbound.add_rule("Rule", recipients=["b@example.com"])
    assert Template(stack).rule("Rule")["Recipients"] == ["a@example.com"]


@pytest.mark.parametrize("error", [ConfigurationError, KeyboardInterrupt])
def test_any_error_removes_the_child(stack, error):
    """The general mechanism."""

    def fails():
        with leaving_nothing(stack, "Child"):
            s3.Bucket(Construct(stack, "Child"), "Bucket")
            raise error

    with pytest.raises(error):
        fails()
    assert stack.node.try_find_child("Child") is None


def test_a_child_stays_if_nothing_fails(stack):
    """It is for failures only."""
    with leaving_nothing(stack, "Child"):
        child = Construct(stack, "Child")
    assert stack.node.find_child("Child") is child


@pytest.mark.parametrize("domain", ["a b.example.com", "elsewhere.example"])
def test_a_refused_domain_leaves_no_inbound_mail_behind(stack, domain):
    zone = route53.HostedZone.from_hosted_zone_attributes(
        stack, "Zone", hosted_zone_id="Z1", zone_name="example.com"
    )
    with pytest.raises(ConfigurationError, match="domain is"):
        InboundMail(stack, "Inbound", hosted_zone=zone, domain=domain)
    InboundMail(stack, "Inbound", hosted_zone=zone, domain="mail.example.com")


def test_an_action_that_refuses_in_bind_leaves_no_grant_of_the_others(stack):
    """Those that grant to what is not ours, and are never refused, are bound last."""

    class Picky(actions.ReceiptAction):
        def bind(self, scope, context):
            raise ConfigurationError("not like this")

    key = kms.Key(stack, "Key")
    topic = sns.Topic(stack, "Topic", master_key=key)
    bucket = s3.Bucket(stack, "Bucket")
    function = lambda_.Function(
        stack,
        "Function",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(event, context): ..."),
    )
    inbound = InboundMail(stack, "Inbound")
    with pytest.raises(ConfigurationError, match="not like this"):
        inbound.add_rule(
            "Rule",
            recipients=["a@example.com"],
            store=actions.S3(bucket=bucket, topic=topic),
            before=[actions.Sns(topic=topic), actions.InvokeFunction(function)],
            after=[Picky()],
        )
    template = Template(stack)
    assert "Bucket/Policy" not in template.resources
    assert not template.of("AWS::SNS::TopicPolicy")
    assert not template.of("AWS::Lambda::Permission")
    assert "ses.amazonaws.com" not in str(template.at("Key"))


def test_code_that_cannot_be_assembled_leaves_no_grant_of_the_others(stack, tmp_path):
    """Which is found when the function is made."""
    (tmp_path / "app.py").write_text("def on_mail(mail): ...\n")
    (tmp_path / "mailroom.py").write_text("")
    bucket = s3.Bucket(stack, "Bucket")
    with pytest.raises(ConfigurationError, match="would hide the runtime"):
        InboundMail(stack, "Inbound").add_rule(
            "Rule",
            recipients=["a@example.com"],
            store=actions.S3(bucket=bucket),
            handler=PythonHandler(tmp_path, "app:on_mail"),
        )
    assert "Bucket/Policy" not in Template(stack).resources
