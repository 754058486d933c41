"""The role of a Lambda function, which may write to its own log group only."""

from __future__ import annotations

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk_mailroom._asked import service

__all__ = ["function_role"]


def function_role(
    scope: Construct, construct_id: str, *, log_group: logs.ILogGroup, vpc: ec2.IVpc | None = None
) -> iam.Role:
    """Return a role for a function that logs into *log_group*.

    Lambda's own default, the managed policy ``AWSLambdaBasicExecutionRole``, lets a function
    write into every log group of the account.
    """
    role = iam.Role(scope, construct_id, assumed_by=service("lambda.amazonaws.com"))
    log_group.grant_write(role)
    if vpc is not None:
        # Lambda names the network interfaces, so nothing narrower exists.
        # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
        role.add_managed_policy(
            iam.ManagedPolicy.from_aws_managed_policy_name(
                "service-role/AWSLambdaVPCAccessExecutionRole"
            )
        )
    return role
