"""Add a header field to the message."""

from __future__ import annotations

import re

from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom._checks import Problems, resolved
from cdk_mailroom.gateway import limits
from cdk_mailroom.gateway.actions.base import (
    Action,
    BoundGatewayAction,
    GatewayAction,
    GatewayContext,
)

__all__ = ["AddHeader"]

_Rules = ses.CfnMailManagerRuleSet


class AddHeader(GatewayAction):
    """Add a header field to the message, also if it has one of that name.

    https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_AddHeaderAction.html
    """

    settles = False

    def __init__(self, name: str, value: str) -> None:
        """Describe the action.

        Args:
            name: The name, which begins with ``X-``: up to 64 letters, digits and hyphens.
            value: The value, 1 to 128 characters without line breaks.

        Raises:
            ConfigurationError: The name or the value is not one.
        """
        problems = Problems("gateway.actions.AddHeader")
        if resolved(name) and not (
            isinstance(name, str) and re.fullmatch(limits.ADDED_HEADER, name)
        ):
            problems.add("name", name, "use 'X-' and 1 to 62 letters, digits and hyphens")
        if resolved(value) and not (
            isinstance(value, str)
            and re.fullmatch(rf"[^\r\n]{{1,{limits.ADDED_HEADER_CHARACTERS}}}", value)
        ):
            problems.add(
                "value",
                value,
                f"use 1 to {limits.ADDED_HEADER_CHARACTERS} characters without line breaks",
            )
        problems.raise_if_any()
        self.name = name
        self.value = value

    def bind(self, scope: Construct, context: GatewayContext) -> BoundGatewayAction:
        """Return the action."""
        return BoundGatewayAction(
            action=Action(
                add_header=_Rules.AddHeaderActionProperty(
                    header_name=self.name, header_value=self.value
                )
            )
        )
