"""Calls to SES: retries, checks after a change, and the log."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws

from mailroom.provisioning import activation
from mailroom.provisioning.activation import ActivationError
from runtime.provisioning.activation_account import MODES, FakeSes, Stack, account, throttle, use


@pytest.mark.parametrize("times", [1, 5, 10])
def test_throttling_is_waited_out(times: int, naps: list[float]) -> None:
    """SES allows one control call a second to the whole account."""
    ses = account()
    ses.errors = throttle(times)
    Stack(ses).create("ours", "refuse")
    assert (ses.current, len(naps)) == ("ours", times)


def test_waiting_stays_inside_the_function_timeout(naps: list[float]) -> None:
    """Better the throttling error in CloudFormation than an hour without an answer."""
    ses = account()
    ses.errors = throttle(1000)
    with pytest.raises(ClientError, match="Rate exceeded"):
        Stack(ses).create("ours", "refuse")
    assert 60 <= sum(naps) <= 90


def test_another_error_is_not_retried(naps: list[float]) -> None:
    """Waiting does not grant a missing permission."""
    ses = account()
    ses.errors = [ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "op")]
    with pytest.raises(ClientError, match="AccessDenied"):
        Stack(ses).create("ours", "refuse")
    assert naps == []


def test_an_activation_whose_response_was_lost_counts() -> None:
    """Failing now would leave our set active with nothing to deactivate it."""
    ses = account()

    def lose() -> None:
        ses.current = "ours"
        ses.errors = [ConnectionError("reset")]

    ses.before_call = {2: lose}
    assert Stack(ses).create("ours", "refuse").id == "mailroom:activated=ours;mode=refuse"


def test_an_activation_that_failed_is_an_error() -> None:
    """Looking again shows that nothing happened."""
    ses = account()
    ses.before_call = {2: lambda: ses.errors.append(ConnectionError("reset"))}
    with pytest.raises(ConnectionError):
        Stack(ses).create("ours", "refuse")
    assert ses.current is None


def test_a_failed_second_check_does_not_fail_the_request() -> None:
    """Ours was activated; an error now would leave it active after a Create that failed."""
    ses = account()
    ses.before_call = {3: lambda: ses.errors.append(ConnectionError("reset"))}
    Stack(ses).create("ours", "refuse")
    assert ses.current == "ours"


def overtake(ses: FakeSes, winner: str | None) -> None:
    """Activate *winner* after our set was activated and before the second check."""

    def win() -> None:
        if winner:
            ses.rule_sets.add(winner)
        ses.current = winner

    ses.before_call = {3: win}


@pytest.mark.parametrize("mode", ["refuse", "replace"])
def test_losing_the_race_is_an_error_that_names_the_winner(mode: str) -> None:
    """Setting again would only make the other stack lose."""
    ses = account()
    overtake(ses, "others")
    with pytest.raises(ActivationError, match="'others' was activated while 'ours'"):
        Stack(ses).create("ours", mode)
    assert ses.current == "others"


def test_join_joins_the_winner_of_the_race() -> None:
    """The set to join is the one that is active."""
    ses = account()
    overtake(ses, "others")
    stack = Stack(ses).create("ours", "join")
    assert (ses.current, stack.rule_set) == ("others", "others")


@pytest.mark.parametrize("mode", MODES)
def test_being_deactivated_in_the_race_is_an_error(mode: str) -> None:
    """A stack that receives nothing must not report success."""
    ses = account()
    overtake(ses, None)
    with pytest.raises(ActivationError, match="all sets were deactivated"):
        Stack(ses).create("ours", mode)


def test_one_line_is_logged_for_a_transition(capsys: pytest.CaptureFixture[str]) -> None:
    """An operator can read who displaced whom, and when."""
    Stack(account(active="theirs")).create("ours", "replace")
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    line.pop("timestamp")
    assert line == {
        "level": "INFO",
        "event": "mailroom.provisioning.activation",
        "request": "Create",
        "rule_set": "ours",
        "mode": "replace",
        "outcome": "replaced",
        "before": "theirs",
        "after": "ours",
        "physical_id": "mailroom:activated=ours;mode=replace;previous=theirs",
    }


@pytest.mark.parametrize("active", [None, "theirs"])
@pytest.mark.parametrize("mode", ["join", "replace"])
def test_the_real_client_speaks_as_the_fake_does(
    mode: str, active: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """botocore's parameters, errors and answers, through moto: set, describe, restore, none."""
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(key, "testing")
    with mock_aws():
        client = use(
            boto3.client("ses", "us-east-1", config=Config(retries={"total_max_attempts": 1}))
        )
        for name in ("ours", "theirs"):
            client.create_receipt_rule_set(RuleSetName=name)
        if active:
            client.set_active_receipt_rule_set(RuleSetName=active)
        event: dict[str, Any] = {
            "RequestType": "Create",
            "RequestId": "1",
            "ResourceProperties": {"RuleSetName": "ours", "Mode": mode},
        }
        answer = activation.handler(event, None)
        expected = active if active and mode == "join" else "ours"
        assert answer["Data"]["RuleSetName"] == expected
        now = client.describe_active_receipt_rule_set()
        assert now["Metadata"]["Name"] == expected
        event |= {"RequestType": "Delete", "RequestId": "2", **answer}
        activation.handler(event, None)
        then = client.describe_active_receipt_rule_set()
        assert then.get("Metadata", {}).get("Name") == active
        with pytest.raises(ActivationError, match="'gone' does not exist"):
            activation.handler(
                {
                    "RequestType": "Update",
                    "PhysicalResourceId": "mailroom:activated=ours;mode=refuse",
                    "ResourceProperties": {"RuleSetName": "gone"},
                }
                if active is None
                else {
                    "RequestType": "Create",
                    "ResourceProperties": {"RuleSetName": "gone", "Mode": "replace"},
                },
                None,
            )
