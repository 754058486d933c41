"""A stack with one rule for each kind of handler, synthesized once for this folder."""

from __future__ import annotations

import pytest
from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from synthesis import ACCOUNT, FOLDER, REGION, Template, synthesized

from cdk_mailroom import InboundMail, PythonHandler, handlers


@pytest.fixture(scope="session")
def template() -> Template:
    """One rule for each kind of handler."""

    def build(stack):
        inbound = InboundMail(stack, "Inbound")

        def rule(name, handler, **options):
            options.setdefault("recipients", [f"{name.lower()}@example.com"])
            return inbound.add_rule(name, handler=handler, **options)

        rule("Plain", PythonHandler(FOLDER, "app:on_mail"))
        rule(
            "Options",
            PythonHandler(
                FOLDER,
                "app:with_default",
                memory_size=1024,
                timeout=Duration.minutes(3),
                environment={"TABLE": "tickets"},
                layers=[
                    lambda_.LayerVersion.from_layer_version_arn(
                        stack, "Layer", f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:theirs:1"
                    )
                ],
                log_retention=logs.RetentionDays.ONE_WEEK,
                runtime=lambda_.Runtime.PYTHON_3_12,
                architecture=lambda_.Architecture.X86_64,
                reserved_concurrency=2,
                log_addresses=True,
                remember_handled=True,
            ),
        )
        rule(
            "Gate",
            PythonHandler(
                FOLDER, "app:on_mail", synchronous=True, on_error="stop_rule", read_mail=False
            ),
        )
        rule("Blind", PythonHandler(FOLDER, "app:on_mail", read_mail=False))
        rule("Storeless", PythonHandler(FOLDER, "app:on_mail"), store=False)
        rule("Forward", handlers.Forward(to=["a@example.net", "b@example.net"]))
        rule(
            "ForwardMore",
            handlers.Forward(
                to=["a@example.net"],
                from_address="relay@example.org",
                subject_prefix="[fwd] ",
                configuration_set_name="events",
                forward_unscanned=True,
                memory_size=2048,
            ),
            recipients=["example.com"],
            scan=False,
        )
        rule("Reply", handlers.AutoReply(text="Thank you."), recipients=[".example.com"])
        rule(
            "ReplyMore",
            handlers.AutoReply(
                text="Thank you.",
                html="<p>Thank you.</p>",
                subject="We got it",
                from_address="help@example.org",
                window=Duration.days(1),
                configuration_set_name="events",
                memory_size=512,
            ),
        )
        rule("Save", handlers.SaveAttachments())
        rule(
            "SaveMore",
            handlers.SaveAttachments(
                bucket=s3.Bucket(stack, "Files"),
                prefix="files/",
                max_bytes=1000,
                max_count=3,
                memory_size=512,
            ),
        )
        rule("Spam", handlers.RejectSpam())
        rule(
            "SpamMore",
            handlers.RejectSpam(
                verdicts={"spf": {"FAIL": "STOP_RULE", "GRAY": handlers.Disposition.CONTINUE}},
                on_error=handlers.OnError.RAISE,
                memory_size=128,
            ),
        )

    return synthesized(build)
