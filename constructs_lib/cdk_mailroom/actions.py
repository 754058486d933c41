"""What a receipt rule does: each of SES's receipt actions, with the permissions that it needs.

`InboundMail.add_rule` takes these before or after its handler, and takes the receipt actions of
``aws_cdk.aws_ses_actions`` just as well. Where the latter are right they are re-exported here.
Three are not, and have a counterpart of our own: `S3` (no IAM role, no source ARN), `Sns` (grants
nothing, takes FIFO topics) and `InvokeFunction` (no source ARN, takes slow synchronous functions).

An action of one's own is a subclass of `ReceiptAction`: create what it needs below ``scope``,
grant what it needs, and return a `BoundAction`.
"""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from aws_cdk import Annotations, CfnResource, Reference, Stack, Tokenization
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk.aws_ses_actions import AddHeader, Bounce, BounceTemplate, EmailEncoding, Stop, WorkMail
from constructs import Construct, IConstruct, IDependable

from cdk_mailroom import _quotas
from cdk_mailroom._checks import ConfigurationError, Problems, check_prefix, check_seconds, resolved

__all__ = [
    "S3",
    "UNKNOWN_FAILURE",
    "AddHeader",
    "Bounce",
    "BounceTemplate",
    "BoundAction",
    "EmailEncoding",
    "InvokeFunction",
    "ReceiptAction",
    "RuleContext",
    "Sns",
    "Stop",
    "WorkMail",
]

UNKNOWN_FAILURE = BounceTemplate(
    message="Unknown failure", smtp_reply_code="550", status_code="5.0.0"
)
"""The one of SES's bounce templates that `BounceTemplate` lacks."""

_SES = "ses.amazonaws.com"


class InvocationType(StrEnum):
    """How SES calls a function."""

    EVENT = "Event"
    REQUEST_RESPONSE = "RequestResponse"


@dataclass(frozen=True, kw_only=True)
class StoredMail:
    """Where a rule's mail lies: one object a message, named *prefix* + message id."""

    bucket: s3.IBucket
    prefix: str
    client_side_key: kms.IKey | None = None


@dataclass(frozen=True, kw_only=True)
class RuleContext:
    """What an action knows about the rule that it becomes part of."""

    rule_id: str
    """The rule's construct id, which is also its name in logs."""
    rule: ses.ReceiptRule
    """The rule, still without actions; for ``bind()`` of aws-cdk-lib's actions."""
    rule_set_name: str
    """The set that holds the rule; a token unless it was given."""
    rule_name: str | None
    """The rule's name if it was given; CloudFormation makes one otherwise."""
    recipients: Sequence[str]
    """What the rule matches; empty for a catch-all rule."""
    scanned: bool
    """Whether SES scans the rule's mail; spam and virus verdicts are ``DISABLED`` otherwise."""
    stored: StoredMail | None
    """The rule's own copy of its mail, if it keeps one."""
    dead_letter_queue: sqs.IQueue
    """Takes what a handler failed to handle."""

    def service_principal(self, near: IConstruct) -> iam.ServicePrincipal:
        """Return SES acting for this rule, for a policy of the resource *near*.

        The source ARN ends in the rule's name if that was given, else in ``*``: the rule's own
        Ref would make a cycle, as the permission must exist before the rule. In the policy of a
        resource of another stack the set's name is ``*`` too, unless it was given.
        """
        return iam.ServicePrincipal(_SES, conditions=self._conditions(near))

    def source_arn(self, near: IConstruct) -> str:
        """Return the ARN, or its pattern, under which SES acts for this rule."""
        rule_set = self.rule_set_name
        if not resolved(rule_set) and Stack.of(near).node.addr != Stack.of(self.rule).node.addr:
            rule_set = "*"
        return Stack.of(self.rule).format_arn(
            service="ses",
            resource="receipt-rule-set",
            resource_name=f"{rule_set}:receipt-rule/{self.rule_name or '*'}",
        )

    def _conditions(self, near: IConstruct) -> dict[str, object]:
        return {
            "StringEquals": {"aws:SourceAccount": Stack.of(self.rule).account},
            "ArnLike": {"aws:SourceArn": self.source_arn(near)},
        }


@dataclass(frozen=True, kw_only=True)
class BoundAction:
    """One action in the form of CloudFormation, and what came with it."""

    action: ses.CfnReceiptRule.ActionProperty
    dependencies: list[IDependable] = field(default_factory=list)
    """What must exist before the rule, because SES checks it when the rule is created."""
    function: lambda_.IFunction | None = None
    """The function that is called, if one is."""


class ReceiptAction(ABC):
    """Something that a receipt rule does; subclass it to add an action of your own."""

    def check_rule(self, problems: Problems, context: RuleContext) -> None:  # noqa: B027
        """Note what of the rule does not fit; called before anything is created or granted."""

    @abstractmethod
    def bind(self, scope: Construct, context: RuleContext) -> BoundAction:
        """Create and grant what the action needs, below *scope*, and return the action."""


class S3(ReceiptAction):
    """Store the message as an object.

    Grants SES ``s3:PutObject`` below *prefix* and, for a bucket on a customer key, the use of
    that key; for an imported bucket or key it warns and says what to grant.

    https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-s3.html
    """

    def __init__(
        self,
        *,
        bucket: s3.IBucket,
        prefix: str = "",
        role: iam.IRole | None = None,
        topic: sns.ITopic | None = None,
        client_side_key: kms.IKey | None = None,
    ) -> None:
        """Describe the action.

        *role*: what SES assumes to write, instead of the bucket's policy; it is granted the
        writing, and must trust ``ses.amazonaws.com``. *topic*: is told of each object.
        *client_side_key*: SES encrypts the message itself before storing it; only the Java and
        Ruby S3 encryption clients can read it, so no handler of ours can.
        """
        problems = Problems("actions.S3")
        check_prefix(problems, "prefix", prefix)
        _check_topic(problems, topic)
        problems.raise_if_any()
        self.bucket = bucket
        self.prefix = prefix
        self.role = role
        self.topic = topic
        self.client_side_key = client_side_key

    def bind(self, scope: Construct, context: RuleContext) -> BoundAction:
        """Grant the writing, to the role or to SES, and return the action."""
        dependencies = (
            self._grant_service(scope, context)
            if self.role is None
            else self._grant_role(self.role)
        )
        return BoundAction(
            action=ses.CfnReceiptRule.ActionProperty(
                s3_action=ses.CfnReceiptRule.S3ActionProperty(
                    bucket_name=self.bucket.bucket_name,
                    object_key_prefix=self.prefix or None,
                    iam_role_arn=None if self.role is None else self.role.role_arn,
                    kms_key_arn=(
                        None if self.client_side_key is None else self.client_side_key.key_arn
                    ),
                    topic_arn=None if self.topic is None else self.topic.topic_arn,
                )
            ),
            dependencies=dependencies,
        )

    def _grant_role(self, role: iam.IRole) -> list[IDependable]:
        # SES uses the role for the object, the client-side key and the topic alike.
        # https://docs.aws.amazon.com/ses/latest/APIReference/API_S3Action.html
        grant = iam.Grant.add_to_principal(
            grantee=role,
            actions=["s3:PutObject"],
            resource_arns=[self.bucket.arn_for_objects(f"{self.prefix}*")],
        )
        grants = [grant]
        keys = [self.bucket.encryption_key, self.client_side_key]
        if self.topic is not None:
            grants.append(
                iam.Grant.add_to_principal(
                    grantee=role, actions=["sns:Publish"], resource_arns=[self.topic.topic_arn]
                )
            )
            keys.append(_key_of(self.topic))
        grants += [
            key.grant(role, "kms:Decrypt", "kms:GenerateDataKey*")
            for key in keys
            if key is not None
        ]
        return [*grants, role]

    def _grant_service(self, scope: Construct, context: RuleContext) -> list[IDependable]:
        result = self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["s3:PutObject"],
                principals=[context.service_principal(self.bucket)],
                resources=[self.bucket.arn_for_objects(f"{self.prefix}*")],
            )
        )
        if not result.statement_added:
            Annotations.of(scope).add_warning_v2(
                "cdk-mailroom:imported-bucket",
                f"the bucket {self.bucket.bucket_name} is imported, so its policy is yours: allow "
                f"{_SES} s3:PutObject on {self.prefix}* where aws:SourceAccount is this account, "
                "or the deployment fails with InvalidS3Configuration",
            )
        if self.bucket.encryption_key is not None:
            _grant_key(scope, context, self.bucket.encryption_key)
        if self.client_side_key is not None:
            _grant_key(scope, context, self.client_side_key)
        dependencies = [] if result.policy_dependable is None else [result.policy_dependable]
        if self.topic is not None:
            dependencies += _grant_publish(scope, context, self.topic)
        return dependencies


class Sns(ReceiptAction):
    """Publish the message, whole, to a topic: mail of up to 150 KB; SES bounces what is larger.

    Grants SES the publishing, and the use of the topic's customer key.

    https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-sns.html
    """

    def __init__(self, *, topic: sns.ITopic, encoding: EmailEncoding | None = None) -> None:
        """Describe the action; *encoding* of the message is UTF-8 unless Base64 is asked for.

        UTF-8 loses what is no UTF-8, so Base64 is right for anything but plain text.
        """
        problems = Problems("actions.Sns")
        _check_topic(problems, topic)
        problems.raise_if_any()
        self.topic = topic
        self.encoding = encoding

    def bind(self, scope: Construct, context: RuleContext) -> BoundAction:
        """Grant the publishing and return the action."""
        return BoundAction(
            action=ses.CfnReceiptRule.ActionProperty(
                sns_action=ses.CfnReceiptRule.SNSActionProperty(
                    topic_arn=self.topic.topic_arn,
                    encoding="Base64" if self.encoding is EmailEncoding.BASE64 else "UTF-8",
                )
            ),
            dependencies=_grant_publish(scope, context, self.topic),
        )


class InvokeFunction(ReceiptAction):
    """Call a function that exists already, of any kind and language.

    Grants SES the call; for an imported function it warns and says what to grant. For Python
    code of your own prefer `PythonHandler`, which brings typed mail, the failure queue and logs.

    https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-lambda.html
    """

    def __init__(
        self,
        function: lambda_.IFunction,
        *,
        synchronous: bool = False,
        topic: sns.ITopic | None = None,
    ) -> None:
        """Describe the action.

        *synchronous*: SES waits, 30 s at most, and obeys the disposition that the function
        answers; otherwise Lambda queues the call. *topic*: is told of each call.
        """
        problems = Problems("actions.InvokeFunction")
        _check_topic(problems, topic)
        if synchronous and isinstance(function, lambda_.Function):
            check_synchronous(problems, function)
        problems.raise_if_any()
        self.function = function
        self.synchronous = synchronous
        self.topic = topic

    def bind(self, scope: Construct, context: RuleContext) -> BoundAction:
        """Grant SES the call and return the action."""
        # One function may serve several rules; the rule's address tells their permissions apart.
        dependencies = grant_invoke(
            scope,
            context,
            self.function,
            permission_id=f"AllowSes{context.rule.node.addr[-8:]}",
        )
        if self.topic is not None:
            dependencies += _grant_publish(scope, context, self.topic)
        return BoundAction(
            action=lambda_action(self.function, synchronous=self.synchronous, topic=self.topic),
            dependencies=dependencies,
            function=self.function,
        )


def check_synchronous(problems: Problems, function: lambda_.Function) -> None:
    """SES gives up on a synchronous function after 30 s, while the function goes on."""
    check_seconds(
        problems,
        "timeout",
        function.timeout,
        range(1, _quotas.SYNCHRONOUS_SECONDS + 1),
    )


def lambda_action(
    function: lambda_.IFunction, *, synchronous: bool, topic: sns.ITopic | None = None
) -> ses.CfnReceiptRule.ActionProperty:
    """Return the CloudFormation form of a call to *function*."""
    invocation = InvocationType.REQUEST_RESPONSE if synchronous else InvocationType.EVENT
    return ses.CfnReceiptRule.ActionProperty(
        lambda_action=ses.CfnReceiptRule.LambdaActionProperty(
            function_arn=function.function_arn,
            invocation_type=invocation.value,
            topic_arn=None if topic is None else topic.topic_arn,
        )
    )


def grant_invoke(
    scope: Construct,
    context: RuleContext,
    function: lambda_.IFunction,
    *,
    permission_id: str = "AllowSes",
) -> list[IDependable]:
    """Let SES call *function* for this rule; return what the rule must wait for."""
    # A rule may call the same function twice.
    if function.permissions_node.try_find_child(permission_id) is None:
        function.add_permission(
            permission_id,
            principal=iam.ServicePrincipal(_SES),
            source_account=Stack.of(context.rule).account,
            source_arn=context.source_arn(function),
        )
    permission = function.permissions_node.try_find_child(permission_id)
    if permission is None:
        Annotations.of(scope).add_warning_v2(
            "cdk-mailroom:imported-function",
            f"the function {function.function_arn} is imported, so its permissions are yours: "
            f"allow {_SES} lambda:InvokeFunction where the source account is this account and "
            f"the source ARN is like {context.source_arn(function)}, or the deployment fails "
            "with InvalidLambdaFunction",
        )
        return []
    return [permission]


class _Native(ReceiptAction):
    """An action of aws-cdk-lib, which does its own granting in its own ``bind()``."""

    def __init__(self, action: ses.IReceiptRuleAction) -> None:
        self._action = action

    def bind(self, scope: Construct, context: RuleContext) -> BoundAction:
        config = self._action.bind(context.rule)
        # The L1 structs have the L2's members under the same names, nested ones included.
        return BoundAction(
            action=ses.CfnReceiptRule.ActionProperty(
                add_header_action=_same(
                    config.add_header_action, ses.CfnReceiptRule.AddHeaderActionProperty
                ),
                bounce_action=_same(config.bounce_action, ses.CfnReceiptRule.BounceActionProperty),
                lambda_action=_same(config.lambda_action, ses.CfnReceiptRule.LambdaActionProperty),
                s3_action=_same(config.s3_action, ses.CfnReceiptRule.S3ActionProperty),
                sns_action=_same(config.sns_action, ses.CfnReceiptRule.SNSActionProperty),
                stop_action=_same(config.stop_action, ses.CfnReceiptRule.StopActionProperty),
                workmail_action=_same(
                    config.workmail_action, ses.CfnReceiptRule.WorkmailActionProperty
                ),
            )
        )


def as_action(action: ReceiptAction | ses.IReceiptRuleAction) -> ReceiptAction:
    """Return *action* as one of ours, whichever of the two it is."""
    if isinstance(action, ReceiptAction):
        return action
    if not hasattr(action, "bind"):
        raise ConfigurationError(
            f"{action!r} is no action: give PythonHandler(folder, 'module:function'), or one of "
            "cdk_mailroom.handlers, cdk_mailroom.actions or aws_cdk.aws_ses_actions"
        )
    return _Native(action)


def check_bound(problems: Problems, bound: list[BoundAction | None]) -> None:
    """Find what SES would refuse, or what could never run, among a rule's actions in order."""
    if len(bound) > _quotas.ACTIONS_PER_RULE:
        problems.add(
            "len(actions)",
            len(bound),
            f"SES allows {_quotas.ACTIONS_PER_RULE} a rule, the stored copy and the handler "
            "included; give the rest to a second rule with the same recipients",
        )
    for position, item in enumerate(bound):
        if item is None:
            continue
        action = item.action
        argument = f"actions[{position}]"
        if action.stop_action is not None and position != len(bound) - 1:
            problems.add(argument, "Stop", "what follows could never run; put it last")
        for kind in _WITH_TOPIC:
            topic_arn: str | None = getattr(getattr(action, kind), "topic_arn", None)
            if _is_fifo(topic_arn):
                problems.add(f"{argument}.topic", _name_of(topic_arn), _FIFO_REMEDY)
        call: ses.CfnReceiptRule.LambdaActionProperty | None = action.lambda_action  # type: ignore[assignment]
        if call is not None:
            _check_call(problems, argument, call)
        header: ses.CfnReceiptRule.AddHeaderActionProperty | None = action.add_header_action  # type: ignore[assignment]
        if header is not None:
            _check_header(problems, argument, header)


def _check_call(
    problems: Problems, argument: str, call: ses.CfnReceiptRule.LambdaActionProperty
) -> None:
    function = _resource(call.function_arn)
    if call.invocation_type == InvocationType.REQUEST_RESPONSE and isinstance(
        function, lambda_.CfnFunction
    ):
        seconds = function.timeout or 0
        if resolved(seconds) and seconds > _quotas.SYNCHRONOUS_SECONDS:
            problems.add(
                f"{argument}.timeout",
                f"{seconds:g} s",
                f"SES waits {_quotas.SYNCHRONOUS_SECONDS} s for a synchronous function",
            )


def _check_header(
    problems: Problems, argument: str, header: ses.CfnReceiptRule.AddHeaderActionProperty
) -> None:
    name, value = header.header_name, header.header_value
    if resolved(name) and not re.fullmatch(_quotas.HEADER_NAME, name):
        problems.add(f"{argument}.name", name, "use 1 to 50 letters, digits and hyphens")
    if resolved(value) and (
        len(value) > _quotas.HEADER_VALUE_LENGTH or re.search(r"[\r\n]", value)
    ):
        problems.add(
            f"{argument}.value",
            value[:80],
            f"stay within {_quotas.HEADER_VALUE_LENGTH} characters, without line breaks",
        )


_L1 = TypeVar("_L1")

_WITH_TOPIC = (
    "bounce_action",
    "lambda_action",
    "s3_action",
    "sns_action",
    "stop_action",
    "workmail_action",
)
_FIFO_REMEDY = "SES cannot publish to a FIFO topic; give a standard one"


def _check_topic(problems: Problems, topic: sns.ITopic | None) -> None:
    if topic is not None and (topic.fifo or _is_fifo(topic.topic_arn)):
        problems.add("topic", topic.node.path, _FIFO_REMEDY)


def _is_fifo(topic_arn: str | None) -> bool:
    if topic_arn is None:
        return False
    if resolved(topic_arn):
        return topic_arn.endswith(".fifo")
    topic = _resource(topic_arn)
    return isinstance(topic, sns.CfnTopic) and topic.fifo_topic is True


def _resource(arn: str) -> CfnResource | None:
    """Return the resource whose *arn* it is, if it is made in this app."""
    token = None if resolved(arn) else Tokenization.reverse_string(arn).first_token
    target = token.target if isinstance(token, Reference) else None
    return target if isinstance(target, CfnResource) else None


def _name_of(arn: str | None) -> str | None:
    resource = None if arn is None else _resource(arn)
    return arn if resource is None else resource.node.path.removesuffix("/Resource")


def _grant_publish(scope: Construct, context: RuleContext, topic: sns.ITopic) -> list[IDependable]:
    result = topic.add_to_resource_policy(
        iam.PolicyStatement(
            actions=["sns:Publish"],
            principals=[context.service_principal(topic)],
            resources=[topic.topic_arn],
        )
    )
    if not result.statement_added:
        Annotations.of(scope).add_warning_v2(
            "cdk-mailroom:imported-topic",
            f"the topic {topic.topic_arn} is imported, so its policy is yours: allow {_SES} "
            "sns:Publish where aws:SourceAccount is this account, or the deployment may fail "
            "with InvalidSnsTopic",
        )
    key = _key_of(topic)
    if key is not None:
        _grant_key(scope, context, key)
    policy = result.policy_dependable
    return [] if policy is None else [policy]


def _key_of(topic: sns.ITopic) -> kms.IKey | None:
    return topic.master_key if isinstance(topic, sns.Topic) else None


def _grant_key(scope: Construct, context: RuleContext, key: kms.IKey) -> None:
    result = key.add_to_resource_policy(
        iam.PolicyStatement(
            actions=["kms:Decrypt", "kms:GenerateDataKey*"],
            principals=[context.service_principal(key)],
            resources=["*"],
        )
    )
    if not result.statement_added:
        Annotations.of(scope).add_warning_v2(
            "cdk-mailroom:imported-key",
            f"the key {key.key_arn} is imported, so its policy is yours: allow {_SES} "
            "kms:Decrypt and kms:GenerateDataKey* where aws:SourceAccount is this account",
        )


def _same(config: object, l1: Callable[..., _L1]) -> _L1 | None:
    if config is None:
        return None
    names = inspect.signature(l1).parameters
    return l1(**{name: getattr(config, name, None) for name in names})
