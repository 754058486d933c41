"""A flow rule in writing: as steps at the console, and as WorkMail's unpublished operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from aws_cdk import Tokenization
from aws_cdk import aws_lambda as lambda_

from cdk_mailroom.workmail.modes import Asynchronous, Fallback, FlowDirection, Synchronous

__all__ = ["WrittenRule"]

_OPERATION_FALLBACKS: Final = {
    FlowDirection.INBOUND: {
        Fallback.DEFAULT: "NormalDeliveryAction",
        Fallback.BOUNCE: "BounceAction",
        Fallback.DROP: "DropAction",
        Fallback.MOVE_TO_JUNK: "MoveToJunkAction",
        Fallback.BYPASS_SPAM_CHECK: "BypassSpamCheckAction",
    },
    FlowDirection.OUTBOUND: {
        Fallback.DEFAULT: "DefaultAction",
        Fallback.BOUNCE: "BounceAction",
        Fallback.DROP: "DropAction",
    },
}
_CONSOLE_FALLBACKS: Final = {
    Fallback.DEFAULT: "Default",
    Fallback.BOUNCE: "Bounce",
    Fallback.DROP: "Drop",
    Fallback.MOVE_TO_JUNK: "Deliver to junk folder",
    Fallback.BYPASS_SPAM_CHECK: "Bypass spam check",
}


@dataclass(frozen=True, kw_only=True)
class WrittenRule:
    """What a flow rule consists of."""

    name: str
    organization_id: str
    region: str
    direction: FlowDirection
    mode: Synchronous | Asynchronous
    senders: Sequence[str]
    destinations: Sequence[str]
    function: lambda_.Function

    @property
    def _inbound(self) -> bool:
        return self.direction is FlowDirection.INBOUND

    def operation(self) -> dict[str, Any]:
        """Return the rule in the form of WorkMail's own, unpublished operations."""
        action: dict[str, Any] = {"Arn": self.function.function_arn}
        if isinstance(self.mode, Synchronous):
            fallback = _OPERATION_FALLBACKS[self.direction][Fallback(self.mode.fallback)]
            action["SynchronousLambdaParameters"] = {
                "RetryPeriodMinutes": self.mode.timeout.to_minutes(),
                "FallbackAction": {fallback: {}},
            }
        origin = "OriginRuleCondition" if self._inbound else "SenderRuleCondition"
        return {
            "Name": self.name,
            "Condition": {
                origin: {"Patterns": list(self.senders)},
                "DestinationRuleCondition": {"Patterns": list(self.destinations)},
            },
            "Action": {"InboundLambdaAction" if self._inbound else "OutboundLambdaAction": action},
        }

    def steps(self) -> list[str]:
        """Return what to do at the console, step by step, with the real names."""
        tab = "Inbound rules" if self._inbound else "Outbound rules"
        origin = "Sender domains or addresses" if self._inbound else "Sender addresses"
        return [
            f"Open the Amazon WorkMail console in {self.region}",
            f"Choose the organization {self.organization_id}",
            f"Choose Organization settings, then {tab}, then Create",
            f"Rule name: {self.name}",
            "Action: Run Lambda",
            f"Lambda function: {self.function.function_arn}",
            *self._mode_steps(),
            f"{origin}: {', '.join(self.senders)}",
            f"Destination domains or addresses: {', '.join(self.destinations)}",
            "Choose Create",
            "Send a mail, and look for RULE_APPLIED in the organization's monitoring log",
            f"Look for mailroom.workmail in the log group {self.function.log_group.log_group_name}",
        ]

    def _mode_steps(self) -> list[str]:
        if not isinstance(self.mode, Synchronous):
            return ["Run synchronously: off"]
        minutes = Tokenization.stringify_number(self.mode.timeout.to_minutes())
        return [
            "Run synchronously: on",
            f"Rule timeout: {minutes} minutes",
            f"Fallback action: {_CONSOLE_FALLBACKS[Fallback(self.mode.fallback)]}",
        ]
