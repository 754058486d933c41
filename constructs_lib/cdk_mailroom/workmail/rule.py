"""`EmailFlowRule`: everything that one email flow rule needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aws_cdk import Annotations, CfnOutput, Duration, Names, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk_mailroom import _alarms, _queues
from cdk_mailroom._asked import stack_of
from cdk_mailroom._checks import Problems, leaving_nothing
from cdk_mailroom._construct import MailConstruct
from cdk_mailroom._imported import warn_of_import
from cdk_mailroom._objects import grant_write, objects_arn
from cdk_mailroom._reviewed import reviewed, reviewed_wildcard
from cdk_mailroom.handlers import PythonHandler
from cdk_mailroom.workmail import checks, limits
from cdk_mailroom.workmail.console import WrittenRule
from cdk_mailroom.workmail.handler import FlowHandler
from cdk_mailroom.workmail.modes import Asynchronous, FlowDirection, Synchronous

__all__ = ["EmailFlowRule"]

_ENDS: Final = (
    "Amazon WorkMail takes no new customers since 2026-04-30 and ends on 2027-03-31; after that "
    "day this rule sees no mail. docs/leaving-workmail.md shows how the same function decides "
    "behind an SES receipt rule"
)


class EmailFlowRule(MailConstruct):
    """Everything that one email flow rule of WorkMail needs, and the rule itself in writing.

    Creates the function, WorkMail's permission to call it for this organization, the function's
    permission to read (and replace) messages of this organization and direction only; a bucket for
    changed messages if the handler replaces any; for an asynchronous rule a dead-letter queue with
    an alarm. **You must create the rule itself by hand**, as the output ``ConsoleSteps`` says, or
    with `ExperimentalFlowRule`. Then check that ``RULE_APPLIED`` events appear in the
    organization's monitoring log.

    WorkMail takes no new customers since 2026-04-30, and ends on 2027-03-31; a warning at synth
    says so until ``cdk-mailroom:workmail-ends`` is acknowledged.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        organization_id: str,
        direction: FlowDirection | str,
        handler: FlowHandler | PythonHandler,
        mode: Synchronous | Asynchronous,
        senders: Sequence[str] = (checks.ANY,),
        destinations: Sequence[str] = (checks.ANY,),
        rule_name: str | None = None,
        bucket: s3.IBucket | None = None,
        remember_answers: bool = False,
    ) -> None:
        """Create what the rule needs.

        Args:
            scope: The parent construct.
            construct_id: The id below *scope*.
            organization_id: ``m-`` and 32 hexadecimal digits.
            direction: The flow that the rule is for.
            handler: A `FlowHandler`, one of the bundled behaviours, or a `PythonHandler`.
            mode: Whether WorkMail waits for the function.
            senders: What the rule matches, each ``mailbox@domain``, ``domain``, ``*.domain`` for
                subdomains, or ``*``; at most 250.
                https://docs.aws.amazon.com/workmail/latest/adminguide/workmail_limits.html
            destinations: The same for recipients; a synchronous rule is for every destination.
            rule_name: The name of the rule; made from the construct's path by default.
            bucket: A bucket for changed messages instead of a new one, which keeps them for two
                days; encrypted by S3 itself, in this account and region.
            remember_answers: Whether to keep each answer for a day in a new table, so that retries
                of WorkMail get the same answer and the work is not done twice.

        Raises:
            ConfigurationError: Whatever WorkMail is documented to refuse.
        """
        stack = stack_of(scope)
        problems = Problems(scope, construct_id)
        checks.check_organization(
            problems, region=stack.region, organization_id=organization_id, direction=direction
        )
        checks.check_patterns(problems, "senders", senders)
        checks.check_patterns(problems, "destinations", destinations)
        _check_others(problems, scope, organization_id, direction, senders, rule_name)
        checks.check_mode(problems, mode, direction=direction, destinations=destinations)
        checks.check_handler(problems, handler, mode)
        replaces = isinstance(handler, FlowHandler) and handler.replaces
        checks.check_bucket(problems, bucket, stack=stack, replaces=replaces)
        problems.raise_if_any()
        with leaving_nothing(scope, construct_id):
            super().__init__(scope, construct_id)
            asynchronous = isinstance(mode, Asynchronous)
            letters = _queues.dead_letter_queue(self, key=None) if asynchronous else None
            function = handler.create(
                self,
                entry="mailroom.entry.workmail",
                specs=[handler.handler],
                description=f"Decides on WorkMail's {str(direction).lower()} mail: {self.node.id}",
                environment={
                    "MAILROOM_FLOW_HANDLER": handler.handler,
                    "MAILROOM_RULE": self.node.id,
                    "MAILROOM_FLOW_MODE": "asynchronous" if asynchronous else "synchronous",
                },
                dead_letter_queue=letters,
            )
        self._stack = stack
        self.organization_id = organization_id
        """The organization's id."""
        self.direction = FlowDirection(direction)
        """The flow that the rule is for."""
        self.mode = mode
        """Whether WorkMail waits for the function."""
        self.senders = list(senders)
        """The patterns of senders."""
        self.destinations = list(destinations)
        """The patterns of recipients."""
        self.rule_name = rule_name or Names.unique_resource_name(self, max_length=64, separator="-")
        """The rule's name, as it must be entered at the console."""
        self.dead_letter_queue = letters
        """Receives what the function failed to handle three times; ``None`` if WorkMail waits."""
        self.dead_letter_alarm = None
        """Goes off while an event is in the dead-letter queue; ``None`` if WorkMail waits."""
        if isinstance(mode, Asynchronous):
            assert letters is not None
            self.dead_letter_alarm = _alarms.dead_letter_alarm(
                self,
                letters,
                description=f"Mail in flow that was not handled: {self.node.id}",
                topic=mode.alert_topic,
            )
        self.function: lambda_.Function = function
        """The function that WorkMail calls."""
        self.permission = self._permit()
        """WorkMail's permission to call it."""
        self.bucket = None if not replaces else bucket or self._make_bucket()
        """The bucket for changed messages; ``None`` if the handler replaces none."""
        self.answers = self._make_table() if remember_answers else None
        """The table of answers; ``None`` unless they are remembered."""
        if handler.read_mail:
            self._grant_messages(replaces=replaces)
        if isinstance(handler, FlowHandler):
            handler.configure_flow(self.function)
        written = WrittenRule(
            name=self.rule_name,
            organization_id=organization_id,
            region=stack.region,
            direction=self.direction,
            mode=mode,
            senders=self.senders,
            destinations=self.destinations,
            function=self.function,
        )
        self.rule = written.operation()
        """The rule in the form of WorkMail's own, unpublished operations."""
        self.console_steps = written.steps()
        """What to do at the console, step by step, with the real names."""
        CfnOutput(self, "Rule", value=stack.to_json_string(self.rule))
        numbered = (f"{number}. {step}" for number, step in enumerate(self.console_steps, 1))
        CfnOutput(self, "ConsoleSteps", value="\n".join(numbered))
        Annotations.of(self).add_warning_v2("cdk-mailroom:workmail-ends", _ENDS)

    @property
    def organization_arn(self) -> str:
        """The organization's ARN."""
        return self._stack.format_arn(
            service="workmail", resource="organization", resource_name=self.organization_id
        )

    def _messages_arn(self, rest: str) -> str:
        return self._stack.format_arn(
            service="workmailmessageflow",
            resource="message",
            resource_name=f"{self.organization_id}/{rest}",
        )

    def _principal(self) -> str:
        return f"workmail.{self._stack.region}.amazonaws.com"

    def _permit(self) -> Construct:
        self.function.add_permission(
            "AllowWorkMail",
            principal=iam.ServicePrincipal(self._principal()),
            source_account=self._stack.account,
            source_arn=self.organization_arn,
        )
        permission = self.function.permissions_node.find_child("AllowWorkMail")
        assert isinstance(permission, Construct)
        return permission

    def _grant_messages(self, *, replaces: bool) -> None:
        flow = "incoming" if self.direction == FlowDirection.INBOUND else "outgoing"
        messages = self._messages_arn(f"{flow}/*")
        actions = ["workmailmessageflow:GetRawMessageContent"]
        self.function.add_environment("MAILROOM_FLOW_CONTENT", "1")
        if replaces:
            actions.append("workmailmessageflow:PutRawMessageContent")
        self.function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=[messages]))
        reviewed_wildcard(
            self.function.role, messages, "every message of one organization in one direction"
        )
        if self.bucket is None:
            return
        self.function.add_environment("MAILROOM_FLOW_BUCKET", self.bucket.bucket_name)
        grant_write(self.function, self.bucket, "changed/")
        statement = iam.PolicyStatement(
            actions=["s3:GetObject", "s3:GetObjectVersion"],
            principals=[iam.ServicePrincipal(self._principal())],
            resources=[objects_arn(self.bucket, "")],
            conditions={
                "Bool": {"aws:SecureTransport": "true"},
                "StringEquals": {"aws:SourceAccount": self._stack.account},
                "ArnLike": {"aws:SourceArn": self._messages_arn("*")},
            },
        )
        if not self.bucket.add_to_resource_policy(statement).statement_added:
            warn_of_import(
                self,
                "bucket",
                self.bucket,
                statement,
                "WorkMail refuses every changed message with InvalidContentLocation",
            )

    def _make_bucket(self) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Bucket",
            # WorkMail reads it, and cannot use a KMS key.
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            # WorkMail has a message for one day, and S3 counts in whole ones.
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(2))],
            # A bucket that is not empty could not be deleted, nor its stack; it empties itself.
            removal_policy=RemovalPolicy.RETAIN,
        )
        reviewed(bucket, "S1", "copies on their way, gone after two days")
        return bucket

    def _make_table(self) -> dynamodb.Table:
        table = dynamodb.Table(
            self,
            "Answers",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            time_to_live_attribute="expires_at",
            removal_policy=RemovalPolicy.DESTROY,
        )
        reviewed(table, "DDB3", "answers are good for a day; nothing in it is worth a backup")
        table.grant(self.function, "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")
        self.function.add_environment("MAILROOM_FLOW_TABLE", table.table_name)
        return table


def _check_others(
    problems: Problems,
    scope: Construct,
    organization_id: str,
    direction: FlowDirection | str,
    senders: Sequence[str],
    rule_name: str | None,
) -> None:
    if len(senders) > limits.SENDERS_PER_RULE:
        problems.add(
            "len(senders)",
            len(senders),
            f"pass at most {limits.SENDERS_PER_RULE}; use domains, or add a second rule",
        )
    others = [
        one
        for one in scope.node.root.node.find_all()
        if isinstance(one, EmailFlowRule) and one.organization_id == organization_id
    ]
    total = len(senders) + sum(len(one.senders) for one in others)
    if total > limits.SENDERS_PER_ORGANIZATION:
        problems.add(
            "len(senders)",
            total,
            f"WorkMail allows {limits.SENDERS_PER_ORGANIZATION} in all rules of an organization "
            "together",
        )
    for one in others:
        if rule_name is not None and one.rule_name == rule_name and one.direction == direction:
            problems.add(
                "rule_name", rule_name, f"{one.node.path} already has that name: choose another"
            )
