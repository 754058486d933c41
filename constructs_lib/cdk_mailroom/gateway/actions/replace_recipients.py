"""Put other recipients in the place of those that the rule matched."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom._checks import Problems, check_addresses, check_list
from cdk_mailroom.gateway import limits
from cdk_mailroom.gateway.actions._addresses import check_writable
from cdk_mailroom.gateway.actions.base import (
    Action,
    BoundGatewayAction,
    GatewayAction,
    GatewayContext,
)

__all__ = ["ReplaceRecipients"]

_Rules = ses.CfnMailManagerRuleSet


class ReplaceRecipients(GatewayAction):
    """Put other envelope recipients in the place of those that the rule matched.

    The message's header does not change.

    https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_ReplaceRecipientAction.html
    """

    settles = False

    def __init__(self, *addresses: str) -> None:
        """Describe the action.

        Args:
            addresses: The new recipients, 1 to 100 different ones. Without underscores, as
                CloudFormation refuses these here.

        Raises:
            ConfigurationError: An address is not one, or appears twice.
        """
        problems = Problems("gateway.actions.ReplaceRecipients")
        _check(problems, addresses)
        problems.raise_if_any()
        self.addresses = addresses

    def bind(self, scope: Construct, context: GatewayContext) -> BoundGatewayAction:
        """Return the action."""
        return BoundGatewayAction(
            action=Action(
                replace_recipient=_Rules.ReplaceRecipientActionProperty(
                    replace_with=list(self.addresses)
                )
            )
        )


def _check(problems: Problems, addresses: Sequence[str]) -> None:
    if not 0 < len(addresses) <= limits.NEW_RECIPIENTS:
        problems.add("len(addresses)", len(addresses), f"pass 1 to {limits.NEW_RECIPIENTS}")
    if not check_list(problems, "addresses", addresses):
        return
    check_addresses(problems, "addresses", addresses)
    for position, address in enumerate(addresses):
        check_writable(problems, f"addresses[{position}]", address)
        if address in addresses[:position]:
            problems.add(f"addresses[{position}]", address, "remove the duplicate")
