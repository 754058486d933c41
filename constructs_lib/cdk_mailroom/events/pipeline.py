"""A pipeline: queues, alarms and function for some types of events."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk_mailroom import _alarms, _queues, _quotas
from cdk_mailroom._asked import stack_of
from cdk_mailroom._checks import Problems
from cdk_mailroom._construct import MailConstruct
from cdk_mailroom._reviewed import reviewed_wildcard
from cdk_mailroom.events.access import (
    SNS,
    allow_service,
    grant_key,
    service_of_account,
    sns_of_account,
)
from cdk_mailroom.events.bus import QueueTarget, pattern
from cdk_mailroom.functions import PythonFunction
from cdk_mailroom.handlers import PythonHandler
from mailroom.ses import FEEDBACK_TYPES, EventType

__all__ = [
    "BUNDLED",
    "Bundled",
    "BundledSettings",
    "BusPipeline",
    "EventPipeline",
    "Pipeline",
    "PipelineSettings",
    "check_handlers",
]

_RECORD = "mailroom.handlers.events.record:on_event"
_TRIES_IN_BATCHES = 2
# AWS recommends at least five in a queue, as an event that Lambda throttles counts as received. It
# counts "across all queues", so those in batches come on top.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
_TRIES = _TRIES_IN_BATCHES + 5
# The fewest that Lambda accepts.
_ISOLATED_CONCURRENCY = 2
_PATIENCE_SECONDS = 3600
_EVENTS = "events.amazonaws.com"

# DynamoDB uses a customer key on behalf of its caller.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
_TABLE_KEY_ACTIONS = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:GenerateDataKey*",
)
_SUPPRESSING = frozenset({EventType.BOUNCE, EventType.COMPLAINT})
_ALERTING = frozenset(
    {
        EventType.COMPLAINT,
        EventType.DELIVERY_DELAY,
        EventType.REJECT,
        EventType.RENDERING_FAILURE,
        EventType.SUBSCRIPTION,
    }
)


class Bundled:
    """The type of `BUNDLED`."""


BUNDLED: Final = Bundled()
"""As a handler in `EventPublishing.on`: the bundled behaviour of the type, to chain with yours."""


@dataclass(frozen=True, kw_only=True)
class BundledSettings:
    """What bundled behaviours need besides the event table."""

    environment: Mapping[str, str]
    """Their settings."""
    suppress: bool
    """Whether they put addresses on the suppression list of the account or of a tenant."""


@dataclass(frozen=True, kw_only=True)
class PipelineSettings:
    """What a pipeline takes from the `EventPublishing` that makes it."""

    types: Sequence[EventType]
    """The types that it handles."""
    handlers: Sequence[PythonHandler | Bundled]
    """What handles them, in order: at most one `PythonHandler`."""
    table: dynamodb.ITable
    """The event table, in which every event is recorded, whatever handles it."""
    recording: Mapping[str, str]
    """The settings of the recording, besides the table's name."""
    key: kms.IKey | None
    """Encrypts the queues."""
    alert_topic: sns.ITopic
    """The topic of the alarm and of the bundled behaviours."""
    maximum_concurrency: int
    """How many batches the function handles at a time."""
    bundled: BundledSettings
    """Of use if a handler is bundled."""


class Pipeline(MailConstruct):
    """Queue, isolation queue, dead-letter queue, alarms and function.

    If the function's process dies, Lambda takes the whole batch for failed: which event did it
    cannot be known. So events that failed twice go to the isolation queue, from which the function
    gets one at a time, and only the event that kills it reaches the dead-letter queue.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: PipelineSettings) -> None:
        """Create them; subclasses connect the queue.

        Args:
            scope: The parent construct.
            construct_id: The id below *scope*.
            settings: The settings of the `EventPublishing`.
        """
        super().__init__(scope, construct_id)
        self.types = tuple(settings.types)
        """The types that it handles."""
        named = ", ".join(self.types)
        own = next((one for one in settings.handlers if isinstance(one, PythonHandler)), None)
        maker = own or PythonFunction(None, _RECORD, memory_size=256)
        self.dead_letter_queue = _queues.dead_letter_queue(self, key=settings.key)
        """Receives events that the function failed to handle twice in batches and at least five
        times alone, or could not read, and those that could not be put into the queue."""
        # AWS recommends six times the function's timeout: otherwise a slow batch comes twice.
        # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
        hidden = 6 * _known_seconds(maker.timeout)
        # A retention counts from when the event was first put into a queue.
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/setting-up-dead-letter-queue-retention.html
        self.isolation_queue = _queues.queue(
            self,
            "IsolationQueue",
            key=settings.key,
            retention=Duration.days(8),
            visibility_timeout=Duration.seconds(hidden),
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=self.dead_letter_queue, max_receive_count=_TRIES
            ),
        )
        """Receives events that failed twice in batches; the function gets them one at a time, so
        that none suffers for another."""
        self.queue = _queues.queue(
            self,
            "Queue",
            key=settings.key,
            retention=Duration.days(4),
            visibility_timeout=Duration.seconds(hidden),
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=self.isolation_queue, max_receive_count=_TRIES_IN_BATCHES
            ),
        )
        """The queue that events wait in."""
        specs = _specs(settings)
        bundled = any(isinstance(one, Bundled) for one in settings.handlers)
        self.function = maker.create(
            self,
            entry="mailroom.entry.events",
            specs=[spec for chain in specs.values() for spec in chain],
            description=f"Handles SES events: {named}",
            environment={
                "MAILROOM_HANDLERS": json.dumps(specs),
                "MAILROOM_EVENT_TABLE": settings.table.table_name,
                **settings.recording,
                **(self._environment(settings) if bundled else {}),
            },
        )
        """The function that handles them."""
        self._grant_recording(settings.table)
        if bundled:
            self._grant_bundled(settings.bundled, settings.alert_topic)
        # Not SqsEventSource and SqsSubscription of aws-cdk-lib: their ids contain the stack's name,
        # and the subscription's key statement names the topic, which waits for the key itself.
        for construct_id, queue, batch_size, concurrency in (
            ("Mapping", self.queue, 10, settings.maximum_concurrency),
            ("IsolationMapping", self.isolation_queue, 1, _ISOLATED_CONCURRENCY),
        ):
            queue.grant_consume_messages(self.function)
            lambda_.EventSourceMapping(
                self,
                construct_id,
                target=self.function,
                event_source_arn=queue.queue_arn,
                batch_size=batch_size,
                report_batch_item_failures=True,
                max_concurrency=concurrency,
            )
        self.dead_letter_alarm = _alarms.dead_letter_alarm(
            self,
            self.dead_letter_queue,
            description=f"Events that were not handled: {named}",
            topic=settings.alert_topic,
        )
        """Goes off while an event is in the dead-letter queue."""
        self.age_alarm = _alarms.age_alarm(
            self,
            "AgeAlarm",
            self.queue,
            # An event that fails every time is no older than that, and moves on.
            seconds=max(_PATIENCE_SECONDS, _TRIES_IN_BATCHES * hidden),
            what=f"Events ({named})",
            topic=settings.alert_topic,
        )
        """Goes off while an event waits in the queue for an hour, or for longer than both of its
        attempts there may take."""
        self.isolation_age_alarm = _alarms.age_alarm(
            self,
            "IsolationAgeAlarm",
            self.isolation_queue,
            seconds=max(_PATIENCE_SECONDS, _TRIES * hidden),
            what=f"Events ({named}) that failed twice",
            topic=settings.alert_topic,
        )
        """Goes off while an event waits in the isolation queue for an hour, or for longer than all
        of its attempts there may take."""

    @property
    def alarms(self) -> Mapping[str, cloudwatch.Alarm]:
        """The alarms, by construct id."""
        return {
            "DeadLetterAlarm": self.dead_letter_alarm,
            "AgeAlarm": self.age_alarm,
            "IsolationAgeAlarm": self.isolation_age_alarm,
        }

    def _environment(self, settings: PipelineSettings) -> dict[str, str]:
        """Return what the bundled behaviours are told."""
        alerted = not _ALERTING.isdisjoint(self.types)
        topic = {"MAILROOM_ALERT_TOPIC": settings.alert_topic.topic_arn} if alerted else {}
        return {**settings.bundled.environment, **topic}

    def _grant_recording(self, table: dynamodb.ITable) -> None:
        # Not table.grant(), which includes the indexes: nothing is written there.
        iam.Grant.add_to_principal(
            grantee=self.function, actions=["dynamodb:PutItem"], resource_arns=[table.table_arn]
        )
        if table.encryption_key is not None:
            table.encryption_key.grant(self.function, *_TABLE_KEY_ACTIONS)
            self._review_key("kms:GenerateDataKey*")

    def _grant_bundled(self, bundled: BundledSettings, alert_topic: sns.ITopic) -> None:
        function = self.function
        if not _ALERTING.isdisjoint(self.types):
            alert_topic.grant_publish(function)
            if alert_topic.master_key is not None:
                self._review_key("kms:GenerateDataKey*")
        if bundled.suppress and not _SUPPRESSING.isdisjoint(self.types):
            function.add_to_role_policy(
                iam.PolicyStatement(
                    actions=["ses:PutSuppressedDestination"],
                    # It supports no resource (Service Authorization Reference, Amazon SES v2).
                    resources=["*"],
                )
            )
            reviewed_wildcard(
                function.role,
                "*",
                "the account's suppression list has no ARN, and any tenant may have one",
            )

    def _review_key(self, *actions: str) -> None:
        for action in actions:
            reviewed_wildcard(
                self.function.role,
                f"Action::{action}",
                "both variants of one operation, only on the keys of the table and the alert topic",
            )


class EventPipeline(Pipeline):
    """A pipeline behind the topic; made by `EventPublishing.on`."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: PipelineSettings, topic: sns.ITopic
    ) -> None:
        """Create the pipeline and its subscription, which filters by type.

        Args:
            scope: The parent construct.
            construct_id: The id below *scope*.
            settings: The settings of the `EventPublishing`.
            topic: The topic to subscribe to.
        """
        super().__init__(scope, construct_id, settings=settings)
        policies = [
            allow_service(queue, SNS, topic.topic_arn).policy_dependable
            for queue in (self.queue, self.dead_letter_queue)
        ]
        if settings.key is not None:
            grant_key(self, settings.key, sns_of_account(topic))
        self.subscription = sns.Subscription(
            self,
            "Subscription",
            topic=topic,
            protocol=sns.SubscriptionProtocol.SQS,
            endpoint=self.queue.queue_arn,
            raw_message_delivery=True,
        )
        """The subscription of the queue to the topic."""
        # Not dead_letter_queue=, which names the topic in the policy of the queue's key, as above.
        resource = self.subscription.node.default_child
        assert isinstance(resource, sns.CfnSubscription)
        # Not filter_policy_with_message_body=, which has no $or.
        resource.filter_policy, resource.filter_policy_scope = _filter(self.types), "MessageBody"
        resource.redrive_policy = {"deadLetterTargetArn": self.dead_letter_queue.queue_arn}
        self.subscription.node.add_dependency(*(one for one in policies if one is not None))


class BusPipeline(Pipeline):
    """A pipeline behind a rule of the default bus; made by `EventPublishing.on_bus`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: PipelineSettings,
        configuration_set_name: str,
    ) -> None:
        """Create the pipeline and its rule.

        Args:
            scope: The parent construct.
            construct_id: The id below *scope*.
            settings: The settings of the `EventPublishing`.
            configuration_set_name: Whose events the rule matches.
        """
        super().__init__(scope, construct_id, settings=settings)
        self.rule = events.Rule(
            self,
            "Rule",
            description=f"SES events: {', '.join(self.types)}",
            event_pattern=pattern(configuration_set_name, self.types),
        )
        """The rule that fills the queue."""
        for queue in (self.queue, self.dead_letter_queue):
            allow_service(queue, _EVENTS, self.rule.rule_arn)
        if settings.key is not None:
            stack = stack_of(self)
            # Not the rule's own ARN: the rule waits for the queue, and that for the key.
            rules = stack.format_arn(service="events", resource="rule", resource_name="*")
            grant_key(self, settings.key, service_of_account(_EVENTS, stack.account, rules))
        self.rule.add_target(QueueTarget(self.queue, self.dead_letter_queue))
        self.undelivered_alarm = _alarms.count_alarm(
            self,
            "UndeliveredAlarm",
            # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
            _alarms.count(
                "AWS/Events", "InvocationsFailedToBeSentToDlq", {"RuleName": self.rule.rule_name}
            ),
            description="EventBridge could not put events into the queue, nor into the dead-letter "
            "queue: they are lost",
            topic=settings.alert_topic,
        )
        """Goes off when EventBridge could put an event into neither queue."""

    @property
    def alarms(self) -> Mapping[str, cloudwatch.Alarm]:
        """The alarms, by construct id."""
        return {**super().alarms, "UndeliveredAlarm": self.undelivered_alarm}


def check_handlers(
    problems: Problems,
    handlers: Sequence[object],
    *,
    types: Sequence[EventType],
    maximum_concurrency: int,
) -> None:
    """Report handlers that cannot run together, or that were made for something else."""
    for handler in handlers:
        if not isinstance(handler, PythonHandler | Bundled):
            problems.add("handlers", handler, "pass a PythonHandler, or BUNDLED")
    if sum(isinstance(handler, Bundled) for handler in handlers) > 1:
        problems.add("handlers", "BUNDLED", "it would run twice; pass it once")
    own = [handler for handler in handlers if isinstance(handler, PythonHandler)]
    if len(own) > 1:
        problems.add(
            "len(handlers)",
            len(handlers),
            "pass one PythonHandler, and call the other function from it: a Lambda function has "
            "one folder",
        )
    for handler in own:
        handler.check_for_events(problems)
        handler.check_events(problems, "a pipeline of these types", types)
        reserved = handler.reserved_concurrency
        # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
        needed = maximum_concurrency + _ISOLATED_CONCURRENCY
        if reserved is not None and reserved < needed:
            problems.add(
                "reserved_concurrency",
                reserved,
                f"pass at least {needed}, the maximum_concurrency and {_ISOLATED_CONCURRENCY} for "
                "the isolation queue: events that Lambda throttles end in the dead-letter queue",
            )


def _specs(settings: PipelineSettings) -> dict[str, list[str]]:
    # The bundled behaviours record as well, but a function before them may fail.
    first = [] if isinstance(settings.handlers[0], Bundled) else [_RECORD]
    return {
        str(kind): first
        + [
            handler.handler
            if isinstance(handler, PythonHandler)
            else f"mailroom.handlers.events.{kind.name.lower()}:on_event"
            for handler in settings.handlers
        ]
        for kind in settings.types
    }


def _filter(types: Sequence[EventType]) -> dict[str, object]:
    # https://docs.aws.amazon.com/sns/latest/dg/and-or-logic.html#or-operator
    published = {"eventType": [str(kind) for kind in types]}
    # The topic may be one that an identity sends its feedback to as well.
    notified = [str(kind) for kind in FEEDBACK_TYPES if kind in types]
    return {"$or": [published, {"notificationType": notified}]} if notified else dict(published)


def _known_seconds(timeout: Duration) -> float:
    # A value that only CloudFormation knows is at most what Lambda allows.
    return _quotas.LAMBDA_SECONDS if timeout.is_unresolved() else timeout.to_seconds()
