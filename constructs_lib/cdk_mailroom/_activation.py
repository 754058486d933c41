"""Makes a rule set the active one, without ever taking mail away from somebody else."""

from __future__ import annotations

from enum import StrEnum

from aws_cdk import CustomResource, Duration, RemovalPolicy, Stack, custom_resources
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk_mailroom import _assembly, _roles
from cdk_mailroom._reviewed import reviewed, reviewed_wildcard

__all__ = ["Activation", "ActiveRuleSet"]


class Activation(StrEnum):
    """What to do about the one rule set that can be active in an account and region."""

    REFUSE = "refuse"
    """Activate ours if none is active; else fail the deployment, naming the set in the way."""
    JOIN = "join"
    """Put our rules first into the set that is active, whoever's it is; activate ours if none is.

    If the set's owner deletes it, our rules go with it.
    """
    REPLACE = "replace"
    """Activate ours, remember the set that was active, and activate that again on delete."""


class ActiveRuleSet(Construct):
    """A custom resource whose existence means that the rule set receives mail.

    On delete it acts only if our set is still the active one: it activates what was there before
    (`Activation.REPLACE`), or none. It never touches a set that is not ours.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, rule_set_name: str, activation: Activation
    ) -> None:
        super().__init__(scope, construct_id)
        resource = CustomResource(
            self,
            "Resource",
            service_token=_Provider.of(self).service_token,
            resource_type="Custom::SesActiveReceiptRuleSet",
            properties={"RuleSetName": rule_set_name, "Mode": str(activation)},
        )
        self.rule_set_name = resource.get_att_string("RuleSetName")
        """The set that rules must go into; another than ours if it was joined."""


class _Provider(Construct):
    """The function behind the custom resource, one a stack."""

    @classmethod
    def of(cls, scope: Construct) -> _Provider:
        stack = Stack.of(scope)
        existing = stack.node.try_find_child("MailroomActivation")
        return existing if isinstance(existing, cls) else cls(stack, "MailroomActivation")

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        runtime, architecture = lambda_.Runtime.PYTHON_3_13, lambda_.Architecture.ARM_64
        log_group = self._logs("Logs")
        function = lambda_.Function(
            self,
            "Function",
            description="Activates SES receipt rule sets",
            code=_assembly.code(
                modules=["mailroom.provisioning.activation"],
                runtime=runtime,
                architecture=architecture,
            ),
            handler="mailroom.provisioning.activation.handler",
            runtime=runtime,
            architecture=architecture,
            memory_size=256,
            # SES takes one control call a second from a whole account, so patience is needed.
            timeout=Duration.minutes(5),
            role=_roles.function_role(self, "Role", log_group=log_group),
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
        )
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=[
                    "ses:DescribeActiveReceiptRuleSet",
                    "ses:DescribeReceiptRuleSet",
                    "ses:SetActiveReceiptRuleSet",
                ],
                # These three know no resource (Service Authorization Reference, Amazon SES).
                resources=["*"],
            )
        )
        reviewed_wildcard(function.role, "*", "these SES operations know no resource")
        reviewed(function, "L1", "tested with Python 3.13, on which all handlers run by default")
        framework_logs = self._logs("FrameworkLogs")
        framework_role = _roles.function_role(self, "FrameworkRole", log_group=framework_logs)
        reviewed_wildcard(
            framework_role,
            f"{function.function_arn}:*",
            "CDK's provider framework asks for every version of the one function that it calls",
        )
        provider = custom_resources.Provider(
            self,
            "Framework",
            on_event_handler=function,
            framework_on_event_role=framework_role,
            log_group=framework_logs,
        )
        self.service_token = provider.service_token

    def _logs(self, construct_id: str) -> logs.LogGroup:
        return logs.LogGroup(
            self,
            construct_id,
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )
