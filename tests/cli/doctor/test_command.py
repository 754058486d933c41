"""`mailroom doctor`: what it prints, and its exit status."""

import json
import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from mailroom_cli.doctor import machine, run, show
from mailroom_cli.doctor.findings import Finding, Level
from mailroom_local import LocalAws

from .conftest import Account

Run = Callable[..., tuple[int, str, str]]
WELL = Finding(subject="machine", check="node", level=Level.OK, found="Node 24.19.0")
NOT_SEEN = Finding(subject="queues", check="not-seen", level=Level.WARNING, found="needs sqs:*")
PROBLEM = Finding(
    subject="sending",
    check="sandbox",
    level=Level.PROBLEM,
    found="the account is in the sandbox: mail goes to verified addresses only, and nowhere else",
    remedy="request production access",
    command="aws sesv2 put-account-details " + "--with many --options " * 5,
    source="https://docs.aws.amazon.com/ses/latest/dg/request-production-access.html",
)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """What is found on the machine; the real one is left alone."""
    chosen = [WELL]
    monkeypatch.setattr(machine, "look", lambda *_, **__: iter(chosen))
    return chosen


@pytest.mark.usefixtures("found")
def test_without_an_account_only_the_machine_is_looked_at(mailroom: Run, tmp_path: Path) -> None:
    status, shown, _ = mailroom("doctor", "--state", str(tmp_path / "none"))
    assert status == 0
    assert "✓ Node 24.19.0" in shown
    assert "no account was looked at: no local AWS runs here" in shown
    assert "mailroom doctor --aws" in shown


@pytest.mark.usefixtures("found")
def test_json_has_every_finding_of_a_running_local_aws(mailroom: Run, local_aws: LocalAws) -> None:
    status, shown, _ = mailroom("doctor", "--json", "--state", str(local_aws.state.root))
    answer = json.loads(shown)
    assert status == (0 if answer["ok"] else 1)
    assert list(answer["counts"]) == ["problem", "warning", "note", "ok"]
    assert sum(answer["counts"].values()) == len(answer["findings"])
    members = [one.name for one in fields(Finding)]
    assert all(list(one) == members for one in answer["findings"])
    assert {one["check"] for one in answer["findings"]}.isdisjoint({"not-seen", "no-answer"})
    subjects = list(dict.fromkeys(one["subject"] for one in answer["findings"]))
    assert subjects[:3] == ["machine", "account", "sending"]


@pytest.mark.parametrize(
    ("finding", "option", "status"),
    [
        (WELL, "--strict", 0),
        (NOT_SEEN, "--json", 0),
        (NOT_SEEN, "--strict", 1),
        (PROBLEM, "--json", 1),
    ],
)
def test_the_status_tells_problems_and_strictly_warnings(
    mailroom: Run,
    found: list[Finding],
    tmp_path: Path,
    finding: Finding,
    option: str,
    status: int,
) -> None:
    found[:] = [finding]
    assert mailroom("doctor", option, "--state", str(tmp_path / "none"))[0] == status


def test_the_policy_is_json_that_iam_takes(mailroom: Run) -> None:
    status, shown, _ = mailroom("doctor", "--policy")
    assert (status, json.loads(shown)) == (0, run.policy())


@pytest.mark.parametrize("option", ["--region", "--identity"])
def test_an_option_for_a_real_account_has_no_effect_on_the_local_one(
    mailroom: Run, option: str
) -> None:
    status, _, complaint = mailroom("doctor", option, "eu-west-1")
    assert (status, "add --aws" in complaint) == (2, True)


@pytest.mark.usefixtures("found")
def test_an_account_that_cannot_be_reached_is_a_problem(
    mailroom: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    status, shown, _ = mailroom("doctor", "--aws", "--region", "eu-west-1")
    assert status == 1
    assert "cannot reach the account: Unable to locate credentials" in shown


def test_an_account_that_is_as_it_should_be_has_neither_problems_nor_warnings(
    account: Account,
) -> None:
    account.verify("example.com")
    store = {"S3Action": {"BucketName": account.bucket()}}
    call = {"LambdaAction": {"FunctionArn": account.function()}}
    account.rule_set({"Name": "All", "Recipients": ["example.com"], "Actions": [store, call]})
    account.publishing(SnsDestination={"TopicArn": account.topic()})
    found = run.look(account.place())
    assert {one.level for one in found} == {Level.OK, Level.NOTE}
    assert "pricing plan à la carte (no plan)" in [one.found for one in found]
    assert {one.check for one in found if one.level is Level.OK} >= {
        *("active", "can-run", "enforcement", "keys", "listed", "quota", "reached"),
        *("sandbox", "verified"),
    }


def test_the_worst_of_each_subject_is_first_and_commands_stay_whole(
    capsys: pytest.CaptureFixture[str],
) -> None:
    good = Finding(subject="sending", check="quota", level=Level.OK, found="0 of 200")
    show.in_terminal([good, PROBLEM])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Sending"
    assert lines[1].startswith("  ✗ the account is in the sandbox")
    assert PROBLEM.command.strip() in [line.strip() for line in lines]
    assert lines[-3].startswith("  ✓ 0 of 200")
    assert lines[-1] == "1 problem"
