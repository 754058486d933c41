"""Custom resources that run our own Python: one function and provider per stack and kind."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk_mailroom import _assembly, _roles
from cdk_mailroom._asked import stack_of
from cdk_mailroom._construct import MailConstruct
from cdk_mailroom._reviewed import reviewed
from cdk_mailroom.functions import default_architecture, default_runtime

__all__ = ["SERVICE_TIMEOUT", "Provider", "provider"]

_ENTRY = "mailroom.provisioning.entry"

# How long CloudFormation waits for an answer; an hour by default. Lambda starts a function that
# died twice again, after one minute and after two.
SERVICE_TIMEOUT = Duration.minutes(20)


def provider(
    scope: Construct, construct_id: str, module: str, *, timeout: Duration | None = None
) -> Provider:
    """Return the stack's provider *construct_id* that runs *module*; it is made on first use."""
    stack = stack_of(scope)
    existing = stack.node.try_find_child(construct_id)
    if isinstance(existing, Provider):
        return existing
    return Provider(stack, construct_id, module, timeout=timeout)


class Provider(MailConstruct):
    """Function, log and role behind a custom resource; the caller adds what it may do.

    CloudFormation calls the function itself: see `mailroom.provisioning.entry`.
    """

    def __init__(
        self, scope: Construct, construct_id: str, module: str, *, timeout: Duration | None = None
    ) -> None:
        super().__init__(scope, construct_id)
        runtime, architecture = default_runtime(), default_architecture()
        log_group = logs.LogGroup(
            self,
            "Logs",
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.function = lambda_.Function(
            self,
            "Function",
            description=f"Custom resource {module}",
            code=_assembly.code(
                modules=[_ENTRY, module], runtime=runtime, architecture=architecture
            ),
            handler=f"{_ENTRY}.handler",
            runtime=runtime,
            architecture=architecture,
            memory_size=256,
            # SES accepts one control call per second and account, so this may take long.
            timeout=timeout or Duration.minutes(5),
            role=_roles.function_role(self, "Role", log_group=log_group),
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            environment={"MAILROOM_RESOURCE": module},
        )
        """The function that handles CloudFormation's requests."""
        reviewed(self.function, "L1", "tested with Python 3.13, the default of all handlers")
        self.service_token = self.function.function_arn
        """What a `CustomResource` calls."""
