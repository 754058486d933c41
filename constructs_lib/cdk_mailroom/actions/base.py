"""What an action is given, and what it returns.

`RuleFacts` and `RuleContext` are the same for the rules of an `InboundMail` and of a `MailGateway`,
so that one handler serves both.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, cached_property
from typing import Protocol, TypeVar

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk.interfaces.aws_ses import IReceiptRuleRef
from constructs import Construct, IConstruct, IDependable

from cdk_mailroom._asked import account_of, once, stack_of
from cdk_mailroom._checks import Problems, resolved

__all__ = [
    "SES",
    "BoundAction",
    "NativeAction",
    "ReceiptAction",
    "ReceiptContext",
    "RuleContext",
    "RuleFacts",
    "RuleKind",
    "StoredMail",
    "in_order",
]

SES = "ses.amazonaws.com"
"""The service principal that acts for a rule."""


@dataclass(frozen=True, kw_only=True)
class StoredMail:
    """Where a rule's mail is stored: one object per message.

    `mailroom.ses.object_key` names the objects.
    """

    bucket: s3.IBucket
    """The bucket."""
    prefix: str
    """What the names begin with; may be empty."""
    client_side_key: kms.IKey | None = None
    """The key that SES encrypts messages with before it stores them, if it does."""


class RuleKind(StrEnum):
    """What a rule is part of."""

    RECEIPT = "receipt rule"
    """An `InboundMail`."""
    GATEWAY = "gateway rule"
    """A `MailGateway`."""


@dataclass(frozen=True, kw_only=True)
class RuleFacts:
    """What is known of a rule before anything is created."""

    kind: RuleKind = RuleKind.RECEIPT
    """What the rule is part of."""
    stack: Stack
    """The rule's stack."""
    rule_id: str
    """The rule's construct id, which is also its name in logs."""
    recipients: Sequence[str]
    """What the rule matches: addresses and domains, as far as known; empty for a catch-all rule."""
    scanned: bool
    """Whether SES scans the rule's mail; spam and virus verdicts are ``DISABLED`` otherwise, and
    absent for the rules of a gateway, where it never does."""
    stored: StoredMail | None
    """The rule's own copy of its mail, if it keeps one."""


@dataclass(frozen=True, kw_only=True)
class RuleContext(RuleFacts):
    """What a handler knows about the rule that it becomes part of."""

    dead_letter_queue: sqs.IQueue
    """Takes what a handler failed to handle."""
    alert_topic: sns.ITopic | None
    """What alarms publish to."""


@dataclass(frozen=True, kw_only=True)
class ReceiptContext(RuleContext):
    """What an action knows about the receipt rule that it becomes part of."""

    rule: ses.ReceiptRule
    """The rule, still without actions; for ``bind()`` of aws-cdk-lib's actions."""
    rule_set_name: str
    """The set that holds the rule; a token unless it was given."""
    rule_name: str | None
    """The rule's name if it was given; CloudFormation makes one otherwise."""

    @property
    def account(self) -> str:
        """The rule's account."""
        return account_of(self.stack)

    def service_principal(self, near: IConstruct) -> iam.ServicePrincipal:
        """Return SES acting for this rule, for a policy of the resource *near*.

        The source ARN ends in the rule's name if that was given, else in ``*``: the rule's own
        Ref would make a cycle, as the permission must exist before the rule. In the policy of a
        resource of another stack the set's name is ``*`` too, unless it was given.

        Args:
            near: The resource whose policy it is for.
        """
        return _acting(self.account, self.source_arn(near))

    def source_arn(self, near: IConstruct) -> str:
        """Return the ARN, or its pattern, under which SES acts for this rule.

        Args:
            near: The resource whose policy it is for.
        """
        if resolved(self.rule_set_name) or stack_of(near) is self.stack:
            return self._source_arn
        return self._arn("*")

    @cached_property
    def _source_arn(self) -> str:
        return self._arn(self.rule_set_name)

    def _arn(self, rule_set_name: str) -> str:
        return f"{_rule_sets(self.stack)}{rule_set_name}:receipt-rule/{self.rule_name or '*'}"


@once
def _rule_sets(stack: Stack) -> str:
    return stack.format_arn(service="ses", resource="receipt-rule-set", resource_name="")


@cache
def _acting(account: str, source_arn: str) -> iam.ServicePrincipal:
    conditions = {
        "StringEquals": {"aws:SourceAccount": account},
        "ArnLike": {"aws:SourceArn": source_arn},
    }
    return iam.ServicePrincipal(SES, conditions=conditions)


@dataclass(frozen=True, kw_only=True)
class BoundAction:
    """One action in the form that aws-cdk-lib's `ReceiptRule` takes, and what came with it."""

    action: ses.ReceiptRuleActionConfig
    """The action's settings."""
    dependencies: list[IDependable] = field(default_factory=list)
    """What must exist before the rule, because SES checks it when the rule is created."""
    function: lambda_.IFunction | None = None
    """The function that is called, if one is."""
    failure_alarms: Sequence[cloudwatch.Alarm] = ()
    """The alarms on failures that leave nothing on the dead-letter queue."""
    iam_role_arn: str | None = None
    """For an S3 action, the role that SES writes as; `ses.S3ActionConfig` has no such setting."""


_One = TypeVar("_One")


def in_order(
    before: Sequence[_One], store: _One | None, handler: _One | None, after: Sequence[_One]
) -> dict[str, _One]:
    """Return a rule's actions in their order, each under its construct id."""
    middle = {"Store": store, "Handler": handler}
    return {
        **{f"Before{number}": one for number, one in enumerate(before, start=1)},
        **{name: one for name, one in middle.items() if one is not None},
        **{f"After{number}": one for number, one in enumerate(after, start=1)},
    }


class ReceiptAction(ABC):
    """Something that a receipt rule does; subclass it to add an action of your own."""

    def check_rule(self, problems: Problems, facts: RuleFacts) -> None:  # noqa: B027
        """Note what of the rule does not fit; called before anything is created or granted.

        Args:
            problems: Takes what is found.
            facts: What is known of the rule before it is created.
        """

    @abstractmethod
    def bind(self, scope: Construct, context: ReceiptContext) -> BoundAction:
        """Create and grant what the action needs, below *scope*, and return the action.

        Args:
            scope: The construct below which resources are created.
            context: The rule, and what permissions and alarms need to know of it.
        """


class NativeAction(Protocol):
    """An action of ``aws_cdk.aws_ses_actions``, or of your own for aws-cdk-lib's `ReceiptRule`.

    The same as `ses.IReceiptRuleAction`, whatever name ``bind()`` has for its argument: those of
    aws-cdk-lib have different ones, which pyright does not accept for that type.
    """

    def bind(self, rule: IReceiptRuleRef, /) -> ses.ReceiptRuleActionConfig:
        """Return the action's settings.

        Args:
            rule: The rule that runs the action.
        """
