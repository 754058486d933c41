"""Compliance: block card numbers, label mail from outside, archive the legal department's mail.

WorkMail has accepted no new customers since 2026-04-30, and support ends on 2027-03-31.
``docs/leaving-workmail.md`` shows how to run the functions without it.
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

DISCLAIMER = "This message is confidential. If it reached you by mistake, please delete it."
BANNER = "This message is from outside the company. Be careful with links and attachments."


class OutboundPolicy(FlowHandler):
    """A custom function that calls two bundled behaviours, so it needs their settings."""

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
            "message": "Not sent: card numbers must not leave the company.",
            "text": DISCLAIMER,
        }

    def configure_flow(self, function: lambda_.Function) -> None:
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

        # This relies on WorkMail applying the rule with the more specific pattern when two match:
        # the rules for named senders are exceptions to the two rules for everyone. Test this
        # before you rely on it: `mailroom workmail verify` shows which rules were applied.
        EmailFlowRule(
            self,
            "Outbound",
            organization_id=organization_id,
            direction=FlowDirection.OUTBOUND,
            handler=OutboundPolicy(domain=domain),
            # Nothing leaves unchecked: if the function keeps failing for half an hour, WorkMail
            # bounces the mail.
            mode=Synchronous(timeout=cdk.Duration.minutes(30), fallback=Fallback.BOUNCE),
        )

        EmailFlowRule(
            self,
            "Inbound",
            organization_id=organization_id,
            direction=FlowDirection.INBOUND,
            handler=ExternalBanner(domains=[domain], text=BANNER),
            # A missing banner is better than a missing mail: on failure, deliver without it.
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
        # Mail from the legal department is archived, and not inspected.
        EmailFlowRule(
            self,
            "LegalJournal",
            organization_id=organization_id,
            direction=FlowDirection.OUTBOUND,
            handler=Journal(bucket=journal),
            mode=Asynchronous(),
            senders=[f"legal@{domain}"],
        )

        # Mail from the company's own servers comes from subdomains: count it, add no banner.
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
