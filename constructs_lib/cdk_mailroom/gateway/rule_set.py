"""The rule set of one or several gateways: its rules, role, bucket and dead-letter queue."""

from __future__ import annotations

from collections.abc import Sequence

import jsii
from aws_cdk import Annotations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IValidation

from cdk_mailroom._asked import stack_of
from cdk_mailroom._checks import Problems, leaving_nothing, resolved
from cdk_mailroom.actions.base import SES
from cdk_mailroom.gateway import limits
from cdk_mailroom.gateway.rule import (
    GatewayRule,
    GatewayRuleOptions,
    GatewayRulePlace,
    HandledGatewayRule,
)
from cdk_mailroom.handlers.python_handler import PythonHandler

__all__ = ["RuleSet"]

_Rules = ses.CfnMailManagerRuleSet


class RuleSet:
    """A rule set below a gateway, and what its rules share."""

    def __init__(
        self,
        scope: Construct,
        *,
        bucket: s3.IBucket,
        dead_letter_queue: sqs.IQueue,
        alert_topic: sns.ITopic | None,
        accepted: Sequence[str],
    ) -> None:
        self._scope = scope
        self.bucket = bucket
        self.dead_letter_queue = dead_letter_queue
        self._alert_topic = alert_topic
        self._accepted = accepted
        self._open_points: list[str] = []
        self._admitted: set[str | None] = set()
        self._rules: list[GatewayRule] = []
        self._options: list[GatewayRuleOptions] = []
        self._unlimited: list[str] = []
        self._sends = 0
        stack = stack_of(scope)
        source = stack.format_arn(service="ses", resource="mailmanager-rule-set", resource_name="*")
        conditions = {
            "StringEquals": {"aws:SourceAccount": stack.account},
            "ArnLike": {"aws:SourceArn": source},
        }
        self.role = iam.Role(
            scope,
            "Role",
            assumed_by=iam.ServicePrincipal(SES, conditions=conditions),
            description="What Mail Manager may do for the rules of a gateway",
        )
        self.resource = _Rules(scope, "RuleSet", rules=[])
        # Its policy too, which has the permissions of all actions.
        self.resource.node.add_dependency(self.role)
        scope.node.add_validation(_Complete(self))

    @property
    def rules(self) -> Sequence[GatewayRule]:
        """The rules in the order in which Mail Manager runs them."""
        return tuple(self._rules)

    def serve(self, path: str, admitted: Sequence[str] | None, *, anyone: bool) -> None:
        """Note what an ingress point accepts: recipients, or ``None`` if not all are known.

        With *anyone*, it is mail from anyone to anyone.
        """
        self._admitted.update([None] if admitted is None else admitted)
        if anyone:
            self._open_points.append(path)

    def add(self, construct_id: str, options: GatewayRuleOptions) -> GatewayRule:
        """Add a rule after the existing ones."""
        problems = Problems(self._scope, construct_id)
        options.check(problems, construct_id, stack_of(self._scope), self._accepted)
        if len(self._rules) >= limits.RULES_PER_RULE_SET:
            problems.add(
                "len(rules)",
                len(self._rules) + 1,
                f"Mail Manager takes {limits.RULES_PER_RULE_SET}; use conditions with more values",
            )
        if any(one.rule_name == options.rule_name for one in self._rules):
            problems.add("rule_name", options.rule_name, "pass another: logs show rules by name")
        before = [one.rule_name for one in self._options if one.drops_all]
        if before:
            problems.add(
                "position",
                len(self._rules) + 1,
                f"add it before {before[0]}, which drops all mail that reaches it, or limit that "
                "rule by when=[…]: this one would never see any",
            )
        problems.raise_if_any()
        sends = self._sends + options.sends
        if sends > limits.SENDING_ACTIONS_PER_RULE_SET:
            problems.add(
                "len(relay and send actions)",
                sends,
                f"Mail Manager takes {limits.SENDING_ACTIONS_PER_RULE_SET} in one rule set",
            )
        problems.raise_if_any()
        place = GatewayRulePlace(
            role=self.role,
            dead_letter_queue=self.dead_letter_queue,
            alert_topic=self._alert_topic,
            accepted=self._accepted,
        )
        kind = HandledGatewayRule if isinstance(options.handler, PythonHandler) else GatewayRule
        with leaving_nothing(self._scope, construct_id):
            rule = kind(self._scope, construct_id, options=options, place=place)
        self._rules.append(rule)
        self._options.append(options)
        self._sends = sends
        if options.sends and not options.limited:
            self._unlimited.append(rule.node.path)
        self.resource.rules = [one.settings for one in self._rules]
        if rule.dependencies:
            self.resource.node.add_dependency(*rule.dependencies)
        return rule

    def complaints(self) -> list[str]:
        """Return what is wrong with the whole, once nothing more comes, and warn of the rest."""
        self._warn_of_loss()
        found = []
        if not self._rules:
            found.append(
                "the gateway has no rule: it would accept mail, and nobody would get it; call "
                "add_rule"
            )
        found += [
            f"{path} sends on what {point} accepts, which is mail from anyone to anyone: an open "
            "relay. Pass recipients to the gateway, access=Authenticated(), or limit the rule by "
            "when=[recipient.ends_with(…)] or source_ip.in_range(…); senders can be forged"
            for path in self._unlimited
            for point in self._open_points
        ]
        return found

    def _warn_of_loss(self) -> None:
        lost = [
            one or "a recipient that no list of this app names"
            for one in self._admitted
            if resolved(one) and not any(rule.takes(one) for rule in self._options)
        ]
        if self._rules and lost:
            Annotations.of(self._scope).add_warning_v2(
                "cdk-mailroom:gateway-lost-mail",
                f"mail to {', '.join(sorted(lost)[:3])} is accepted, and may be lost: each rule "
                "that keeps, handles, passes on or drops it has conditions. End with a rule "
                "without, such as add_rule('Rest'), which stores what is left. If the conditions "
                "leave nothing out, call Annotations.of(gateway)"
                ".acknowledge_warning('cdk-mailroom:gateway-lost-mail')",
            )


@jsii.implements(IValidation)
class _Complete:
    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules

    def validate(self) -> list[str]:
        """Return what is wrong with the whole."""
        return self._rules.complaints()
