"""One rule of a gateway, with everything that it runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IDependable

from cdk_mailroom._asked import stack_of
from cdk_mailroom._checks import ConfigurationError, Problems, check_list
from cdk_mailroom._construct import MailConstruct
from cdk_mailroom._objects import grant_read
from cdk_mailroom.actions.base import RuleFacts, RuleKind, StoredMail, in_order
from cdk_mailroom.gateway import limits
from cdk_mailroom.gateway.actions.base import (
    BoundGatewayAction,
    GatewayAction,
    GatewayContext,
    OnFailure,
    check_on_failure,
)
from cdk_mailroom.gateway.actions.drop import Drop
from cdk_mailroom.gateway.actions.invoke_function import CallHandler, check_retry, longest_retry
from cdk_mailroom.gateway.actions.store import Store
from cdk_mailroom.gateway.conditions import AnyCondition, RuleCondition, check_conditions
from cdk_mailroom.gateway.policy import domains_of
from cdk_mailroom.handlers.python_handler import PythonHandler

__all__ = ["GatewayRule", "GatewayRuleOptions", "GatewayRulePlace", "HandledGatewayRule"]

_Rules = ses.CfnMailManagerRuleSet
Action = GatewayAction | PythonHandler


@dataclass(frozen=True, kw_only=True)
class GatewayRuleOptions:
    """The arguments of `MailGateway.add_rule`."""

    when: Sequence[RuleCondition]
    unless: Sequence[RuleCondition]
    handler: Action | None
    before: Sequence[Action]
    after: Sequence[Action]
    store: Store | None
    rule_name: str
    on_failure: OnFailure | str
    retry: Duration | None

    @cached_property
    def stored(self) -> StoredMail | None:
        """Where the rule's mail is stored, if it is."""
        store = self.store
        return None if store is None else StoredMail(bucket=store.bucket, prefix=store.prefix)

    @cached_property
    def named(self) -> dict[str, Action]:
        """All actions in their order, each under its construct id."""
        return in_order(self.before, self.store, self.handler, self.after)

    @cached_property
    def sends(self) -> int:
        """How many of the actions send the message on."""
        return sum(isinstance(one, GatewayAction) and one.sends for one in self.named.values())

    @cached_property
    def drops_all(self) -> bool:
        """Whether later rules never see any mail."""
        decides = any(getattr(one, "synchronous", False) for one in self.named.values())
        drops = any(isinstance(one, Drop) for one in self.named.values())
        # STOP_RULE, which a function may answer, skips the Drop.
        return drops and not (self.when or self.unless or decides)

    def takes(self, recipient: str | None) -> bool:
        """Tell whether something becomes of all mail to a recipient; ``None`` is anyone."""
        settles = any(
            not isinstance(one, GatewayAction) or one.settles for one in self.named.values()
        )
        if self.unless or not settles:
            return False
        if recipient is None or len(self.when) != 1:
            return not self.when
        operator, values = _compared(self.when[0])
        lower = recipient.lower()
        return any(
            lower.endswith(one.lower()) if operator == "ENDS_WITH" else lower == one.lower()
            for one in values
            if operator in ("ENDS_WITH", "EQUALS")
        )

    @cached_property
    def limited(self) -> bool:
        """Whether the rule is for certain recipients or clients only."""
        return any(isinstance(one, AnyCondition) and one.limits_use for one in self.when)

    def recipients(self, accepted: Sequence[str]) -> list[str]:
        """Return what the conditions name of the recipients, or else what the gateway accepts."""
        for condition in self.when:
            found = _named_recipients(condition)
            if found:
                return found
        return domains_of(accepted)

    def facts(self, rule_id: str, stack: Stack, accepted: Sequence[str]) -> RuleFacts:
        """Return what is known before anything is created."""
        return RuleFacts(
            kind=RuleKind.GATEWAY,
            stack=stack,
            rule_id=rule_id,
            recipients=self.recipients(accepted),
            scanned=False,
            stored=self.stored,
        )

    def check(
        self, problems: Problems, rule_id: str, stack: Stack, accepted: Sequence[str]
    ) -> None:
        """Note what can be found before anything is created."""
        if not isinstance(self.rule_name, str) or not re.fullmatch(
            limits.RULE_NAME, self.rule_name
        ):
            problems.add(
                "rule_name",
                self.rule_name,
                "pass one of 1 to 32 letters, digits, '_', '.' and '-': it is in each log record",
            )
        check_on_failure(problems, self.on_failure)
        check_retry(problems, self.retry)
        good = True
        for argument, conditions in (("when", self.when), ("unless", self.unless)):
            most = limits.CONDITIONS_PER_RULE
            good &= check_conditions(problems, argument, conditions, RuleCondition, most)
        for argument, items in (("before", self.before), ("after", self.after)):
            good &= check_list(problems, argument, items)
        if not good:
            return
        if not self.named:
            problems.add("handler", None, "pass a handler or an action: the rule would do nothing")
        if len(self.named) > limits.ACTIONS_PER_RULE:
            problems.add(
                "len(actions)",
                len(self.named),
                f"Mail Manager takes {limits.ACTIONS_PER_RULE} for each rule, the stored copy and "
                "the handler included; move the rest to a second rule with the same conditions",
            )
        self._check_drop(problems)
        facts = self.facts(rule_id, stack, accepted)
        for position, item in enumerate(self.named.values()):
            if isinstance(item, Action):
                item.check_rule(problems, facts)
            else:
                problems.add(
                    f"actions[{position}]",
                    item,
                    "pass PythonHandler(folder, 'module:function'), or one of handlers or "
                    "gateway.actions of cdk_mailroom; those of receipt rules do not fit",
                )

    def _check_drop(self, problems: Problems) -> None:
        actions = list(self.named.values())
        for position, item in enumerate(actions[:-1]):
            if isinstance(item, Drop):
                problems.add(
                    f"actions[{position}]",
                    "Drop()",
                    "move it behind the others, such as after=[Drop()]: nothing runs behind it",
                )


@dataclass(frozen=True, kw_only=True)
class GatewayRulePlace:
    """What a gateway has that each of its rules needs."""

    role: iam.Role
    dead_letter_queue: sqs.IQueue
    alert_topic: sns.ITopic | None
    accepted: Sequence[str]


class GatewayRule(MailConstruct):
    """One rule with everything that it runs; made by `MailGateway.add_rule`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        options: GatewayRuleOptions,
        place: GatewayRulePlace,
    ) -> None:
        """Create what the rule's actions need; `MailGateway.add_rule` does it.

        Args:
            scope: The gateway.
            construct_id: The rule's id there.
            options: The arguments of `MailGateway.add_rule`.
            place: What the rules of the gateway share.
        """
        super().__init__(scope, construct_id)
        stack = stack_of(self)
        self._stored = options.stored
        self._dead_letter_queue = place.dead_letter_queue
        self._context = GatewayContext(
            kind=RuleKind.GATEWAY,
            stack=stack,
            rule_id=construct_id,
            recipients=options.recipients(place.accepted),
            scanned=False,
            stored=options.stored,
            dead_letter_queue=place.dead_letter_queue,
            alert_topic=place.alert_topic,
            role=place.role,
            on_failure=options.on_failure,
            retry=options.retry or longest_retry(),
        )
        problems = Problems(self)
        bound: dict[str, BoundGatewayAction] = {}
        for name, item in options.named.items():
            with problems.collecting():
                action = CallHandler(item) if isinstance(item, PythonHandler) else item
                bound[name] = action.bind(Construct(self, name), self._context)
                _check_one(problems, name, bound[name])
        problems.raise_if_any()
        self._function = bound["Handler"].function if "Handler" in bound else None
        self._failure_alarms = [alarm for one in bound.values() for alarm in one.failure_alarms]
        self._dependencies = [item for one in bound.values() for item in one.dependencies]
        self._name = options.rule_name
        self._settings = _Rules.RuleProperty(
            name=options.rule_name,
            conditions=[one.in_rule for one in options.when] or None,
            unless=[one.in_rule for one in options.unless] or None,
            actions=[one.action for one in bound.values()],
        )

    @property
    def rule_name(self) -> str:
        """The rule's name, which is in each record that Mail Manager logs of it."""
        return self._name

    @property
    def settings(self) -> ses.CfnMailManagerRuleSet.RuleProperty:
        """The rule as the rule set has it."""
        return self._settings

    @property
    def dependencies(self) -> Sequence[IDependable]:
        """What the rule set must wait for."""
        return tuple(self._dependencies)

    @property
    def function(self) -> lambda_.IFunction | None:
        """The handler's function, or ``None`` if the handler calls none."""
        return self._function

    @property
    def stored(self) -> StoredMail | None:
        """Where this rule's mail is stored, if it is."""
        return self._stored

    @property
    def dead_letter_queue(self) -> sqs.IQueue:
        """Takes what the handler failed to handle; shared by the rules of one gateway."""
        return self._dead_letter_queue

    @property
    def failure_alarms(self) -> Sequence[cloudwatch.Alarm]:
        """Two for each synchronous `PythonHandler`, on failures that left no dead letter."""
        return tuple(self._failure_alarms)

    def grant_read_mail(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let *grantee* read the messages that this rule stored.

        Args:
            grantee: Who may read.

        Raises:
            ConfigurationError: The rule stores no mail.
        """
        if self._stored is None:
            raise ConfigurationError(
                f"{self.node.path}: this rule stores no mail; omit store=False to store it"
            )
        return grant_read(grantee, self._stored.bucket, self._stored.prefix)


class HandledGatewayRule(GatewayRule):
    """A gateway's rule whose handler is a `PythonHandler`, so that it has a function."""

    @property
    def function(self) -> lambda_.Function:
        """The handler's function."""
        function = super().function
        assert isinstance(function, lambda_.Function)
        return function


_ACTIONS = (
    "add_header",
    "archive",
    "bounce",
    "deliver_to_mailbox",
    "deliver_to_q_business",
    "drop",
    "invoke_lambda",
    "publish_to_sns",
    "relay",
    "replace_recipient",
    "send",
    "write_to_s3",
)


def _check_one(problems: Problems, name: str, bound: BoundGatewayAction) -> None:
    """Note an action of a user's own that is not exactly one."""
    given = [one for one in _ACTIONS if getattr(bound.action, one) is not None]
    if len(given) != 1:
        problems.add(name, given, "return exactly one action from bind()")


def _named_recipients(condition: RuleCondition) -> list[str]:
    """Return the addresses and domains that a condition limits the recipients to."""
    operator, values = _compared(condition)
    if operator == "EQUALS":
        return values
    if operator == "ENDS_WITH":
        return domains_of([one for one in values if one.startswith(("@", "."))])
    return []


def _compared(condition: RuleCondition) -> tuple[str, list[str]]:
    """Return how and with what a condition compares the recipient, if it does."""
    expression = condition.in_rule.string_expression
    if not isinstance(expression, _Rules.RuleStringExpressionProperty):
        return "", []
    evaluate = expression.evaluate
    if (
        not isinstance(evaluate, _Rules.RuleStringToEvaluateProperty)
        or evaluate.attribute != "RECIPIENT"
    ):
        return "", []
    return expression.operator, list(expression.values)
