"""Receive mail: rule set, activation, mail bucket, dead-letter queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import overload

from aws_cdk import Annotations, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from constructs import Construct

from cdk_mailroom import _alarms, _queues, _quotas, actions
from cdk_mailroom._asked import node_of, stack_of
from cdk_mailroom._checks import (
    Problems,
    Retention,
    check_cidr,
    check_retention,
    check_rule_name,
    leaving_nothing,
    resolved,
)
from cdk_mailroom._construct import MailConstruct
from cdk_mailroom._mail_bucket import check_bucket_options, mail_bucket
from cdk_mailroom._objects import grant_read
from cdk_mailroom._places import check_region
from cdk_mailroom.actions.base import NativeAction, ReceiptAction
from cdk_mailroom.handlers.python_handler import PythonHandler
from cdk_mailroom.receiving.activation import (
    Activation,
    ActiveRuleSet,
    check_refusal,
    is_made_in,
)
from cdk_mailroom.receiving.alarms import make_alarms
from cdk_mailroom.receiving.domain import ReceivingDomain
from cdk_mailroom.receiving.order import RuleOrder
from cdk_mailroom.receiving.rule import (
    EveryRecipient,
    HandledRule,
    InboundRule,
    RuleOptions,
    RulePlace,
)
from cdk_mailroom.sending import CrossAccountZone, SendingIdentity
from mailroom.ses import IP_FILTERS, RULES_PER_RULE_SET

__all__ = ["InboundMail"]


class InboundMail(MailConstruct):
    """Everything that receiving mail needs; add rules with `add_rule`.

    Creates a receipt rule set and makes it the active one (see `Activation`; by default the
    deployment fails if another is active), a mail bucket (encrypted, private, TLS only; mail
    expires after 90 days; kept when the stack is deleted), a dead-letter queue (encrypted, TLS
    only, 14 days) with an alarm as soon as it has a message, alarms when SES fails to run a rule
    and when it gives up, and, given a hosted zone, the verified identity with its DKIM records and
    the MX record. Warns of a region where SES is not known to receive mail.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        rule_set: ses.IReceiptRuleSet | None = None,
        rule_set_name: str | None = None,
        after_rule: ses.IReceiptRule | None = None,
        activation: Activation | str | None = None,
        bucket: s3.IBucket | None = None,
        encryption_key: kms.IKey | None = None,
        retention: Retention | None = None,
        removal_policy: RemovalPolicy | None = None,
        hosted_zone: route53.IHostedZone | CrossAccountZone | None = None,
        domain: str | None = None,
        identity: SendingIdentity | ses.IEmailIdentity | None = None,
        alert_topic: sns.ITopic | None = None,
    ) -> None:
        """Create what receiving needs.

        Args:
            scope: The construct or stack that this belongs to.
            construct_id: Its id there.
            rule_set: The rule set to add rules to. A new one by default.
            rule_set_name: The name of the new rule set. CloudFormation chooses one by default.
            after_rule: The rule in the given *rule_set* that ours follow. By default they are
                first.
            activation: What to do about the rule set that is active already; fail the deployment
                by default. With a *rule_set* that another stack makes, the default is ``none``: it
                is activated only if you ask for it.
            bucket: The bucket that stores mail. A new one by default.
            encryption_key: The key of the new bucket and of the dead-letter queue. By default each
                service uses a key of its own.
            retention: How long mail is kept in the new bucket: whole days, or ``"forever"``. 90
                days by default.
            removal_policy: What happens to the new bucket when the stack is deleted. It is kept by
                default.
            hosted_zone: The zone that gets the MX record and, without *identity*, the DKIM
                records of a new identity. By default nothing is published, unless *identity* is a
                `SendingIdentity` with a zone.
            domain: The domain to receive mail for, in the hosted zone. That of *identity* by
                default, or the zone itself.
            identity: The identity of the domain, or of one above it, if it exists already: SES has
                one for each domain, which serves sending and receiving. A new one by default if a
                *hosted_zone* is given.
            alert_topic: The topic that the alarms publish to. None by default.

        Raises:
            ConfigurationError: Arguments conflict with each other, or SES would refuse them.
        """
        mode = activation or _default_activation(stack_of(scope), rule_set)
        problems = Problems(scope, construct_id)
        if mode not in list(Activation):
            problems.add("activation", mode, f"use one of {[str(item) for item in Activation]}")
        if rule_set is not None and rule_set_name is not None:
            problems.add("rule_set_name", rule_set_name, "omit it: rule_set has a name already")
        if after_rule is not None and rule_set is None:
            problems.add("after_rule", after_rule.node.path, "pass the rule_set that it is in")
        if rule_set is not None and mode == Activation.JOIN:
            problems.add(
                "rule_set",
                rule_set.node.path,
                "omit it, or choose another activation: joining uses the set that is active",
            )
        if mode == Activation.REFUSE:
            check_refusal(problems, scope)
        check_rule_name(problems, "rule_set_name", rule_set_name)
        check_retention(problems, "retention", retention)
        if bucket is not None:
            check_bucket_options(problems, retention, removal_policy)
        place = ReceivingDomain(hosted_zone=hosted_zone, domain=domain, identity=identity)
        place.check(problems, scope)
        stack = stack_of(scope)
        for argument, resource in (
            ("encryption_key", encryption_key),
            ("alert_topic", alert_topic),
        ):
            check_region(problems, argument, resource, stack, "receiving is in one region")
        problems.raise_if_any()
        super().__init__(scope, construct_id)
        self._stack = stack
        self._warn_of_region()

        self.rule_set: ses.IReceiptRuleSet = rule_set or ses.ReceiptRuleSet(
            self, "RuleSet", receipt_rule_set_name=rule_set_name
        )
        """The rule set: made, or given. With `Activation.JOIN` rules may go into another."""
        self.dead_letter_queue = _queues.dead_letter_queue(self, key=encryption_key)
        """Takes what any handler failed to handle, in the form that Lambda's destinations use."""
        self.dead_letter_alarm = _alarms.dead_letter_alarm(
            self,
            self.dead_letter_queue,
            description="A handler failed to handle mail: see the dead-letter queue",
            topic=alert_topic,
        )
        """In alarm while a message is in the dead-letter queue."""
        self.bucket: s3.IBucket = bucket or mail_bucket(
            self, key=encryption_key, retention=retention, removal_policy=removal_policy
        )
        """The mail bucket: made, or given."""
        self.identity, self.records = place.make(self)
        """The identity of the domain, made or given, if there is one; and the MX record that mail
        comes by, which is published if there is a zone, and yours to publish otherwise."""
        self._active = (
            None
            if mode == Activation.NONE
            else ActiveRuleSet(self, "Activation", rule_set=self.rule_set, activation=mode)
        )
        self._joins = mode == Activation.JOIN
        # A name that was given needs no Ref, and so leads to no cycle between stacks.
        self._rule_set_name = rule_set_name or self.rule_set.receipt_rule_set_name
        self._rule_set: ses.IReceiptRuleSet = self.rule_set
        if self._joins and self._active is not None:
            self._rule_set_name = self._active.rule_set_name
            self._rule_set = ses.ReceiptRuleSet.from_receipt_rule_set_name(
                self, "Joined", self._rule_set_name
            )
        self._alert_topic = alert_topic
        self._alarms = make_alarms(self, rule_set_name=self._rule_set_name, topic=alert_topic)
        self._last: ses.IReceiptRule | None = after_rule
        self._after_rule = after_rule
        self._order: RuleOrder | None = None
        self._rules: list[InboundRule] = []
        self._filters = 0

    @property
    def rules(self) -> Sequence[InboundRule]:
        """The rules in the order in which SES runs them."""
        return tuple(self._rules)

    @property
    def alarms(self) -> Mapping[str, cloudwatch.Alarm]:
        """The alarms, by construct id; those of a rule are its `InboundRule.failure_alarms`.

        SES's own failures are counted by rule set. With `Activation.JOIN` that is the joined set,
        with the rules of others.
        """
        return {"DeadLetterAlarm": self.dead_letter_alarm, **self._alarms}

    @overload
    def add_rule(
        self,
        construct_id: str,
        *,
        recipients: Sequence[str] | EveryRecipient,
        handler: PythonHandler,
        before: Sequence[ReceiptAction | NativeAction] = ...,
        after: Sequence[ReceiptAction | NativeAction] = ...,
        store: actions.S3 | bool = ...,
        rule_name: str | None = ...,
        enabled: bool = ...,
        scan: bool = ...,
        require_tls: bool = ...,
    ) -> HandledRule: ...

    @overload
    def add_rule(
        self,
        construct_id: str,
        *,
        recipients: Sequence[str] | EveryRecipient,
        handler: ReceiptAction | None = ...,
        before: Sequence[ReceiptAction | NativeAction] = ...,
        after: Sequence[ReceiptAction | NativeAction] = ...,
        store: actions.S3 | bool = ...,
        rule_name: str | None = ...,
        enabled: bool = ...,
        scan: bool = ...,
        require_tls: bool = ...,
    ) -> InboundRule: ...

    def add_rule(
        self,
        construct_id: str,
        *,
        recipients: Sequence[str] | EveryRecipient,
        handler: ReceiptAction | None = None,
        before: Sequence[ReceiptAction | NativeAction] = (),
        after: Sequence[ReceiptAction | NativeAction] = (),
        store: actions.S3 | bool = True,
        rule_name: str | None = None,
        enabled: bool = True,
        scan: bool = True,
        require_tls: bool = True,
    ) -> InboundRule:
        """Add a rule that runs after those added before.

        Their order is checked after each deployment that changes it, and corrected.
        Rules of others in the same rule set keep their places.

        Actions run in this order: *before*, the stored copy, *handler*, *after*. Each may be one
        of ``cdk_mailroom.handlers``, ``cdk_mailroom.actions`` or ``aws_cdk.aws_ses_actions``.

        Args:
            construct_id: The rule's id below this construct.
            recipients: The envelope recipients that it matches, each an address, a domain, or a
                domain with a leading dot for its subdomains; or `EVERY_RECIPIENT` for every address
                of every verified identity, also those of other rules: if it is meant for the rest
                only, add it last, and end the other rules in a ``Stop``.
            handler: What handles the mail; nothing by default.
            before: Actions before the stored copy.
            after: Actions after the handler.
            store: Keep the message in the mail bucket below the rule's id, or where a given
                ``actions.S3`` says. With ``False`` it is not kept, and handlers see header fields
                only.
            rule_name: The rule's name. CloudFormation chooses one by default.
            enabled: Whether SES runs the rule.
            scan: Let SES check for spam and viruses.
            require_tls: Refuse mail that is not sent over TLS.

        Returns:
            The rule; with a `PythonHandler` as *handler*, one whose ``function`` is always there.

        Raises:
            ConfigurationError: SES would refuse the rule, or it would do nothing. Nothing is left
                of it, so that a corrected call may use the same *construct_id*.
        """
        options = RuleOptions(
            recipients=recipients,
            handler=handler,
            before=before,
            after=after,
            store=self._store(store, construct_id),
            rule_name=rule_name,
            enabled=enabled,
            scan=scan,
            require_tls=require_tls,
        )
        problems = Problems(self, construct_id)
        options.check(problems, construct_id, self._stack)
        if len(self._rules) >= RULES_PER_RULE_SET:
            problems.add(
                "len(rules)",
                len(self._rules) + 1,
                f"SES allows {RULES_PER_RULE_SET}; name several recipients in one rule",
            )
        problems.raise_if_any()
        place = RulePlace(
            stack=self._stack,
            rule_set=self._rule_set,
            rule_set_name=self._rule_set_name,
            previous=self._last,
            dead_letter_queue=self.dead_letter_queue,
            alert_topic=self._alert_topic,
        )
        kind = HandledRule if isinstance(handler, PythonHandler) else InboundRule
        with leaving_nothing(self, construct_id):
            rule = kind(self, construct_id, options=options, place=place)
        self._last = rule.rule
        self._rules.append(rule)
        self._put_in_order(rule)
        if self._active is not None and not self._joins:
            # Only a complete set is activated, and it is deactivated before its rules are deleted.
            node_of(self._active).add_dependency(rule)
        return rule

    def add_ip_filter(
        self, construct_id: str, *, cidr: str, allow: bool = False
    ) -> ses.ReceiptFilter:
        """Block mail from an address or range.

        Filters belong to the account and region, not to the rule set: they come before every rule,
        and apply to the mail of other stacks too.

        Args:
            construct_id: The filter's id below this construct.
            cidr: An IPv4 address, or a range in CIDR notation.
            allow: Accept mail from it even though it is in a range that is blocked.

        Raises:
            ConfigurationError: It is not an address or range, or there are too many filters.
        """
        problems = Problems(self, construct_id)
        check_cidr(problems, "cidr", cidr)
        if self._filters >= IP_FILTERS:
            problems.add(
                "len(filters)", self._filters + 1, f"SES allows {IP_FILTERS}; use wider ranges"
            )
        problems.raise_if_any()
        policy = ses.ReceiptFilterPolicy.ALLOW if allow else ses.ReceiptFilterPolicy.BLOCK
        made = ses.ReceiptFilter(self, construct_id, ip=cidr, policy=policy)
        self._filters += 1
        return made

    def grant_read_mail(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let *grantee* read all messages in the mail bucket.

        Args:
            grantee: Who may read: a function, a role, any grantable.
        """
        return grant_read(grantee, self.bucket, "")

    def _put_in_order(self, rule: InboundRule) -> None:
        if self._order is not None:
            self._order.append(rule.rule)
        elif len(self._rules) > 1 or self._after_rule is not None:
            self._order = RuleOrder(
                self, "Order", rule_set_name=self._rule_set_name, after=self._after_rule
            )
            for one in self._rules:
                self._order.append(one.rule)
            if self._active is not None and not self._joins:
                node_of(self._active).add_dependency(self._order)

    def _store(self, store: actions.S3 | bool, construct_id: str) -> actions.S3 | None:
        if isinstance(store, actions.S3):
            return store
        return actions.S3(bucket=self.bucket, prefix=f"{construct_id}/") if store else None

    def _warn_of_region(self) -> None:
        region = self._stack.region
        if resolved(region) and region not in _quotas.RECEIVING_REGIONS:
            Annotations.of(self).add_warning_v2(
                "cdk-mailroom:receiving-region",
                f"SES is not known to receive mail in {region}: put the InboundMail into a stack "
                "of a region that does, such as us-east-1; if this region does now, call "
                "Annotations.of(inbound).acknowledge_warning('cdk-mailroom:receiving-region')",
            )


def _default_activation(stack: Stack, rule_set: ses.IReceiptRuleSet | None) -> Activation:
    if rule_set is None or is_made_in(stack, rule_set):
        return Activation.REFUSE
    return Activation.NONE
