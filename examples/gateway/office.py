"""An office's way out: its mail servers and scanners log in here, and what they send is checked,
archived, given a disclaimer, and sent by SES."""

from pathlib import Path

import aws_cdk as cdk
from constructs import Construct

from cdk_mailroom import (
    AddressList,
    EventPublishing,
    MailArchive,
    MailGateway,
    PythonHandler,
    gateway,
)
from cdk_mailroom.gateway import mail_from, recipient

FUNCTIONS = Path(__file__).parent / "functions"
DISCLAIMER = "This message is confidential. If it reached you by mistake, please delete it."


class Office(cdk.Stack):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        domain: str,
        env: cdk.Environment | None = None,
    ) -> None:
        super().__init__(scope, construct_id, env=env, description="Office relay on cdk-mailroom")

        # Nobody here may write to these. Others may add members by hand, which are left alone.
        blocked = AddressList(self, "Blocked", members=["*@leaks.example", "press@rival.example"])
        archive = MailArchive(self, "Archive", retention=gateway.ArchiveRetention.TEN_YEARS)

        # Who logs in may write to anyone, except to blocked addresses: the mail server is told at
        # once, and tells the author.
        office = MailGateway(
            self,
            "Office",
            access=gateway.Authenticated(),
            recipients=gateway.ANY_RECIPIENT,
            traffic=gateway.TrafficPolicy(
                max_message_bytes=25_000_000,
                statements=[gateway.Deny([recipient.in_list(blocked)])],
            ),
        )

        # A stolen password must not send in the name of others.
        office.add_rule(
            "Strangers",
            unless=[mail_from.ends_with(f"@{domain}")],
            handler=gateway.actions.Drop(),
        )

        # First, so that whatever happens afterwards, the mail is in the archive.
        office.add_rule("Archive", handler=gateway.actions.Archive(archive), store=False)

        # Scanners send to people, who know what it is.
        office.add_rule(
            "Scanners",
            when=[mail_from.is_(f"scanner@{domain}")],
            handler=gateway.actions.Send(identities=[domain]),
            after=[gateway.actions.Drop()],
            store=False,
        )

        # Mail Manager cannot change a text. The function sends its own copy, with the disclaimer;
        # then the original is dropped. A copy that cannot be sent goes to the dead-letter queue.
        letters = office.add_rule(
            "Letters",
            handler=PythonHandler(
                FUNCTIONS,
                "disclaimer:on_mail",
                remember_handled=True,
                environment={"DISCLAIMER": DISCLAIMER},
            ),
            after=[gateway.actions.Drop()],
        )
        outbound = EventPublishing(self, "Outbound", identities=[domain])
        outbound.grant_send(letters.function)

        cdk.CfnOutput(self, "Host", value=office.host)
        cdk.CfnOutput(self, "User", value=office.user)
        cdk.CfnOutput(self, "PasswordSecret", value=office.secret.secret_arn)
        cdk.CfnOutput(self, "ArchiveId", value=archive.archive_id)
        cdk.CfnOutput(self, "DeadLetters", value=office.dead_letter_queue.queue_url)
