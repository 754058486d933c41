"""Receive mail: rule set, activation, mail bucket, failure queue, and the rules themselves."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final, Literal

from aws_cdk import Annotations, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk_mailroom import _queues, _quotas, actions
from cdk_mailroom._activation import Activation, ActiveRuleSet
from cdk_mailroom._checks import (
    ConfigurationError,
    Problems,
    check_cidr,
    check_recipients,
    check_rule_name,
    resolved,
)
from cdk_mailroom._objects import grant_read
from cdk_mailroom.actions import BoundAction, ReceiptAction, RuleContext, StoredMail
from cdk_mailroom.sending import SendingIdentity

__all__ = ["EVERY_RECIPIENT", "Activation", "EveryRecipient", "InboundMail", "InboundRule"]


class EveryRecipient(Enum):
    """The type of `EVERY_RECIPIENT`."""

    EVERY_RECIPIENT = "every recipient"


EVERY_RECIPIENT: Final = EveryRecipient.EVERY_RECIPIENT
"""As a rule's recipients: every address of every verified identity in the account and region."""


class InboundMail(Construct):
    """Everything that receiving mail needs; add rules with `add_rule`.

    Creates a receipt rule set and makes it the active one (see `Activation`; by default it
    refuses to displace another), a mail bucket (encrypted, private, TLS only; mail expires after
    90 days; kept when the stack is deleted), a dead-letter queue (encrypted, TLS only, 14 days)
    with an alarm as soon as one message lies in it, and, given a hosted zone, the verified
    identity with its DKIM records and the MX record.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        rule_set: ses.IReceiptRuleSet | None = None,
        rule_set_name: str | None = None,
        after: ses.IReceiptRule | None = None,
        activation: Activation | str | None = None,
        bucket: s3.IBucket | None = None,
        encryption_key: kms.IKey | None = None,
        retention: Duration | Literal["forever"] | None = None,
        removal_policy: RemovalPolicy | None = None,
        alarm_topic: sns.ITopic | None = None,
        hosted_zone: route53.IHostedZone | None = None,
        domain: str | None = None,
    ) -> None:
        """Create what receiving needs.

        *rule_set*: one of yours instead of a new one; *after*: the rule in it that ours follow,
        by default they come first. *rule_set_name*: of the new one. *activation*: refuse.
        *bucket*: one of yours instead of a new one. *encryption_key*: of the new bucket and of
        the dead-letter queue; both use keys of their services unless given. *retention*: of mail
        in the new bucket, 90 days, or ``"forever"``. *removal_policy*: of the new bucket, retain.
        *alarm_topic*: is told of the alarm. *hosted_zone*: gets the DKIM and MX records; *domain*
        is the zone itself, or a subdomain in it.

        Raises `ConfigurationError` for arguments that contradict each other. Warns of a region
        that is not known to receive mail; acknowledge the warning to override.
        """
        super().__init__(scope, construct_id)
        mode = activation or Activation.REFUSE
        problems = Problems(self)
        if mode not in list(Activation):
            problems.add("activation", mode, f"use one of {[str(item) for item in Activation]}")
        if rule_set is not None and rule_set_name is not None:
            problems.add("rule_set_name", rule_set_name, "it has no effect on a given rule_set")
        if after is not None and rule_set is None:
            problems.add("after", after.node.path, "it has no effect without a given rule_set")
        if rule_set is not None and mode == Activation.JOIN:
            problems.add(
                "rule_set",
                rule_set.node.path,
                "joining means the set that is active, not this one; leave one of the two out",
            )
        check_rule_name(problems, "rule_set_name", rule_set_name)
        self._check_bucket(problems, bucket, retention, removal_policy)
        self._check_domain(problems, hosted_zone, domain)
        problems.raise_if_any()
        self._warn_of_region()

        self.rule_set: ses.IReceiptRuleSet = rule_set or ses.ReceiptRuleSet(
            self, "RuleSet", receipt_rule_set_name=rule_set_name
        )
        """The rule set: made, or given. With `Activation.JOIN` rules may go into another."""
        self.dead_letter_queue = _queues.dead_letter_queue(self, key=encryption_key)
        """Takes what any handler failed to handle, in the form that Lambda's destinations use."""
        self.dead_letter_alarm = _queues.dead_letter_alarm(
            self,
            self.dead_letter_queue,
            description="Mail that a handler failed to handle lies in the dead-letter queue",
            topic=alarm_topic,
        )
        """Goes off while a message lies in the dead-letter queue."""
        self.bucket: s3.IBucket = bucket or self._bucket(encryption_key, retention, removal_policy)
        """The mail bucket: made, or given."""
        self.identity = None if hosted_zone is None else self._identity(hosted_zone, domain)
        """The verified identity of the domain, if a hosted zone was given."""
        self._active = ActiveRuleSet(
            self,
            "Activation",
            rule_set_name=self.rule_set.receipt_rule_set_name,
            activation=Activation(mode),
        )
        self._joins = mode == Activation.JOIN
        # A name that was given needs no Ref, and so leads to no cycle between stacks.
        self._rule_set_name = rule_set_name or self.rule_set.receipt_rule_set_name
        self._rule_set: ses.IReceiptRuleSet = self.rule_set
        if self._joins:
            self._rule_set_name = self._active.rule_set_name
            self._rule_set = ses.ReceiptRuleSet.from_receipt_rule_set_name(
                self, "Joined", self._rule_set_name
            )
        self._last: ses.IReceiptRule | None = after
        self._rules: list[InboundRule] = []
        self._filters = 0

    @property
    def rules(self) -> Sequence[InboundRule]:
        """The rules in the order in which SES runs them."""
        return tuple(self._rules)

    def add_rule(
        self,
        construct_id: str,
        *,
        recipients: Sequence[str] | EveryRecipient,
        handler: ReceiptAction | None = None,
        before: Sequence[ReceiptAction | ses.IReceiptRuleAction] = (),
        after: Sequence[ReceiptAction | ses.IReceiptRuleAction] = (),
        store: actions.S3 | bool = True,
        rule_name: str | None = None,
        enabled: bool = True,
        scan: bool = True,
        require_tls: bool = True,
    ) -> InboundRule:
        """Add a rule behind those added before.

        *recipients*: envelope recipients that it matches, each an address, a domain, or a domain
        with a leading dot for its subdomains; or `EVERY_RECIPIENT` for every address of every
        verified identity, other rules' included: put that one last, and end the others in a
        ``Stop``, if it is meant for the rest only. Actions run in this order: *before*, the stored
        copy, *handler*, *after*; each may be one of ``cdk_mailroom.handlers``, of
        ``cdk_mailroom.actions`` or of ``aws_cdk.aws_ses_actions``. *store*: keep the message in
        the mail bucket under the rule's id, or where a given ``actions.S3`` says; ``False`` keeps
        none, and then handlers see header fields only. *rule_name*: CloudFormation makes one
        unless given. *scan*: let SES check for spam and viruses. *require_tls*: refuse mail that
        comes without TLS.

        Raises `ConfigurationError` for what SES would refuse, and for a rule that does nothing.
        """
        problems = Problems(f"{self.node.path}/{construct_id}")
        check_rule_name(problems, "rule_name", rule_name)
        if not isinstance(recipients, EveryRecipient):
            check_recipients(problems, recipients)
        if len(self._rules) >= _quotas.RULES_PER_RULE_SET:
            problems.add(
                "len(rules)",
                len(self._rules) + 1,
                f"SES allows {_quotas.RULES_PER_RULE_SET}; name several recipients in one rule",
            )
        rule = InboundRule(
            self,
            construct_id,
            problems=problems,
            inbound=self,
            rule_set=self._rule_set,
            rule_set_name=self._rule_set_name,
            previous=self._last,
            recipients=() if isinstance(recipients, EveryRecipient) else tuple(recipients),
            handler=handler,
            before=before,
            after=after,
            store=store,
            rule_name=rule_name,
            enabled=enabled,
            scan=scan,
            require_tls=require_tls,
        )
        if not self._joins:
            # Only a set that is complete takes over; on delete, it gives up before it falls apart.
            self._active.node.add_dependency(rule)
        self._last = rule.rule
        self._rules.append(rule)
        return rule

    def add_ip_filter(
        self, construct_id: str, *, cidr: str, allow: bool = False
    ) -> ses.ReceiptFilter:
        """Refuse mail from an address or range, or, with *allow*, take it all the same.

        Filters belong to the account and region, not to the rule set: they come before every
        rule, and hold for other stacks' mail too.
        """
        problems = Problems(f"{self.node.path}/{construct_id}")
        check_cidr(problems, "cidr", cidr)
        if self._filters >= _quotas.IP_FILTERS_PER_ACCOUNT:
            problems.add(
                "filters", self._filters + 1, f"SES allows {_quotas.IP_FILTERS_PER_ACCOUNT}"
            )
        problems.raise_if_any()
        self._filters += 1
        policy = ses.ReceiptFilterPolicy.ALLOW if allow else ses.ReceiptFilterPolicy.BLOCK
        return ses.ReceiptFilter(self, construct_id, ip=cidr, policy=policy)

    def grant_read_mail(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let *grantee* read all messages in the mail bucket."""
        return grant_read(grantee, self.bucket, "")

    def _bucket(
        self,
        key: kms.IKey | None,
        retention: Duration | Literal["forever"] | None,
        removal_policy: RemovalPolicy | None,
    ) -> s3.Bucket:
        rules = [s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(1))]
        if retention != "forever":
            rules.append(s3.LifecycleRule(expiration=retention or Duration.days(90)))
        return s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.S3_MANAGED if key is None else s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=None if key is None else True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            lifecycle_rules=rules,
            removal_policy=removal_policy or RemovalPolicy.RETAIN,
        )

    def _identity(self, zone: route53.IHostedZone, domain: str | None) -> SendingIdentity:
        name = domain or zone.zone_name.removesuffix(".")
        identity = SendingIdentity(self, "Identity", domain=name, hosted_zone=zone)
        route53.MxRecord(
            self,
            "MxRecord",
            zone=zone,
            # With the dot, the name is whole even if it is a token.
            record_name=f"{name}.",
            values=[
                route53.MxRecordValue(
                    host_name=f"inbound-smtp.{Stack.of(self).region}.amazonaws.com", priority=10
                )
            ],
        )
        return identity

    def _check_bucket(
        self,
        problems: Problems,
        bucket: s3.IBucket | None,
        retention: Duration | Literal["forever"] | None,
        removal_policy: RemovalPolicy | None,
    ) -> None:
        if bucket is not None:
            remedy = "it has no effect on a given bucket; set it where the bucket is made"
            if retention is not None:
                problems.add("retention", str(retention), remedy)
            if removal_policy is not None:
                problems.add("removal_policy", removal_policy.name, remedy)
        if isinstance(retention, str) and retention != "forever":
            problems.add("retention", retention, "give a Duration, or 'forever'")

    def _check_domain(
        self, problems: Problems, zone: route53.IHostedZone | None, domain: str | None
    ) -> None:
        if zone is None:
            if domain is not None:
                problems.add("domain", domain, "it has no effect without a hosted_zone")
            return
        try:
            name = zone.zone_name
        except RuntimeError:  # what JavaScript's errors become
            problems.add(
                "hosted_zone",
                zone.node.path,
                "its name is unknown; import it with from_hosted_zone_attributes or from_lookup",
            )
            return
        if domain is None or not resolved(domain) or not resolved(name):
            return
        if not f".{domain}".endswith(f".{name.removesuffix('.')}"):
            problems.add("domain", domain, f"it does not lie in the zone {name}")

    def _warn_of_region(self) -> None:
        region = Stack.of(self).region
        if resolved(region) and region not in _quotas.RECEIVING_REGIONS:
            Annotations.of(self).add_warning_v2(
                "cdk-mailroom:receiving-region",
                f"SES is not known to receive mail in {region}; if it does by now, override with "
                "Annotations.of(inbound).acknowledge_warning('cdk-mailroom:receiving-region')",
            )


class InboundRule(Construct):
    """One receipt rule with what it runs; made by `InboundMail.add_rule`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        problems: Problems,
        inbound: InboundMail,
        rule_set: ses.IReceiptRuleSet,
        rule_set_name: str,
        previous: ses.IReceiptRule | None,
        recipients: Sequence[str],
        handler: ReceiptAction | None,
        before: Sequence[ReceiptAction | ses.IReceiptRuleAction],
        after: Sequence[ReceiptAction | ses.IReceiptRuleAction],
        store: actions.S3 | bool,
        rule_name: str | None,
        enabled: bool,
        scan: bool,
        require_tls: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        storing = self._storing(store, inbound, construct_id)

        self.rule = ses.ReceiptRule(self, "Rule", rule_set=rule_set, after=previous)
        """The receipt rule."""
        self.dead_letter_queue: sqs.IQueue = inbound.dead_letter_queue
        """Takes what the handler failed to handle; shared by the rules of one `InboundMail`."""
        self.stored = (
            None
            if storing is None
            else StoredMail(
                bucket=storing.bucket,
                prefix=storing.prefix,
                client_side_key=storing.client_side_key,
            )
        )
        """Where this rule's mail is kept, if it is."""
        context = RuleContext(
            rule_id=construct_id,
            rule=self.rule,
            rule_set_name=rule_set_name,
            rule_name=rule_name,
            recipients=recipients,
            scanned=scan,
            stored=self.stored,
            dead_letter_queue=self.dead_letter_queue,
        )
        named = [
            *((f"Before{number}", item) for number, item in enumerate(before, start=1)),
            *(() if storing is None else (("Store", storing),)),
            *(() if handler is None else (("Handler", handler),)),
            *((f"After{number}", item) for number, item in enumerate(after, start=1)),
        ]
        for _, item in named:
            if isinstance(item, ReceiptAction):
                item.check_rule(problems, context)
        problems.raise_if_any()
        bound: dict[str, BoundAction | None] = dict.fromkeys(name for name, _ in named)
        for name, item in named:
            with problems.collecting():
                bound[name] = actions.as_action(item).bind(Construct(self, name), context)
        if not bound:
            problems.add("handler", None, "the rule would do nothing; give a handler or an action")
        actions.check_bound(problems, list(bound.values()))
        problems.raise_if_any()
        self.function: lambda_.IFunction | None = self._function_of(bound.get("Handler"))
        """The handler's function, or ``None`` if the handler calls none."""
        self._finish(
            [item for item in bound.values() if item is not None],
            recipients=recipients,
            rule_name=rule_name,
            enabled=enabled,
            scan=scan,
            require_tls=require_tls,
        )

    def grant_read_mail(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let *grantee* read the messages that this rule stored."""
        if self.stored is None:
            raise ConfigurationError(f"{self.node.path}: this rule stores no mail")
        return grant_read(grantee, self.stored.bucket, self.stored.prefix)

    @staticmethod
    def _storing(
        store: actions.S3 | bool, inbound: InboundMail, construct_id: str
    ) -> actions.S3 | None:
        if isinstance(store, actions.S3):
            return store
        return actions.S3(bucket=inbound.bucket, prefix=f"{construct_id}/") if store else None

    @staticmethod
    def _function_of(bound: BoundAction | None) -> lambda_.IFunction | None:
        return None if bound is None else bound.function

    def _finish(
        self,
        bound: list[BoundAction],
        *,
        recipients: Sequence[str],
        rule_name: str | None,
        enabled: bool,
        scan: bool,
        require_tls: bool,
    ) -> None:
        resource = self.rule.node.default_child
        assert isinstance(resource, ses.CfnReceiptRule)
        resource.rule = ses.CfnReceiptRule.RuleProperty(
            name=rule_name,
            recipients=list(recipients) or None,
            actions=[item.action for item in bound],
            enabled=enabled,
            scan_enabled=scan,
            tls_policy="Require" if require_tls else "Optional",
        )
        for item in bound:
            for dependency in item.dependencies:
                self.rule.node.add_dependency(dependency)
