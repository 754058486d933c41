"""The app under torture: every entry point and bundled behaviour once, synthesized as for AWS.

``python -m torture.stack FOLDER`` writes ``torture.json``: the samples, and of each function its
asset's folder, its handler and its environment, as the cloud assembly has them. Only this module
and `samples` import our packages; what tortures the functions must find them in the assets only.
"""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events, aws_s3, aws_secretsmanager, aws_sns, aws_sqs, aws_stepfunctions
from constructs import Construct

from cdk_mailroom import (
    BUNDLED,
    EventLake,
    EventPublishing,
    EventType,
    InboundMail,
    MailFunction,
    MailGateway,
    PythonHandler,
    gateway,
    handlers,
)

FUNCTIONS = Path(__file__).parent / "functions"
DISCLAIMER = Path(__file__).parents[2] / "examples" / "gateway" / "functions"
ACCOUNT, REGION = "111122223333", "us-east-1"
CONTEXT = {
    **json.loads((Path(__file__).parents[2] / "cdk.json").read_text("utf-8"))["context"],
    # As the CLI does, for the path of each function's asset.
    "aws:cdk:enable-asset-metadata": True,
}

_NAME = "torture"
"""The key of the metadata by which a function is found in its template."""


class Torture(cdk.Stack):
    """One of everything that Lambda calls with mail or events."""

    def __init__(self, scope: Construct, *, parts: Sequence[str]) -> None:
        env = cdk.Environment(account=ACCOUNT, region=REGION)
        super().__init__(scope, "Torture", env=env)
        for part in parts:
            getattr(self, f"_{part}")()

    def _receiving(self) -> None:
        inbound = InboundMail(self, "Inbound")
        machine = aws_stepfunctions.StateMachine(
            self,
            "Machine",
            definition_body=aws_stepfunctions.DefinitionBody.from_chainable(
                aws_stepfunctions.Pass(self, "Nothing")
            ),
        )
        webhook = handlers.Webhook(
            "http://127.0.0.1/hook",
            secret=aws_secretsmanager.Secret(self, "HookSecret"),
            allow_http=True,
            allow_private=True,
        )
        found: dict[str, PythonHandler] = {
            "receiving": PythonHandler(FUNCTIONS, "everything:on_mail", remember_handled=True),
            "receiving-synchronous": PythonHandler(
                FUNCTIONS, "everything:decide", synchronous=True, on_error="stop_rule"
            ),
            "forward": handlers.Forward(
                to=["team@example.net"], from_address="sales@example.com", subject_prefix="[s] "
            ),
            "auto-reply": handlers.AutoReply(text="Thank you.", from_address="sales@example.com"),
            "reject-spam": handlers.RejectSpam(),
            "save-attachments": handlers.SaveAttachments(),
            "to-event-bus": handlers.ToEventBus(aws_events.EventBus(self, "Bus")),
            "to-queue": handlers.ToQueue(aws_sqs.Queue(self, "Queue")),
            "to-state-machine": handlers.ToStateMachine(machine),
            "to-topic": handlers.ToTopic(aws_sns.Topic(self, "Topic")),
            "webhook": webhook,
        }
        for name, handler in found.items():
            construct_id = "".join(map(str.capitalize, name.split("-")))
            rule = inbound.add_rule(
                construct_id, recipients=[f"{name}@example.com"], handler=handler
            )
            name_it(rule.function, name)

    def _arrivals(self) -> None:
        bucket = aws_s3.Bucket(self, "Archived")
        function = MailFunction(
            self, "Arrivals", handler=PythonHandler(FUNCTIONS, "everything:on_mail")
        )
        function.on_topic(aws_sns.Topic(self, "Mail"))
        function.on_bucket(bucket, prefix="mail/")
        name_it(function.function, "mail-function")

    def _events(self) -> None:
        types = list(EventType)
        plain = EventPublishing(self, "Plain")
        own = plain.on(types, PythonHandler(FUNCTIONS, "everything:on_event"))
        name_it(own.function, "events")
        lake = plain.to_lake(
            EventLake(self, "Lake", transform=PythonHandler(FUNCTIONS, "everything:transform"))
        )
        assert lake.function is not None
        name_it(lake.function, "lake-transform")
        rest = EventPublishing(self, "Bundled")
        name_it(rest.on(types, BUNDLED).function, "events-bundled")
        untouched = EventLake(self, "Untouched")
        rest.to_lake(untouched)
        assert untouched.function is not None
        name_it(untouched.function, "lake")

    def _gateway(self) -> None:
        office = MailGateway(
            self, "Office", access=gateway.Authenticated(), recipients=gateway.ANY_RECIPIENT
        )
        asked = PythonHandler(FUNCTIONS, "everything:decide", synchronous=True, on_error="continue")
        resend = PythonHandler(
            DISCLAIMER, "disclaimer:on_mail", remember_handled=True, environment={"DISCLAIMER": "x"}
        )
        name_it(office.add_rule("Asked", handler=asked).function, "gateway")
        name_it(office.add_rule("Resend", handler=resend).function, "gateway-resend")


def name_it(function: Any, name: str) -> None:
    """Make *function* known to the torture as *name*."""
    function.node.default_child.add_metadata(_NAME, name)


PARTS = ("receiving", "arrivals", "events", "gateway")


def synthesize(folder: Path, *, parts: Sequence[str] = PARTS) -> list[dict[str, Any]]:
    """Write the cloud assembly into *folder*, and return the functions that have a name."""
    app = cdk.App(context=CONTEXT, outdir=str(folder))
    Torture(app, parts=parts)
    if parts is PARTS and find_spec("torture.workmail_stack") is not None:
        from torture.workmail_stack import TortureWorkMail

        TortureWorkMail(app)
    app.synth()
    found = []
    for template in sorted(folder.glob("*.template.json")):
        resources = json.loads(template.read_text("utf-8"))["Resources"]
        for resource in resources.values():
            name = resource.get("Metadata", {}).get(_NAME)
            if name is not None:
                found.append(_function(name, resource, folder))
    return found


def _function(name: str, resource: dict[str, Any], folder: Path) -> dict[str, Any]:
    properties = resource["Properties"]
    variables = properties.get("Environment", {}).get("Variables", {})
    return {
        "name": name,
        "folder": str(_unpacked(folder / resource["Metadata"]["aws:asset:path"])),
        "handler": properties["Handler"],
        "timeout": properties.get("Timeout", 3),
        "environment": {key: _resolved(value) for key, value in variables.items()},
    }


def _unpacked(asset: Path) -> Path:
    """Return the folder of *asset*, as it would be at ``/var/task``."""
    if asset.is_dir():
        return asset.resolve()
    folder = asset.with_suffix("").resolve()
    if not folder.exists():
        with zipfile.ZipFile(asset) as packed:
            packed.extractall(folder)
    return folder


def _resolved(value: Any) -> str:
    """Return what CloudFormation would make of *value*, with made-up names."""
    if isinstance(value, str):
        return value
    (kind, inner), *_ = value.items()
    if kind == "Ref":
        known = {"AWS::Region": REGION, "AWS::Partition": "aws", "AWS::AccountId": ACCOUNT}
        return known.get(inner, f"torture-{inner.lower()}")
    if kind == "Fn::GetAtt":
        return f"arn:aws:service:{REGION}:{ACCOUNT}:{inner[0]}-{inner[1]}"
    if kind == "Fn::Join":
        separator, parts = inner
        return str(separator).join(map(_resolved, parts))
    if kind == "Fn::Select" or kind == "Fn::Split":
        return f"torture-{kind[4:].lower()}"
    raise NotImplementedError(f"{kind} in an environment variable")


if __name__ == "__main__":
    from torture.samples import samples

    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    functions = {one["name"]: one for one in synthesize(target / "app")}
    found = {"functions": functions, "samples": samples()}
    (target / "torture.json").write_text(json.dumps(found, indent=1))
