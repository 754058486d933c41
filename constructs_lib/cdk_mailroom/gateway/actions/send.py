"""Send the message to its recipients."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom._checks import Problems, check_configuration_set_name, check_identities
from cdk_mailroom._identities import name_of
from cdk_mailroom.gateway.actions.base import (
    Action,
    BoundGatewayAction,
    GatewayAction,
    GatewayContext,
    OnFailure,
    check_on_failure,
)
from cdk_mailroom.sending import SendingIdentity

__all__ = ["Send"]

_Rules = ses.CfnMailManagerRuleSet


class Send(GatewayAction):
    """Send the message to its recipients with SES, as its author sent it.

    Grants the role sending from *identities* only. In the sandbox, recipients must be verified too.

    https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_SendAction.html
    """

    sends = True

    def __init__(
        self,
        *,
        identities: Sequence[SendingIdentity | ses.IEmailIdentity | str],
        configuration_set_name: str | None = None,
        on_failure: OnFailure | str = OnFailure.CONTINUE,
    ) -> None:
        """Describe the action.

        Args:
            identities: The verified identities that messages may come from, constructs or names.
            configuration_set_name: The default configuration set of these identities, if they have
                one: sending asks for permission on it too.
            on_failure: What happens when the message cannot be sent; see `OnFailure`.

        Raises:
            ConfigurationError: No identity is named, or one is not an identity.
        """
        problems = Problems("gateway.actions.Send")
        check_on_failure(problems, on_failure)
        check_configuration_set_name(problems, "configuration_set_name", configuration_set_name)
        if not isinstance(identities, str) and not identities:
            problems.add("identities", list(identities), "name at least one")
        else:
            check_identities(problems, "identities", identities)
        problems.raise_if_any()
        self.identities = [_name(one) for one in identities]
        self.configuration_set_name = configuration_set_name
        self.on_failure = on_failure

    def bind(self, scope: Construct, context: GatewayContext) -> BoundGatewayAction:
        """Grant the role the sending, and return the action."""
        used = [("identity", name) for name in self.identities]
        if self.configuration_set_name is not None:
            used.append(("configuration-set", self.configuration_set_name))
        iam.Grant.add_to_principal(
            grantee=context.role,
            actions=["ses:SendEmail", "ses:SendRawEmail"],
            resource_arns=[
                context.stack.format_arn(service="ses", resource=kind, resource_name=name)
                for kind, name in used
            ],
        )
        return BoundGatewayAction(
            action=Action(
                send=_Rules.SendActionProperty(
                    role_arn=context.role.role_arn, action_failure_policy=str(self.on_failure)
                )
            )
        )


def _name(identity: SendingIdentity | ses.IEmailIdentity | str) -> str:
    if isinstance(identity, str):
        return identity
    return identity.name if isinstance(identity, SendingIdentity) else name_of(identity)
