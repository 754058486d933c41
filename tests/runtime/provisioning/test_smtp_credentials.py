"""Rules of `mailroom.provisioning.smtp_credentials`; `test_smtp_life_cycle` has the sequences."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mailroom import _runtime
from mailroom.errors import MissingField
from mailroom.provisioning import _patience, smtp_credentials
from mailroom.provisioning.smtp_credentials import SmtpCredentialsError, handler
from runtime.provisioning.smtp_account import Clock, FakeIam, FakeSecrets

ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:smtp-1a2b3c"
HOUR = 3600.0


class Account:
    """One account with the user and the secret that CloudFormation made."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.iam = FakeIam(self.clock, lambda: None)
        self.secrets = FakeSecrets(lambda: None)
        self.iam.create_user("smtp")
        self.secrets.create(ARN)
        self.was: dict[str, str] = {}

    def ask(self, kind: str, **changes: str) -> dict[str, Any]:
        new = {"UserName": "smtp", "SecretArn": ARN, "Region": "eu-west-1", "Rotation": "1"}
        new |= changes
        event = {"RequestType": kind, "ResourceProperties": new}
        if kind != "Create":
            event |= {"OldResourceProperties": self.was, "PhysicalResourceId": ARN}
        self.was = new
        return handler(event, None)

    def rotated_to(self, text: str, after: float = 0.0) -> str:
        """Return the user name in the secret after that rotation."""
        self.clock.sleep(after)
        self.ask("Update" if self.was else "Create", Rotation=text)
        return str(self.secrets.value(ARN)["username"])

    @property
    def keys(self) -> list[str]:
        return self.iam.of("smtp")


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    made = Account()
    monkeypatch.setattr(smtp_credentials, "_clients", {"iam": made.iam})
    monkeypatch.setattr(_runtime, "_clients", {"secretsmanager": made.secrets})
    time = SimpleNamespace(time=made.clock.time, sleep=made.clock.sleep)
    for module in (smtp_credentials, _patience):
        monkeypatch.setattr(module, "time", time)
    return made


def test_create_writes_credentials_into_the_secret_and_nowhere_else(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    """User name, derived password, host and port; the answer and the log have no password."""
    answer = account.ask("Create")
    assert answer == {"PhysicalResourceId": ARN, "Data": {"SecretArn": ARN}}
    secret = account.secrets.value(ARN)
    assert [secret["username"]] == account.keys
    assert account.iam.logs_in(secret, "eu-west-1")
    assert (secret["host"], secret["port"]) == ("email-smtp.eu-west-1.amazonaws.com", 587)
    assert secret["password"] not in json.dumps(answer) + capsys.readouterr().out


def test_the_server_can_be_given(account: Account) -> None:
    """A rehearsal has a server of its own."""
    account.ask("Create", Host="127.0.0.1", Port="2587")
    secret = account.secrets.value(ARN)
    assert (secret["host"], secret["port"]) == ("127.0.0.1", 2587)


def test_the_previous_key_works_until_the_next_rotation(account: Account) -> None:
    """Programs have that long to read the secret again."""
    first = account.rotated_to("1")
    second = account.rotated_to("2")
    assert account.keys == [first, second]
    third = account.rotated_to("3")
    assert account.keys == [second, third]


def test_a_rollback_and_another_try_use_the_same_two_keys(account: Account) -> None:
    """Whoever read the secret in between is not locked out."""
    account.rotated_to("1")
    second = account.rotated_to("2", after=100 * HOUR)
    third = account.rotated_to("3", after=100 * HOUR)
    assert account.rotated_to("2", after=HOUR) == second
    assert account.rotated_to("3", after=HOUR) == third
    assert account.keys == [second, third]


def test_the_log_says_what_became_of_the_credentials(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in ("1", "2", "2", "1"):
        account.rotated_to(text)
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    assert [line["outcome"] for line in lines] == [
        "created",
        "created",
        "unchanged",
        "went back to the previous key",
    ]


def test_a_text_that_was_used_days_ago_makes_a_new_key(account: Account) -> None:
    """Someone who rotates between two texts gets new credentials each time."""
    first = account.rotated_to("1")
    second = account.rotated_to("2", after=100 * HOUR)
    third = account.rotated_to("1", after=100 * HOUR)
    assert third not in (first, second)
    assert account.keys == [second, third]


def test_a_value_written_by_hand_works_until_a_rotation_has_succeeded(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have our key, with another host; then no version of ours names that key."""
    first = account.rotated_to("1")
    by_hand = {"ClientRequestToken": "b" * 32, "VersionStages": ["AWSCURRENT"]}
    account.secrets.put_secret_value(SecretId=ARN, SecretString="{}", **by_hand)
    with monkeypatch.context() as patch:
        patch.setattr(account.iam, "create_access_key", lambda **_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            account.rotated_to("2")
        assert account.keys == [first]
    third = account.rotated_to("3")
    assert account.keys == [third]


def test_a_version_that_is_seen_late_keeps_its_key(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that comes a moment after another must not delete the key just written."""
    account.rotated_to("1")
    stale = account.secrets.describe_secret(SecretId=ARN)
    second = account.rotated_to("2")
    listed = account.secrets.describe_secret(SecretId=ARN)["VersionIdsToStages"]
    announcement = next(one for one in listed if one.startswith("mailroom-creating"))
    stale["VersionIdsToStages"][announcement] = ["MAILROOM_CREATING_A_KEY"]
    answers = [stale]
    fresh = account.secrets.describe_secret
    monkeypatch.setattr(
        account.secrets,
        "describe_secret",
        lambda **call: answers.pop() if answers else fresh(**call),
    )
    assert account.rotated_to("2") == second
    assert second in account.keys


def test_an_update_of_something_else_changes_nothing(account: Account) -> None:
    """Such as of the function behind the resource."""
    first = account.rotated_to("1")
    account.ask("Update", ServiceToken="arn:other")
    assert account.keys == [first]


def test_a_user_with_two_keys_of_others_is_an_error(account: Account) -> None:
    """It names the user, the keys and the remedy; nothing is touched."""
    for _ in range(2):
        account.iam.create_access_key(UserName="smtp")
    before = account.keys
    message = f"'smtp' has 2 access keys .{before[0]}, {before[1]}.*delete the one that nothing"
    with pytest.raises(SmtpCredentialsError, match=message):
        account.ask("Create")
    assert account.keys == before


def test_only_the_key_whose_answer_was_lost_is_taken_back(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else's was there before it was announced."""
    account.iam.create_access_key(UserName="smtp")
    before, create = account.keys, account.iam.create_access_key
    monkeypatch.setattr(account.iam, "create_access_key", lambda **call: create(**call)["Lost"])
    with pytest.raises(KeyError, match="Lost"):
        account.ask("Create")
    account.ask("Delete")
    assert account.keys == before


def test_a_key_that_was_announced_and_not_created_is_forgotten(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else took the last place a moment before; that key would be taken for ours."""
    account.iam.create_access_key(UserName="smtp")
    create = account.iam.create_access_key
    monkeypatch.setattr(
        account.iam, "create_access_key", lambda **call: (create(**call), create(**call))[1]
    )
    with pytest.raises(SmtpCredentialsError, match="2 access keys"):
        account.ask("Create")
    before = account.keys
    account.ask("Delete")
    assert account.keys == before
    assert len(before) == 2


@pytest.fixture
def lost(account: Account, monkeypatch: pytest.MonkeyPatch) -> Account:
    """An account with credentials, and a key of a rotation that failed before it was written."""
    account.rotated_to("1")
    create = account.iam.create_access_key
    with monkeypatch.context() as patch:
        patch.setattr(account.iam, "create_access_key", lambda **call: create(**call)["Lost"])
        with pytest.raises(KeyError, match="Lost"):
            account.rotated_to("2")
    assert len(account.keys) == 2
    return account


def test_delete_finds_a_key_that_was_never_written(lost: Account) -> None:
    """The user could not be deleted otherwise."""
    lost.ask("Delete")
    assert lost.keys == []


def test_a_key_that_somebody_creates_later_is_not_taken_for_a_lost_one(lost: Account) -> None:
    """Six minutes after the key was announced."""
    first = lost.rotated_to("1")
    lost.clock.sleep(HOUR)
    foreign = lost.iam.create_access_key(UserName="smtp")["AccessKey"]["AccessKeyId"]
    with pytest.raises(SmtpCredentialsError, match="2 access keys"):
        lost.rotated_to("3")
    assert lost.keys == [first, foreign]


def test_another_user_is_refused_with_the_remedy(account: Account) -> None:
    """The old user's keys could not be deleted, since only the new one may be managed."""
    account.ask("Create")
    account.iam.create_user("other")
    with pytest.raises(SmtpCredentialsError, match=r"UserName is 'other' and was 'smtp'.*another"):
        account.ask("Update", UserName="other")
    assert account.iam.of("other") == []


def test_keys_whose_secret_is_gone_are_left_to_a_person(account: Account) -> None:
    """Only the secret said which of them are ours."""
    account.ask("Create")
    account.secrets.delete(ARN)
    with pytest.raises(SmtpCredentialsError, match=f"{account.keys[0]}.*by hand"):
        account.ask("Delete")
    account.iam.keys.clear()
    assert account.ask("Delete") == {"PhysicalResourceId": ARN}


def test_a_user_that_is_gone_has_nothing_to_delete(account: Account) -> None:
    """Somebody deleted it by hand."""
    account.ask("Create")
    account.iam.keys.clear()
    account.iam.delete_user("smtp")
    assert account.ask("Delete") == {"PhysicalResourceId": ARN}


def test_a_permission_that_is_not_known_everywhere_yet_is_waited_for(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IAM takes some seconds for a policy that CloudFormation has just attached."""
    denied = [ClientError({"Error": {"Code": "AccessDenied"}}, "ListAccessKeys")] * 3
    listed = account.iam.list_access_keys

    def list_access_keys(**call: str) -> Any:
        if denied:
            raise denied.pop()
        return listed(**call)

    monkeypatch.setattr(account.iam, "list_access_keys", list_access_keys)
    account.ask("Create")
    assert len(account.keys) == 1


@pytest.mark.parametrize("name", ["UserName", "SecretArn", "Region"])
def test_a_missing_property_is_named(account: Account, name: str) -> None:
    """With its path."""
    with pytest.raises(MissingField, match=f"ResourceProperties.{name}"):
        account.ask("Create", **{name: ""})


def test_deleting_what_had_no_properties_succeeds(account: Account) -> None:
    """It could not be created either, and must not keep the stack from being deleted."""
    assert account.ask("Delete", UserName="") == {"PhysicalResourceId": ARN}


def test_an_unknown_request_is_refused(account: Account) -> None:
    """Rather than taken for one of the three."""
    with pytest.raises(SmtpCredentialsError, match="RequestType is 'Replace'"):
        account.ask("Replace")


def test_the_iam_client_does_not_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a timeout, botocore's repetition would create a second key."""
    monkeypatch.setattr(smtp_credentials, "_clients", {})
    assert smtp_credentials._iam().meta.config.retries["total_max_attempts"] == 1
