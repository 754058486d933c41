"""What SES needs to reach topics, keys and functions, and a warning where it cannot be granted."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct, IDependable

from cdk_mailroom._asked import service
from cdk_mailroom._imported import warn_of_import
from cdk_mailroom.actions.base import SES, ReceiptContext

__all__ = ["grant_invoke", "grant_key", "grant_publish", "key_of"]


def grant_invoke(
    scope: Construct,
    context: ReceiptContext,
    function: lambda_.IFunction,
    *,
    permission_id: str = "AllowSes",
) -> list[IDependable]:
    """Let SES call *function* for this rule; return what the rule must wait for."""
    node = function.permissions_node
    permission = node.try_find_child(permission_id)
    # A rule may call the same function twice.
    if permission is None:
        function.add_permission(
            permission_id,
            principal=service(SES),
            source_account=context.account,
            source_arn=context.source_arn(function),
        )
        permission = node.try_find_child(permission_id)
    if permission is None:
        warn_of_import(
            scope,
            "function",
            function,
            iam.PolicyStatement(
                actions=["lambda:InvokeFunction"],
                principals=[context.service_principal(function)],
                resources=[function.function_arn],
            ),
            "the deployment fails with InvalidLambdaFunction",
        )
        return []
    return [permission]


def grant_publish(
    scope: Construct, context: ReceiptContext, topic: sns.ITopic
) -> list[IDependable]:
    """Let SES publish to *topic* for this rule; return what the rule must wait for."""
    statement = iam.PolicyStatement(
        actions=["sns:Publish"],
        principals=[context.service_principal(topic)],
        resources=[topic.topic_arn],
    )
    result = topic.add_to_resource_policy(statement)
    if not result.statement_added:
        warn_of_import(
            scope, "topic", topic, statement, "the deployment may fail with InvalidSnsTopic"
        )
    key = key_of(topic)
    if key is not None:
        grant_key(scope, context, key)
    policy = result.policy_dependable
    return [] if policy is None else [policy]


def key_of(topic: sns.ITopic) -> kms.IKey | None:
    """Return the customer key of *topic*, if it is made in this app and has one."""
    return topic.master_key if isinstance(topic, sns.Topic) else None


def grant_key(scope: Construct, context: ReceiptContext, key: kms.IKey) -> None:
    """Let SES encrypt with *key* for this rule."""
    statement = iam.PolicyStatement(
        actions=["kms:Decrypt", "kms:GenerateDataKey*"],
        principals=[context.service_principal(key)],
        resources=["*"],
    )
    if not key.add_to_resource_policy(statement).statement_added:
        warn_of_import(scope, "key", key, statement, "SES cannot encrypt with it")
