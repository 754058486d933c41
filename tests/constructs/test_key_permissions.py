"""With customer keys, no role may encrypt at will: services encrypt, with data keys."""

from __future__ import annotations

import re

import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from synthesis import FOLDER, Template, new_app, new_stack, targets
from test_examples import EXAMPLES

from cdk_mailroom import (
    BUNDLED,
    EventLake,
    EventPublishing,
    EventType,
    InboundMail,
    PythonHandler,
    actions,
    handlers,
)


def python(**options):
    return PythonHandler(FOLDER, "app:on_mail", **options)


def receiving(stack, key):
    """Every handler, action and grant of received mail, on a customer key."""
    inbound = InboundMail(stack, "Inbound", encryption_key=key)
    for number, handler in enumerate(
        [
            python(remember_handled=True),
            python(synchronous=True),
            handlers.Forward(to=["b@example.net"]),
            handlers.AutoReply(text="Hello"),
            handlers.RejectSpam(),
            handlers.SaveAttachments(bucket=s3.Bucket(stack, "Attachments", encryption_key=key)),
            *(
                getattr(handlers, name)(**target | options)
                for name, (target, options) in targets(stack, key).items()
            ),
        ]
    ):
        inbound.add_rule(f"Rule{number}", recipients=[f"a{number}@example.com"], handler=handler)
    inbound.add_rule(
        "Stored",
        recipients=["b@example.com"],
        store=actions.S3(
            bucket=inbound.bucket,
            role=iam.Role(stack, "Writer", assumed_by=iam.ServicePrincipal("ses.amazonaws.com")),
            topic=sns.Topic(stack, "Notices", master_key=key),
        ),
    )
    inbound.grant_read_mail(iam.User(stack, "Reader"))


def publishing(stack, key):
    """Every way of events, on a customer key."""
    topic = sns.Topic(stack, "Alerts", master_key=key)
    out = EventPublishing(stack, "Out", encryption_key=key, alert_topic=topic)
    out.on(list(EventType), BUNDLED, python())
    out.on_bus(EventType.BOUNCE, python())
    out.to_lake()
    out.grant_send(iam.User(stack, "Sender"), bulk=True)


def lake(stack, key):
    """A lake with a transform, and who queries it."""
    made = EventLake(stack, "Lake", encryption_key=key, transform=python())
    made.grant_query(iam.User(stack, "Analyst"))


def check_roles(template: Template) -> None:
    """Check that no role or user may encrypt data of its own choice with a key."""
    policies = {
        **template.of("AWS::IAM::Policy"),
        **template.of("AWS::IAM::Role"),
        **template.of("AWS::IAM::ManagedPolicy"),
    }
    assert policies
    for path, policy in policies.items():
        found = re.findall(r"kms:(?:Encrypt|ReEncrypt\*?|\*)", str(policy))
        assert not found, f"{path}: {found}"


@pytest.mark.parametrize("build", [receiving, publishing, lake])
def test_with_a_customer_key_no_role_may_encrypt(build):
    stack = new_stack(new_app())
    build(stack, kms.Key(stack, "Key"))
    template = Template(stack)
    assert "kms:GenerateDataKey" in str(template.raw)
    check_roles(template)


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_role_of_an_example_may_encrypt(name):
    check_roles(Template(EXAMPLES[name].build()))
