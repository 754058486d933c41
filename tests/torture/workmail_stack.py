"""WorkMail's part of the app under torture: every bundled behaviour, and a function of a user."""

from __future__ import annotations

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_s3
from constructs import Construct

from cdk_mailroom import (
    Asynchronous,
    EmailFlowRule,
    Fallback,
    FlowDirection,
    FlowHandler,
    Synchronous,
)
from cdk_mailroom.workmail import (
    BlockSensitive,
    Disclaimer,
    ExternalBanner,
    FlowMetrics,
    Journal,
    RestrictRecipients,
    SensitivePattern,
    StripAttachments,
)
from torture.stack import ACCOUNT, REGION, name_it

ORGANIZATION = "m-0123456789abcdef0123456789abcdef"
FUNCTIONS = Path(__file__).parent / "workmail_functions"
CARD = SensitivePattern(name="card number", pattern=r"\b[0-9](?:[ -]?[0-9]){11,18}\b", check="luhn")


class TortureWorkMail(cdk.Stack):
    """One flow rule for each behaviour."""

    def __init__(self, scope: Construct) -> None:
        env = cdk.Environment(account=ACCOUNT, region=REGION)
        super().__init__(scope, "TortureWorkMail", env=env)
        waiting = Synchronous(timeout=cdk.Duration.minutes(5), fallback=Fallback.DEFAULT)
        strict = Synchronous(timeout=cdk.Duration.minutes(5), fallback=Fallback.BOUNCE)
        own = FlowHandler(FUNCTIONS, "flow:on_flow", replaces=True)
        restricted = RestrictRecipients(groups=["all@example.com"], domains=["example.com"])
        journal = Journal(bucket=aws_s3.Bucket(self, "Journaled"))
        inbound, outbound = FlowDirection.INBOUND, FlowDirection.OUTBOUND
        self._rule("flow", inbound, own, waiting)
        self._rule("banner", inbound, ExternalBanner(domains=["example.com"], text="Ext"), waiting)
        self._rule("strip", inbound, StripAttachments(extensions=["exe", "js"]), waiting)
        self._rule("block", outbound, BlockSensitive(patterns=[CARD]), strict)
        self._rule("disclaimer", outbound, Disclaimer(text="Confidential."), waiting)
        self._rule("restrict", inbound, restricted, waiting)
        self._rule("journal", outbound, journal, Asynchronous())
        self._rule("flow-metrics", inbound, FlowMetrics(), Asynchronous())

    def _rule(
        self,
        name: str,
        direction: FlowDirection,
        handler: FlowHandler,
        mode: Synchronous | Asynchronous,
    ) -> None:
        rule = EmailFlowRule(
            self,
            "".join(map(str.capitalize, name.split("-"))),
            organization_id=ORGANIZATION,
            direction=direction,
            handler=handler,
            mode=mode,
        )
        name_it(rule.function, f"workmail-{name}")
