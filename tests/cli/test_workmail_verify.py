"""`mailroom workmail verify`: what it checks in an account, and what it recommends."""

import io
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from mailroom_cli.account import Account
from mailroom_cli.commands import workmail
from mailroom_cli.main import main

ACCOUNT, REGION = "123456789012", "eu-west-1"  # moto's own account
ORGANIZATION = "m-" + "0a" * 16
OTHER = "m-" + "0b" * 16
SOURCE = f"arn:aws:workmail:{REGION}:{ACCOUNT}:organization/{ORGANIZATION}"
SERVICE = f"workmail.{REGION}.amazonaws.com"
GROUP = "/aws/workmail/emailevents/example"
RULE = "Compliance-Outbound"


class Deployed:
    """An emulated account, with an organization that answers as a test wants."""

    def __init__(self, session: boto3.Session) -> None:
        self.session = session
        self.clients: dict[str, Any] = {}
        self.workmail = Stubber(self.client("workmail"))
        self.workmail.activate()
        self.cloudformation = Stubber(self.client("cloudformation"))
        self.cloudformation.activate()
        role = self.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("app.py", "")
        self.function: str = self.client("lambda").create_function(
            FunctionName="policy",
            Runtime="python3.13",
            Role=role["Role"]["Arn"],
            Handler="app.handler",
            Code={"ZipFile": code.getvalue()},
        )["FunctionArn"]

    def client(self, service: str) -> Any:
        if service not in self.clients:
            self.clients[service] = self.session.client(service)  # type: ignore[call-overload]
        return self.clients[service]

    def permit(self, sid: str = "AllowWorkMail", **changes: str | None) -> None:
        """Let WorkMail invoke the function, or someone else."""
        wanted: dict[str, str | None] = {
            "Action": "lambda:InvokeFunction",
            "Principal": SERVICE,
            "SourceAccount": ACCOUNT,
            "SourceArn": SOURCE,
            **changes,
        }
        given = {name: value for name, value in wanted.items() if value is not None}
        self.client("lambda").add_permission(FunctionName=self.function, StatementId=sid, **given)

    def monitors(self, group: str | None = GROUP) -> None:
        """Configure where the organization logs its events."""
        arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:*"
        answer = {"RoleArn": "arn:aws:iam::123456789012:role/x", "LogGroupArn": arn}
        self.workmail.add_response(
            "describe_email_monitoring_configuration",
            answer if group else {},
            {"OrganizationId": ORGANIZATION},
        )
        if group:
            self.client("logs").create_log_group(logGroupName=group)
            self.client("logs").create_log_stream(logGroupName=group, logStreamName="s")

    def logged(self, name: str, kind: str = "OUTBOUND_RULE", *, hours_ago: float = 1) -> None:
        """Log that a rule was applied."""
        event = {"event": {"eventName": "RULE_APPLIED", "ruleName": name, "ruleType": kind}}
        self.client("logs").put_log_events(
            logGroupName=GROUP,
            logStreamName="s",
            logEvents=[
                {
                    "timestamp": int((time.time() - hours_ago * 3600) * 1000),
                    "message": json.dumps(event),
                }
            ],
        )

    def stacks(self, *organizations: str) -> None:
        """Answer once with a stack with an `EmailFlowRule` for each organization."""
        rule = {
            "Name": RULE,
            "Condition": {},
            "Action": {"OutboundLambdaAction": {"Arn": self.function}},
        }
        stacks = [
            {
                "StackName": f"Stack{number}",
                "StackStatus": "CREATE_COMPLETE",
                "CreationTime": datetime.now(UTC),
                "Outputs": [
                    {"OutputKey": "Rule", "OutputValue": json.dumps(rule)},
                    {
                        "OutputKey": "ConsoleSteps",
                        "OutputValue": f"2. Choose {organization}\n6. Lambda: {self.function}",
                    },
                    {"OutputKey": "Bucket", "OutputValue": "bucket"},
                    {"OutputKey": "Number", "OutputValue": "7"},
                ],
            }
            for number, organization in enumerate(organizations)
        ]
        # moto's own CloudFormation needs packages that nothing else here does.
        self.cloudformation.add_response("describe_stacks", {"Stacks": stacks})


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    """Shared by all tests, as the first client of a session is slow to make."""
    return boto3.Session(region_name=REGION)


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch, session: boto3.Session) -> Iterator[Deployed]:
    """The account that the command looks at."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        deployed = Deployed(session)
        account = Account(where="the account", client=deployed.client)
        monkeypatch.setattr(workmail.account, "resolve", lambda options: account)
        yield deployed


@pytest.fixture
def verify(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Run the command; return its status and its findings by name."""

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        chosen = arguments or ("--function", deployed.function, "--rule", RULE)
        status = main(["workmail", "verify", "--organization", ORGANIZATION, "--json", *chosen])
        document = json.loads(capsys.readouterr().out)
        assert document["ok"] == (status == 0)
        return status, {finding["check"]: finding for finding in document["findings"]}

    return run


def missing(findings: dict[str, Any]) -> list[str]:
    """The checks that failed; these, and no others, say what to do."""
    failed = [name for name, finding in findings.items() if not finding["ok"]]
    assert failed == [name for name, finding in findings.items() if finding["remedy"]]
    return failed


def test_with_permission_monitoring_and_an_event_the_status_is_0(
    deployed: Deployed, verify: Any
) -> None:
    deployed.permit()
    deployed.monitors()
    deployed.logged(RULE)
    status, findings = verify()
    assert (status, missing(findings)) == (0, [])
    assert list(findings) == ["permission", "no others", "monitoring", "RULE_APPLIED"]


def test_in_a_new_account_every_check_fails_and_names_its_remedy(
    deployed: Deployed, verify: Any
) -> None:
    deployed.monitors(None)
    status, findings = verify()
    assert status == 1
    assert missing(findings) == ["permission", "monitoring", "RULE_APPLIED"]
    (command,) = findings["permission"]["commands"]
    assert command == (
        f"aws lambda add-permission --function-name {deployed.function} "
        "--statement-id AllowWorkMail --action lambda:InvokeFunction "
        f"--principal {SERVICE} --source-account {ACCOUNT} --source-arn {SOURCE}"
    )
    (command,) = findings["monitoring"]["commands"]
    assert command.startswith("aws workmail put-email-monitoring-configuration ")


@pytest.mark.parametrize(
    "changes",
    [
        {"SourceArn": None},
        {"SourceAccount": None},
        {"SourceArn": SOURCE.replace("0a0a", "0b0b")},
        {"SourceArn": SOURCE.replace(ORGANIZATION, "*")},
        {"SourceAccount": "111122223333"},
        {"Principal": "workmail.us-east-1.amazonaws.com"},
        {"Action": "lambda:GetFunction"},
    ],
    ids=str,
)
def test_a_permission_that_differs_in_any_field_counts_as_foreign(
    deployed: Deployed, verify: Any, changes: dict[str, str | None]
) -> None:
    deployed.permit(**changes)
    deployed.monitors()
    deployed.logged(RULE)
    status, findings = verify()
    assert status == 1
    assert missing(findings) == ["permission", "no others"]
    assert "--statement-id AllowWorkMail" in findings["no others"]["commands"][0]


def test_an_extra_permission_is_reported_along_with_the_right_one(
    deployed: Deployed, verify: Any
) -> None:
    deployed.permit()
    deployed.permit("Events", Principal="events.amazonaws.com", SourceArn=None, SourceAccount=None)
    deployed.monitors()
    deployed.logged(RULE)
    status, findings = verify()
    assert (status, missing(findings)) == (1, ["no others"])
    assert "events.amazonaws.com" in findings["no others"]["found"]
    assert "without any condition" in findings["no others"]["found"]
    (command,) = findings["no others"]["commands"]
    assert command == (
        f"aws lambda remove-permission --function-name {deployed.function} --statement-id Events"
    )


def test_a_missing_function_is_reported_and_the_other_checks_still_run(
    deployed: Deployed, verify: Any
) -> None:
    deployed.monitors()
    deployed.logged(RULE)
    gone = deployed.function + "-gone"
    status, findings = verify("--function", gone, "--rule", RULE)
    assert (status, missing(findings)) == (1, ["function"])
    assert gone in findings["function"]["found"]


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "OrganizationNotFoundException"])
def test_missing_monitoring_or_a_missing_organization_is_reported(
    deployed: Deployed, verify: Any, code: str
) -> None:
    """WorkMail reports both as errors."""
    deployed.permit()
    deployed.workmail.add_client_error("describe_email_monitoring_configuration", code)
    status, findings = verify()
    assert (status, missing(findings)) == (1, ["monitoring", "RULE_APPLIED"])
    wanted = "no such organization" if "Organization" in code else "not configured"
    assert wanted in findings["monitoring"]["found"]


def test_another_error_of_aws_ends_the_command(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be read must not be reported as missing."""
    deployed.permit()
    deployed.workmail.add_client_error(
        "describe_email_monitoring_configuration", "AccessDeniedException"
    )
    status = main(
        ["workmail", "verify", "--organization", ORGANIZATION, "--function", deployed.function]
    )
    assert status == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "AccessDeniedException" in printed.err


def test_a_deleted_log_group_is_reported(deployed: Deployed, verify: Any) -> None:
    deployed.permit()
    deployed.monitors()
    deployed.client("logs").delete_log_group(logGroupName=GROUP)
    status, findings = verify()
    assert (status, missing(findings)) == (1, ["RULE_APPLIED"])
    assert f"the log group {GROUP} does not exist" == findings["RULE_APPLIED"]["found"]


def test_only_recent_events_of_the_rule_itself_count(deployed: Deployed, verify: Any) -> None:
    """Not another rule's, a mailbox rule's of the same name, or older ones."""
    deployed.permit()
    deployed.monitors()
    deployed.logged("Another")
    deployed.logged(RULE, "MAILBOX_RULE")
    deployed.logged(RULE, hours_ago=5)
    status, findings = verify("--function", deployed.function, "--rule", RULE, "--hours", "2")
    assert (status, missing(findings)) == (1, ["RULE_APPLIED"])
    assert "not in the last 2 h" in findings["RULE_APPLIED"]["found"]
    assert "Another" in findings["RULE_APPLIED"]["found"]


@pytest.mark.parametrize("arguments", [[], ["--stack", "Stack1"]], ids=["every", "one"])
def test_name_direction_and_function_are_read_from_the_outputs_of_stacks(
    deployed: Deployed, verify: Any, arguments: list[str]
) -> None:
    deployed.permit()
    deployed.stacks(OTHER, ORGANIZATION)
    deployed.monitors()
    deployed.logged(RULE, "INBOUND_RULE")
    deployed.logged(RULE)
    status, findings = verify("--hours", "24", *arguments)
    assert (status, missing(findings)) == (0, [])
    assert findings["permission"]["subject"] == RULE


def test_an_inbound_rule_of_the_same_name_does_not_count(deployed: Deployed, verify: Any) -> None:
    """Names are unique within a direction only."""
    deployed.permit()
    deployed.stacks(ORGANIZATION)
    deployed.monitors()
    deployed.logged(RULE, "INBOUND_RULE")
    status, findings = verify("--stack", "Compliance")
    assert (status, missing(findings)) == (1, ["RULE_APPLIED"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rule", "R"], "--rule R has no effect without --function"),
        (["--hours", "0"], "'0' is not a time: pass hours above 0"),
        (["--hours", "inf"], "'inf' is not a time: pass hours above 0"),
        (["--function", "f", "--stack", "s"], "not allowed with argument --function"),
    ],
)
def test_an_option_without_effect_is_wrong_usage(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    try:
        status: object = main(["workmail", "verify", "--organization", ORGANIZATION, *arguments])
    except SystemExit as exit_:
        status = exit_.code
    assert status == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [([], "no stack has a rule of"), (["--stack", "Stack0"], "the stack Stack0 has no rule of")],
    ids=["every", "one"],
)
def test_rules_of_another_organization_are_not_checked(
    deployed: Deployed, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    deployed.stacks(OTHER)
    assert main(["workmail", "verify", "--organization", ORGANIZATION, *arguments]) == 1
    printed = capsys.readouterr().err
    assert f"{said} the organization {ORGANIZATION}" in printed
    assert "--function ARN" in printed


def test_a_missing_stack_is_reported_with_cloudformations_message(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed.cloudformation.add_client_error(
        "describe_stacks", "ValidationError", "Stack with id Gone does not exist"
    )
    arguments = ["--organization", ORGANIZATION, "--stack", "Gone"]
    assert main(["workmail", "verify", *arguments]) == 1
    assert "Stack with id Gone does not exist" in capsys.readouterr().err


def test_the_findings_are_shown_by_subject_with_what_to_do(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    """First the rule, then the organization; ✓ or ✗, and below each ✗ the remedy."""
    deployed.permit()
    deployed.permit("Other", Principal="events.amazonaws.com")
    deployed.monitors()
    arguments = ["--function", deployed.function, "--rule", RULE]
    assert main(["workmail", "verify", "--organization", ORGANIZATION, *arguments]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == RULE
    assert lines[1] == f"  ✓  permission    {SERVICE} may invoke it for {ORGANIZATION}"
    assert lines[2].startswith("  ✗  no others     Other: Allow ")
    assert lines[3:6] == [
        "                   if nothing needs it, run:",
        f"aws lambda remove-permission --function-name {deployed.function} --statement-id Other",
        "  ✗  RULE_APPLIED  not in the last 24 h",
    ]
    assert lines[6].startswith("                   create the rule as the output ConsoleSteps says")
    assert lines[7:] == ["", ORGANIZATION, f"  ✓  monitoring    events go to {GROUP}"]


def test_a_command_can_be_copied_from_a_narrow_terminal(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, screen: Any
) -> None:
    deployed.monitors(None)
    monkeypatch.setattr(sys, "stdout", screen)
    arguments = ["--function", deployed.function, "--rule", "\x1b[2J[red]"]
    assert main(["workmail", "verify", "--organization", ORGANIZATION, *arguments]) == 1
    lines = screen.getvalue().splitlines()
    (command,) = [line for line in lines if "add-permission" in line]
    assert command.startswith("aws lambda add-permission ")
    assert command.endswith(SOURCE)
    assert "\\x1b[2J[red]" in lines[0]


def test_without_a_name_any_rule_counts_and_that_is_said(deployed: Deployed, verify: Any) -> None:
    deployed.permit()
    deployed.monitors()
    deployed.logged("Another")
    status, findings = verify("--function", deployed.function)
    assert (status, missing(findings)) == (0, [])
    assert findings["RULE_APPLIED"]["found"].startswith("Another, ")
    assert "--rule NAME" in findings["RULE_APPLIED"]["found"]


def test_without_a_local_aws_the_real_account_is_offered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--state", str(tmp_path / "none"), "--organization", ORGANIZATION]
    assert main(["workmail", "verify", *arguments]) == 1
    assert "to use a real account, add --aws" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("account", "status", "complaint"),
    [
        # Nothing listens there, so this is how far one gets.
        (["--aws"], 1, "cannot read the account: Could not connect to the endpoint URL: "),
        ([], 2, 'this command needs the local AWS: pip install "cdk-mailroom[local]"'),
    ],
    ids=["real account", "local AWS"],
)
def test_a_real_account_needs_nothing_of_the_local_aws(
    account: list[str], status: int, complaint: str
) -> None:
    code = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('ministack', 'aiosmtpd', 'trustme', 'duckdb',\n"
        "                                      'aws_cdk', 'mailroom_local'):\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "from mailroom_cli.main import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    arguments = ["workmail", "verify", "--organization", ORGANIZATION, "--function", "gone"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments, *account],
        env={**os.environ, "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == status
    assert done.stderr.startswith(f"mailroom: {complaint}")
