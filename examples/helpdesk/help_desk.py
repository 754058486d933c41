"""A help desk: turn support mail into tickets and answer it, forward sales mail, stop spam."""

from collections.abc import Sequence
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cdk_mailroom import EventPublishing, InboundMail, PythonHandler, handlers

FUNCTIONS = Path(__file__).parent / "functions"


class HelpDesk(cdk.Stack):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        domain: str,
        team: Sequence[str],
        env: cdk.Environment | None = None,
    ) -> None:
        super().__init__(scope, construct_id, env=env, description="Help desk on cdk-mailroom")

        tickets = dynamodb.Table(
            self,
            "Tickets",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
        )

        # Signs the addresses that customers answer to; see docs/mail.md. Kept when the stack goes:
        # customers answer to old mail.
        reply_key = secretsmanager.Secret(
            self,
            "ReplyKey",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=43, exclude_punctuation=True
            ),
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )

        inbound = InboundMail(self, "Inbound")

        # The first rule keeps a copy of every mail, then stops spam and viruses. If it stops a mail
        # by mistake, the copy is still there. It lists the addresses in use instead of the whole
        # domain, so that SES rejects mail to a mistyped address and the sender gets an error.
        inbound.add_rule(
            "SpamGate",
            recipients=[f"support@{domain}", f"sales@{domain}"],
            handler=handlers.RejectSpam(),
        )

        support = inbound.add_rule(
            "Support",
            recipients=[f"support@{domain}"],
            handler=PythonHandler(
                FUNCTIONS,
                "tickets:on_mail",
                # So that no mail is answered twice.
                remember_handled=True,
                environment={
                    "TICKETS": tickets.table_name,
                    "REPLY_KEY": reply_key.secret_arn,
                    "SUPPORT": f"support@{domain}",
                },
            ),
            after=[handlers.SaveAttachments()],
        )
        tickets.grant(support.function, "dynamodb:PutItem")
        reply_key.grant_read(support.function)

        outbound = EventPublishing(self, "Outbound", identities=[domain])
        outbound.grant_send(support.function, from_address=f"support@{domain}")

        inbound.add_rule(
            "Sales",
            recipients=[f"sales@{domain}"],
            handler=handlers.Forward(to=team, subject_prefix="[sales] "),
        )

        cdk.CfnOutput(self, "MailBucket", value=inbound.bucket.bucket_name)
        cdk.CfnOutput(self, "TicketTable", value=tickets.table_name)
        cdk.CfnOutput(self, "DeadLetters", value=inbound.dead_letter_queue.queue_url)
