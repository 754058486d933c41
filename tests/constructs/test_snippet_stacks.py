"""The snippets of the pages that create something synthesize."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct
from synthesis import new_stack

import cdk_mailroom
from cdk_mailroom import EventPublishing, InboundMail, MailGateway, PythonHandler
from snippets import Snippet, marked, named

HANDLER = re.compile(
    r'(?:PythonHandler\(|__file__\)\.parent / )\s*"([\w/]+)",?\s*\)?,?\s*"(\w+):(\w+)"'
)
STUB = "def {function}(given):\n    pass\n"
# What a user has when a snippet begins; each is made if the page uses it without making it.
MADE: dict[str, Callable[[cdk.Stack], object]] = {
    "analyst": lambda at: iam.Role(at, "Analyst", assumed_by=iam.AccountRootPrincipal()),
    "bus": lambda at: events.EventBus(at, "Bus"),
    "gate": lambda at: MailGateway(at, "Gate", recipients=["@example.com"]),
    "inbound": lambda at: InboundMail(at, "Inbound"),
    "machine": lambda at: stepfunctions.StateMachine(
        at,
        "Machine",
        definition_body=stepfunctions.DefinitionBody.from_chainable(
            stepfunctions.Pass(at, "Start")
        ),
    ),
    "outbound": lambda at: EventPublishing(at, "Outbound", identities=["example.com"]),
    "queue": lambda at: sqs.Queue(at, "Queue"),
    "secret": lambda at: secretsmanager.Secret(at, "Secret"),
    "support": lambda at: InboundMail(at, "Received").add_rule(
        "Support",
        recipients=["support@example.com"],
        handler=PythonHandler("support", "app:on_mail"),
    ),
    "table": lambda at: dynamodb.Table(
        at,
        "Table",
        partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
    ),
    "topic": lambda at: sns.Topic(at, "Topic"),
    "zone": lambda at: route53.HostedZone(at, "Zone", zone_name="example.com"),
}
IMPORTED = {
    "Construct": Construct,
    "Duration": cdk.Duration,
    "Path": Path,
    "RuleContext": cdk_mailroom.actions.RuleContext,
    "cdk": cdk,
    "cloudwatch_actions": cloudwatch_actions,
    "dynamodb": dynamodb,
    "lambda_": lambda_,
    "s3": s3,
    "ses": ses,
    "sns": sns,
    "targets": targets,
}


@pytest.mark.parametrize("snippet", marked("stack"), ids=str)
def test_a_snippet_synthesizes(
    snippet: Snippet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a stack that has what a user has before, unless it makes its own."""
    _make_folders(snippet.code, tmp_path)
    monkeypatch.chdir(tmp_path)
    stack = new_stack()
    names: dict[str, Any] = {
        **{name: getattr(cdk_mailroom, name) for name in cdk_mailroom.__all__},
        **IMPORTED,
        "self": stack,
        "__file__": str(tmp_path / "app.py"),
        "__name__": "app",
    }
    for name in _lacking(snippet.code):
        names[name] = MADE[name](stack)
    exec(compile(snippet.code, snippet.page, "exec"), names)
    own = names.get("stack", stack)
    made = cdk.assertions.Template.from_stack(own).to_json().get("Resources", {})
    assert made or "class " in snippet.code


@pytest.mark.parametrize(
    ("app", "handlers"), [("app", "app-handlers"), ("start-app", "start-handlers")]
)
def test_an_app_synthesizes_with_its_handlers(
    app: str, handlers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of the README and that of the first steps, each as a user writes it into two files."""
    _write(named(handlers), tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "app"}
    exec(compile(named(app).code, named(app).page, "exec"), names)
    (made,) = names["app"].synth().stacks
    kinds = [one["Type"] for one in made.template["Resources"].values()]
    assert "AWS::SES::ReceiptRule" in kinds


def test_the_test_of_the_first_steps_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the handler of the first steps."""
    path = _write(named("start-handlers"), tmp_path)
    monkeypatch.syspath_prepend(str(path.parent))
    names: dict[str, Any] = {}
    exec(named("start-test").code, names)
    names["test_a_question_is_printed"](capsys)
    monkeypatch.delitem(sys.modules, path.stem)


def _write(snippet: Snippet, at: Path) -> Path:
    """Write a file that its first line names."""
    name = re.match(r"\n*# (\S+\.py)\b", snippet.code)
    assert name
    path = at / name[1]
    path.parent.mkdir()
    path.write_text(snippet.code)
    return path


def _make_folders(code: str, at: Path) -> None:
    letter = at / "letter"
    letter.mkdir()
    for name, text in {
        "subject.txt": "News",
        "text.txt": "{{a}}",
        "sample.json": '{"a": 1}',
    }.items():
        (letter / name).write_text(text)
    for folder, module, function in {*HANDLER.findall(code), ("support", "app", "on_mail")}:
        path = at / folder / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(STUB.format(function=function))


def _lacking(code: str) -> list[str]:
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)]
    stored = {node.id for node in nodes if isinstance(node.ctx, ast.Store)}
    return [name for name in MADE if name in {node.id for node in nodes} - stored]
