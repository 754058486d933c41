"""Actions that SES would refuse, and tokens, which are never judged."""

from __future__ import annotations

import aws_cdk as cdk
import pytest
from aws_cdk import CfnParameter, Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ses as ses
from aws_cdk import aws_ses_actions as ses_actions
from aws_cdk import aws_sns as sns
from synthesis import FOLDER, Template, new_stack, refuses

from cdk_mailroom import InboundMail, PythonHandler, actions, handlers


@pytest.fixture
def inbound(stack) -> InboundMail:
    """Return an inbound with everything left to its default."""
    return InboundMail(stack, "Inbound")


def add(inbound: InboundMail, **options):
    """Add a rule that is right but for *options*."""
    return inbound.add_rule("Rule", **{"recipients": ["a@example.com"], **options})


@pytest.mark.parametrize("prefix", ["/mail", "x" * 901])
def test_a_prefix_too_long_for_the_key_is_refused(inbound, prefix):
    """S3 takes 1,024 bytes, the message id included."""
    with refuses("prefix is", "900"):
        actions.S3(bucket=inbound.bucket, prefix=prefix)


@pytest.mark.parametrize("action", ["S3", "Sns", "InvokeFunction"])
def test_a_fifo_topic_is_refused(stack, inbound, action):
    """SES cannot publish to one; ours say so at once."""
    topic = sns.Topic(stack, "Topic", fifo=True)
    make = {
        "S3": lambda: actions.S3(bucket=inbound.bucket, topic=topic),
        "Sns": lambda: actions.Sns(topic=topic),
        "InvokeFunction": lambda: actions.InvokeFunction(slow(stack), topic=topic),
    }[action]
    with refuses("topic is 'Stack/Topic'", "standard"):
        make()


@pytest.mark.parametrize("imported", [False, True], ids=["made", "imported"])
@pytest.mark.parametrize("action", ["Sns", "Stop", "Bounce", "S3", "Lambda", "WorkMail"])
def test_a_fifo_topic_in_an_action_of_aws_cdk_lib_is_refused(stack, inbound, imported, action):
    """Each but AddHeader may have a topic, and none checks it."""
    topic = (
        sns.Topic.from_topic_arn(stack, "Topic", "arn:aws:sns:eu-west-1:1:x.fifo")
        if imported
        else sns.Topic(stack, "Topic", fifo=True)
    )
    make = {
        "Sns": lambda: ses_actions.Sns(topic=topic),
        "Stop": lambda: ses_actions.Stop(topic=topic),
        "Bounce": lambda: ses_actions.Bounce(
            sender="a@example.com", template=ses_actions.BounceTemplate.MAILBOX_FULL, topic=topic
        ),
        "S3": lambda: ses_actions.S3(bucket=inbound.bucket, topic=topic),
        "Lambda": lambda: ses_actions.Lambda(function=slow(stack), topic=topic),
        "WorkMail": lambda: ses_actions.WorkMail(
            organization_arn="arn:aws:workmail:eu-west-1:1:organization/m", topic=topic
        ),
    }[action]
    with refuses("actions[1]", "fifo" if imported else "Topic", "standard"):
        add(inbound, after=[make()])


def test_a_slow_existing_function_called_synchronously_is_refused(stack):
    """SES gives up after 30 s."""
    with refuses("timeout is '300 s': pass whole seconds, 1 to 30"):
        actions.InvokeFunction(slow(stack), synchronous=True)


def test_a_slow_function_in_an_action_of_aws_cdk_lib_is_refused(stack, inbound):
    """aws-cdk-lib accepts it without a warning."""
    action = ses_actions.Lambda(
        function=slow(stack),
        invocation_type=ses_actions.LambdaInvocationType.REQUEST_RESPONSE,
    )
    with refuses("actions[1]", "300", "30"):
        add(inbound, after=[action])


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("X-Header", "a\r\nBcc: b@example.com", ["value", "line breaks"]),
        ("X-Header", "x" * 2049, ["value", "2048"]),
        ("X_Header", "x", ["name is 'X_Header'", "hyphens"]),
        ("X" * 51, "x", ["name is", "50"]),
    ],
)
def test_a_bad_header_is_refused(inbound, name, value, words):
    """Also if the action is not aws-cdk-lib's, which checks some of it in JavaScript."""

    class Header(actions.ReceiptAction):
        def bind(self, scope, context):
            return actions.BoundAction(
                action=ses.CfnReceiptRule.ActionProperty(
                    add_header_action=ses.CfnReceiptRule.AddHeaderActionProperty(
                        header_name=name, header_value=value
                    )
                )
            )

    with refuses("actions[1]", *words):
        add(inbound, after=[Header()])


def test_tokens_are_not_judged():
    """Values that are known only at deployment cannot be checked at synth."""
    stack = new_stack()

    def text(name):
        return CfnParameter(stack, name).value_as_string

    inbound = InboundMail(stack, "Inbound", rule_set_name=text("Set"))
    inbound.add_rule(
        "Rule",
        recipients=[text("Recipient"), "a@example.com"],
        rule_name=text("RuleName"),
        store=actions.S3(bucket=inbound.bucket, prefix=text("Prefix")),
        before=[ses_actions.AddHeader(name="X-A", value=text("Header"))],
        handler=PythonHandler(
            FOLDER,
            "app:on_mail",
            environment={"VALUE": text("Value")},
            memory_size=CfnParameter(stack, "Memory", type="Number").value_as_number,
            timeout=Duration.seconds(CfnParameter(stack, "Timeout", type="Number").value_as_number),
        ),
        after=[
            handlers.Forward(to=[text("To")], from_address=text("From")),
            handlers.AutoReply(
                text=text("Text"),
                from_address=text("From2"),
                window=Duration.seconds(
                    CfnParameter(stack, "Window", type="Number").value_as_number
                ),
            ),
        ],
    )
    inbound.add_ip_filter("Filter", cidr=text("Cidr"))
    template = Template(stack)
    assert template.rule("Rule")["Recipients"] == ["<Recipient>", "a@example.com"]
    assert template.rule("Rule")["Name"] == "<RuleName>"
    assert template.at("Inbound/Rule/Handler/Function")["Timeout"] == "<Timeout>"
    assert (
        template.environment("Inbound/Rule/After2/Function")["MAILROOM_REPLY_WINDOW_SECONDS"]
        == "<Window>"
    )


def test_a_list_of_recipients_may_be_a_token(stack):
    """A parameter of type CommaDelimitedList is one element that stands for many."""
    recipients = CfnParameter(stack, "Recipients", type="CommaDelimitedList").value_as_list
    add(InboundMail(stack, "Inbound"), recipients=recipients)
    assert Template(stack).rule("Rule")["Recipients"] == "<Recipients>"


def test_the_domain_of_a_sender_that_is_a_token_is_granted(stack):
    """CloudFormation can cut the domain out of the address as well."""
    sender = CfnParameter(stack, "From").value_as_string
    add(
        InboundMail(stack, "Inbound"),
        handler=handlers.Forward(to=["a@example.net"], from_address=sender),
    )
    [sending] = [
        one
        for one in Template(stack).statements("Inbound/Rule/Handler/Function")
        if "ses:SendEmail" in one["Action"]
    ]
    assert sending["Condition"] == {"StringEquals": {"ses:FromAddress": "<From>"}}
    assert any("Fn::Select" in resource for resource in sending["Resource"])


def slow(stack: cdk.Stack) -> lambda_.Function:
    """Return a function that may take five minutes."""
    return lambda_.Function(
        stack,
        "Slow",
        code=lambda_.Code.from_inline("def handler(event, context): ..."),
        handler="index.handler",
        runtime=lambda_.Runtime.PYTHON_3_13,
        timeout=Duration.minutes(5),
    )
