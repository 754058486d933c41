"""WorkMail's bundled behaviours, and the experiment that creates a rule."""

from __future__ import annotations

import json
import zipfile

import pytest
from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from synthesis import (
    ACCOUNT,
    FOLDER,
    REGION,
    Template,
    new_stack,
    synthesized,
    warnings_of,
)

from cdk_mailroom import _assembly
from cdk_mailroom.workmail import (
    Asynchronous,
    BlockSensitive,
    Disclaimer,
    EmailFlowRule,
    ExperimentalFlowRule,
    ExternalBanner,
    Fallback,
    FlowDirection,
    FlowHandler,
    Journal,
    RestrictRecipients,
    SensitivePattern,
    StripAttachments,
    Synchronous,
)

ORGANIZATION = "m-" + "0a" * 16
WAITS = Synchronous(timeout=Duration.minutes(30), fallback=Fallback.BOUNCE)


def yours(**options) -> FlowHandler:
    """Return a handler of the user's."""
    return FlowHandler(FOLDER, "app:on_mail", **options)


def rule(stack, construct_id="Flow", **options) -> EmailFlowRule:
    """Return a rule, synchronous and inbound by default."""
    defaults = {
        "organization_id": ORGANIZATION,
        "direction": FlowDirection.INBOUND,
        "handler": yours(),
        "mode": WAITS,
    }
    return EmailFlowRule(stack, construct_id, **{**defaults, **options})


def of(**options) -> Template:
    """Return the template of a stack with one rule."""
    return synthesized(lambda stack: rule(stack, **options))


def allowed(template: Template) -> dict[str, object]:
    """Return what the function may do besides writing its log."""
    found = {}
    for statement in template.statements("Flow/Function"):
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            if not action.startswith("logs:"):
                found[action] = statement["Resource"]
    return found


def outputs(template: Template) -> list[str]:
    found = template.raw["Outputs"]
    return [
        template.readable(found[name]["Value"])
        for start in ("FlowRule", "FlowConsoleSteps")
        for name in found
        if name.startswith(start)
    ]


# Bundled behaviours.


def patterns() -> list[SensitivePattern]:
    return [SensitivePattern(name="card", pattern=r"\d{16}", check="luhn")]


@pytest.mark.parametrize(
    ("handler", "module", "settings"),
    [
        (
            lambda: Disclaimer(text="a", html="<b>a</b>"),
            "disclaimer",
            {"text": "a", "html": "<b>a</b>"},
        ),
        (
            lambda: ExternalBanner(domains=["example.com"], text="a"),
            "external_banner",
            {"domains": ["example.com"], "text": "a"},
        ),
        (
            lambda: ExternalBanner(domains=["example.com"], text="a", unreadable="bounce"),
            "external_banner",
            {"domains": ["example.com"], "text": "a", "unreadable": "bounce"},
        ),
        (
            lambda: BlockSensitive(patterns=patterns(), message="No."),
            "block_sensitive",
            {
                "patterns": [{"name": "card", "pattern": r"\d{16}", "check": "luhn"}],
                "action": "bounce",
                "message": "No.",
                "encrypted": "block",
            },
        ),
        (
            lambda: StripAttachments(extensions=["exe"], max_bytes=10),
            "strip_attachments",
            {"extensions": ["exe"], "max_bytes": 10},
        ),
        (
            lambda: RestrictRecipients(
                groups=["all@example.com"], domains=["example.com"], action="drop"
            ),
            "restrict_recipients",
            {"groups": ["all@example.com"], "domains": ["example.com"], "action": "drop"},
        ),
    ],
)
def test_a_behaviour_gets_its_settings(handler, module, settings):
    """As its module reads them."""
    environment = of(handler=handler()).environment("Flow/Function")
    assert environment["MAILROOM_FLOW_HANDLER"] == f"mailroom.handlers.workmail.{module}:on_flow"
    assert json.loads(environment["MAILROOM_FLOW_SETTINGS"]) == settings


def test_a_journal_may_write_below_its_prefix():
    """With the key of its bucket, if that has one."""
    template = synthesized(
        lambda stack: rule(
            stack,
            handler=Journal(bucket=s3.Bucket(stack, "Mine", encryption_key=kms.Key(stack, "Key"))),
            mode=Asynchronous(),
        )
    )
    may = allowed(template)
    assert may["s3:PutObject"] == "<Mine.Arn>/journal/*"
    assert may["kms:GenerateDataKey"] == may["kms:Decrypt"] == "<Key.Arn>"
    settings = template.environment("Flow/Function")["MAILROOM_FLOW_SETTINGS"]
    assert json.loads(settings) == {"bucket": "<Mine>", "prefix": "journal/"}


def test_a_zip_has_no_other_capability():
    """A change of receiving or sending redeploys nothing of this."""
    code = _assembly.code(
        modules=["mailroom.entry.workmail", "mailroom.handlers.workmail.disclaimer"],
        runtime=lambda_.Runtime.PYTHON_3_13,
        architecture=lambda_.Architecture.ARM_64,
    )
    names = zipfile.ZipFile(code.path).namelist()
    assert "mailroom/handlers/workmail/_message.py" in names
    folders = {name.split("/")[1] for name in names}
    assert not folders & {"receiving", "events", "sending", "lake", "provisioning"}


# The experiment.


@pytest.fixture(scope="module")
def experiment() -> Template:
    """The rule itself, by the operations that AWS has not published."""

    def build(stack):
        ExperimentalFlowRule(stack, "Experiment", flow=rule(stack))

    return synthesized(build)


def test_the_experiment_gets_the_rule(experiment):
    """As text, and after WorkMail may call the function."""
    [found] = experiment.of("Custom::ExperimentalWorkMailFlowRule").values()
    written, _ = outputs(experiment)
    assert json.loads(found["Rule"]) == json.loads(written)
    assert (found["OrganizationId"], found["Direction"]) == (ORGANIZATION, "Inbound")
    assert "Flow/Function/AllowWorkMail" in experiment.needs("Experiment/Resource/Default")


def test_the_experiment_may_touch_its_ledger_and_the_rules_of_this_organization_only(experiment):
    """In this direction; in a policy of its own, which is deleted after the rule."""
    [found] = experiment.of("Custom::ExperimentalWorkMailFlowRule").values()
    assert experiment.at("Experiment/Policy")["PolicyDocument"]["Statement"] == [
        {
            "Action": [
                "workmail:CreateInboundMailFlowRule",
                "workmail:DeleteInboundMailFlowRule",
                "workmail:DescribeInboundMailFlowRule",
                "workmail:ListInboundMailFlowRules",
                "workmail:UpdateInboundMailFlowRule",
            ],
            "Effect": "Allow",
            "Resource": f"arn:aws:workmail:{REGION}:{ACCOUNT}:organization/{ORGANIZATION}",
        },
        {
            "Action": ["ssm:DeleteParameter", "ssm:GetParameter", "ssm:PutParameter"],
            "Effect": "Allow",
            "Resource": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{found['Ledger']}",
        },
    ]
    assert "Experiment/Policy" in experiment.needs("Experiment/Resource/Default")


def test_no_later_stack_of_the_same_name_finds_the_experiments_ledger(experiment):
    """Its name has the GUID of the stack's ARN."""
    [found] = experiment.of("Custom::ExperimentalWorkMailFlowRule").values()
    guid = {"Fn::Select": [2, {"Fn::Split": ["/", "<AWS::StackId>"]}]}
    assert found["Ledger"].startswith(f"/cdk-mailroom/{guid}/workmail-rule/")


def test_the_experiment_says_what_it_is():
    """At synth, and in its documentation."""
    stack = new_stack()
    ExperimentalFlowRule(stack, "Experiment", flow=rule(stack))
    assert warnings_of(stack)["cdk-mailroom:experimental-flow-rule"]
    assert "Never tried against AWS" in (ExperimentalFlowRule.__doc__ or "")
