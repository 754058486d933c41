"""Logs that Mail Manager delivers, and the alarm on actions that failed.

https://docs.aws.amazon.com/ses/latest/dg/eb-logging.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Names, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from cdk_mailroom import _alarms
from cdk_mailroom._asked import stack_of
from cdk_mailroom._imported import warn_of_import

__all__ = ["GatewayLogs", "Logs"]


@dataclass(frozen=True, kw_only=True)
class Logs:
    """What Mail Manager logs. The records name senders and recipients.

    Each gateway that logs needs one resource policy of CloudWatch Logs; an account can have ten in
    each region.
    """

    actions: bool = True
    """Each action of each rule, and each rule that did not match. The alarm on failed actions
    needs it, as Mail Manager has no metrics that are documented."""
    accepted: bool = False
    """Each message that was accepted."""
    policy: bool = False
    """What the traffic policy decided on each recipient, and why."""
    retention: logs.RetentionDays | None = None
    """How long it is kept; three months by default."""


class GatewayLogs:
    """One log group, and the deliveries into it."""

    def __init__(
        self, scope: Construct, options: Logs, *, key: kms.IKey | None, topic: sns.ITopic | None
    ) -> None:
        self._scope = scope
        self._name = Names.unique_resource_name(scope, max_length=40, separator="-")
        name = f"/aws/vendedlogs/ses/mail-manager/{self._name}"
        if key is not None:
            _let_logs_encrypt(scope, key, name)
        self.log_group = logs.LogGroup(
            scope,
            "Logs",
            # With this prefix, CloudWatch shortens its own policies.
            log_group_name=name,
            retention=options.retention or logs.RetentionDays.THREE_MONTHS,
            encryption_key=key,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self._policy = self._let_deliver()
        self._destination = logs.CfnDeliveryDestination(
            scope,
            "LogDestination",
            name=self._name,
            destination_resource_arn=self.log_group.log_group_arn,
            output_format="json",
        )
        self._last: Construct | None = None
        self._topic = topic

    def deliver(self, construct_id: str, arn: str, log_type: str, version: str = "") -> None:
        """Deliver what the resource *arn* logs; when that is replaced, it has another *version*."""
        source = logs.CfnDeliverySource(
            self._scope,
            f"{construct_id}Source",
            # CloudWatch refuses another resource for a source of the same name, although the schema
            # has it: https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2513
            name="-".join(filter(None, (self._name, construct_id, version))),
            resource_arn=arn,
            log_type=log_type,
        )
        delivery = logs.CfnDelivery(
            self._scope,
            f"{construct_id}Delivery",
            delivery_source_name=source.ref,
            delivery_destination_arn=self._destination.attr_arn,
        )
        delivery.node.add_dependency(self._policy)
        if self._last is not None:
            # CloudWatch refuses changes to one destination at the same time.
            delivery.node.add_dependency(self._last)
        self._last = delivery

    def alarm(self) -> cloudwatch.Alarm:
        """Return the alarm on actions that failed."""
        name = f"FailedActions-{self._name}"
        logs.MetricFilter(
            self._scope,
            "FailedActions",
            log_group=self.log_group,
            filter_pattern=logs.FilterPattern.string_value(
                "$.action_metadata.action_status", "=", "FAILURE"
            ),
            metric_namespace="Mailroom",
            metric_name=name,
            metric_value="1",
        )
        return _alarms.count_alarm(
            self._scope,
            "FailedActionsAlarm",
            _alarms.count("Mailroom", name, {}),
            description=(
                "Mail Manager failed to run an action of a rule: look for action_status FAILURE in "
                "the log"
            ),
            topic=self._topic,
        )

    def _let_deliver(self) -> Construct:
        stack = stack_of(self._scope)
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-CloudWatchLogs.html
        arn = stack.format_arn(service="logs", resource="*")
        conditions: Mapping[str, Mapping[str, str]] = {
            "StringEquals": {"aws:SourceAccount": stack.account},
            "ArnLike": {"aws:SourceArn": arn},
        }
        result = self.log_group.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                principals=[
                    iam.ServicePrincipal("delivery.logs.amazonaws.com", conditions=conditions)
                ],
                resources=[self.log_group.log_group_arn],
            )
        )
        assert isinstance(result.policy_dependable, Construct)
        return result.policy_dependable


def _let_logs_encrypt(scope: Construct, key: kms.IKey, name: str) -> None:
    stack = stack_of(scope)
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    arn = stack.format_arn(service="logs", resource=f"log-group:{name}")
    statement = iam.PolicyStatement(
        actions=[
            "kms:Decrypt*",
            "kms:Describe*",
            "kms:Encrypt*",
            "kms:GenerateDataKey*",
            "kms:ReEncrypt*",
        ],
        principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
        resources=["*"],
        conditions={"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": arn}},
    )
    if not key.add_to_resource_policy(statement).statement_added:
        warn_of_import(scope, "key", key, statement, "the log cannot be encrypted with it")
