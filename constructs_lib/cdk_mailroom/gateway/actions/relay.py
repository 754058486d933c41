"""Pass the message to another server."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom._checks import Problems
from cdk_mailroom.gateway.actions.base import (
    Action,
    BoundGatewayAction,
    GatewayAction,
    GatewayContext,
    OnFailure,
    check_on_failure,
)

__all__ = ["MailFrom", "Relay", "RelayServer"]

_Rules = ses.CfnMailManagerRuleSet


class RelayServer(Protocol):
    """A `cdk_mailroom.Relay`."""

    @property
    def relay_id(self) -> str:
        """Its id."""


class MailFrom(StrEnum):
    """The envelope sender that the other server gets."""

    PRESERVE = "PRESERVE"
    """That of the message."""
    REPLACE = "REPLACE"
    """Another one, which Mail Manager chooses."""


class Relay(GatewayAction):
    """Pass the message to another server, as a `cdk_mailroom.Relay` describes it.

    SES delivers to recipients only whose domain is a verified identity of the account. Nothing has
    to be granted: the relay itself has what it needs.

    https://docs.aws.amazon.com/ses/latest/dg/eb-relay.html
    """

    sends = True

    def __init__(
        self,
        relay: RelayServer | str,
        *,
        mail_from: MailFrom | str = MailFrom.PRESERVE,
        on_failure: OnFailure | str = OnFailure.CONTINUE,
    ) -> None:
        """Describe the action.

        Args:
            relay: The relay, or the id of one that exists already; not its name.
            mail_from: The envelope sender that the server gets; that of the message by default.
            on_failure: What happens when the relay is gone; see `OnFailure`.

        Raises:
            ConfigurationError: The relay is not one.
        """
        problems = Problems("gateway.actions.Relay")
        check_on_failure(problems, on_failure)
        if mail_from not in list(MailFrom):
            problems.add("mail_from", mail_from, f"use one of {[str(one) for one in MailFrom]}")
        relay_id = relay if isinstance(relay, str) else getattr(relay, "relay_id", None)
        if not isinstance(relay_id, str):
            problems.add("relay", relay, "pass a cdk_mailroom.Relay, or the id of a relay")
        problems.raise_if_any()
        self.relay_id = str(relay_id)
        """The id of the relay."""
        self.mail_from = mail_from
        self.on_failure = on_failure

    def bind(self, scope: Construct, context: GatewayContext) -> BoundGatewayAction:
        """Return the action."""
        return BoundGatewayAction(
            action=Action(
                relay=_Rules.RelayActionProperty(
                    relay=self.relay_id,
                    mail_from=str(self.mail_from),
                    action_failure_policy=str(self.on_failure),
                )
            )
        )
