"""Everything that sends, what handles its events, and a lake: one stack for this folder's tests."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_route53 as route53

from cdk_mailroom import (
    ContactList,
    EmailTemplate,
    EventLake,
    EventPublishing,
    EventType,
    InboundMail,
    PythonHandler,
    SendingIdentity,
    SmtpCredentials,
    runtime_code,
)
from end_to_end.letters import handing

HERE = Path(__file__).parent
DOMAIN = "letters.example"
SENDER = f"office@{DOMAIN}"


def build(app: cdk.App, *, webhook: str) -> cdk.Stack:
    """Two configuration sets, so that neither set's events show in the other one's results."""
    stack = cdk.Stack(app, "Letters")
    inbound = InboundMail(stack, "Inbound", removal_policy=cdk.RemovalPolicy.DESTROY)
    outputs = {
        **_letters(stack, inbound),
        **_archive(stack),
        **handing.arrive(stack, inbound, recipient=f"arriving@{DOMAIN}"),
        **handing.hand_on(stack, inbound, webhook=webhook, recipient=f"handed@{DOMAIN}"),
    }
    ContactList(
        stack,
        "Contacts",
        contact_list_name="Readers",
        topics={"Weekly": "The weekly letter", "News": "The news"},
        opted_in=["News"],
    )
    for name, value in outputs.items():
        cdk.CfnOutput(stack, name, value=value)
    return stack


def _letters(stack: cdk.Stack, inbound: InboundMail) -> dict[str, str]:
    outbound = EventPublishing(stack, "Outbound", identities=[DOMAIN], reputation_alarms=False)
    telling = PythonHandler(HERE / "functions", "telling:on_delivery")
    outbound.on(EventType.DELIVERY, telling)
    outbound.on([kind for kind in EventType if kind is not EventType.DELIVERY])
    identity = SendingIdentity(
        stack,
        "Identity",
        hosted_zone=route53.PublicHostedZone(stack, "Zone", zone_name=DOMAIN),
        mail_from_domain=f"bounces.{DOMAIN}",
        dmarc="v=DMARC1; p=none",
        publishing=outbound,
    )
    credentials = SmtpCredentials(
        stack,
        "Smtp",
        identities=[identity],
        publishing=outbound,
        from_address=SENDER,
        rotation=cdk.CfnParameter(stack, "Rotation", default="1").value_as_string,
    )
    template = EmailTemplate(stack, "Welcome", folder=HERE / "welcome").template_name
    answering = inbound.add_rule(
        "Answer",
        recipients=[SENDER],
        handler=PythonHandler(
            HERE / "functions",
            "answering:on_mail",
            environment={"SENDER": SENDER, "TEMPLATE": template},
        ),
    )
    identity.grant_send(answering.function, templates=[template], bulk=True)
    return {
        "ConfigurationSet": outbound.configuration_set_name,
        "EventTable": outbound.event_table.table_name,
        "Secret": credentials.secret.secret_arn,
        "Template": template,
    }


def _archive(stack: cdk.Stack) -> dict[str, str]:
    publishing = EventPublishing(stack, "Archive", reputation_alarms=False)
    lake = EventLake(
        stack, "Lake", transform=PythonHandler(HERE / "functions", "perishing:transform")
    )
    publishing.to_lake(lake)
    digest = lambda_.Function(
        stack,
        "DigestFunction",
        runtime=lambda_.Runtime.PYTHON_3_13,
        architecture=lambda_.Architecture.ARM_64,
        handler="digest.handler",
        code=runtime_code(HERE / "digest"),
        timeout=cdk.Duration.seconds(30),
    )
    lake.grant_query(digest)
    pipeline = publishing.on(
        EventType.SEND,
        PythonHandler(HERE / "functions", "perishing:on_send", timeout=cdk.Duration.seconds(1)),
    )
    mapping = pipeline.node.find_child("Mapping")
    assert isinstance(mapping, lambda_.EventSourceMapping)
    publishing.on_bus(EventType.CLICK, PythonHandler(HERE / "functions", "telling:on_click"))
    SendingIdentity(stack, "NewsIdentity", domain="news.example", publishing=publishing)
    template = EmailTemplate(stack, "News", folder=HERE / "news")
    return {
        "ArchiveSet": publishing.configuration_set_name,
        "ArchiveTable": publishing.event_table.table_name,
        "Bucket": lake.bucket.bucket_name,
        "Database": lake.database_name,
        "Digest": digest.function_name,
        "DeadLetterQueue": pipeline.dead_letter_queue.queue_url,
        "IsolationQueue": pipeline.isolation_queue.queue_url,
        "Logs": pipeline.function.log_group.log_group_name,
        "Mapping": mapping.event_source_mapping_id,
        "NewsTemplate": template.template_name,
        "Queue": pipeline.queue.queue_url,
        "Stream": lake.stream_name,
        "Workgroup": lake.workgroup_name,
    }
