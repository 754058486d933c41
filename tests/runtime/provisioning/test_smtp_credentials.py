"""Rules of `mailroom.provisioning.smtp_credentials`, driven as CloudFormation drives it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from moto import mock_aws

from mailroom import _runtime
from mailroom.errors import MissingField
from mailroom.provisioning import smtp_credentials
from mailroom.provisioning.smtp_credentials import SmtpCredentialsError, handler


def request_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


class Account:
    """One account with the user and the secret that CloudFormation made."""

    def __init__(self) -> None:
        self.iam = boto3.client("iam", region_name="us-east-1")
        self.secrets = boto3.client("secretsmanager", region_name="us-east-1")
        self.iam.create_user(UserName="smtp")
        self.arn = self.secrets.create_secret(Name="smtp")["ARN"]
        self.requests = 0

    def keys(self) -> list[str]:
        found = self.iam.list_access_keys(UserName="smtp")["AccessKeyMetadata"]
        return [key["AccessKeyId"] for key in found]

    def secret(self) -> dict[str, Any]:
        text = self.secrets.get_secret_value(SecretId=self.arn)["SecretString"]
        found: dict[str, Any] = json.loads(text)
        return found

    def properties(self, **changes: str) -> dict[str, str]:
        return {
            "UserName": "smtp",
            "SecretArn": self.arn,
            "Region": "eu-west-1",
            "Rotation": "1",
            **changes,
        }

    def ask(
        self,
        kind: str,
        new: dict[str, str],
        old: dict[str, str] | None = None,
        physical_id: str | None = None,
        again: bool = False,
    ) -> Any:
        self.requests += not again
        event: dict[str, Any] = {
            "RequestType": kind,
            "RequestId": request_id(self.requests),
            "ResourceProperties": new,
        }
        if old:
            event["OldResourceProperties"] = old
        if physical_id:
            event["PhysicalResourceId"] = physical_id
        return handler(event, None)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    with mock_aws():
        made = Account()
        monkeypatch.setattr(smtp_credentials, "_clients", {"iam": made.iam})
        monkeypatch.setattr(_runtime, "_clients", {"secretsmanager": made.secrets})
        monkeypatch.setattr(smtp_credentials.time, "sleep", lambda _: None)
        yield made


def failing(monkeypatch: pytest.MonkeyPatch, client: Any, method: str, *steps: Any) -> list[Any]:
    """Have *method* raise the *steps* in turn; ``(error,)`` does it first, then raises."""
    real = getattr(client, method)
    calls: list[Any] = []
    left = list(steps)

    def instead(**arguments: Any) -> Any:
        calls.append(arguments)
        step = left.pop(0) if left else None
        if isinstance(step, tuple):
            real(**arguments)
            raise step[0]
        if step is not None:
            raise step
        return real(**arguments)

    monkeypatch.setattr(client, method, instead)
    return calls


def error(code: str, status: int = 400) -> ClientError:
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "op")  # type: ignore[arg-type]


LOST = ReadTimeoutError(endpoint_url="https://iam")


def test_create_writes_credentials_into_the_secret(account: Account) -> None:
    """User name, derived password, host and port; the physical id is the key's."""
    answer = account.ask("Create", account.properties())
    (key,) = account.keys()
    secret = account.secret()
    assert answer == {"PhysicalResourceId": key, "Data": {"SecretArn": account.arn}}
    assert secret["username"] == key
    assert secret["host"] == "email-smtp.eu-west-1.amazonaws.com"
    assert secret["port"] == 587
    assert len(secret["password"]) == 44


def test_nothing_secret_is_logged_or_returned(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither in the answer nor in the log."""
    answer = account.ask("Create", account.properties())
    told = json.dumps(answer) + capsys.readouterr().out
    assert account.secret()["password"] not in told


def test_another_server_can_be_given(account: Account) -> None:
    """A rehearsal has a server of its own."""
    account.ask("Create", account.properties(Host="127.0.0.1", Port="2587"))
    assert (account.secret()["host"], account.secret()["port"]) == ("127.0.0.1", 2587)


def test_a_second_delivery_makes_no_second_key(account: Account) -> None:
    """Another process cannot know it but from the secret's version id."""
    first = account.ask("Create", account.properties())
    before = account.secret()
    assert account.ask("Create", account.properties(), again=True) == first
    assert account.keys() == [first["PhysicalResourceId"]]
    assert account.secret() == before


def test_rotation_makes_a_new_key_and_keeps_the_old_one(account: Account) -> None:
    """Until CloudFormation deletes the old id, both work."""
    old = account.ask("Create", account.properties())["PhysicalResourceId"]
    answer = account.ask("Update", account.properties(Rotation="2"), account.properties(), old)
    new = answer["PhysicalResourceId"]
    assert set(account.keys()) == {old, new}
    assert account.secret()["username"] == new
    account.ask("Delete", account.properties(), physical_id=old)
    assert account.keys() == [new]


def test_a_rotation_delivered_twice_makes_one_key(account: Account) -> None:
    """Although both slots are taken by then."""
    old = account.ask("Create", account.properties())["PhysicalResourceId"]
    call = ("Update", account.properties(Rotation="2"), account.properties(), old)
    assert account.ask(*call) == account.ask(*call, again=True)
    assert len(account.keys()) == 2


def test_a_rotation_can_be_rolled_back(account: Account) -> None:
    """Both slots are taken then: the new key stays in use, and the old one goes."""
    old = account.ask("Create", account.properties())["PhysicalResourceId"]
    new = account.ask("Update", account.properties(Rotation="2"), account.properties(), old)
    again = account.ask(
        "Update",
        account.properties(),
        account.properties(Rotation="2"),
        new["PhysicalResourceId"],
    )
    assert again["PhysicalResourceId"] == new["PhysicalResourceId"]
    assert account.keys() == [account.secret()["username"]] == [new["PhysicalResourceId"]]


def test_another_region_rolled_back_gets_its_password_back(account: Account) -> None:
    """The password of the region tried out would not work in the one before."""
    old = account.ask("Create", account.properties())["PhysicalResourceId"]
    other = account.properties(Region="us-east-1")
    new = account.ask("Update", other, account.properties(), old)["PhysicalResourceId"]
    account.ask("Update", account.properties(), other, new)
    assert account.secret()["host"] == "email-smtp.eu-west-1.amazonaws.com"


def test_an_update_of_something_else_changes_nothing(account: Account) -> None:
    """Such as of the function behind the resource."""
    key = account.ask("Create", account.properties())["PhysicalResourceId"]
    new = {**account.properties(), "ServiceToken": "arn:other"}
    answer = account.ask("Update", new, account.properties(), key)
    assert answer["PhysicalResourceId"] == key
    assert account.keys() == [key]


def test_a_user_without_a_free_slot_is_an_error(account: Account) -> None:
    """It names the user, the keys and the remedy; nothing is touched."""
    for _ in range(2):
        account.iam.create_access_key(UserName="smtp")
    before = account.keys()
    with pytest.raises(SmtpCredentialsError, match=r"'smtp' has 2 access keys.*delete"):
        account.ask("Create", account.properties())
    assert account.keys() == before


def test_a_rotation_without_a_free_slot_is_an_error(account: Account) -> None:
    """A key made by hand does not count as a rollback."""
    key = account.ask("Create", account.properties())["PhysicalResourceId"]
    account.iam.create_access_key(UserName="smtp")
    with pytest.raises(SmtpCredentialsError, match="2 access keys"):
        account.ask("Update", account.properties(Rotation="2"), account.properties(), key)
    assert len(account.keys()) == 2


def test_going_back_by_hand_is_not_a_rollback(account: Account) -> None:
    """If the other key is newer than ours, it was made by hand, and we must not delete it."""
    old = account.ask("Create", account.properties())["PhysicalResourceId"]
    second = account.properties(Rotation="2")
    key = account.ask("Update", second, account.properties(), old)["PhysicalResourceId"]
    account.ask("Delete", account.properties(), physical_id=old)
    account.iam.create_access_key(UserName="smtp")
    before = account.keys()
    with pytest.raises(SmtpCredentialsError, match="2 access keys"):
        account.ask("Update", account.properties(), second, key)
    assert account.keys() == before


def test_delete_deletes_the_key(account: Account) -> None:
    """And only that one."""
    key = account.ask("Create", account.properties())["PhysicalResourceId"]
    other = account.iam.create_access_key(UserName="smtp")["AccessKey"]["AccessKeyId"]
    answer = account.ask("Delete", account.properties(), physical_id=key)
    assert answer == {"PhysicalResourceId": key}
    assert account.keys() == [other]


@pytest.mark.parametrize("user_too", [False, True])
def test_deleting_something_already_gone_succeeds(account: Account, user_too: bool) -> None:
    """Someone else has already deleted it."""
    key = account.ask("Create", account.properties())["PhysicalResourceId"]
    account.iam.delete_access_key(UserName="smtp", AccessKeyId=key)
    if user_too:
        account.iam.delete_user(UserName="smtp")
    account.ask("Delete", account.properties(), physical_id=key)


def test_an_id_of_the_framework_is_left_alone(account: Account) -> None:
    """After a Create that failed there is nothing to delete."""
    physical_id = "AWSCDK::CustomResourceProviderFramework::CREATE_FAILED"
    assert account.ask("Delete", {}, physical_id=physical_id)["PhysicalResourceId"] == physical_id


def test_a_secret_that_cannot_be_written_leaves_no_key(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is AWS's."""
    failing(monkeypatch, account.secrets, "put_secret_value", error("AccessDeniedException"))
    with pytest.raises(ClientError, match="AccessDenied"):
        account.ask("Create", account.properties())
    assert account.keys() == []


def test_a_secret_that_was_written_after_all_keeps_its_key(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If only the answer was lost, taking the key back would break the mail."""
    failing(monkeypatch, account.secrets, "put_secret_value", (LOST,))
    answer = account.ask("Create", account.properties())
    assert account.keys() == [answer["PhysicalResourceId"]] == [account.secret()["username"]]


def test_a_key_whose_answer_was_lost_is_not_left_behind(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its secret is lost, so it is deleted; others are not."""
    other = account.iam.create_access_key(UserName="smtp")["AccessKey"]["AccessKeyId"]
    failing(monkeypatch, account.iam, "create_access_key", (LOST,))
    with pytest.raises(ReadTimeoutError):
        account.ask("Create", account.properties())
    assert account.keys() == [other]


def test_throttling_is_retried(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """IAM did nothing then, so asking again makes no second key."""
    calls = failing(monkeypatch, account.iam, "create_access_key", *[error("Throttling")] * 3)
    account.ask("Create", account.properties())
    assert len(calls) == 4
    assert len(account.keys()) == 1


def test_a_key_that_cannot_be_deleted_is_named(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its id, which is not secret, is named, so that someone can delete it."""
    failing(monkeypatch, account.secrets, "put_secret_value", error("InternalServiceError", 500))
    failing(monkeypatch, account.iam, "delete_access_key", error("AccessDenied", 403))
    with pytest.raises(SmtpCredentialsError) as caught:
        account.ask("Create", account.properties())
    assert account.keys()[0] in str(caught.value)


@pytest.mark.parametrize("name", ["UserName", "SecretArn", "Region"])
def test_the_error_names_a_missing_property(account: Account, name: str) -> None:
    """With its path."""
    with pytest.raises(MissingField, match=f"ResourceProperties.{name}"):
        account.ask("Create", account.properties(**{name: ""}))


def test_an_unknown_request_is_refused(account: Account) -> None:
    """Rather than taken for one of the three."""
    with pytest.raises(SmtpCredentialsError, match="RequestType"):
        account.ask("Replace", account.properties())


def test_the_iam_client_does_not_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a timeout, botocore's repetition would make a second key."""
    monkeypatch.setattr(smtp_credentials, "_clients", {})
    assert smtp_credentials._iam().meta.config.retries["total_max_attempts"] == 1
