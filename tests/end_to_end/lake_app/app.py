"""A newsletter's configuration set whose events go to the lake and, some, to the event bus."""

from pathlib import Path

import aws_cdk as cdk

from cdk_mailroom import (
    ContactList,
    EmailTemplate,
    EventPublishing,
    EventType,
    PythonHandler,
    SendingIdentity,
)

HERE = Path(__file__).parent

app = cdk.App()
stack = cdk.Stack(app, "Archive")

outbound = EventPublishing(stack, "Outbound", reputation_alarms=False)
lake = outbound.to_lake()
outbound.on_bus(EventType.CLICK, PythonHandler(HERE / "functions", "telling:on_click"))
SendingIdentity(stack, "Identity", domain="news.example", publishing=outbound)
template = EmailTemplate(stack, "News", folder=HERE / "news")
ContactList(
    stack,
    "Contacts",
    contact_list_name="Readers",
    topics={"Weekly": "The weekly letter"},
    opted_in=["Weekly"],
)

for name, value in {
    "Bucket": lake.bucket.bucket_name,
    "ConfigurationSet": outbound.configuration_set_name,
    "Database": lake.database_name,
    "Stream": lake.stream_name,
    "Template": template.template_name,
    "Workgroup": lake.workgroup_name,
}.items():
    cdk.CfnOutput(stack, name, value=value)
app.synth()
