"""Put SMTP credentials for SES into a secret: the ``on_event`` handler behind CDK's Provider.

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
        Any text; another text creates another key.
    ``Host``, ``Port``
        Written into the secret. Default: SES in ``Region``, and 587.

Permissions
    ``iam:CreateAccessKey``, ``iam:DeleteAccessKey`` and ``iam:ListAccessKeys`` on the user;
    ``secretsmanager:PutSecretValue`` and ``secretsmanager:DescribeSecret`` (version ids and
    labels, nothing secret) on the secret, and ``kms:GenerateDataKey`` and ``kms:Decrypt`` if it
    has a customer key.

Life of a key
    The physical id is the access key's id. Any change of a property creates a new key and writes
    the secret; CloudFormation then deletes the old id, and so the old key, after the rest of the
    update has succeeded. A user has at most two keys, so there must be only one between updates.

    The id of the version of the secret that a request writes is made from the properties and from
    the request. By the whole id, a second delivery is recognised. By its first half, the rollback
    of a rotation is: it finds both keys and an earlier version with the properties now wanted,
    keeps the newer key in use, and deletes the older one. A request that fails leaves no key.

https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html
"""

from __future__ import annotations

import json
import re
import time

from mailroom import _runtime
from mailroom.errors import MailroomError, MissingField
from mailroom.sending import smtp_host, smtp_password

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["SmtpCredentialsError", "handler"]

_MAX_KEYS = 2
_ACCESS_KEY = re.compile(r"[A-Z0-9]{16,128}")

# Seconds of waiting for one whole request, out of the function's five minutes.
_PATIENCE = 60.0
_LONGEST_WAIT = 8.0
# Each of them proves that nothing was done.
_LATER = frozenset(
    (
        "ConcurrentModification",
        "EntityTemporarilyUnmodifiable",
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    )
)

_clients: dict[str, Any] = {}


class SmtpCredentialsError(MailroomError, RuntimeError):
    """The credentials were not created; the message gives the reason and the remedy."""


# View.


class Request:
    """One request of CloudFormation, as the Provider framework passes it on."""

    __slots__ = ("before", "id", "kind", "physical_id", "properties")

    def __init__(self, event: Mapping[str, Any]) -> None:
        self.kind: str = event.get("RequestType", "")
        self.physical_id: str = event.get("PhysicalResourceId") or ""
        self.properties = _relevant(event.get("ResourceProperties") or {})
        self.before = _relevant(event.get("OldResourceProperties") or {})
        self.id = str(event.get("RequestId") or "")

    def check(self) -> None:
        """Raise unless the properties can be acted on."""
        if self.kind not in ("Create", "Update", "Delete"):
            raise SmtpCredentialsError(
                f"RequestType is {self.kind!r}: send 'Create', 'Update' or 'Delete'"
            )
        if self.kind == "Delete" and not _ACCESS_KEY.fullmatch(self.physical_id):
            return
        for name in ("UserName",) if self.kind == "Delete" else ("UserName", "SecretArn", "Region"):
            if not self.properties[name]:
                raise MissingField(f"missing 'ResourceProperties.{name}'")

    @property
    def user(self) -> str:
        """The IAM user."""
        return self.properties["UserName"]

    @property
    def secret(self) -> str:
        """The secret's ARN."""
        return self.properties["SecretArn"]

    @property
    def version_family(self) -> str:
        """The first half of the version ids of these properties."""
        return _digest(json.dumps(self.properties, sort_keys=True))

    @property
    def version(self) -> str:
        """The id of the version of the secret that this request writes."""
        return f"{self.version_family}-{_digest(self.id)}"

    def value(self, key: Mapping[str, str]) -> str:
        """Return the value of the secret for the access key *key*."""
        region = self.properties["Region"]
        return json.dumps(
            {
                "username": key["AccessKeyId"],
                "password": smtp_password(key["SecretAccessKey"], region),
                "host": self.properties["Host"] or smtp_host(region),
                "port": int(self.properties["Port"] or 587),
            }
        )


def _digest(text: str) -> str:
    from hashlib import sha256

    return sha256(text.encode()).hexdigest()[:24]


def _relevant(properties: Mapping[str, Any]) -> dict[str, str]:
    names = ("UserName", "SecretArn", "Region", "Rotation", "Host", "Port")
    return {name: str(properties.get(name) or "") for name in names}


# Act.


class Keys:
    """The user's access keys; throttled calls are made again for a while."""

    __slots__ = ("iam", "patience", "user")

    def __init__(self, user: str) -> None:
        self.iam = _iam()
        self.user = user
        self.patience = _PATIENCE

    def ids(self) -> list[str]:
        """Return the ids of all keys, oldest first."""
        answer = self.call(self.iam.list_access_keys, UserName=self.user)
        keys = sorted(answer["AccessKeyMetadata"], key=lambda key: str(key.get("CreateDate")))
        return [key["AccessKeyId"] for key in keys]

    def create(self, before: list[str]) -> dict[str, str]:
        """Create a key in addition to those *before*, and leave none behind if that fails."""
        try:
            answer = self.call(self.iam.create_access_key, UserName=self.user)
        except self.iam.exceptions.LimitExceededException:
            raise SmtpCredentialsError(_full(self.user, before)) from None
        except Exception:
            # Perhaps only the answer was lost, and a key without its secret is useless.
            for stray in set(self.ids()) - set(before):
                self.delete(stray)
            raise
        key: dict[str, str] = answer["AccessKey"]
        return key

    def delete(self, key_id: str) -> bool:
        """Delete a key; false if it or the user does not exist."""
        try:
            self.call(self.iam.delete_access_key, UserName=self.user, AccessKeyId=key_id)
        except self.iam.exceptions.NoSuchEntityException:
            return False
        return True

    def call(self, operation: Callable[..., Any], **arguments: Any) -> Any:
        wait = 0.5
        while True:
            try:
                return operation(**arguments)
            except Exception as error:
                response = getattr(error, "response", None) or {}
                code = (response.get("Error") or {}).get("Code")
                if code not in _LATER or self.patience < wait:
                    raise
            time.sleep(wait)
            self.patience -= wait
            wait = min(wait * 2, _LONGEST_WAIT)


def _iam() -> Any:
    if "iam" not in _clients:
        import boto3
        from botocore.config import Config

        # Without botocore's retries: after a timeout, CreateAccessKey would create a second key.
        config = Config(retries={"mode": "standard", "total_max_attempts": 1})
        _clients["iam"] = boto3.client("iam", config=config)
    return _clients["iam"]


def _versions(request: Request) -> dict[str, list[str]]:
    """Return the staging labels of every version of the secret that has any."""
    answer = _runtime.client("secretsmanager").describe_secret(SecretId=request.secret)
    versions: dict[str, list[str]] = answer.get("VersionIdsToStages") or {}
    return versions


def _write(request: Request, key: Mapping[str, str]) -> None:
    # botocore may repeat this, since the same token with the same content changes nothing.
    _runtime.client("secretsmanager").put_secret_value(
        SecretId=request.secret,
        SecretString=request.value(key),
        ClientRequestToken=request.version,
    )


def handler(event: Mapping[str, Any], context: Any = None) -> dict[str, Any]:
    """Provider framework entry point; see the module for properties and permissions.

    Returns ``PhysicalResourceId``, the access key's id, and ``Data.SecretArn``. Raises
    `SmtpCredentialsError` or what AWS raised, and then leaves no key behind.
    """
    request = Request(event)
    request.check()
    if request.kind == "Delete":
        return _delete(request)
    if request.kind == "Update" and request.before == request.properties:
        # Something else about the resource changed, such as the function behind it.
        return _answer(request, request.physical_id, "unchanged")
    keys = Keys(request.user)
    ids = keys.ids()
    if served := _served(request, ids):
        return _answer(request, served, "served before")
    if len(ids) >= _MAX_KEYS:
        return _rolled_back(request, keys, ids)
    key = keys.create(ids)
    try:
        _write(request, key)
    except Exception as error:
        if not _arrived(request):
            _take_back(request, keys, key["AccessKeyId"], error)
            raise
    return _answer(request, key["AccessKeyId"], "created")


def _served(request: Request, ids: list[str]) -> str | None:
    """Return the key that another delivery of this very request made."""
    others = [key_id for key_id in ids if key_id != request.physical_id]
    if others and request.id and request.version in _versions(request):
        return others[-1]
    return None


def _rolled_back(request: Request, keys: Keys, ids: list[str]) -> dict[str, Any]:
    earlier = [key_id for key_id in ids if key_id != request.physical_id]
    undone = (
        request.kind == "Update"
        and request.before["UserName"] == request.user
        and ids[-1] == request.physical_id
        and any(
            version.startswith(request.version_family) and "AWSCURRENT" not in stages
            for version, stages in _versions(request).items()
        )
    )
    if not undone:
        raise SmtpCredentialsError(_full(request.user, ids))
    # The earlier key's secret is lost, but the newer key fits the same properties if only the
    # rotation differs; otherwise its password is for another region or server.
    if _place(request.before) != _place(request.properties):
        keys.delete(earlier[0])
        key = keys.create(ids[-1:])
        try:
            _write(request, key)
        except Exception as error:
            _take_back(request, keys, key["AccessKeyId"], error)
            raise
        return _answer(request, key["AccessKeyId"], "rolled back to a new key")
    keys.delete(earlier[0])
    return _answer(request, request.physical_id, "rolled back")


def _place(properties: Mapping[str, str]) -> list[str]:
    return [value for name, value in sorted(properties.items()) if name != "Rotation"]


def _arrived(request: Request) -> bool:
    """Whether the secret was written although the call failed, as its answer was lost."""
    try:
        return "AWSCURRENT" in _versions(request).get(request.version, ())
    except Exception:  # in doubt the key is deleted and the request fails
        return False


def _take_back(request: Request, keys: Keys, key_id: str, error: Exception) -> None:
    try:
        keys.delete(key_id)
    except Exception as second:
        _log("ERROR", request, outcome="key left behind", key=key_id, error=type(second).__name__)
        raise SmtpCredentialsError(
            f"access key {key_id} of user {request.user!r} could be neither used "
            f"({type(error).__name__}) nor deleted ({type(second).__name__}): delete it by hand"
        ) from error


def _delete(request: Request) -> dict[str, Any]:
    if not _ACCESS_KEY.fullmatch(request.physical_id):
        # The framework's own id after a Create that failed.
        _log("INFO", request, outcome="nothing to delete")
    else:
        gone = not Keys(request.user).delete(request.physical_id)
        _log(
            "INFO", request, outcome="gone already" if gone else "deleted", key=request.physical_id
        )
    return {"PhysicalResourceId": request.physical_id} if request.physical_id else {}


def _full(user: str, ids: list[str]) -> str:
    return (
        f"user {user!r} has {len(ids)} access keys ({', '.join(ids)}) and can have {_MAX_KEYS}: "
        "delete the one that nothing uses, then deploy again"
    )


def _answer(request: Request, key_id: str, outcome: str) -> dict[str, Any]:
    _log("INFO", request, outcome=outcome, key=key_id)
    return {"PhysicalResourceId": key_id, "Data": {"SecretArn": request.secret}}


def _log(level: str, request: Request, **fields: Any) -> None:
    _runtime.log(
        level,
        "mailroom.provisioning.smtp_credentials",
        request=request.kind,
        user=request.user,
        **fields,
    )
