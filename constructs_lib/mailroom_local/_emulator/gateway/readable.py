"""Whether Mail Manager may read the secrets and use the keys that it is given.

https://docs.aws.amazon.com/ses/latest/dg/eb-policies.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mailroom_local._emulator import internals
from mailroom_local._emulator.gateway.model import invalid
from mailroom_local._emulator.policies import Service

_SES = "ses.amazonaws.com"


def secret_values(secret_arn: str, *, source: str, describe: bool = False) -> list[dict[str, Any]]:
    """The current and the previous value of a secret, if its policy and its key's admit SES.

    Args:
        secret_arn: The secret.
        source: The ARN of the resource that SES reads it for.
        describe: Whether SES also needs permission to describe the secret and its key.

    Raises:
        Refused: SES may not read it, or it is not a JSON object.
    """
    name, secret = internals.secrets.resolve(secret_arn)
    if name is None:
        raise invalid(f"The secret {secret_arn} does not exist.")
    service = Service(_SES, source)
    policy = internals.secrets.resource_policies.get(secret["ARN"])
    actions = ["secretsmanager:GetSecretValue"]
    if describe:
        actions.append("secretsmanager:DescribeSecret")
    for action in actions:
        if service.decision(action, secret["ARN"], policy) != "Allow":
            raise invalid(
                f"Amazon SES has no permission for {action} on the secret {secret['ARN']}: let its "
                f"resource policy allow this to {_SES} for {source}."
            )
    context = {
        "kms:viaservice": f"secretsmanager.{service.region}.amazonaws.com",
        "kms:encryptioncontext:secretarn": secret["ARN"],
    }
    needed = ["kms:Decrypt", *(["kms:DescribeKey"] if describe else ())]
    check_key(secret.get("KmsKeyId") or "alias/aws/secretsmanager", needed, service, context)
    return [value for stage in ("AWSCURRENT", "AWSPREVIOUS") for value in _values(secret, stage)]


def check_key(
    key: str, actions: Sequence[str], service: Service, context: Mapping[str, str] | None = None
) -> None:
    """Refuse a KMS key whose policy does not admit SES."""
    # The policy of an AWS managed key cannot be changed, and never admits SES.
    record = None if "alias/aws/" in key else internals.kms.resolve_key(key)
    if record is None:
        raise invalid(f"The key {key} is not a customer managed KMS key of this account.")
    for action in actions:
        given = record.get("Policy")
        if service.decision(action, record["Arn"], given, **(context or {})) != "Allow":
            raise invalid(
                f"Amazon SES has no permission for {action} on the KMS key {record['Arn']}: let "
                f"its key policy allow this to {_SES}."
            )


def check_archive_key(key: str) -> None:
    """Refuse the key of an archive that does not admit SES; its policy cannot ask for a source."""
    actions = ("kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey")
    check_key(key, actions, Service(_SES, None))


def check_trust_store_key(key: str, *, source: str) -> None:
    """Refuse the key of a trust store that does not admit SES."""
    check_key(key, ("kms:Decrypt", "kms:DescribeKey"), Service(_SES, source))


def _values(secret: Mapping[str, Any], stage: str) -> list[dict[str, Any]]:
    for version in secret["Versions"].values():
        if stage in version.get("Stages", ()):
            try:
                value = json.loads(version.get("SecretString") or "")
            except ValueError:
                value = None
            if isinstance(value, dict):
                return [value]
            if stage == "AWSCURRENT":
                raise invalid(f"The secret {secret['ARN']} is not a JSON object.")
    return []
