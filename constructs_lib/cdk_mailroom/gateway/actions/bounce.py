"""Return the message to its sender."""

from __future__ import annotations

import re

from aws_cdk import aws_iam as iam
from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom._checks import Problems, check_address, resolved
from cdk_mailroom._reviewed import reviewed_wildcard
from cdk_mailroom.gateway.actions._addresses import check_writable
from cdk_mailroom.gateway.actions.base import (
    Action,
    BoundGatewayAction,
    GatewayAction,
    GatewayContext,
    OnFailure,
    check_on_failure,
)

__all__ = ["Bounce"]

_Rules = ses.CfnMailManagerRuleSet


class Bounce(GatewayAction):
    """Return the message to its sender, in a bounce that comes from *sender*.

    The rule goes on afterwards: put a `Drop` behind it. Grants the role bouncing as *sender* only.

    https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_BounceAction.html
    """

    def __init__(
        self,
        *,
        sender: str,
        diagnostic: str,
        smtp_reply_code: str = "550",
        status_code: str = "5.7.1",
        message: str | None = None,
        on_failure: OnFailure | str = OnFailure.CONTINUE,
    ) -> None:
        """Describe the action.

        Args:
            sender: The address that the bounce comes from, of a verified identity.
            diagnostic: Why, for machines and administrators: 1 to 256 characters of ASCII.
            smtp_reply_code: RFC 5321, ``550`` by default.
            status_code: RFC 3463, ``5.7.1`` by default.
            message: Why, for the author: up to 500 characters of ASCII. None by default.
            on_failure: What happens when the bounce cannot be sent; see `OnFailure`.

        Raises:
            ConfigurationError: Mail Manager or CloudFormation would refuse an argument.
        """
        problems = Problems("gateway.actions.Bounce")
        check_on_failure(problems, on_failure)
        check_address(problems, "sender", sender)
        check_writable(problems, "sender", sender)
        for argument, value, pattern, remedy in (
            ("smtp_reply_code", smtp_reply_code, r"[45]\d\d", "use a code such as '550'"),
            ("status_code", status_code, r"[45]\.\d{1,3}\.\d{1,3}", "use one such as '5.7.1'"),
            ("diagnostic", diagnostic, r"[\x20-\x7e]{1,256}", "use 1 to 256 characters of ASCII"),
            ("message", message, r"[\r\n\x20-\x7e]{1,500}", "use 1 to 500 characters of ASCII"),
        ):
            if (
                value is not None
                and resolved(value)
                and not (isinstance(value, str) and re.fullmatch(pattern, value))
            ):
                problems.add(argument, value, remedy)
        problems.raise_if_any()
        self.sender = sender
        self.diagnostic = diagnostic
        self.smtp_reply_code = smtp_reply_code
        self.status_code = status_code
        self.message = message
        self.on_failure = on_failure

    def bind(self, scope: Construct, context: GatewayContext) -> BoundGatewayAction:
        """Grant the role the bouncing, and return the action."""
        role = context.role
        identities = context.stack.format_arn(service="ses", resource="identity", resource_name="*")
        # https://docs.aws.amazon.com/ses/latest/dg/eb-policies.html#eb-policies-bounce
        iam.Grant.add_to_principal(
            grantee=role,
            actions=["ses:SendBounce"],
            resource_arns=[identities],
            conditions={"StringEquals": {"ses:FromAddress": self.sender}},
        )
        reviewed_wildcard(role, identities, "the condition allows one sender only")
        return BoundGatewayAction(
            action=Action(
                bounce=_Rules.BounceActionProperty(
                    role_arn=role.role_arn,
                    sender=self.sender,
                    diagnostic_message=self.diagnostic,
                    smtp_reply_code=self.smtp_reply_code,
                    status_code=self.status_code,
                    message=self.message,
                    action_failure_policy=str(self.on_failure),
                )
            )
        )
