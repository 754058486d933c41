"""The rule itself, by operations that AWS has not published."""

from __future__ import annotations

from aws_cdk import Annotations, CustomResource, Fn
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk_mailroom import _provisioning
from cdk_mailroom._asked import in_one_stack, stack_of
from cdk_mailroom._checks import Problems
from cdk_mailroom._construct import MailConstruct
from cdk_mailroom.workmail.modes import FlowDirection
from cdk_mailroom.workmail.rule import EmailFlowRule

__all__ = ["ExperimentalFlowRule"]


class ExperimentalFlowRule(MailConstruct):
    """**Experimental**: the rule itself, by operations that AWS has not published.

    Never tried against AWS. The operations' shapes come from the models of the console's own
    client; whether they accept ordinary credentials is unknown. The custom resource checks first
    whether they answer at all, refuses to touch a rule of that name that it did not make, reads
    back what it wrote, and lets the stack be deleted when the operations, the organization or
    WorkMail are gone. If it fails, it leaves nothing behind, and the rule can be made by hand.
    """

    def __init__(self, scope: Construct, construct_id: str, *, flow: EmailFlowRule) -> None:
        """Create the custom resource and its permissions, for this organization's rules only.

        A parameter of SSM remembers which rules it created; it is deleted with the last of them.

        Args:
            scope: The parent construct.
            construct_id: The id below *scope*.
            flow: The rule to make, in the same stack.

        Raises:
            ConfigurationError: *flow* is in another stack.
        """
        stack = stack_of(scope)
        problems = Problems(scope, construct_id)
        if not in_one_stack(scope, flow):
            problems.add("flow", flow.node.path, "it is in another stack; put both into one")
        problems.raise_if_any()
        super().__init__(scope, construct_id)
        provider = _provisioning.provider(
            self, "MailroomExperimentalFlowRule", "mailroom.provisioning.workmail_rule"
        )
        direction = "Inbound" if flow.direction == FlowDirection.INBOUND else "Outbound"
        # With the stack's GUID in it, so that no later stack of the same name finds it.
        guid = Fn.select(2, Fn.split("/", stack.stack_id))
        ledger = f"/cdk-mailroom/{guid}/workmail-rule/{self.node.addr}"
        role = provider.function.role
        assert role is not None
        # Not in the role's own policy, which loses what a deployment removes before it is deleted.
        policy = iam.Policy(
            self,
            "Policy",
            roles=[role],
            statements=[
                iam.PolicyStatement(
                    actions=[
                        *(
                            f"workmail:{verb}{direction}MailFlowRule"
                            for verb in ("Create", "Delete", "Describe", "Update")
                        ),
                        f"workmail:List{direction}MailFlowRules",
                    ],
                    resources=[flow.organization_arn],
                ),
                iam.PolicyStatement(
                    actions=["ssm:DeleteParameter", "ssm:GetParameter", "ssm:PutParameter"],
                    resources=[
                        stack.format_arn(
                            service="ssm", resource="parameter", resource_name=ledger[1:]
                        )
                    ],
                ),
            ],
        )
        self.resource = CustomResource(
            self,
            "Resource",
            service_token=provider.service_token,
            service_timeout=_provisioning.SERVICE_TIMEOUT,
            resource_type="Custom::ExperimentalWorkMailFlowRule",
            properties={
                "OrganizationId": flow.organization_id,
                "Direction": direction,
                # A string, because CloudFormation would turn the number in it into one.
                "Rule": stack.to_json_string(flow.rule),
                "Ledger": ledger,
            },
        )
        """The custom resource that makes the rule."""
        # WorkMail may check that it can call the function when the rule is made.
        self.resource.node.add_dependency(flow.permission, provider.function, policy)
        Annotations.of(self).add_warning_v2(
            "cdk-mailroom:experimental-flow-rule",
            "this calls operations of WorkMail that AWS has not published, and was never tried "
            "against AWS; the documented way is the output ConsoleSteps",
        )
