"""Who may publish to topics and queues, and use their keys."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IConstruct

from cdk_mailroom._asked import account_of, in_one_stack, stack_of
from cdk_mailroom._checks import resolved
from cdk_mailroom._imported import warn_of_import

__all__ = [
    "SNS",
    "allow_service",
    "configuration_set_arn",
    "grant_key",
    "grant_ses",
    "service_of_account",
    "ses_principal",
    "sns_of_account",
]

SNS = "sns.amazonaws.com"

_SES = "ses.amazonaws.com"


def configuration_set_arn(scope: Construct, name: str) -> str:
    """Return the ARN of the configuration set *name*."""
    return stack_of(scope).format_arn(
        service="ses", resource="configuration-set", resource_name=name
    )


def ses_principal(
    scope: Construct, configuration_set_name: str, near: IConstruct
) -> iam.ServicePrincipal:
    """Return SES acting for one configuration set, for a policy of the resource *near*.

    In another stack the policy admits any configuration set of this account: the name of one that
    is made here would make the two stacks depend on each other.
    """
    name = configuration_set_name
    if not resolved(name) and not in_one_stack(near, scope):
        name = "*"
    return iam.ServicePrincipal(
        _SES,
        conditions={
            "StringEquals": {"aws:SourceAccount": account_of(scope)},
            "ArnLike": {"aws:SourceArn": configuration_set_arn(scope, name)},
        },
    )


def service_of_account(service: str, account: str, source_arn: str) -> iam.ServicePrincipal:
    """Return *service* acting for any resource of *account* that *source_arn* matches."""
    return iam.ServicePrincipal(
        service,
        conditions={
            "StringEquals": {"aws:SourceAccount": account},
            "ArnLike": {"aws:SourceArn": source_arn},
        },
    )


def sns_of_account(topic: sns.ITopic) -> iam.ServicePrincipal:
    """Return SNS acting for any topic of the account and region of *topic*.

    Not for *topic* alone: if both have one key, the key's policy would depend on the topic, and the
    topic on the key.
    """
    account, region = topic.env.account, topic.env.region
    topics = f"arn:{stack_of(topic).partition}:sns:{region}:{account}:*"
    return service_of_account(SNS, account, topics)


def grant_ses(scope: Construct, topic: sns.ITopic, configuration_set_name: str) -> Construct | None:
    """Let SES publish to *topic*; return the policy, which must exist before the destination."""
    statement = iam.PolicyStatement(
        actions=["sns:Publish"],
        principals=[ses_principal(scope, configuration_set_name, topic)],
        resources=[topic.topic_arn],
    )
    result = topic.add_to_resource_policy(statement)
    if not result.statement_added:
        warn_of_import(scope, "topic", topic, statement, "no event will arrive")
    key = topic.master_key
    if key is not None:
        grant_key(scope, key, ses_principal(scope, configuration_set_name, key))
    policy = result.policy_dependable
    return policy if isinstance(policy, Construct) else None


def allow_service(queue: sqs.Queue, service: str, source_arn: str) -> iam.AddToResourcePolicyResult:
    """Let *service* send messages to *queue* only on behalf of the resource *source_arn*."""
    return queue.add_to_resource_policy(
        iam.PolicyStatement(
            actions=["sqs:SendMessage"],
            principals=[iam.ServicePrincipal(service)],
            resources=[queue.queue_arn],
            conditions={"ArnEquals": {"aws:SourceArn": source_arn}},
        )
    )


def grant_key(scope: Construct, key: kms.IKey, principal: iam.ServicePrincipal) -> None:
    """Let *principal* encrypt with *key*, or warn that an imported key's policy must allow it."""
    statement = iam.PolicyStatement(
        actions=["kms:Decrypt", "kms:GenerateDataKey*"], principals=[principal], resources=["*"]
    )
    if not key.add_to_resource_policy(statement).statement_added:
        warn_of_import(scope, "key", key, statement, f"{principal.service} cannot encrypt with it")
