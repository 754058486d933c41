"""Every warning that the library can give: no token in its text, and a policy to paste."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from synthesis import FOLDER, new_app, new_stack, warnings_of

import cdk_mailroom
from cdk_mailroom import (
    EventLake,
    EventPublishing,
    EventType,
    InboundMail,
    MailArchive,
    MailFunction,
    MailGateway,
    PythonHandler,
    Relay,
    SmtpCredentials,
    actions,
    gateway,
    handlers,
)

RECIPIENTS = ["a@example.com"]


def imported_key(stack):
    """Return somebody else's key."""
    return kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:111122223333:key/k")


def topic_named_by_a_parameter(stack):
    """Return a topic of which nothing is known at synth."""
    return sns.Topic.from_topic_arn(
        stack, "Topic", cdk.CfnParameter(stack, "TopicArn").value_as_string
    )


def rule(stack, **arguments):
    """Add a rule."""
    InboundMail(stack, "Inbound").add_rule("Rule", recipients=RECIPIENTS, **arguments)


def lake_elsewhere(stack):
    """Publish to a lake of another stack, whose alarms have no topic."""
    lake = EventLake(new_stack(cdk.App.of(stack), "Other", region=None), "Lake")
    EventPublishing(stack, "Out").to_lake(lake)
    return lake


def gate(stack, **arguments):
    """Receive with Mail Manager."""
    return MailGateway(stack, "Gateway", **{"recipients": ["@example.com"], **arguments})


def lost_mail(stack):
    """Receive with Mail Manager, and leave most of it."""
    made = gate(stack)
    made.add_rule("Rule", when=[gateway.size < 10])
    made.node.validate()


def gates(stack):
    """Receive with Mail Manager in any region, with a TLS policy."""
    anywhere = new_stack(cdk.App.of(stack), "Anywhere", region=None)
    MailGateway(anywhere, "Open", recipients=["@example.com"], access=gateway.Open(tls="OPTIONAL"))


BUILDS = {
    "cdk-mailroom:archive-key": lambda stack: MailArchive(
        stack, "Archive", encryption_key=imported_key(stack)
    ),
    "cdk-mailroom:gateway-addon-network": lambda stack: gate(
        stack,
        access=gateway.Open(network=gateway.PublicNetwork(dual_stack=True)),
        traffic=gateway.TrafficPolicy(
            statements=[
                gateway.Deny([gateway.Addon("arn", "SPAMHAUS_DBL").boolean("isListed").is_true])
            ]
        ),
    ),
    "cdk-mailroom:gateway-bucket-name": lambda stack: gate(
        new_stack(cdk.App.of(stack), "AStackWithAnUncommonlyLongName")
    ),
    "cdk-mailroom:gateway-existing-point": lambda stack: gate(
        stack,
        recipients=None,
        access=gateway.ExistingIngressPoint(
            ingress_point_id=cdk.CfnParameter(stack, "Point").value_as_string
        ),
    ),
    "cdk-mailroom:gateway-lost-mail": lost_mail,
    "cdk-mailroom:gateway-price": gate,
    "cdk-mailroom:gateway-region": lambda stack: gate(
        new_stack(cdk.App.of(stack), "Melbourne", region="ap-southeast-4")
    ),
    "cdk-mailroom:gateway-secret-key": lambda stack: gate(
        stack,
        access=gateway.Authenticated(
            secret=secretsmanager.Secret.from_secret_name_v2(stack, "Secret", "password")
        ),
    ),
    "cdk-mailroom:gateway-status": lambda stack: gate(stack, status="CLOSED"),
    "cdk-mailroom:gateway-tls-region": gates,
    "cdk-mailroom:gateway-untried": gate,
    "cdk-mailroom:gateway-verdicts": lambda stack: gate(stack).add_rule(
        "Rule", handler=handlers.SaveAttachments()
    ),
    "cdk-mailroom:imported-alert-topic": lambda stack: InboundMail(
        stack, "Inbound", alert_topic=topic_named_by_a_parameter(stack)
    ),
    "cdk-mailroom:imported-bucket": lambda stack: rule(
        stack,
        store=actions.S3(
            bucket=s3.Bucket.from_bucket_name(
                stack, "Bucket", cdk.CfnParameter(stack, "BucketName").value_as_string
            )
        ),
    ),
    "cdk-mailroom:imported-function": lambda stack: rule(
        stack,
        after=[
            actions.InvokeFunction(
                lambda_.Function.from_function_arn(
                    stack, "Function", cdk.CfnParameter(stack, "FunctionArn").value_as_string
                )
            )
        ],
    ),
    "cdk-mailroom:imported-key": lambda stack: InboundMail(
        stack, "Inbound", encryption_key=imported_key(stack)
    ).add_rule("Rule", recipients=RECIPIENTS),
    "cdk-mailroom:imported-secret": lambda stack: Relay(
        stack,
        "Relay",
        server=cdk.CfnParameter(stack, "Server").value_as_string,
        secret=secretsmanager.Secret.from_secret_complete_arn(
            stack,
            "Secret",
            "arn:aws:secretsmanager:eu-west-1:111122223333:secret:password-abcdef",
        ),
    ),
    "cdk-mailroom:imported-topic": lambda stack: EventPublishing(
        stack, "Out", topic=topic_named_by_a_parameter(stack)
    ).on(EventType.BOUNCE),
    "cdk-mailroom:lake-alarms": lake_elsewhere,
    "cdk-mailroom:queue-without-dead-letters": lambda stack: MailFunction(
        stack, "Mail", handler=PythonHandler(FOLDER, "app:on_mail")
    ).on_queue(sqs.Queue(stack, "Queue")),
    "cdk-mailroom:receiving-region": lambda stack: InboundMail(
        new_stack(cdk.App.of(stack), "Gov", region="us-gov-west-1"), "Inbound"
    ),
    "cdk-mailroom:relay-identities": lambda stack: Relay(
        stack, "Relay", server=cdk.CfnParameter(stack, "Server").value_as_string
    ),
    "cdk-mailroom:smtp-region": lambda stack: SmtpCredentials(
        new_stack(cdk.App.of(stack), "Cape", region="af-south-1"),
        "Smtp",
        identities=["example.com"],
    ),
}


def codes_in(root: Path, *, workmail: bool = False) -> set[str]:
    """Return the ids of the warnings in the source below *root*."""
    found = set()
    for path in root.rglob("*.py"):
        if ("workmail" in str(path.relative_to(root))) is not workmail:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.update(re.findall(r"^cdk-mailroom:[a-z-]+[a-z]$", node.value))
    return found


def kinds_of_import(root: Path) -> set[str]:
    """Return what a warning of an import may be about."""
    return {
        f"cdk-mailroom:imported-{argument.value}"
        for path in root.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "warn_of_import"
        for argument in call.args[1:2]
        if isinstance(argument, ast.Constant)
    }


ROOT = Path(cdk_mailroom.__file__).parent


def test_every_warning_is_tried():
    """A new warning fails here until it is."""
    assert codes_in(ROOT) | kinds_of_import(ROOT) == set(BUILDS)


@pytest.mark.parametrize("region", ["eu-west-1", None], ids=["known", "any region"])
@pytest.mark.parametrize("code", BUILDS)
def test_a_warning_is_readable_and_an_imports_holds_a_statement(code, region):
    """Whether or not account and region are known at synth."""
    app = new_app()
    stack = new_stack(app, region=region)
    BUILDS[code](stack)
    found = [
        text
        for one in app.node.children
        if isinstance(one, cdk.Stack)
        for text in warnings_of(one).get(code, [])
    ]
    assert found
    for text in found:
        assert "Token[" not in text
        assert "${" not in text
        if ":imported-" in code:
            check_statement(text[text.index("{") :])


def check_statement(text: str) -> None:
    """Check that *text* is a statement that admits one service, for this account alone."""
    statement = json.loads(text)
    assert statement["Effect"] == "Allow"
    assert set(statement["Principal"]) == {"Service"}
    assert statement["Action"]
    assert statement["Resource"]
    assert statement["Condition"]["StringEquals"]["aws:SourceAccount"] in (
        "111122223333",
        "ACCOUNT",
    )
