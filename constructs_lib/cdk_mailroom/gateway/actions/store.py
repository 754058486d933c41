"""Store the message as an object."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom._checks import Problems, resolved
from cdk_mailroom._objects import objects_arn
from cdk_mailroom._reviewed import reviewed_wildcard
from cdk_mailroom.gateway import limits
from cdk_mailroom.gateway.actions.base import (
    Action,
    BoundGatewayAction,
    GatewayAction,
    GatewayContext,
    OnFailure,
    check_on_failure,
)

__all__ = ["Store"]

_Rules = ses.CfnMailManagerRuleSet


class Store(GatewayAction):
    """Store the message as an object, whose name is the prefix and the message id.

    Mail Manager's names are not documented; this is how receipt rules name objects. Grants the role
    writing below *prefix*, listing the bucket, and the use of its key.

    https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_S3Action.html
    """

    def __init__(
        self,
        bucket: s3.IBucket,
        *,
        prefix: str = "",
        encryption_key: kms.IKey | None = None,
        on_failure: OnFailure | str = OnFailure.CONTINUE,
    ) -> None:
        """Describe the action.

        Args:
            bucket: The bucket to write to; its name has 62 characters at most.
            prefix: What object names begin with: up to 62 characters that end in ``/``. Empty by
                default.
            encryption_key: The key that S3 encrypts the object with; the bucket's own by default.
            on_failure: What happens when the message cannot be stored; see `OnFailure`.

        Raises:
            ConfigurationError: The prefix or the bucket's name does not fit.
        """
        problems = Problems("gateway.actions.Store")
        check_on_failure(problems, on_failure)
        _check_prefix(problems, prefix)
        name = _name_of(bucket)
        if name is not None and len(name) > limits.BUCKET_NAME_CHARACTERS:
            problems.add(
                "bucket",
                name,
                f"pass a bucket whose name has at most {limits.BUCKET_NAME_CHARACTERS} characters, "
                "as Mail Manager takes no longer one",
            )
        problems.raise_if_any()
        self.bucket = bucket
        self.prefix = prefix
        self.encryption_key = encryption_key
        self.on_failure = on_failure

    def bind(self, scope: Construct, context: GatewayContext) -> BoundGatewayAction:
        """Grant the role the writing, and return the action."""
        role, key = context.role, self.encryption_key
        objects = objects_arn(self.bucket, self.prefix)
        iam.Grant.add_to_principal(grantee=role, actions=["s3:PutObject"], resource_arns=[objects])
        reviewed_wildcard(role, objects, "one object a message, below the rule's prefix")
        iam.Grant.add_to_principal(
            grantee=role, actions=["s3:ListBucket"], resource_arns=[self.bucket.bucket_arn]
        )
        used = key or self.bucket.encryption_key
        if used is not None:
            used.grant(role, "kms:GenerateDataKey*", "kms:Encrypt")
            reviewed_wildcard(
                role, "Action::kms:GenerateDataKey*", "AWS asks for this form in its own policy"
            )
        return BoundGatewayAction(
            action=Action(
                write_to_s3=_Rules.S3ActionProperty(
                    role_arn=role.role_arn,
                    s3_bucket=self.bucket.bucket_name,
                    s3_prefix=self.prefix or None,
                    s3_sse_kms_key_id=None if key is None else key.key_arn,
                    action_failure_policy=str(self.on_failure),
                )
            )
        )


def _check_prefix(problems: Problems, prefix: str) -> None:
    if not resolved(prefix) or prefix == "":
        return
    if (
        not isinstance(prefix, str)
        or len(prefix) > limits.PREFIX_CHARACTERS
        or prefix.startswith("/")
        or not prefix.endswith("/")
        or set(prefix) & set("*?$")
    ):
        problems.add(
            "prefix",
            prefix,
            f"use up to {limits.PREFIX_CHARACTERS} characters that end in '/' and do not begin "
            "with it, as whether Mail Manager puts a '/' behind it is not documented; without '*', "
            "'?' and '$', which mean more to IAM",
        )


def _name_of(bucket: s3.IBucket) -> str | None:
    made = bucket.node.default_child
    name = made.bucket_name if isinstance(made, s3.CfnBucket) else bucket.bucket_name
    return name if name is not None and resolved(name) else None
