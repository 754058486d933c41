"""What a gateway's rule does: each action of Mail Manager, with the permissions that it needs.

`MailGateway.add_rule` takes these before or after its handler. Each adds its part to the one role
that Mail Manager acts as. To add an action, subclass `GatewayAction`: create what it needs below
``scope``, grant ``context.role``, and return a `BoundGatewayAction`.
"""

from importlib.util import find_spec

from cdk_mailroom.gateway.actions.add_header import AddHeader
from cdk_mailroom.gateway.actions.archive import Archive, TargetArchive
from cdk_mailroom.gateway.actions.base import (
    BoundGatewayAction,
    GatewayAction,
    GatewayContext,
    OnFailure,
)
from cdk_mailroom.gateway.actions.bounce import Bounce
from cdk_mailroom.gateway.actions.drop import Drop
from cdk_mailroom.gateway.actions.invoke_function import InvokeFunction
from cdk_mailroom.gateway.actions.publish import Payload, Publish
from cdk_mailroom.gateway.actions.q_business import DeliverToQBusiness
from cdk_mailroom.gateway.actions.relay import MailFrom, Relay, RelayServer
from cdk_mailroom.gateway.actions.replace_recipients import ReplaceRecipients
from cdk_mailroom.gateway.actions.send import Send
from cdk_mailroom.gateway.actions.store import Store

__all__ = [
    "AddHeader",
    "Archive",
    "Bounce",
    "BoundGatewayAction",
    "DeliverToQBusiness",
    "Drop",
    "GatewayAction",
    "GatewayContext",
    "InvokeFunction",
    "MailFrom",
    "OnFailure",
    "Payload",
    "Publish",
    "Relay",
    "RelayServer",
    "ReplaceRecipients",
    "Send",
    "Store",
    "TargetArchive",
]

if find_spec("cdk_mailroom.gateway.actions.workmail") is not None:
    from cdk_mailroom.gateway.actions.workmail import DeliverToWorkMail

    __all__ += ["DeliverToWorkMail"]
