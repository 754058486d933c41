"""Take the matched recipients off the message."""

from __future__ import annotations

from constructs import Construct

from cdk_mailroom.gateway.actions.base import (
    Action,
    BoundGatewayAction,
    GatewayAction,
    GatewayContext,
)

__all__ = ["Drop"]


class Drop(GatewayAction):
    """Take the recipients that the rule matched off the message, without notice.

    No later action and no later rule handles it for them; for its other recipients it goes on.

    https://docs.aws.amazon.com/ses/latest/dg/eb-rules.html
    """

    def bind(self, scope: Construct, context: GatewayContext) -> BoundGatewayAction:
        """Return the action."""
        return BoundGatewayAction(action=Action(drop={}))
