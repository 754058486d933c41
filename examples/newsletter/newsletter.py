"""A newsletter: a template, a contact list, a sending function and handlers for every event."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk_mailroom import (
    BUNDLED,
    ContactList,
    EmailTemplate,
    EventPublishing,
    EventType,
    MailDashboard,
    PythonHandler,
    runtime_code,
)

HERE = Path(__file__).parent


class Newsletter(cdk.Stack):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        domain: str,
        env: cdk.Environment | None = None,
    ) -> None:
        super().__init__(scope, construct_id, env=env, description="Newsletter on cdk-mailroom")
        sender = f"news@{domain}"

        letter = EmailTemplate(self, "Letter", folder=HERE / "letter")
        readers = ContactList(
            self,
            "Readers",
            contact_list_name="Readers",
            topics={"Weekly": "The weekly letter"},
            opted_in=["Weekly"],
        )

        outbound = EventPublishing(self, "Outbound", identities=[domain])
        # Rare but important: each has its own queue, so that a flood of opens cannot delay them.
        outbound.on(EventType.BOUNCE)
        outbound.on(EventType.COMPLAINT)
        outbound.on(
            EventType.SUBSCRIPTION,
            BUNDLED,
            PythonHandler(HERE / "functions" / "leaving", "leaving:on_subscription"),
        )
        # Frequent, and handled alike: one queue and one function for all of them.
        outbound.on(
            [
                EventType.SEND,
                EventType.DELIVERY,
                EventType.DELIVERY_DELAY,
                EventType.OPEN,
                EventType.CLICK,
                EventType.REJECT,
                EventType.RENDERING_FAILURE,
            ]
        )

        send = lambda_.Function(
            self,
            "Send",
            description="Sends the newsletter to every reader",
            code=runtime_code(HERE / "functions" / "sending"),
            handler="sending.handler",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=256,
            timeout=cdk.Duration.minutes(5),
            log_group=logs.LogGroup(
                self,
                "SendLogs",
                retention=logs.RetentionDays.THREE_MONTHS,
                removal_policy=cdk.RemovalPolicy.DESTROY,
            ),
            logging_format=lambda_.LoggingFormat.JSON,
            environment={
                "FROM_ADDRESS": sender,
                "TEMPLATE": letter.template_name,
                "CONTACT_LIST": readers.contact_list_name,
                "TOPIC": "Weekly",
            },
        )
        send.node.add_dependency(readers)
        outbound.grant_send(send, from_address=sender, templates=[letter.template_name])

        MailDashboard(self, "Dashboard", publishing=outbound)

        cdk.CfnOutput(self, "SendFunction", value=send.function_name)
        cdk.CfnOutput(self, "ConfigurationSet", value=outbound.configuration_set_name)
        cdk.CfnOutput(self, "EventTable", value=outbound.event_table.table_name)
        cdk.CfnOutput(self, "AlertTopic", value=outbound.alert_topic.topic_arn)
