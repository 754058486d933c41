"""Receive mail with Mail Manager: ingress point, traffic policy, rule set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import overload

from aws_cdk import Annotations, Duration, Names, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk_mailroom import _alarms, _queues
from cdk_mailroom._asked import stack_of
from cdk_mailroom._checks import ConfigurationError, Problems, Retention
from cdk_mailroom._construct import MailConstruct
from cdk_mailroom._mail_bucket import mail_bucket
from cdk_mailroom._objects import grant_read
from cdk_mailroom.gateway.access import Access, Open
from cdk_mailroom.gateway.actions.base import GatewayAction, OnFailure
from cdk_mailroom.gateway.actions.store import Store
from cdk_mailroom.gateway.checks import GatewayOptions, check_made_name, warn_of_addons
from cdk_mailroom.gateway.conditions import RuleCondition
from cdk_mailroom.gateway.logs import GatewayLogs, Logs
from cdk_mailroom.gateway.point import ExistingIngressPoint, Point, Status, make_point
from cdk_mailroom.gateway.policy import AnyRecipient, TrafficPolicy, make_policy
from cdk_mailroom.gateway.rule import GatewayRule, GatewayRuleOptions, HandledGatewayRule
from cdk_mailroom.gateway.rule_set import RuleSet
from cdk_mailroom.handlers.python_handler import PythonHandler
from cdk_mailroom.sending import CrossAccountZone
from cdk_mailroom.sending.zones import publish_mx

__all__ = ["MailGateway"]


class MailGateway(MailConstruct):
    """Everything that receiving mail with Mail Manager needs; add rules with `add_rule`.

    Creates an ingress point that clients connect to, a traffic policy that accepts the given
    recipients only, a rule set with a role for its actions, a mail bucket (encrypted, private, TLS
    only; mail expires after 90 days; kept when the stack is deleted), a dead-letter queue
    (encrypted, TLS only, 14 days), a log of all actions, and alarms as soon as a message is in the
    queue or an action has failed; and, given a hosted zone, the MX record. Unlike receipt rules, no
    rule set has to be active, and no identity to be verified.

    An open ingress point costs $50 a month. Nothing of this was ever tried on a real AWS.

    https://docs.aws.amazon.com/ses/latest/dg/eb.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        recipients: Sequence[str] | AnyRecipient | None = None,
        access: Access | ExistingIngressPoint | None = None,
        traffic: TrafficPolicy | str | None = None,
        rule_set: MailGateway | str | None = None,
        status: Status | str | None = None,
        hosted_zone: route53.IHostedZone | CrossAccountZone | None = None,
        domain: str | None = None,
        bucket: s3.IBucket | None = None,
        encryption_key: kms.IKey | None = None,
        retention: Retention | None = None,
        removal_policy: RemovalPolicy | None = None,
        logs: Logs | None = None,
        alert_topic: sns.ITopic | None = None,
    ) -> None:
        """Create what receiving needs.

        Args:
            scope: The construct or stack that this belongs to.
            construct_id: Its id there.
            recipients: The envelope recipients that are accepted: addresses, ``@example.com`` for
                every address of a domain, ``.example.com`` for those of its subdomains; or
                `ANY_RECIPIENT`. All others are refused when a client names them.
            access: Who may connect, and from where: `Open` by default, `Authenticated` or
                `MutualTls`. Another kind or network replaces the ingress point, and so its host
                and user. Or an `ExistingIngressPoint`.
            traffic: What else decides whether a recipient is accepted; or the id of a traffic
                policy that exists already, in place of *recipients*.
            rule_set: Another gateway whose rules this one has too, or the id of a rule set that
                exists already. A new one by default.
            status: Close, or open again, an ingress point that is deployed already. It is active
                after its creation.
            hosted_zone: The zone that gets the MX record. By default nothing is published.
            domain: The domain whose MX record leads here; the zone itself by default.
            bucket: The bucket that stores mail. A new one by default.
            encryption_key: The key of the new bucket, the dead-letter queue and the log. By default
                each service uses a key of its own.
            retention: How long mail is kept in the new bucket: whole days, or ``"forever"``. 90
                days by default.
            removal_policy: What happens to the new bucket when the stack is deleted. It is kept by
                default.
            logs: What Mail Manager logs; each action by default.
            alert_topic: The topic that the alarms publish to. None by default.

        Raises:
            ConfigurationError: Arguments conflict with each other, or Mail Manager would refuse
                them.
        """
        options = GatewayOptions(
            recipients=recipients,
            access=access,
            traffic=traffic,
            rule_set=rule_set.rule_set_id if isinstance(rule_set, MailGateway) else rule_set,
            status=status,
            hosted_zone=hosted_zone,
            domain=domain,
            bucket=bucket,
            encryption_key=encryption_key,
            retention=retention,
            removal_policy=removal_policy,
            logs=logs,
            alert_topic=alert_topic,
        )
        problems = Problems(scope, construct_id)
        options.check(problems, stack_of(scope))
        problems.raise_if_any()
        super().__init__(scope, construct_id)
        self._alarms: dict[str, cloudwatch.Alarm] = {}
        self._shared = rule_set is not None
        self._rules: RuleSet | None = None
        if isinstance(rule_set, MailGateway):
            self._rules = rule_set.rule_set
            self._rule_set_id = rule_set.rule_set_id
        elif rule_set is not None:
            self._rule_set_id = rule_set
        else:
            self._rules = self._make_rules(options)
            self._rule_set_id = self._rules.resource.attr_rule_set_id
        self._point = self._make_point(options)
        self._log(options)
        if hosted_zone is not None:
            publish_mx(self, hosted_zone, name=options.mail_domain, host=self.host)

    @property
    def rules(self) -> Sequence[GatewayRule]:
        """The rules in the order in which Mail Manager runs them; those of a shared set too."""
        return () if self._rules is None else self._rules.rules

    @property
    def rule_set(self) -> RuleSet | None:
        """The rule set and what its rules share; ``None`` if it exists already."""
        return self._rules

    @property
    def rule_set_id(self) -> str:
        """The id of the rule set."""
        return self._rule_set_id

    @property
    def ingress_point_id(self) -> str:
        """The id of the ingress point."""
        return self._point.ingress_point_id

    @property
    def ingress_point(self) -> ses.CfnMailManagerIngressPoint | None:
        """The ingress point; ``None`` if it exists already."""
        return self._point.resource

    @property
    def host(self) -> str:
        """The name of the host that clients connect to, on port 25.

        Raises:
            ConfigurationError: Clients use the names of a VPC endpoint, or the host was not given.
        """
        if self._point.host is None:
            raise ConfigurationError(
                f"{self.node.path}: this gateway has no public host; use the names of its VPC "
                "endpoint, or pass host= to ExistingIngressPoint"
            )
        return self._point.host

    @property
    def mx(self) -> str:
        """The value of the MX record that leads here."""
        return f"10 {self.host}"

    @property
    def user(self) -> str:
        """The user that clients log in as.

        Raises:
            ConfigurationError: Clients do not log in.
        """
        if self._point.user is None:
            raise ConfigurationError(
                f"{self.node.path}: clients do not log in here; pass access=Authenticated()"
            )
        return self._point.user

    @property
    def secret(self) -> secretsmanager.ISecret:
        """The secret with the password that clients log in with, JSON with the key ``password``.

        Raises:
            ConfigurationError: Clients do not log in.
        """
        if self._point.secret is None:
            raise ConfigurationError(
                f"{self.node.path}: clients do not log in here; pass access=Authenticated()"
            )
        return self._point.secret

    @property
    def bucket(self) -> s3.IBucket:
        """The mail bucket: made, given, or that of the gateway whose rules these are."""
        return self._owner().bucket

    @property
    def dead_letter_queue(self) -> sqs.IQueue:
        """Takes what any handler failed to handle, in the form that Lambda's destinations use."""
        return self._owner().dead_letter_queue

    @property
    def role(self) -> iam.Role:
        """What Mail Manager acts as, for the actions of all rules."""
        return self._owner().role

    @property
    def log_group(self) -> logs.ILogGroup | None:
        """What Mail Manager logs into, if it does."""
        return self._log_group

    @property
    def alarms(self) -> Mapping[str, cloudwatch.Alarm]:
        """The alarms, by construct id; those of a rule are its `GatewayRule.failure_alarms`."""
        return dict(self._alarms)

    @overload
    def add_rule(
        self,
        construct_id: str,
        *,
        when: Sequence[RuleCondition] = ...,
        unless: Sequence[RuleCondition] = ...,
        handler: PythonHandler,
        before: Sequence[GatewayAction | PythonHandler] = ...,
        after: Sequence[GatewayAction | PythonHandler] = ...,
        store: Store | bool = ...,
        rule_name: str | None = ...,
        on_failure: OnFailure | str = ...,
        retry: Duration | None = ...,
    ) -> HandledGatewayRule: ...

    @overload
    def add_rule(
        self,
        construct_id: str,
        *,
        when: Sequence[RuleCondition] = ...,
        unless: Sequence[RuleCondition] = ...,
        handler: GatewayAction | None = ...,
        before: Sequence[GatewayAction | PythonHandler] = ...,
        after: Sequence[GatewayAction | PythonHandler] = ...,
        store: Store | bool = ...,
        rule_name: str | None = ...,
        on_failure: OnFailure | str = ...,
        retry: Duration | None = ...,
    ) -> GatewayRule: ...

    def add_rule(
        self,
        construct_id: str,
        *,
        when: Sequence[RuleCondition] = (),
        unless: Sequence[RuleCondition] = (),
        handler: GatewayAction | PythonHandler | None = None,
        before: Sequence[GatewayAction | PythonHandler] = (),
        after: Sequence[GatewayAction | PythonHandler] = (),
        store: Store | bool = True,
        rule_name: str | None = None,
        on_failure: OnFailure | str = OnFailure.CONTINUE,
        retry: Duration | None = None,
    ) -> GatewayRule:
        """Add a rule that runs after those added before.

        It applies to each envelope recipient for which all of *when* and none of *unless* hold;
        its actions run once, for all of these together. A rule that has applied does not end
        anything: later rules run too, unless an action is a `Drop`.

        Actions run in this order: *before*, the stored copy, *handler*, *after*. Each may be one
        of ``cdk_mailroom.handlers`` or ``cdk_mailroom.gateway.actions``.

        Args:
            construct_id: The rule's id below this construct.
            when: What must hold, up to ten conditions; by default the rule applies to all mail.
            unless: What must not hold, up to ten conditions.
            handler: What handles the mail; nothing by default.
            before: Actions before the stored copy.
            after: Actions after the handler.
            store: Keep the message in the mail bucket below the rule's id, or where a given `Store`
                says. With ``False`` it is not kept, and handlers see header fields only.
            rule_name: The rule's name in the log; the *construct_id* by default.
            on_failure: What happens when the copy cannot be stored, or the function of a
                `PythonHandler` not be called; other actions have their own. See `OnFailure`.
            retry: How long a failed call of a `PythonHandler` is repeated: whole minutes, 36 hours
                at most, which is the default.

        Returns:
            The rule; with a `PythonHandler` as *handler*, one whose ``function`` is always there.

        Raises:
            ConfigurationError: Mail Manager would refuse the rule, or it would do nothing. Nothing
                is left of it, so that a corrected call may use the same *construct_id*.
        """
        if self._rules is None or self._shared:
            raise ConfigurationError(
                f"{self.node.path}/{construct_id}: add the rule to the gateway, or where, the rule "
                "set is made: this gateway was given it as rule_set"
            )
        if not isinstance(store, Store | bool):
            problems = Problems(self, construct_id)
            problems.add("store", store, "pass True, False, or gateway.actions.Store(…)")
            problems.raise_if_any()
        options = GatewayRuleOptions(
            when=when,
            unless=unless,
            handler=handler,
            before=before,
            after=after,
            store=self._store(store, construct_id, on_failure),
            rule_name=construct_id if rule_name is None else rule_name,
            on_failure=on_failure,
            retry=retry,
        )
        return self._rules.add(construct_id, options)

    def grant_read_mail(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let *grantee* read all messages in the mail bucket.

        Args:
            grantee: Who may read.
        """
        return grant_read(grantee, self.bucket, "")

    def _store(
        self, store: Store | bool, construct_id: str, on_failure: OnFailure | str
    ) -> Store | None:
        if isinstance(store, Store):
            return store
        if not store:
            return None
        return Store(self.bucket, prefix=f"{construct_id}/", on_failure=on_failure)

    def _owner(self) -> RuleSet:
        if self._rules is None:
            raise ConfigurationError(
                f"{self.node.path}: its rule set exists already, with what belongs to it; this "
                "gateway knows its id only"
            )
        return self._rules

    def _make_rules(self, options: GatewayOptions) -> RuleSet:
        letters = _queues.dead_letter_queue(self, key=options.encryption_key)
        self._alarms["DeadLetterAlarm"] = _alarms.dead_letter_alarm(
            self,
            letters,
            description="A handler failed to handle mail: see the dead-letter queue",
            topic=options.alert_topic,
        )
        return RuleSet(
            self,
            bucket=options.bucket or self._make_bucket(options),
            dead_letter_queue=letters,
            alert_topic=options.alert_topic,
            accepted=options.accepted,
        )

    def _make_bucket(self, options: GatewayOptions) -> s3.Bucket:
        bucket = mail_bucket(
            self,
            key=options.encryption_key,
            retention=options.retention,
            removal_policy=options.removal_policy,
        )
        check_made_name(bucket)
        return bucket

    def _make_point(self, options: GatewayOptions) -> Point:
        stack = stack_of(self)
        existing = options.existing
        if existing is not None:
            if self._rules is not None:
                self._rules.serve(self.node.path, None, anyone=False)
            Annotations.of(self).add_warning_v2(
                "cdk-mailroom:gateway-existing-point",
                "the ingress point exists already, so CloudFormation does not give it this rule "
                "set: after the deployment call aws mailmanager update-ingress-point with "
                "--rule-set-id; its traffic policy stays as it is",
            )
            return Point(
                ingress_point_id=existing.ingress_point_id,
                arn=stack.format_arn(
                    service="ses",
                    resource="mailmanager-ingress-point",
                    resource_name=existing.ingress_point_id,
                ),
                host=existing.host,
            )
        warn_of_addons(self, options)
        access = options.new_access
        if self._rules is not None:
            anyone = options.open_to_all and access.kind == Open.kind and not access.network.private
            self._rules.serve(self.node.path, options.admitted, anyone=anyone)
        return make_point(
            self,
            access=access,
            traffic_policy_id=self._traffic_policy_id(options),
            rule_set_id=self._rule_set_id,
            status=options.status,
        )

    def _traffic_policy_id(self, options: GatewayOptions) -> str:
        if isinstance(options.traffic, str):
            return options.traffic
        name = Names.unique_resource_name(
            self, max_length=63, separator="-", allowed_special_characters="_-"
        )
        assert options.recipients is not None  # check() refuses it
        traffic = options.traffic or TrafficPolicy()
        return make_policy(self, traffic, options.recipients, name).attr_traffic_policy_id

    def _log(self, options: GatewayOptions) -> None:
        chosen = options.logs or Logs()
        own = self._rules if chosen.actions and not self._shared else None
        self._log_group: logs.ILogGroup | None = None
        if own is None and not chosen.accepted and not chosen.policy:
            return
        made = GatewayLogs(self, chosen, key=options.encryption_key, topic=options.alert_topic)
        self._log_group, point = made.log_group, self._point
        if own is not None:
            made.deliver("Actions", own.resource.attr_rule_set_arn, "APPLICATION_LOGS")
            self._alarms["FailedActionsAlarm"] = made.alarm()
        if chosen.accepted:
            made.deliver("Accepted", point.arn, "APPLICATION_LOGS", point.version)
        if chosen.policy:
            made.deliver("Policy", point.arn, "TRAFFIC_POLICY_DEBUG_LOGS", point.version)
