"""Which account a command works on."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from mailroom_cli import account
from mailroom_cli.errors import CommandError, UsageError
from mailroom_local import LocalAws

Run = Callable[..., tuple[int, str, str]]


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    account.add_arguments(parser)
    return parser.parse_args(arguments)


def test_the_local_aws_is_the_default(local_aws: LocalAws) -> None:
    chosen = account.resolve(options("--state", str(local_aws.state.root)))
    assert chosen.local is not None
    assert chosen.where == "the local AWS"
    assert chosen.client("sqs").meta.endpoint_url == local_aws.server.endpoint


def test_a_real_account_is_used_with_the_named_region() -> None:
    chosen = account.resolve(options("--aws", "--region", "eu-west-1"))
    assert chosen.local is None
    assert chosen.client("sqs").meta.region_name == "eu-west-1"
    assert chosen.client("sqs").meta.endpoint_url == "https://sqs.eu-west-1.amazonaws.com"
    assert chosen.client("sqs") is chosen.client("sqs")


def test_a_real_account_is_used_with_the_named_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("[profile team]\nregion = eu-north-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    chosen = account.resolve(options("--aws", "--profile", "team"))
    assert chosen.client("logs").meta.region_name == "eu-north-1"
    assert chosen.where == "the account of profile team"


@pytest.mark.parametrize(
    ("arguments", "message", "remedy"),
    [
        (["--region", "eu-west-1"], "--region eu-west-1 has no effect on the local AWS", "--aws"),
        (["--profile", "team"], "--profile team has no effect on the local AWS", "--aws"),
        (["--aws", "--state", "x"], "--state x has no effect on a real account", "omit --state"),
        (["--aws", "--profile", "none"], "no AWS profile is named 'none'", "list-profiles"),
    ],
)
def test_an_option_without_effect_is_wrong_usage(
    arguments: list[str], message: str, remedy: str
) -> None:
    with pytest.raises(UsageError) as raised:
        account.resolve(options(*arguments))
    assert raised.value.message == message
    assert remedy in str(raised.value.remedy)


@pytest.mark.parametrize(
    "command", [["trace", "m-1"], ["replay", "dead", "--dry-run"]], ids=lambda words: words[0]
)
def test_without_a_local_aws_the_real_account_is_offered_and_not_used(
    mailroom: Run, tmp_path: Path, command: list[str]
) -> None:
    status, printed, complaint = mailroom(*command, "--state", str(tmp_path / "none"))
    assert (status, printed) == (1, "")
    first, second = complaint.splitlines()
    assert first.startswith("mailroom: no local AWS runs with the state directory ")
    assert second.startswith("  ")
    assert second.endswith("to use a real account, add --aws")


@pytest.mark.parametrize(
    "error",
    [
        NoCredentialsError(),
        ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "Query"),
    ],
    ids=["none", "denied"],
)
def test_a_failed_call_is_a_message_with_its_reason(error: Exception) -> None:
    with pytest.raises(CommandError) as raised, account.calls("cannot read"):
        raise error
    assert raised.value.status == 1
    assert raised.value.message == f"cannot read: {error}"
    assert "credentials" in str(raised.value.remedy)


def test_another_error_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), account.calls("cannot read"):
        _: Any = 1 / 0
