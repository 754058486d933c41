"""Compliance: card numbers stay inside, outside mail is marked as such, legal's mail is kept.

WorkMail takes no new customers since 2026-04-30 and ends on 2027-03-31;
``docs/leaving-workmail.md`` says what of this continues elsewhere.
"""

import json
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk_mailroom import (
    Asynchronous,
    EmailFlowRule,
    Fallback,
    FlowDirection,
    FlowHandler,
    Synchronous,
)
from cdk_mailroom.workmail import ExternalBanner, FlowMetrics, Journal

FUNCTIONS = Path(__file__).parent / "functions"

DISCLAIMER = "This message is confidential. If it is not for you, delete it and tell its sender."
BANNER = "This message comes from outside. Think before you open a link or an attachment."


class OutboundPolicy(FlowHandler):
    """Our own function, which calls two of the bundled behaviours and so needs their settings."""

    def __init__(self, *, domain: str) -> None:
        super().__init__(FUNCTIONS, "policy:on_flow", replaces=True, environment={"DOMAIN": domain})
        self.settings = {
            "patterns": [
                {
                    "name": "card number",
                    "pattern": r"\b[0-9](?:[ -]?[0-9]){11,18}\b",
                    "check": "luhn",
                }
            ],
            "domains": [domain],
            "message": "Not sent: card numbers stay in the house.",
            "text": DISCLAIMER,
        }

    def configure_flow(self, function: lambda_.Function, rule: EmailFlowRule) -> None:
        function.add_environment("MAILROOM_FLOW_SETTINGS", json.dumps(self.settings))


class Compliance(cdk.Stack):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        organization_id: str,
        domain: str,
        env: cdk.Environment | None = None,
    ) -> None:
        super().__init__(scope, construct_id, env=env, description="Compliance on cdk-mailroom")

        # We count on WorkMail applying, of two rules that match, the one whose pattern says more:
        # the two rules for everybody decide, and those for named senders are exceptions from them.
        # Try it before you rely on it; `mailroom workmail verify` tells which rules were applied.
        EmailFlowRule(
            self,
            "Outbound",
            organization_id=organization_id,
            direction=FlowDirection.OUTBOUND,
            handler=OutboundPolicy(domain=domain),
            # Nothing leaves unchecked: if the function fails for half an hour, the sender is told.
            mode=Synchronous(timeout=cdk.Duration.minutes(30), fallback=Fallback.BOUNCE),
        )

        EmailFlowRule(
            self,
            "Inbound",
            organization_id=organization_id,
            direction=FlowDirection.INBOUND,
            handler=ExternalBanner(domains=[domain], text=BANNER),
            # A banner is not worth a mail: without it, the mail comes all the same.
            mode=Synchronous(timeout=cdk.Duration.minutes(5), fallback=Fallback.DEFAULT),
        )

        journal = s3.Bucket(
            self,
            "Journal",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            versioned=True,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        # What the legal department sends is kept, and not looked into.
        EmailFlowRule(
            self,
            "LegalJournal",
            organization_id=organization_id,
            direction=FlowDirection.OUTBOUND,
            handler=Journal(bucket=journal),
            mode=Asynchronous(),
            senders=[f"legal@{domain}"],
        )

        # Our own machines write from subdomains; they need no banner, but are counted.
        EmailFlowRule(
            self,
            "MachineMetrics",
            organization_id=organization_id,
            direction=FlowDirection.INBOUND,
            handler=FlowMetrics(),
            mode=Asynchronous(),
            senders=[f"*.{domain}"],
        )

        cdk.CfnOutput(self, "JournalBucket", value=journal.bucket_name)
