"""Secrets that Mail Manager itself reads."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Annotations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct, IDependable

from cdk_mailroom._asked import region_of, stack_of
from cdk_mailroom._checks import Problems
from cdk_mailroom._imported import warn_of_import
from cdk_mailroom.actions.base import SES

__all__ = ["check_secret", "grant_key", "grant_secret"]


def check_secret(problems: Problems, argument: str, secret: object) -> None:
    """Note what is not a secret, or one without a customer key."""
    if secret is None:
        return
    if not hasattr(secret, "secret_arn"):
        problems.add(argument, secret, "pass a secretsmanager.Secret")
    elif isinstance(secret, secretsmanager.Secret) and secret.encryption_key is None:
        problems.add(
            argument,
            secret.node.path,
            "make it with encryption_key=kms.Key(…): SES cannot use the key of Secrets Manager",
        )


def grant_secret(
    scope: Construct,
    secret: secretsmanager.ISecret,
    resource: str,
    *,
    actions: Sequence[str],
    key_actions: Sequence[str],
) -> list[IDependable]:
    """Let Mail Manager read *secret* for *resource*; return what that must wait for.

    https://docs.aws.amazon.com/ses/latest/dg/eb-policies.html
    """
    statement = iam.PolicyStatement(
        actions=list(actions), principals=[_principal(scope, resource)], resources=["*"]
    )
    result = secret.add_to_resource_policy(statement)
    if not result.statement_added:
        warn_of_import(scope, "secret", secret, statement, "the deployment fails")
    if isinstance(result.policy_dependable, secretsmanager.ResourcePolicy):
        made = result.policy_dependable.node.default_child
        assert isinstance(made, secretsmanager.CfnResourcePolicy)
        made.block_public_policy = True
    waits = [] if result.policy_dependable is None else [result.policy_dependable]
    key = secret.encryption_key
    if key is None:
        Annotations.of(scope).add_warning_v2(
            "cdk-mailroom:gateway-secret-key",
            f"{secret.node.path} is imported without its key: SES can read it only if it has a "
            "customer key, whose policy lets ses.amazonaws.com decrypt; import it with "
            "Secret.from_secret_attributes(encryption_key=…), which shows the statement",
        )
        return waits
    service = f"secretsmanager.{region_of(scope)}.amazonaws.com"
    return waits + grant_key(scope, key, resource, actions=key_actions, via=service)


def grant_key(
    scope: Construct,
    key: kms.IKey,
    resource: str,
    *,
    actions: Sequence[str],
    via: str | None = None,
) -> list[IDependable]:
    """Let Mail Manager use *key* for *resource*; return what that must wait for."""
    statement = iam.PolicyStatement(
        actions=list(actions),
        principals=[_principal(scope, resource, via=via)],
        resources=["*"],
    )
    if not key.add_to_resource_policy(statement).statement_added:
        warn_of_import(scope, "key", key, statement, "SES cannot decrypt with it")
    # Its policy is part of it.
    return [key]


def _principal(scope: Construct, resource: str, via: str | None = None) -> iam.ServicePrincipal:
    stack = stack_of(scope)
    # Any of this account: the resource's own id would make a cycle.
    source = stack.format_arn(service="ses", resource=resource, resource_name="*")
    equal = {"aws:SourceAccount": stack.account}
    if via is not None:
        equal["kms:ViaService"] = via
    return iam.ServicePrincipal(
        SES, conditions={"StringEquals": equal, "ArnLike": {"aws:SourceArn": source}}
    )
