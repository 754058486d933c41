"""One receipt rule, with everything that it runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any, Final

import jsii
from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ses as ses
from aws_cdk import aws_ses_actions as ses_actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk.interfaces.aws_ses import IReceiptRuleRef
from constructs import Construct

from cdk_mailroom import actions
from cdk_mailroom._asked import stack_of
from cdk_mailroom._checks import (
    ConfigurationError,
    Problems,
    check_list,
    check_recipients,
    check_rule_name,
    leaving_nothing,
)
from cdk_mailroom._construct import MailConstruct
from cdk_mailroom._objects import grant_read
from cdk_mailroom.actions.base import (
    BoundAction,
    NativeAction,
    ReceiptAction,
    ReceiptContext,
    RuleFacts,
    StoredMail,
    in_order,
)
from cdk_mailroom.actions.settings import check_settings
from cdk_mailroom.functions import PythonFunction
from mailroom.ses import ACTIONS_PER_RULE

__all__ = [
    "EVERY_RECIPIENT",
    "EveryRecipient",
    "HandledRule",
    "InboundRule",
    "RuleOptions",
    "RulePlace",
]

Action = ReceiptAction | NativeAction


class EveryRecipient(Enum):
    """The type of `EVERY_RECIPIENT`."""

    EVERY_RECIPIENT = "every recipient"
    """The one value."""


EVERY_RECIPIENT: Final = EveryRecipient.EVERY_RECIPIENT
"""As a rule's recipients: every address of every verified identity in the account and region."""


@dataclass(frozen=True, kw_only=True)
class RuleOptions:
    """The arguments of `InboundMail.add_rule`."""

    recipients: Sequence[str] | EveryRecipient
    handler: Action | None
    before: Sequence[Action]
    after: Sequence[Action]
    store: actions.S3 | None
    rule_name: str | None
    enabled: bool
    scan: bool
    require_tls: bool

    @cached_property
    def recipients_listed(self) -> tuple[str, ...]:
        """The recipients as SES takes them, where none are all."""
        return () if isinstance(self.recipients, EveryRecipient) else tuple(self.recipients)

    @cached_property
    def stored(self) -> StoredMail | None:
        """Where the rule's mail is stored, if it is."""
        store = self.store
        if store is None:
            return None
        return StoredMail(
            bucket=store.bucket, prefix=store.object_prefix, client_side_key=store.client_side_key
        )

    @cached_property
    def named(self) -> dict[str, Action]:
        """All actions in their order, each under its construct id."""
        return in_order(self.before, self.store, self.handler, self.after)

    def check(self, problems: Problems, rule_id: str, stack: Stack) -> None:
        """Note what can be found before anything is created."""
        check_rule_name(problems, "rule_name", self.rule_name)
        if not isinstance(self.recipients, EveryRecipient):
            check_recipients(problems, self.recipients)
        for argument, items in (("before", self.before), ("after", self.after)):
            if not check_list(problems, argument, items):
                return
        if not self.named:
            problems.add("handler", None, "pass a handler or an action: the rule would do nothing")
        facts = RuleFacts(
            stack=stack,
            rule_id=rule_id,
            recipients=self.recipients_listed,
            scanned=self.scan,
            stored=self.stored,
        )
        _check_actions(problems, list(self.named.values()), facts)


@dataclass(frozen=True, kw_only=True)
class RulePlace:
    """What an `InboundMail` has that each of its rules needs."""

    stack: Stack
    rule_set: ses.IReceiptRuleSet
    rule_set_name: str
    previous: ses.IReceiptRule | None
    dead_letter_queue: sqs.IQueue
    alert_topic: sns.ITopic | None


class InboundRule(MailConstruct):
    """One receipt rule with everything that it runs; made by `InboundMail.add_rule`."""

    def __init__(
        self, scope: Construct, construct_id: str, *, options: RuleOptions, place: RulePlace
    ) -> None:
        """Create the rule; call `InboundMail.add_rule` instead.

        Args:
            scope: The parent construct.
            construct_id: The id below *scope*.
            options: The arguments of `InboundMail.add_rule`.
            place: Where the rule stands, and what it shares with the others.
        """
        super().__init__(scope, construct_id)
        recipients = options.recipients_listed
        self._rule = ses.ReceiptRule(
            self,
            "Rule",
            rule_set=place.rule_set,
            after=place.previous,
            receipt_rule_name=options.rule_name,
            recipients=list(recipients) or None,
            enabled=options.enabled,
            scan_enabled=options.scan,
            tls_policy=ses.TlsPolicy.REQUIRE if options.require_tls else ses.TlsPolicy.OPTIONAL,
        )
        self._context = ReceiptContext(
            rule_id=construct_id,
            rule=self._rule,
            rule_set_name=place.rule_set_name,
            rule_name=options.rule_name,
            recipients=recipients,
            scanned=options.scan,
            stored=options.stored,
            dead_letter_queue=place.dead_letter_queue,
            alert_topic=place.alert_topic,
            stack=place.stack,
        )
        self._failure_alarms: list[cloudwatch.Alarm] = []
        bound = self._bind(Problems(self), options.named)
        self._attach(bound.values(), 0)
        self._function = bound["Handler"].function if "Handler" in bound else None

    @property
    def rule(self) -> ses.ReceiptRule:
        """The receipt rule; an action that is added to it runs after those of this construct."""
        return self._rule

    @property
    def function(self) -> lambda_.IFunction | None:
        """The handler's function, or ``None`` if the handler calls none."""
        return self._function

    @property
    def stored(self) -> StoredMail | None:
        """Where this rule's mail is stored, if it is."""
        return self._context.stored

    @property
    def dead_letter_queue(self) -> sqs.IQueue:
        """Takes what the handler failed to handle; shared by the rules of one `InboundMail`."""
        return self._context.dead_letter_queue

    @property
    def failure_alarms(self) -> Sequence[cloudwatch.Alarm]:
        """Two for each synchronous `PythonHandler`, on failures that left no dead letter."""
        return tuple(self._failure_alarms)

    def add_action(self, construct_id: str, action: Action) -> None:
        """Add an action that runs after those that the rule has.

        Args:
            construct_id: The id of what the action creates, unique in this rule.
            action: One of ``cdk_mailroom.handlers``, ``cdk_mailroom.actions`` or
                ``aws_cdk.aws_ses_actions``.

        Raises:
            ConfigurationError: SES would refuse the action, or it could never run.
        """
        problems = Problems(self, construct_id)
        present = self._rendered()
        if present and "stopAction" in present[-1]:
            problems.add("action", action, "add it before the Stop: after it, it could never run")
        _check_actions(problems, [action], self._context, len(present))
        problems.raise_if_any()
        with leaving_nothing(self, construct_id):
            bound = self._bind(problems, {construct_id: action}, len(present))
            self._attach(bound.values(), len(present))

    def grant_read_mail(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let *grantee* read the messages that this rule stored.

        Args:
            grantee: Who may read: a function, a role, any grantable.

        Raises:
            ConfigurationError: The rule stores no mail.
        """
        if self._context.stored is None:
            raise ConfigurationError(
                f"{self.node.path}: this rule stores no mail; omit store=False to store it"
            )
        return grant_read(grantee, self._context.stored.bucket, self._context.stored.prefix)

    def _bind(
        self, problems: Problems, named: Mapping[str, Action], present: int = 0
    ) -> dict[str, BoundAction]:
        """Bind all actions, those last that are never refused but grant to what is not ours.

        A policy of aws-cdk-lib takes statements and gives none back, so what an action granted
        before another one is refused stays.
        """
        positions = {name: f"actions[{present + at}]" for at, name in enumerate(named)}
        bound: dict[str, BoundAction] = {}
        for step in (_has_no_effects, _is_of_users, _is_native, _is_function, _is_ours):
            for name, item in named.items():
                if name not in bound and step(item):
                    with problems.collecting():
                        bound[name] = self._bind_one(name, item)
                        if not isinstance(item, _CHECKED):
                            check_settings(
                                problems, positions[name], bound[name].action, self._context.stack
                            )
            problems.raise_if_any()
        return {name: bound[name] for name in named}

    def _bind_one(self, name: str, item: Action) -> BoundAction:
        if isinstance(item, ReceiptAction):
            return item.bind(Construct(self, name), self._context)
        return BoundAction(action=item.bind(self._rule))

    def _attach(self, bound: Iterable[BoundAction], present: int) -> None:
        dependencies = []
        for position, item in enumerate(bound, start=present):
            self._rule.add_action(_Bound(item.action))
            if item.iam_role_arn is not None:
                self._resource().add_property_override(
                    f"Rule.Actions.{position}.S3Action.IamRoleArn", item.iam_role_arn
                )
            dependencies += item.dependencies
            self._failure_alarms += item.failure_alarms
        if dependencies:
            self._rule.node.add_dependency(*dependencies)

    def _resource(self) -> ses.CfnReceiptRule:
        resource = self._rule.node.default_child
        assert isinstance(resource, ses.CfnReceiptRule)
        return resource

    def _rendered(self) -> list[dict[str, Any]]:
        """Return the rule's actions, also those that were added to the receipt rule itself."""
        rendered = stack_of(self).resolve(self._resource().rule)
        return rendered.get("actions") or []


class HandledRule(InboundRule):
    """A receipt rule whose handler is a `PythonHandler`, so that it has a function."""

    @property
    def function(self) -> lambda_.Function:
        """The handler's function."""
        function = super().function
        assert isinstance(function, lambda_.Function)
        return function


@jsii.implements(ses.IReceiptRuleAction)
class _Bound:
    """An action that is bound already, for `ReceiptRule.add_action`."""

    def __init__(self, config: ses.ReceiptRuleActionConfig) -> None:
        self._config = config

    def bind(self, receipt_rule: IReceiptRuleRef) -> ses.ReceiptRuleActionConfig:
        return self._config


def _check_actions(
    problems: Problems, items: Sequence[Action], facts: RuleFacts, present: int = 0
) -> None:
    count = present + len(items)
    if count > ACTIONS_PER_RULE:
        problems.add(
            "len(actions)",
            count,
            f"SES allows {ACTIONS_PER_RULE} per rule, the stored copy and the handler included; "
            "move the rest to a second rule with the same recipients",
        )
    for position, item in enumerate(items, start=present):
        argument = f"actions[{position}]"
        if isinstance(item, ReceiptAction):
            item.check_rule(problems, facts)
        elif isinstance(item, ses_actions.Stop) and position != count - 1:
            problems.add(argument, "Stop", "put it last: what follows could never run")
        elif not hasattr(item, "bind"):
            problems.add(
                argument,
                item,
                "pass PythonHandler(folder, 'module:function'), or one of cdk_mailroom.handlers, "
                "cdk_mailroom.actions or aws_cdk.aws_ses_actions",
            )


# These check their settings themselves.
_CHECKED = (actions.S3, actions.Sns, actions.InvokeFunction, PythonFunction)

_WITHOUT_EFFECTS = (
    ses_actions.AddHeader,
    ses_actions.Bounce,
    ses_actions.Sns,
    ses_actions.Stop,
    ses_actions.WorkMail,
)


def _has_no_effects(item: Action) -> bool:
    return isinstance(item, _WITHOUT_EFFECTS)


def _is_native(item: Action) -> bool:
    return not isinstance(item, ReceiptAction) and hasattr(item, "bind")


def _is_of_users(item: Action) -> bool:
    return isinstance(item, ReceiptAction) and not isinstance(item, _CHECKED)


def _is_function(item: Action) -> bool:
    return isinstance(item, PythonFunction)


def _is_ours(item: Action) -> bool:
    return isinstance(item, ReceiptAction)
