"""Two gateways with every action, synthesized once for this folder."""

from __future__ import annotations

import pytest
from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from synthesis import FOLDER, Template, new_stack

from cdk_mailroom import MailGateway, PythonHandler, Relay, SendingIdentity, gateway
from cdk_mailroom.gateway import dkim, recipient, size

Q_IDS = {
    "application_id": "11111111-2222-3333-4444-555555555555",
    "index_id": "99999999-2222-3333-4444-555555555555",
}


def their_function(stack):
    """Return a function of somebody else's."""
    return lambda_.Function(
        stack,
        "Theirs",
        code=lambda_.Code.from_inline("def handler(event, context): ..."),
        handler="index.handler",
        runtime=lambda_.Runtime.PYTHON_3_13,
    )


def fill(stack):
    """Fill *stack* with what the templates of this folder are made of."""
    topic = sns.Topic(stack, "Topic")
    gate = MailGateway(
        stack,
        "Gateway",
        recipients=["@example.com", "abuse@example.org"],
        alert_topic=topic,
        logs=gateway.Logs(accepted=True, policy=True),
    )
    gate.add_rule(
        "Support",
        when=[recipient.is_("support@example.com"), size < 5_000_000],
        unless=[dkim.is_("FAIL")],
        handler=PythonHandler(FOLDER, "app:on_mail"),
        before=[gateway.actions.AddHeader("X-Seen", "yes")],
        after=[gateway.actions.Drop()],
        on_failure="DROP",
        retry=Duration.hours(4),
    )
    gate.add_rule(
        "Gate",
        handler=PythonHandler(FOLDER, "app:on_mail", synchronous=True, on_error="stop_rule"),
        store=False,
    )
    theirs = their_function(stack)
    identity = SendingIdentity(stack, "Identity", domain="example.net")
    actions = {
        "Archive": gateway.actions.Archive("a-archive"),
        "Async": gateway.actions.InvokeFunction(theirs),
        "Sync": gateway.actions.InvokeFunction(
            theirs, synchronous=True, retry=Duration.minutes(0), on_failure="DROP"
        ),
        "Bounce": gateway.actions.Bounce(
            sender="postmaster@example.com",
            diagnostic="No such user",
            smtp_reply_code="450",
            status_code="4.1.1",
            message="Try again",
        ),
        "Publish": gateway.actions.Publish(topic),
        "PublishHeaders": gateway.actions.Publish(topic, payload="HEADERS", base64=True),
        "Q": gateway.actions.DeliverToQBusiness(**Q_IDS),
        "Relay": gateway.actions.Relay(Relay(stack, "Office", server="mail.example.com")),
        "RelayElsewhere": gateway.actions.Relay("r-theirs", mail_from="REPLACE"),
        "Replace": gateway.actions.ReplaceRecipients("a@example.com", "b@example.com"),
        "Send": gateway.actions.Send(identities=[identity, "example.com"]),
    }
    for name, action in actions.items():
        gate.add_rule(name, when=[recipient.contains(name)], before=[action], store=False)

    key = kms.Key(stack, "Key")
    keyed = MailGateway(
        stack,
        "Keyed",
        recipients=["@example.com"],
        encryption_key=key,
        retention=Duration.days(7),
    )
    keyed_topic = sns.Topic(stack, "KeyedTopic", master_key=kms.Key(stack, "TopicKey"))
    archive = s3.Bucket(stack, "Archive")
    keyed.add_rule("Store", handler=PythonHandler(FOLDER, "app:on_mail"))
    keyed.add_rule("Publish", before=[gateway.actions.Publish(keyed_topic)], store=False)
    keyed.add_rule(
        "Elsewhere",
        store=gateway.actions.Store(
            archive, prefix="all/", encryption_key=kms.Key(stack, "ObjectKey")
        ),
        before=[gateway.actions.DeliverToQBusiness(**Q_IDS, encryption_key=key)],
    )
    keyed.add_rule(
        "Send",
        when=[recipient.contains("a")],
        store=False,
        before=[
            gateway.actions.Send(
                identities=[ses.EmailIdentity.from_email_identity_name(stack, "I", "a.example")],
                configuration_set_name="default-set",
            )
        ],
    )


@pytest.fixture(scope="session")
def whole() -> Template:
    """The gateways ``Gateway`` and ``Keyed``."""
    stack = new_stack()
    fill(stack)
    return Template(stack)


@pytest.fixture(scope="session")
def rules(whole) -> dict:
    """The rules of ``Gateway`` by name."""
    return {one["Name"]: one for one in whole.at("Gateway/RuleSet")["Rules"]}
