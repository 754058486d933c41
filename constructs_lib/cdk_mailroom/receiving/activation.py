"""Makes a rule set the active one, without ever taking mail away from another."""

from __future__ import annotations

from enum import StrEnum
from weakref import WeakKeyDictionary

from aws_cdk import CfnElement, CustomResource, Fn, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ses as ses
from constructs import Construct, IConstruct

from cdk_mailroom._asked import account_of, in_one_stack, region_of, stack_of
from cdk_mailroom._checks import Problems, resolved
from cdk_mailroom._construct import MailConstruct
from cdk_mailroom._provisioning import SERVICE_TIMEOUT, Provider
from cdk_mailroom._reviewed import reviewed_wildcard
from cdk_mailroom.receiving._provider import later, provider_of_rules

__all__ = ["Activation", "ActiveRuleSet", "check_refusal", "is_made_in"]


class Activation(StrEnum):
    """What to do if another rule set is active: one can be, per account and region."""

    REFUSE = "refuse"
    """Activate ours if none is active; otherwise fail the deployment and name the active set."""
    JOIN = "join"
    """Put our rules first into the active set; activate ours if none is active.

    If that set is deleted, our rules are deleted with it.
    """
    REPLACE = "replace"
    """Activate ours, and on delete activate the set that was active before."""
    NONE = "none"
    """Activate nothing: the rule set is activated by another stack, or by hand."""


class ActiveRuleSet(MailConstruct):
    """Makes a rule set the active one for as long as this construct is deployed.

    `InboundMail` has one unless its activation is ``none``. Use it by itself in a stack that owns
    the rule set of an account and region, to which other stacks add their rules.

    A custom resource does it. What it changed is in an SSM parameter of the stack, and only that is
    undone on delete: the set that was active before is activated again, or none. A set that was
    active already, or that somebody else activated meanwhile, stays active.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        rule_set: ses.IReceiptRuleSet,
        activation: Activation | str = Activation.REFUSE,
    ) -> None:
        """Make *rule_set* the active one.

        Args:
            scope: The construct or stack that this belongs to.
            construct_id: Its id there.
            rule_set: The rule set, made in this app or imported.
            activation: What to do about another rule set that is active; fail the deployment by
                default. ``none`` is not accepted.

        Raises:
            ConfigurationError: *activation* is not a mode, or another construct of the app fails
                the deployment of this one in the same environment.
        """
        root = scope.node.root
        problems = Problems(scope, construct_id)
        if activation not in _MODES:
            problems.add("activation", activation, f"use one of {[str(mode) for mode in _MODES]}")
        if activation == Activation.REFUSE:
            check_refusal(problems, scope)
        problems.raise_if_any()
        super().__init__(scope, construct_id)
        if activation == Activation.REFUSE:
            _refusing.setdefault(root, []).append(self)
        stack = stack_of(self)
        provider = provider_of_rules(self)
        ledger = _ledger(stack)
        earlier = _activations.setdefault(provider, [])
        if earlier:
            # One after the other, as they share the ledger.
            self.node.add_dependency(earlier[-1])
        else:
            _grant(provider, stack, ledger)
        resource = CustomResource(
            self,
            "Resource",
            service_token=provider.service_token,
            service_timeout=SERVICE_TIMEOUT,
            resource_type="Custom::SesActiveReceiptRuleSet",
            properties={
                "RuleSetName": rule_set.receipt_rule_set_name,
                "Mode": str(activation),
                "Ledger": ledger,
                "Made": "true" if is_made_in(stack, rule_set) else "false",
                "Siblings": later(lambda: _logical_ids(stack, earlier, without=resource)),
            },
        )
        earlier.append(resource)
        self.rule_set_name = resource.get_att_string("RuleSetName")
        """The set that rules must be added to; not ours if another was joined."""


_MODES = (Activation.REFUSE, Activation.JOIN, Activation.REPLACE)
_activations: WeakKeyDictionary[Construct, list[CustomResource]] = WeakKeyDictionary()
_refusing: WeakKeyDictionary[IConstruct, list[ActiveRuleSet]] = WeakKeyDictionary()


def is_made_in(stack: Stack, rule_set: ses.IReceiptRuleSet) -> bool:
    """Tell whether *stack* makes *rule_set*, and so deletes it."""
    return rule_set.node.default_child is not None and in_one_stack(rule_set, stack)


def check_refusal(problems: Problems, scope: Construct) -> None:
    """Refuse a second activation that refuses in the environment of *scope*'s stack."""
    here, root = _environment(scope), scope.node.root
    for other in _refusing.get(root, ()):
        if _environment(other) == here and _is_in(root, other):
            problems.add(
                "activation",
                str(Activation.REFUSE),
                f"{other.node.path} activates another rule set in the same account and region, "
                "where one can be active, so the second deployment would fail: pass activation "
                "'join', or give this one the other's rule_set, or set different env for the "
                "stacks if they are never in one account and region",
            )


def _is_in(root: IConstruct, construct: Construct) -> bool:
    """Tell whether *construct* is still there: what was refused is removed from its parent."""
    found: IConstruct | None = root
    for construct_id in construct.node.path.split("/"):
        found = found and found.node.try_find_child(construct_id)
    return found is construct


def _environment(scope: Construct) -> tuple[str | None, str | None]:
    account, region = account_of(scope), region_of(scope)
    return (account if resolved(account) else None, region if resolved(region) else None)


def _logical_ids(
    stack: Stack, resources: list[CustomResource], *, without: CustomResource
) -> list[str]:
    """Return the logical ids as text, as references would make each resource wait for the other."""
    others = [resource.node.default_child for resource in resources if resource is not without]
    return [stack.get_logical_id(other) for other in others if isinstance(other, CfnElement)]


def _ledger(stack: Stack) -> str:
    # With the stack's GUID in it, so that no later stack of the same name finds it.
    return f"/cdk-mailroom/{Fn.select(2, Fn.split('/', stack.stack_id))}/active-rule-set"


def _grant(provider: Provider, stack: Stack, ledger: str) -> None:
    for actions, resource in (
        (
            # These do not support resources (Service Authorization Reference, Amazon SES).
            ["ses:DescribeActiveReceiptRuleSet", "ses:SetActiveReceiptRuleSet"],
            "*",
        ),
        (
            ["ssm:DeleteParameter", "ssm:GetParameter", "ssm:PutParameter"],
            stack.format_arn(service="ssm", resource="parameter", resource_name=ledger[1:]),
        ),
        # Whether a rollback is going on.
        (["cloudformation:DescribeStacks"], stack.stack_id),
    ):
        provider.function.add_to_role_policy(
            iam.PolicyStatement(actions=actions, resources=[resource])
        )
    reviewed_wildcard(provider.function.role, "*", "these SES operations do not support resources")
