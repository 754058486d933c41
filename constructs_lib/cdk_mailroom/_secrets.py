"""Reading one secret, and no more."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager

__all__ = ["grant_read_secret"]


def grant_read_secret(grantee: iam.IGrantable, secret: secretsmanager.ISecret) -> None:
    """Let *grantee* read the value of *secret*: not ``secret.grant_read()``.

    That also grants reading the secret's description. The ARN of a secret that was looked up by
    name ends in six characters that are unknown here.
    """
    known = secret.secret_full_arn or f"{secret.secret_arn}-??????"
    iam.Grant.add_to_principal(
        grantee=grantee, actions=["secretsmanager:GetSecretValue"], resource_arns=[known]
    )
    if secret.encryption_key is not None:
        secret.encryption_key.grant(grantee, "kms:Decrypt")
