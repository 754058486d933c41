"""Custom resources that run our own Python: one function and provider per stack and kind."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy, Stack, custom_resources
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk_mailroom import _assembly, _roles
from cdk_mailroom._reviewed import reviewed, reviewed_wildcard
from cdk_mailroom.functions import default_architecture, default_runtime

__all__ = ["Provider", "provider"]


def provider(scope: Construct, construct_id: str, module: str) -> Provider:
    """Return the stack's provider *construct_id* that runs *module*; it is made on first use."""
    stack = Stack.of(scope)
    existing = stack.node.try_find_child(construct_id)
    return existing if isinstance(existing, Provider) else Provider(stack, construct_id, module)


class Provider(Construct):
    """Function, logs and roles behind a custom resource; the caller adds what it may do."""

    def __init__(self, scope: Construct, construct_id: str, module: str) -> None:
        super().__init__(scope, construct_id)
        runtime, architecture = default_runtime(), default_architecture()
        log_group = self._logs("Logs")
        self.function = lambda_.Function(
            self,
            "Function",
            description=f"Custom resource {module}",
            code=_assembly.code(modules=[module], runtime=runtime, architecture=architecture),
            handler=f"{module}.handler",
            runtime=runtime,
            architecture=architecture,
            memory_size=256,
            # SES accepts one control call per second and account, so this may take long.
            timeout=Duration.minutes(5),
            role=_roles.function_role(self, "Role", log_group=log_group),
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
        )
        """The function that handles CloudFormation's requests."""
        reviewed(self.function, "L1", "tested with Python 3.13, the default of all handlers")
        framework_logs = self._logs("FrameworkLogs")
        framework_role = _roles.function_role(self, "FrameworkRole", log_group=framework_logs)
        reviewed_wildcard(
            framework_role,
            f"{self.function.function_arn}:*",
            "CDK's provider framework grants itself every version of the function that it calls",
        )
        framework = custom_resources.Provider(
            self,
            "Framework",
            on_event_handler=self.function,
            framework_on_event_role=framework_role,
            log_group=framework_logs,
        )
        self.service_token = framework.service_token

    def _logs(self, construct_id: str) -> logs.LogGroup:
        return logs.LogGroup(
            self,
            construct_id,
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )
