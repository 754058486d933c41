"""An account with IAM users and secrets, as far as SMTP credentials need them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from mailroom.sending import smtp_password

__all__ = ["Clock", "FakeIam", "FakeSecrets"]

Check = Callable[[], None]
Versions = dict[str, tuple[str, set[str]]]


class NoSuchEntity(ClientError):
    """There is no such user or key."""


class LimitExceeded(ClientError):
    """The user has two keys."""


class ResourceNotFound(ClientError):
    """There is no such secret."""


def refusal(kind: type[ClientError], text: str) -> ClientError:
    return kind({"Error": {"Code": kind.__name__, "Message": text}}, "call")


class Clock:
    """Time that passes when somebody waits."""

    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Key:
    """One access key."""

    user: str
    secret: str
    created: float
    active: bool = True


class FakeIam:
    """Users and their access keys; *changed* is called after each change."""

    exceptions = SimpleNamespace(
        NoSuchEntityException=NoSuchEntity, LimitExceededException=LimitExceeded
    )

    def __init__(self, clock: Clock, changed: Check) -> None:
        self.users: set[str] = set()
        self.keys: dict[str, Key] = {}
        self._clock = clock
        self._changed = changed
        self._numbers = itertools.count()

    def of(self, user: str) -> list[str]:
        """Return the ids of the user's keys."""
        return [key_id for key_id, key in self.keys.items() if key.user == user]

    def logs_in(self, credentials: dict[str, Any], region: str) -> bool:
        """Whether SES's SMTP server in *region* accepts the user name and password."""
        key = self.keys.get(credentials.get("username", ""))
        if key is None or not key.active:
            return False
        return bool(credentials["password"] == smtp_password(key.secret, region))

    def create_user(self, name: str) -> None:
        self.users.add(name)

    def delete_user(self, name: str) -> None:
        if self.of(name):
            raise RuntimeError(f"DeleteConflict: {name} has access keys")
        self.users.discard(name)

    def list_access_keys(self, **call: str) -> dict[str, Any]:
        user = self._user(call)
        return {
            "AccessKeyMetadata": [
                {
                    "AccessKeyId": key_id,
                    "Status": "Active" if self.keys[key_id].active else "Inactive",
                    "CreateDate": datetime.fromtimestamp(int(self.keys[key_id].created), UTC),
                }
                for key_id in self.of(user)
            ]
        }

    def create_access_key(self, **call: str) -> dict[str, Any]:
        user = self._user(call)
        if len(self.of(user)) >= 2:
            raise refusal(LimitExceeded, "two keys")
        number = next(self._numbers)
        self._clock.sleep(1)
        key_id = f"AKIA{number:016d}"
        self.keys[key_id] = Key(user, f"secret-{number}", self._clock.now)
        self._changed()
        return {"AccessKey": {"AccessKeyId": key_id, "SecretAccessKey": f"secret-{number}"}}

    def delete_access_key(self, **call: str) -> None:
        key_id = call["AccessKeyId"]
        if key_id not in self.of(self._user(call)):
            raise refusal(NoSuchEntity, key_id)
        del self.keys[key_id]
        self._changed()

    def _user(self, call: dict[str, str]) -> str:
        if call["UserName"] not in self.users:
            raise refusal(NoSuchEntity, call["UserName"])
        return call["UserName"]


class FakeSecrets:
    """Secrets as Secrets Manager documents their versions and labels."""

    exceptions = SimpleNamespace(ResourceNotFoundException=ResourceNotFound)

    def __init__(self, changed: Check) -> None:
        self.secrets: dict[str, Versions] = {}
        self._changed = changed

    def create(self, arn: str) -> None:
        """Create a secret as CloudFormation does, with a generated value."""
        self.secrets[arn] = {"5f0e1d2c-generated": ("no JSON", {"AWSCURRENT"})}

    def delete(self, arn: str) -> None:
        self.secrets.pop(arn, None)

    def value(self, arn: str) -> dict[str, Any]:
        """Return the current value; empty if it is the generated one, or the secret is gone."""
        for text, labels in self.secrets.get(arn, {}).values():
            if "AWSCURRENT" in labels and text.startswith("{"):
                return dict(json.loads(text))
        return {}

    def describe_secret(self, **call: str) -> dict[str, Any]:
        versions = self._versions(call)
        return {
            "VersionIdsToStages": {
                version: sorted(labels) for version, (_, labels) in versions.items() if labels
            }
        }

    def put_secret_value(self, **call: Any) -> None:
        versions = self._versions(call)
        version, text = call["ClientRequestToken"], call["SecretString"]
        assert 32 <= len(version) <= 64
        if version in versions:
            assert versions[version][0] == text
            return
        versions[version] = (text, set())
        for label in call["VersionStages"]:
            self._move(versions, label, version)
        self._changed()

    def update_secret_version_stage(self, **call: str) -> None:
        versions = self._versions(call)
        label, target = call["VersionStage"], call.get("MoveToVersionId")
        holder = self._holder(versions, label)
        assert holder in (None, target, call.get("RemoveFromVersionId"))
        if target is None:
            assert holder is not None
            versions[holder][1].discard(label)
            return
        assert versions[target][1], "Secrets Manager deletes a version without a label"
        self._move(versions, label, target)
        self._changed()

    def _versions(self, call: dict[str, Any]) -> Versions:
        if call["SecretId"] not in self.secrets:
            raise refusal(ResourceNotFound, call["SecretId"])
        return self.secrets[call["SecretId"]]

    def _holder(self, versions: Versions, label: str) -> str | None:
        return next((one for one, (_, labels) in versions.items() if label in labels), None)

    def _move(self, versions: Versions, label: str, target: str) -> None:
        holder = self._holder(versions, label)
        if holder == target:
            return
        if holder is not None:
            versions[holder][1].discard(label)
        versions[target][1].add(label)
        if label == "AWSCURRENT" and holder is not None:
            self._move(versions, "AWSPREVIOUS", holder)
