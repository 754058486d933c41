"""What an action of a gateway's rule is given, and what it returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ses as ses
from constructs import Construct, IDependable

from cdk_mailroom._checks import Problems
from cdk_mailroom.actions.base import RuleContext, RuleFacts

__all__ = [
    "Action",
    "BoundGatewayAction",
    "GatewayAction",
    "GatewayContext",
    "OnFailure",
    "check_on_failure",
]

Action = ses.CfnMailManagerRuleSet.RuleActionProperty


class OnFailure(StrEnum):
    """What happens when an action cannot run, for example because its role or target is gone.

    https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_RuleAction.html
    """

    CONTINUE = "CONTINUE"
    """The rule's next action runs."""
    DROP = "DROP"
    """The message is dropped."""


@dataclass(frozen=True, kw_only=True)
class GatewayContext(RuleContext):
    """What an action knows about the gateway's rule that it becomes part of."""

    role: iam.Role
    """What Mail Manager acts as, for every action of the rule set; grant it what you need."""
    on_failure: OnFailure | str
    """What the rule asks for when its own actions cannot run."""
    retry: Duration
    """How long the rule wants a failed call of its function to be repeated."""


@dataclass(frozen=True, kw_only=True)
class BoundGatewayAction:
    """One action in the form that a rule set takes, and what came with it."""

    action: ses.CfnMailManagerRuleSet.RuleActionProperty
    """The action's settings: exactly one of them."""
    dependencies: list[IDependable] = field(default_factory=list)
    """What must exist before the rule set, besides the role and its policy."""
    function: lambda_.IFunction | None = None
    """The function that is called, if one is."""
    failure_alarms: Sequence[cloudwatch.Alarm] = ()
    """The alarms on failures that leave nothing on the dead-letter queue."""


class GatewayAction(ABC):
    """Something that a gateway's rule does; subclass it to add an action of your own."""

    sends: ClassVar[bool] = False
    """Whether it sends the message on: a rule set has at most ten such actions."""

    settles: ClassVar[bool] = True
    """Whether the message is kept, handled, passed on or dropped by it."""

    def check_rule(self, problems: Problems, facts: RuleFacts) -> None:  # noqa: B027
        """Note what of the rule does not fit; called before anything is created or granted.

        Args:
            problems: Takes what is found.
            facts: What is known of the rule before it is created.
        """

    @abstractmethod
    def bind(self, scope: Construct, context: GatewayContext) -> BoundGatewayAction:
        """Create what the action needs below *scope*, grant the role, and return the action.

        Args:
            scope: The construct below which resources are created.
            context: The rule, and the role to grant.
        """


def check_on_failure(problems: Problems, on_failure: object) -> None:
    """Note that *on_failure* is not one of `OnFailure`."""
    if on_failure not in list(OnFailure):
        problems.add("on_failure", on_failure, f"use one of {[str(one) for one in OnFailure]}")
