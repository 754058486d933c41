"""What only CloudFormation knows works in every public argument, or is refused by name."""

from __future__ import annotations

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ses as ses
from synthesis import FOLDER, targets
from token_cases import KINDS, cases, complaints, public_callables

import cdk_mailroom
from assemblies import ROOT
from cdk_mailroom import (
    ActiveRuleSet,
    ContactList,
    CrossAccountZone,
    EmailTemplate,
    EventLake,
    EventPublishing,
    EventType,
    InboundMail,
    MailDashboard,
    MailFunction,
    MultiRegionEndpoint,
    OwnKey,
    PythonHandler,
    SendingIdentity,
    SmtpCredentials,
    Tenant,
    actions,
    events,
    handlers,
    lake,
    receiving,
    sending,
)


def role(stack):
    """Return a role, as somebody who sends."""
    return iam.Role(stack, "Sender", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))


def publishing(stack, **arguments):
    """Return an event publishing whose bundled behaviours are used."""
    out = EventPublishing(stack, "Out", **arguments)
    out.on(EventType.COMPLAINT)
    out.grant_send(role(stack))
    return out


def rule(stack, **arguments):
    """Return a rule that is right but for *arguments*."""
    defaults = {"recipients": ["user@example.com"], "handler": PythonHandler(FOLDER, "app:on_mail")}
    return InboundMail(stack, "Inbound").add_rule("Rule", **defaults | arguments)


def handled(make):
    """Return what adds a rule with the handler that *make* makes."""

    def build(stack, **arguments):
        if arguments.keys() & {"security_groups", "vpc_subnets"}:
            arguments["vpc"] = ec2.Vpc(stack, "Vpc")
        return rule(stack, handler=make(**arguments))

    return build


def mail_function(stack, **arguments):
    """Return a function that no rule calls."""
    return MailFunction(stack, "Mail", **{"handler": python()} | arguments)


def identity(stack, **arguments):
    """Return an identity that is right but for *arguments*."""
    defaults = {} if "address" in arguments else {"domain": "example.com"}
    return SendingIdentity(stack, "Identity", **defaults | arguments)


def own_key(stack, **arguments):
    """Return an identity with a key of one's own."""
    from aws_cdk import SecretValue

    key = OwnKey(**{"selector": "a", "private_key": SecretValue.unsafe_plain_text("k")} | arguments)
    return identity(stack, own_key=key)


def python(**arguments):
    """Return a handler that is right but for *arguments*."""
    return PythonHandler(FOLDER, "app:on_mail", **arguments)


def _to(name):
    """Return what adds a rule that hands mail on to a new target of its kind."""

    def build(stack, **arguments):
        given, options = targets(stack)[name]
        return handled(lambda **kept: getattr(handlers, name)(**given | options | kept))(
            stack, **arguments
        )

    return build


DIMENSION = ses.CloudWatchDimension(
    name="campaign",
    source=ses.CloudWatchDimensionSource.MESSAGE_TAG,
    default_value="none",
)
STORED = {"bucket": None, "prefix": ""}

CALLS = {
    "ActiveRuleSet": lambda stack, **arguments: ActiveRuleSet(
        stack, "Active", **{"rule_set": ses.ReceiptRuleSet(stack, "Set")} | arguments
    ),
    "ContactList": lambda stack, **arguments: ContactList(
        stack,
        "List",
        **{"contact_list_name": "list", "topics": {"news": "News"}} | arguments,
    ),
    "CrossAccountZone": lambda stack, **arguments: SendingIdentity(
        stack,
        "Identity",
        hosted_zone=CrossAccountZone(
            **{"zone_name": "example.com", "hosted_zone_id": "Z1", "role": role(stack)} | arguments
        ),
    ),
    "MultiRegionEndpoint": lambda stack, **arguments: MultiRegionEndpoint(
        stack, "Endpoint", **{"endpoint_name": "both", "region": "eu-central-1"} | arguments
    ),
    "Tenant": lambda stack, **arguments: Tenant(
        stack,
        "Tenant",
        **{"tenant_name": "acme", "identities": ["example.com"]} | arguments,
    ),
    "EmailTemplate": lambda stack, **arguments: EmailTemplate(
        stack, "Letter", folder=ROOT / "examples" / "newsletter" / "letter", **arguments
    ),
    "EventLake": lambda stack, **arguments: EventLake(stack, "Lake", **arguments),
    "LakeBuffer": lambda stack, **arguments: EventLake(
        stack, "Lake", buffer=lake.LakeBuffer(**arguments)
    ),
    "LakeQueries": lambda stack, **arguments: EventLake(
        stack, "Lake", queries=lake.LakeQueries(**arguments)
    ),
    "LakeStorage": lambda stack, **arguments: EventLake(
        stack, "Lake", storage=lake.LakeStorage(**arguments)
    ),
    "EventPublishing": publishing,
    "Alerts": lambda stack, **arguments: publishing(stack, alerts=events.Alerts(**arguments)),
    "EventPublishing.add_destination": lambda stack, **arguments: publishing(stack).add_destination(
        "Other",
        **{"destination": ses.EventDestination.event_bus(_default_bus(stack))} | arguments,
    ),
    "EventPublishing.grant_send": lambda stack, **arguments: EventPublishing(
        stack, "Out", identities=["example.com"]
    ).grant_send(role(stack), **arguments),
    "EventPublishing.on": lambda stack, **arguments: EventPublishing(stack, "Out").on(**arguments),
    "EventPublishing.on_bus": lambda stack, **arguments: EventPublishing(stack, "Out").on_bus(
        **arguments
    ),
    "EventPublishing.to_event_bus": lambda stack, **arguments: publishing(stack).to_event_bus(
        **arguments
    ),
    "EventPublishing.to_lake": lambda stack, **arguments: publishing(stack).to_lake(**arguments),
    "EventPublishing.to_metrics": lambda stack, **arguments: publishing(stack).to_metrics(
        **{"dimensions": [DIMENSION]} | arguments
    ),
    "InboundMail": lambda stack, **arguments: InboundMail(stack, "Inbound", **arguments),
    "InboundMail.add_rule": rule,
    "InboundMail.add_ip_filter": lambda stack, **arguments: InboundMail(
        stack, "Inbound"
    ).add_ip_filter("Filter", **arguments),
    "MailDashboard": lambda stack, **arguments: MailDashboard(
        stack, "Dashboard", publishing=publishing(stack), **arguments
    ),
    "MailFunction.on_bucket": lambda stack, **arguments: mail_function(stack).on_bucket(
        s3.Bucket(stack, "Bucket"), **{"prefix": "mail/"} | arguments
    ),
    "MailFunction.on_queue": lambda stack, **arguments: mail_function(stack).on_queue(
        targets(stack)["ToQueue"][0]["queue"], **arguments
    ),
    "OwnKey": own_key,
    "PythonHandler": handled(python),
    "SendingIdentity": identity,
    "SendingIdentity.grant_send": lambda stack, **arguments: identity(stack).grant_send(
        role(stack), **arguments
    ),
    "SmtpCredentials": lambda stack, **arguments: SmtpCredentials(
        stack, "Smtp", **{"identities": ["example.com"]} | arguments
    ),
    "S3": lambda stack, **arguments: rule(
        stack, store=actions.S3(bucket=s3.Bucket(stack, "Bucket"), **arguments)
    ),
    "AutoReply": handled(lambda **arguments: handlers.AutoReply(**{"text": "Hello"} | arguments)),
    "Forward": handled(
        lambda **arguments: handlers.Forward(**{"to": ["team@example.net"]} | arguments)
    ),
    "RejectSpam": handled(handlers.RejectSpam),
    "SaveAttachments": handled(handlers.SaveAttachments),
    **{
        name: _to(name)
        for name in ("ToEventBus", "ToQueue", "ToStateMachine", "ToTopic", "Webhook")
    },
}
# Made by the library, and passed to actions and handlers that are written by users.
NOT_CALLED_BY_USERS = {
    "BoundAction",
    "BusPipeline",
    "EventPipeline",
    "HandledRule",
    "InboundRule",
    "Pipeline",
    "PipelineSettings",
    "ReceiptContext",
    "RuleContext",
    "RuleFacts",
    "StoredMail",
}
CALLABLES = {
    name: function
    for name, function in public_callables(
        cdk_mailroom, actions, events, handlers, lake, receiving, sending
    ).items()
    if name not in NOT_CALLED_BY_USERS and not name.endswith(".create")
}


def _default_bus(stack):
    from aws_cdk import aws_events

    return aws_events.EventBus.from_event_bus_name(stack, "Bus", "default")


def test_every_public_callable_is_tried():
    """A new one, or a new argument of one, is found by its annotations."""
    assert CALLABLES.keys() == CALLS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_work_or_are_refused_by_name(kind):
    """No error of jsii reaches the user, when the app is built or when it is synthesized."""
    wrong = complaints(CALLS, cases(CALLABLES, kind))
    assert not wrong, "\n".join(wrong)
