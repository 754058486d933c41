"""The apps that are deployed: the examples, and what they lack, with functions behind the proxy."""

from __future__ import annotations

import sys
from pathlib import Path

import aws_cdk as cdk
import jsii
from aws_cdk import aws_lambda as lambda_
from constructs import IConstruct

from cdk_mailroom import (
    Activation,
    EventPublishing,
    EventType,
    InboundMail,
    PythonHandler,
    SmtpCredentials,
    handlers,
)

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
DESK, NEWS, OFFICE, FAULTS = "example.com", "news.example", "office.example", "faults.example"
TEAM = "team@example.net"
SECONDS = cdk.Duration.seconds


@jsii.implements(cdk.IAspect)
class _Through:
    """Lets every Python function call AWS through the proxy."""

    def __init__(self, url: str) -> None:
        self._url = url

    def visit(self, node: IConstruct) -> None:
        if isinstance(node, lambda_.Function) and node.runtime.family == (
            lambda_.RuntimeFamily.PYTHON
        ):
            for name in ("HTTP_PROXY", "http_proxy"):
                node.add_environment(name, self._url)
            # The local AWS has 127.0.0.1 there.
            for name in ("NO_PROXY", "no_proxy"):
                node.add_environment(name, "none.invalid")


def examples(outdir: Path, proxy: str) -> str:
    """Synthesize the examples and the stack of faults; return the cloud assembly's folder."""
    for name in ("helpdesk", "newsletter", "gateway"):
        sys.path.append(str(EXAMPLES / name))
    from help_desk import HelpDesk
    from newsletter import Newsletter
    from office import Office

    app = cdk.App(outdir=str(outdir))
    desk = HelpDesk(app, "HelpDesk", domain=DESK, team=[TEAM])
    Newsletter(app, "Newsletter", domain=NEWS)
    Office(app, "Office", domain=OFFICE)
    # It joins the help desk's rule set.
    Faults(app, "Faults").add_stack_dependency(desk)
    cdk.Aspects.of(app).add(_Through(proxy))
    return app.synth().directory


class Faults(cdk.Stack):
    """Handlers that fail when asked to, and SMTP credentials that can be rotated."""

    def __init__(self, scope: cdk.App, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        folder = HERE / "functions"
        inbound = InboundMail(self, "Inbound", activation=Activation.JOIN)
        inbound.add_rule(
            "Desk",
            recipients=[f"desk@{FAULTS}"],
            handler=PythonHandler(folder, "faulty:on_mail", timeout=SECONDS(2), memory_size=128),
        )
        # A control: what it does not let pass must not be forwarded.
        inbound.add_rule(
            "Gate",
            recipients=[f"gate@{FAULTS}"],
            handler=PythonHandler(
                folder,
                "faulty:on_gate",
                synchronous=True,
                on_error="stop_rule_set",
                timeout=SECONDS(4),
                memory_size=128,
            ),
            after=[handlers.Forward(to=[TEAM], from_address=f"gate@{FAULTS}")],
        )
        outbound = EventPublishing(self, "Outbound", identities=[FAULTS], reputation_alarms=False)
        pipeline = outbound.on(
            EventType.DELIVERY,
            PythonHandler(folder, "faulty:on_event", timeout=SECONDS(2), memory_size=128),
        )
        mapping = pipeline.node.find_child("Mapping")
        assert isinstance(mapping, lambda_.EventSourceMapping)
        credentials = SmtpCredentials(
            self,
            "Smtp",
            identities=[FAULTS],
            publishing=outbound,
            rotation=cdk.CfnParameter(self, "Rotation", default="1").value_as_string,
        )
        for name, value in {
            "MailBucket": inbound.bucket.bucket_name,
            "ConfigurationSet": outbound.configuration_set_name,
            "EventTable": outbound.event_table.table_name,
            "Queue": pipeline.queue.queue_url,
            "Mapping": mapping.event_source_mapping_id,
            "Secret": credentials.secret.secret_arn,
            "User": credentials.user.user_name,
        }.items():
            cdk.CfnOutput(self, name, value=value)


def others(outdir: Path, proxy: str) -> dict[str, str]:
    """Synthesize the stacks of another team; return their templates, which need no new assets."""
    app = cdk.App(outdir=str(outdir))
    for name, mode in (("Replacing", Activation.REPLACE), ("Failing", Activation.REPLACE)):
        stack = cdk.Stack(app, name)
        inbound = InboundMail(
            stack,
            "Inbound",
            rule_set_name=name.lower(),
            activation=mode,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        inbound.add_rule("Other", recipients=[f"other@{FAULTS}"])
        if name == "Failing":
            broken = cdk.CfnResource(
                stack,
                "Broken",
                type="AWS::CloudFormation::CustomResource",
                properties={"ServiceToken": "arn:aws:lambda:us-east-1:000000000000:function:none"},
            )
            broken.node.add_dependency(inbound)
    joining = cdk.Stack(app, "Joining")
    joined = InboundMail(
        joining, "Inbound", activation=Activation.JOIN, removal_policy=cdk.RemovalPolicy.DESTROY
    )
    for name in ("First", "Second"):
        joined.add_rule(
            name, recipients=[f"{name.lower()}@{FAULTS}"], rule_name=f"joining-{name.lower()}"
        )
    cdk.Aspects.of(app).add(_Through(proxy))
    folder = Path(app.synth().directory)
    return {
        path.name.removesuffix(".template.json"): path.read_text()
        for path in folder.glob("*.template.json")
    }
