"""Store the message as an object."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from constructs import Construct, IDependable

from cdk_mailroom._asked import bucket_key, bucket_name
from cdk_mailroom._checks import Problems, check_prefix, resolved
from cdk_mailroom._imported import warn_of_import
from cdk_mailroom._objects import objects_arn
from cdk_mailroom._places import check_region
from cdk_mailroom.actions.base import BoundAction, ReceiptAction, ReceiptContext, RuleFacts
from cdk_mailroom.actions.grants import grant_key, grant_publish, key_of
from cdk_mailroom.actions.settings import SAME_REGION, check_topic
from mailroom.ses import object_key

__all__ = ["S3"]


class S3(ReceiptAction):
    """Store the message as an object.

    Grants SES ``s3:PutObject`` below *prefix* and, for a bucket on a customer key, the use of
    that key. For an imported bucket or key a warning says what to grant.

    https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-s3.html
    """

    def __init__(
        self,
        *,
        bucket: s3.IBucket,
        prefix: str = "",
        role: iam.IRole | None = None,
        topic: sns.ITopic | None = None,
        client_side_key: kms.IKey | None = None,
    ) -> None:
        """Describe the action.

        Args:
            bucket: The bucket to write to.
            prefix: What object names begin with; the message id follows, behind a slash unless the
                prefix ends with one. Empty by default.
            role: A role that SES assumes to write, which must trust ``ses.amazonaws.com``; it is
                granted the writing. By default the bucket's policy lets SES write.
            topic: Gets a notification of each object. Not a FIFO topic. None by default.
            client_side_key: SES encrypts the message with it before storing it. Only the Java and
                Ruby S3 encryption clients can read such messages, so our handlers cannot.

        Raises:
            ConfigurationError: The prefix is too long, or the topic is a FIFO topic.
        """
        problems = Problems("actions.S3")
        check_prefix(problems, "prefix", prefix)
        check_topic(problems, topic)
        problems.raise_if_any()
        self.bucket = bucket
        self.prefix = prefix
        self.role = role
        self.topic = topic
        self.client_side_key = client_side_key

    def check_rule(self, problems: Problems, facts: RuleFacts) -> None:
        """Note a topic or a key of another region; the bucket itself may be anywhere."""
        check_region(problems, "topic", self.topic, facts.stack, SAME_REGION)
        for argument, key in (
            ("client_side_key", self.client_side_key),
            ("bucket.encryption_key", bucket_key(self.bucket)),
        ):
            check_region(problems, argument, key, facts.stack, SAME_REGION)

    @property
    def object_prefix(self) -> str:
        """What the names of the objects begin with: the prefix and the slash that SES adds.

        Without that slash for a prefix that only CloudFormation knows, and may end with one.
        """
        return object_key(self.prefix, "") if resolved(self.prefix) else self.prefix

    def bind(self, scope: Construct, context: ReceiptContext) -> BoundAction:
        """Grant the writing, to the role or to SES, and return the action."""
        dependencies = (
            self._grant_service(scope, context)
            if self.role is None
            else self._grant_role(self.role)
        )
        return BoundAction(
            action=ses.ReceiptRuleActionConfig(
                s3_action=ses.S3ActionConfig(
                    bucket_name=bucket_name(self.bucket),
                    object_key_prefix=self.object_prefix or None,
                    kms_key_arn=(
                        None if self.client_side_key is None else self.client_side_key.key_arn
                    ),
                    topic_arn=None if self.topic is None else self.topic.topic_arn,
                )
            ),
            dependencies=dependencies,
            iam_role_arn=None if self.role is None else self.role.role_arn,
        )

    def _grant_role(self, role: iam.IRole) -> list[IDependable]:
        # SES uses the role for the object, the client-side key and the topic alike.
        # https://docs.aws.amazon.com/ses/latest/APIReference/API_S3Action.html
        grants = [
            iam.Grant.add_to_principal(
                grantee=role,
                actions=["s3:PutObject"],
                resource_arns=[objects_arn(self.bucket, self.object_prefix)],
            )
        ]
        keys = [bucket_key(self.bucket), self.client_side_key]
        if self.topic is not None:
            grants.append(
                iam.Grant.add_to_principal(
                    grantee=role, actions=["sns:Publish"], resource_arns=[self.topic.topic_arn]
                )
            )
            keys.append(key_of(self.topic))
        grants += [
            key.grant(role, "kms:Decrypt", "kms:GenerateDataKey*")
            for key in keys
            if key is not None
        ]
        return [*grants, role]

    def _grant_service(self, scope: Construct, context: ReceiptContext) -> list[IDependable]:
        statement = iam.PolicyStatement(
            actions=["s3:PutObject"],
            principals=[context.service_principal(self.bucket)],
            resources=[objects_arn(self.bucket, self.object_prefix)],
        )
        result = self.bucket.add_to_resource_policy(statement)
        policy = result.policy_dependable
        if policy is None and not result.statement_added:
            warn_of_import(
                scope,
                "bucket",
                self.bucket,
                statement,
                "the deployment fails with InvalidS3Configuration",
            )
        for key in (bucket_key(self.bucket), self.client_side_key):
            if key is not None:
                grant_key(scope, context, key)
        dependencies = [] if policy is None else [policy]
        if self.topic is not None:
            dependencies += grant_publish(scope, context, self.topic)
        return dependencies
