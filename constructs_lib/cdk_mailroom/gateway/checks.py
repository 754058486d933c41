"""The arguments of a `MailGateway`, and what of them does not fit together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Annotations, RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from constructs import Construct

from cdk_mailroom._asked import stack_of
from cdk_mailroom._checks import Problems, Retention, check_domain, check_retention, resolved
from cdk_mailroom._identities import zone_name
from cdk_mailroom._mail_bucket import check_bucket_options
from cdk_mailroom._places import check_region
from cdk_mailroom._siblings import siblings
from cdk_mailroom.gateway import limits
from cdk_mailroom.gateway.access import Access, Open
from cdk_mailroom.gateway.conditions import AnyCondition
from cdk_mailroom.gateway.logs import Logs
from cdk_mailroom.gateway.network import PublicNetwork, VpcEndpoint
from cdk_mailroom.gateway.point import ExistingIngressPoint, Status
from cdk_mailroom.gateway.policy import (
    Allow,
    AnyRecipient,
    Recipients,
    TrafficPolicy,
    check_traffic,
)
from cdk_mailroom.sending import CrossAccountZone

__all__ = ["GatewayOptions", "check_made_name", "warn_of_addons"]


@dataclass(frozen=True, kw_only=True)
class GatewayOptions:
    """The arguments of a `MailGateway`."""

    recipients: Recipients | None
    access: Access | ExistingIngressPoint | None
    traffic: TrafficPolicy | str | None
    rule_set: str | None
    status: Status | str | None
    hosted_zone: route53.IHostedZone | CrossAccountZone | None
    domain: str | None
    bucket: s3.IBucket | None
    encryption_key: kms.IKey | None
    retention: Retention | None
    removal_policy: RemovalPolicy | None
    logs: Logs | None
    alert_topic: sns.ITopic | None

    @property
    def existing(self) -> ExistingIngressPoint | None:
        """The ingress point, if it exists already."""
        return self.access if isinstance(self.access, ExistingIngressPoint) else None

    @property
    def new_access(self) -> Access:
        """Who may connect to a new ingress point."""
        if self.access is None:
            return Open()
        assert isinstance(self.access, Access)  # check() refuses others
        return self.access

    @property
    def accepted(self) -> Sequence[str]:
        """The recipients that are listed, where none are all."""
        return () if isinstance(self.recipients, AnyRecipient) else self.recipients or ()

    @property
    def admitted(self) -> Sequence[str] | None:
        """The recipients that are accepted; ``None`` if others may be, too."""
        if self.open_to_all or not isinstance(self.recipients, Sequence) or self._allows:
            return None
        return self.recipients

    @property
    def open_to_all(self) -> bool:
        """Whether every recipient is accepted, as far as known."""
        return isinstance(self.recipients, AnyRecipient) or any(
            not any(isinstance(one, AnyCondition) and one.limits_use for one in statement.when)
            for statement in self._allows
        )

    @property
    def _allows(self) -> Sequence[Allow]:
        """What accepts recipients that are not listed."""
        found = self.traffic.statements if isinstance(self.traffic, TrafficPolicy) else ()
        return [one for one in found if isinstance(one, Allow)]

    @property
    def mail_domain(self) -> str:
        """The domain whose MX record leads to the gateway."""
        return self.domain or zone_name(Problems(""), self.hosted_zone)

    def check(self, problems: Problems, stack: Stack) -> None:
        """Note what does not fit together, or what Mail Manager would refuse."""
        before = problems.count
        self._check_kinds(problems)
        if problems.count > before:
            return
        if self.existing is not None:
            self._check_existing(problems)
        else:
            self.new_access.check(problems, stack.region)
            self._check_endpoint(problems, stack)
            self._check_traffic(problems)
            if self.status is not None and self.status not in list(Status):
                problems.add("status", self.status, f"use one of {[str(one) for one in Status]}")
        self._check_rule_set(problems)
        self._check_domain(problems)
        check_retention(problems, "retention", self.retention)
        for argument, resource in (
            ("encryption_key", self.encryption_key),
            ("alert_topic", self.alert_topic),
        ):
            check_region(problems, argument, resource, stack, "a gateway is in one region")

    def _check_kinds(self, problems: Problems) -> None:
        for argument, known, remedy in (
            ("bucket", "bucket_arn", "pass an s3.Bucket"),
            ("encryption_key", "key_arn", "pass a kms.Key"),
            ("alert_topic", "topic_arn", "pass an sns.Topic"),
            ("hosted_zone", "hosted_zone_id", "pass a route53.HostedZone or a CrossAccountZone"),
        ):
            value = getattr(self, argument)
            if value is not None and not hasattr(value, known):
                problems.add(argument, value, remedy)
        for argument, kind, remedy in (
            ("rule_set", str, "pass another MailGateway, or the id of a rule set"),
            (
                "access",
                Access | ExistingIngressPoint,
                "pass gateway.Open(), Authenticated(), MutualTls(ca=…) or ExistingIngressPoint(…)",
            ),
            ("domain", str, "pass a name such as 'example.com'"),
            ("removal_policy", RemovalPolicy, "pass a RemovalPolicy"),
            ("logs", Logs, "pass gateway.Logs(…)"),
        ):
            value = getattr(self, argument)
            if value is not None and (not isinstance(value, kind) or value == ""):
                problems.add(argument, value, remedy)

    def _check_existing(self, problems: Problems) -> None:
        remedy = "omit it: the ingress point exists already, and keeps its own"
        for argument, value in (
            ("recipients", self.recipients),
            ("traffic", self.traffic),
            ("status", self.status),
        ):
            if value is not None:
                problems.add(argument, value, remedy)
        if self.rule_set is not None:
            problems.add(
                "rule_set", self.rule_set, "omit it, or the ingress point: nothing is made"
            )

    def _check_endpoint(self, problems: Problems, stack: Stack) -> None:
        network = self.new_access.network
        if not isinstance(network, VpcEndpoint):
            return
        wanted = stack.resolve(network.configuration())
        for other in siblings(stack, ses.CfnMailManagerIngressPoint):
            if stack_of(other).resolve(other.network_configuration) == wanted:
                path = other.node.path.removesuffix("/IngressPoint")
                problems.add(
                    "access.network.endpoint",
                    network.vpc_endpoint_id,
                    f"pass another: {path} uses it, and each ingress point needs its own",
                )

    def _check_traffic(self, problems: Problems) -> None:
        traffic = self.traffic
        if isinstance(traffic, str):
            if self.recipients is not None:
                problems.add(
                    "recipients",
                    self.recipients,
                    "omit it: the traffic policy exists already, and decides",
                )
            return
        if traffic is not None and not isinstance(traffic, TrafficPolicy):
            problems.add("traffic", traffic, "pass gateway.TrafficPolicy(…), or the id of one")
            return
        if self.recipients is None:
            problems.add(
                "recipients",
                None,
                "pass what the gateway accepts, such as ['@example.com'], or gateway.ANY_RECIPIENT",
            )
            return
        check_traffic(problems, traffic or TrafficPolicy(), self.recipients)

    def _check_rule_set(self, problems: Problems) -> None:
        if self.rule_set is None:
            if self.bucket is not None:
                check_bucket_options(problems, self.retention, self.removal_policy)
            return
        for argument, value in (
            ("bucket", self.bucket),
            ("retention", self.retention),
            ("removal_policy", self.removal_policy),
        ):
            if value is not None:
                problems.add(argument, value, "omit it: the rule_set that is given has its own")

    def _check_domain(self, problems: Problems) -> None:
        if self.hosted_zone is None:
            if self.domain is not None:
                problems.add("domain", self.domain, "pass its hosted_zone, or omit it")
            return
        zone = zone_name(problems, self.hosted_zone)
        existing = self.existing
        network = None if existing else self.new_access.network
        if getattr(network, "private", False) or (existing and existing.host is None):
            problems.add(
                "hosted_zone",
                zone,
                "omit it: the ingress point has no public host that an MX record could name",
            )
        if existing is None and self.new_access.kind != Open.kind:
            problems.add(
                "hosted_zone",
                zone,
                "omit it, or pass access=Open(): the servers that an MX record brings can neither "
                "log in nor show a certificate of yours",
            )
        if self.domain is not None:
            check_domain(problems, "domain", self.domain)
            if zone and not _is_below(self.domain, zone):
                problems.add("domain", self.domain, f"name the zone {zone} or a subdomain of it")
        name = self.domain or zone
        if problems.count:
            return
        if name and resolved(name) and not _accepts(self.accepted, name):
            problems.add(
                "recipients",
                list(self.accepted),
                f"name '@{name}', or addresses of it: its MX record leads here, and all of its "
                "mail would be refused",
            )


def warn_of_addons(scope: Construct, options: GatewayOptions) -> None:
    """Warn of add-ons in the traffic policy that do not look at all mail."""
    network, traffic = options.new_access.network, options.traffic
    if not isinstance(network, PublicNetwork) or not network.dual_stack:
        return
    statements = traffic.statements if isinstance(traffic, TrafficPolicy) else ()
    if any(
        isinstance(one, AnyCondition) and one.of_addon
        for statement in statements
        for one in statement.when
    ):
        Annotations.of(scope).add_warning_v2(
            "cdk-mailroom:gateway-addon-network",
            "add-ons in the traffic policy do not look at mail that comes over IPv6: omit "
            "dual_stack=True, or decide by the add-on in a rule",
        )


def check_made_name(bucket: s3.Bucket) -> None:
    """Warn if the name that CloudFormation makes for *bucket* may be one character too long."""
    stack, made = stack_of(bucket), bucket.node.default_child
    if not isinstance(made, s3.CfnBucket) or not resolved(stack.stack_name):
        return
    # STACK-LOGICALID-SUFFIX, shortened to what S3 takes, which is one more than Mail Manager does.
    length = len(stack.stack_name) + len(stack.get_logical_id(made)) + _SUFFIX
    if length > limits.BUCKET_NAME_CHARACTERS:
        Annotations.of(bucket).add_warning_v2(
            "cdk-mailroom:gateway-bucket-name",
            f"CloudFormation may give this bucket a name of {limits.BUCKET_NAME_CHARACTERS + 1} "
            f"characters, where Mail Manager takes {limits.BUCKET_NAME_CHARACTERS}: give stack and "
            "gateway shorter names, or pass a bucket whose name you choose",
        )


# Two hyphens and twelve characters by chance.
_SUFFIX = 14


def _is_below(name: str, domain: str) -> bool:
    known = resolved(name) and resolved(domain)
    return not known or f".{name.lower()}".endswith(f".{domain.lower()}")


def _accepts(recipients: Sequence[str], domain: str) -> bool:
    if not recipients:
        return True  # all of them, or what the given traffic policy says
    return any(
        not resolved(one)
        or f"@{domain}".lower().endswith(one.lower())
        or one.lower().endswith(f"@{domain}".lower())
        for one in recipients
    )
