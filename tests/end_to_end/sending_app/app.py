"""All that cdk_mailroom.sending has, in one stack, and a function that answers mail with mail."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_route53 as route53

from cdk_mailroom import (
    ContactList,
    EmailTemplate,
    EventPublishing,
    EventType,
    InboundMail,
    PythonHandler,
    SendingIdentity,
    SmtpCredentials,
)

HERE = Path(__file__).parent
DOMAIN = "letters.example"
SENDER = f"office@{DOMAIN}"

app = cdk.App()
stack = cdk.Stack(app, "Letters")

outbound = EventPublishing(stack, "Outbound", identities=[DOMAIN], reputation_alarms=False)
outbound.on(list(EventType))

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
template = EmailTemplate(stack, "Welcome", folder=HERE / "welcome")
contacts = ContactList(
    stack, "Contacts", contact_list_name="Readers", topics={"Weekly": "The weekly letter"}
)

answering = InboundMail(stack, "Inbound", removal_policy=cdk.RemovalPolicy.DESTROY).add_rule(
    "Answer",
    recipients=[SENDER],
    handler=PythonHandler(
        HERE / "functions",
        "answering:on_mail",
        environment={"SENDER": SENDER, "TEMPLATE": template.template_name},
    ),
)
identity.grant_send(
    answering.function, from_address=SENDER, templates=[template.template_name], bulk=True
)

for name, value in {
    "ConfigurationSet": outbound.configuration_set_name,
    "EventTable": outbound.event_table.table_name,
    "Secret": credentials.secret.secret_arn,
    "Template": template.template_name,
}.items():
    cdk.CfnOutput(stack, name, value=value)
app.synth()
