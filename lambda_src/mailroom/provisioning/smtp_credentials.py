"""Put SMTP credentials for SES into a secret: the handler of a custom resource.

It creates an access key for an IAM user, derives the SMTP password from it and writes both into the
secret. The password is nowhere else: in no property, output, log line or physical id.

``ResourceProperties``
    ``UserName``
        The IAM user, created by CloudFormation and used for nothing else.
    ``SecretArn``
        The secret, created by CloudFormation.
    ``Region``
        The region in which the password works.
    ``Rotation``
        Any text; another text makes another key.
    ``Host``, ``Port``
        Written into the secret. Default: SES in ``Region``, and 587.

Permissions
    ``iam:CreateAccessKey``, ``iam:DeleteAccessKey`` and ``iam:ListAccessKeys`` on the user;
    ``secretsmanager:DescribeSecret`` (version ids and labels, nothing secret), ``PutSecretValue``
    and ``UpdateSecretVersionStage`` on the secret, and ``kms:GenerateDataKey`` and ``kms:Decrypt``
    on its customer key, if it has one.

Memory
    The physical id never changes and says nothing. The id of each version of the secret names its
    access key and, as a digest, the properties that it was made for. Before a key is created, a
    version without credentials announces it, so that a later request recognises a key whose process
    died before the secret was written. A key that no version names belongs to somebody else.

Life of a key
    A user can have two keys: the one in ``AWSCURRENT``, and the one before it. The key in
    ``AWSCURRENT`` is deleted only with the resource. The one before it goes when the next is
    created, so until the next rotation a program that still has the previous password can log in.

    A rollback moves ``AWSCURRENT`` back to the version before, whose key is still there. The same
    rotation deployed again moves it forward. A day after the newer key was created, a return to the
    previous properties is a rotation like any other and makes a new key.

A key that somebody creates by hand for this user within six minutes after a request died or lost an
answer is taken for that request's, and deleted.

https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html
"""

from __future__ import annotations

import time

from mailroom import _runtime
from mailroom.provisioning._patience import Patience
from mailroom.provisioning._smtp_memory import (
    Key,
    Memory,
    Request,
    SmtpCredentialsError,
    Version,
    announcement_id,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

__all__ = ["SmtpCredentialsError", "handler"]

_MAX_KEYS = 2

_ANNOUNCED = "MAILROOM_CREATING_A_KEY"
# Seconds after which a return to the previous properties is not taken for a rollback.
_ROLLBACK = 86400

# Seconds after which Secrets Manager shows what was written.
_UNTIL_SEEN = 15

# Seconds of waiting for one whole request, out of the function's five minutes.
_PATIENCE = 60.0
# A policy that was attached a moment ago may still be unknown to the service.
_LATER = frozenset(
    (
        "AccessDenied",
        "AccessDeniedException",
        "ConcurrentModification",
        "EntityTemporarilyUnmodifiable",
    )
)

_clients: dict[str, Any] = {}


class Account:
    """The calls of one request; what was refused for the moment is tried again for a while."""

    __slots__ = ("_iam", "_patience", "_request", "_secrets")

    def __init__(self, request: Request) -> None:
        self._iam = _iam()
        self._secrets = _runtime.client("secretsmanager")
        self._request = request
        self._patience = Patience(_PATIENCE, also=_LATER)

    def keys(self) -> dict[str, Key]:
        """Return all keys of the user, by id."""
        answer = self._patience.call(self._iam.list_access_keys, UserName=self._request.user)
        return {key.id: key for key in map(Key, answer["AccessKeyMetadata"])}

    def keys_of_user_if_any(self) -> dict[str, Key]:
        """Return all keys of the user; none if there is no such user."""
        try:
            return self.keys()
        except self._iam.exceptions.NoSuchEntityException:
            return {}

    def memory(self) -> Memory:
        """Return what the secret's versions say."""
        answer = self._patience.call(self._secrets.describe_secret, SecretId=self._request.secret)
        return Memory(answer.get("VersionIdsToStages") or {})

    def memory_if_any(self) -> Memory | None:
        """Return what the secret's versions say; ``None`` if there is no such secret."""
        try:
            return self.memory()
        except self._secrets.exceptions.ResourceNotFoundException:
            return None

    def announce(self, beside: Iterable[str]) -> str:
        """Remember that a key is about to be created *beside* the user's others."""
        now = f"{int(time.time()):010d}"
        self._put(announcement_id(now, beside), "{}", _ANNOUNCED)
        return now

    def withdraw(self, when: str, beside: Iterable[str]) -> None:
        """Forget an announcement, since no key was created."""
        self._patience.call(
            self._secrets.update_secret_version_stage,
            SecretId=self._request.secret,
            VersionStage=_ANNOUNCED,
            RemoveFromVersionId=announcement_id(when, beside),
        )

    def create_key(self) -> Mapping[str, str] | None:
        """Create a key; ``None`` if the user has two."""
        try:
            answer = self._patience.call(self._iam.create_access_key, UserName=self._request.user)
        except self._iam.exceptions.LimitExceededException:
            return None
        key: dict[str, str] = answer["AccessKey"]
        return key

    def delete_key(self, key_id: str) -> None:
        """Delete a key, if it exists."""
        try:
            self._patience.call(
                self._iam.delete_access_key, UserName=self._request.user, AccessKeyId=key_id
            )
        except self._iam.exceptions.NoSuchEntityException:
            return
        _log("INFO", self._request, outcome="key deleted", key=key_id)

    def write(self, key: Mapping[str, str], announced: str) -> None:
        """Make *key* the current credentials."""
        version_id = self._request.version_id(key["AccessKeyId"], announced)
        self._put(version_id, self._request.value(key), "AWSCURRENT")

    def promote(self, version: Version, instead_of: str | None) -> None:
        """Make the credentials of *version* the current ones again."""
        current = {} if instead_of is None else {"RemoveFromVersionId": instead_of}
        self._patience.call(
            self._secrets.update_secret_version_stage,
            SecretId=self._request.secret,
            VersionStage="AWSCURRENT",
            MoveToVersionId=version.id,
            **current,
        )

    def _put(self, version_id: str, value: str, label: str) -> None:
        # botocore may repeat this, since the same token with the same content changes nothing.
        self._patience.call(
            self._secrets.put_secret_value,
            SecretId=self._request.secret,
            SecretString=value,
            ClientRequestToken=version_id,
            VersionStages=[label],
        )


def _iam() -> Any:
    if "iam" not in _clients:
        import boto3
        from botocore.config import Config

        # Without botocore's retries: after a timeout, CreateAccessKey would create a second key.
        config = Config(retries={"mode": "standard", "total_max_attempts": 1})
        _clients["iam"] = boto3.client("iam", config=config)
    return _clients["iam"]


def handler(event: Mapping[str, Any], context: Any = None) -> dict[str, Any]:
    """Serve one request of CloudFormation; see the module for properties and permissions.

    Returns ``PhysicalResourceId``, which never changes, and ``Data.SecretArn``. Raises
    `SmtpCredentialsError` or what AWS raised; the credentials in the secret still work then.
    """
    request = Request(event)
    if request.kind == "Delete" and not (request.user and request.secret):
        return {"PhysicalResourceId": request.physical_id}  # what could not even be created
    request.check()
    account = Account(request)
    if request.kind == "Delete":
        _log("INFO", request, outcome=_delete(request, account))
        return {"PhysicalResourceId": request.physical_id}
    # What a request that fails leaves is cleaned up by the next one: a rollback, or a Delete.
    _log("INFO", request, outcome=_provide(request, account))
    return {
        "PhysicalResourceId": request.physical_id or request.secret,
        "Data": {"SecretArn": request.secret},
    }


def _provide(request: Request, account: Account) -> str:
    keys, memory = account.keys(), account.memory()
    if memory.strays(keys.values()):
        # The version of a key that is in use may have been written a moment ago, and not be seen.
        time.sleep(_UNTIL_SEEN)
        memory = account.memory()
    for stray in memory.strays(keys.values()):
        account.delete_key(stray)
        del keys[stray]
    if _serves(memory.current, request, keys):
        return "unchanged"
    if _serves(memory.previous, request, keys) and _is_recent(memory, keys):
        assert memory.previous is not None
        account.promote(memory.previous, memory.current_id)
        return "went back to the previous key"
    if request.digest not in memory.digests:
        request.check_place()
    # A value that somebody wrote by hand may have the key of the one before it.
    newest = memory.current or memory.previous
    in_use = newest.key if newest else None
    for key_id in memory.keys & keys.keys() - {in_use}:
        account.delete_key(key_id)
        del keys[key_id]
    if len(keys) >= _MAX_KEYS:
        raise _full(request, keys)
    announced = account.announce(beside=keys)
    key = account.create_key()
    if key is None:
        account.withdraw(announced, beside=keys)
        raise _full(request, account.keys())
    account.write(key, announced)
    if in_use and memory.current is None and in_use in keys:
        # No version names it any more.
        account.delete_key(in_use)
    return "created"


def _full(request: Request, keys: Iterable[str]) -> SmtpCredentialsError:
    return SmtpCredentialsError(
        f"user {request.user!r} has {_MAX_KEYS} access keys ({', '.join(keys)}) and can have no "
        "more: delete the one that nothing uses, then deploy again"
    )


def _serves(version: Version | None, request: Request, keys: Mapping[str, Key]) -> bool:
    if version is None or version.digest != request.digest:
        return False
    return version.key in keys and keys[version.key].active


def _is_recent(memory: Memory, keys: Mapping[str, Key]) -> bool:
    newest = max(keys[key_id].created for key_id in memory.keys & keys.keys())
    return newest > time.time() - _ROLLBACK


def _delete(request: Request, account: Account) -> str:
    keys = account.keys_of_user_if_any()
    if not keys:
        return "no key is left"
    memory = account.memory_if_any()
    if memory is None:
        raise SmtpCredentialsError(
            f"the secret {request.secret!r} was deleted, and it said which access keys of user "
            f"{request.user!r} are ours ({', '.join(keys)}): delete them by hand, then delete "
            "again"
        )
    for key_id in [*memory.strays(keys.values()), *sorted(memory.keys & keys.keys())]:
        account.delete_key(key_id)
    return "deleted"


def _log(level: str, request: Request, **fields: Any) -> None:
    _runtime.log(
        level,
        "mailroom.provisioning.smtp_credentials",
        request=request.kind,
        user=request.user,
        **fields,
    )
