"""Event publishing: what handles which type of event, and who may send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from aws_cdk import Duration, Tokenization
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from constructs import Construct

from cdk_mailroom._asked import stack_of
from cdk_mailroom._checks import (
    Problems,
    Retention,
    check_configuration_set_name,
    check_identities,
    check_number,
    check_retention,
    leaving_nothing,
)
from cdk_mailroom._grants import (
    Endpoint,
    Route,
    TenantOfSender,
    TrackingGrant,
    check_sender,
    grant_sending,
    identity_names,
)
from cdk_mailroom._places import check_arn_region, check_sender_place
from cdk_mailroom.events import access, bus, options
from cdk_mailroom.events.alarms import make_notification_alarms, make_reputation_alarms
from cdk_mailroom.events.destinations import EventDestinations
from cdk_mailroom.events.options import Alerts, checked_types, cloudformation_names
from cdk_mailroom.events.pipeline import (
    BUNDLED,
    Bundled,
    BundledSettings,
    BusPipeline,
    EventPipeline,
    PipelineSettings,
    check_handlers,
)
from cdk_mailroom.events.table import TABLE_ID, check_table, make_table
from cdk_mailroom.handlers import PythonHandler
from mailroom.ses import EventType

__all__ = ["EventPublishing"]

_RETENTION_DAYS: Final = 90
# Every item of the table has a time to live, so "forever" is a time far in the future.
_FOREVER_DAYS: Final = 36_500


class EventPublishing(EventDestinations):
    """The events of mail that you send, handled; choose the types with `on`.

    Creates a configuration set and a topic to which SES alone may publish, and for each call of
    `on` a subscription that filters by type, a queue, an isolation queue, a dead-letter queue, a
    function, and alarms. SES publishes only the types that are handled. Each function records its
    events in an event table (on demand, encrypted, point-in-time recovery, kept if the stack is
    deleted), also where it runs only yours. The bundled behaviours publish to the alert topic what
    needs a person's attention. Alarms warn before AWS reviews the account (bounces 5 %, complaints
    0.1 %), and at half that.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        configuration_set: ses.IConfigurationSet | None = None,
        configuration_set_name: str | None = None,
        topic: sns.ITopic | None = None,
        encryption_key: kms.IKey | None = None,
        identities: Sequence[ses.IEmailIdentity | str] | None = None,
        event_table: dynamodb.ITable | None = None,
        retention: Retention | None = None,
        alert_topic: sns.ITopic | None = None,
        alerts: Alerts | None = None,
        suppress: bool = True,
        maximum_concurrency: int = 10,
        reputation_alarms: bool = True,
    ) -> None:
        """Create the configuration set, the topics and the alarms.

        Args:
            scope: The parent construct.
            construct_id: The id below *scope*.
            configuration_set: A configuration set to use instead of a new one: for a TLS policy,
                tracking domain, dedicated IP pool and other options pass ``ses.ConfigurationSet``.
            configuration_set_name: The name of the new configuration set; made by CloudFormation
                by default.
            topic: A standard topic to use instead of a new one.
            encryption_key: Encrypts the new topics, the new table, a new lake and all queues. By
                default topics are not encrypted at rest, and the others with keys of AWS.
            identities: What `grant_send` lets others send from, as identities or their names; every
                identity of the account by default.
            event_table: A table to use instead of a new one, with the keys ``message_id`` and
                ``at``, both text, and the time to live ``expires_at``. ``mailroom trace`` also
                needs the index ``recipient`` and the tag ``mailroom:event-table``.
            retention: How long events are kept in the event table, in whole days, or
                ``"forever"``; 90 days by default.
            alert_topic: A standard topic for alarms and alerts instead of a new one.
            alerts: When the bundled behaviours publish to the alert topic.
            suppress: Whether the bundled behaviours put permanent bounces and complaints on the
                suppression list of the account, or of the tenant whose mail it was.
            maximum_concurrency: How many batches each function handles at a time, 2 to 1000; it
                handles two isolated events at a time in addition.
            reputation_alarms: Whether to create alarms on the account's bounce and complaint rates;
                one set of them is enough for an account and region.

        Raises:
            ConfigurationError: An argument that AWS would refuse, or that would have no effect.
        """
        problems = Problems(scope, construct_id)
        chosen = alerts or Alerts()
        check_configuration_set_name(problems, "configuration_set_name", configuration_set_name)
        if configuration_set is not None and configuration_set_name is not None:
            problems.add(
                "configuration_set_name",
                configuration_set_name,
                "it has no effect on a given configuration_set; omit one of the two",
            )
        options.check_topic(problems, "topic", topic, "SES")
        options.check_topic(problems, "alert_topic", alert_topic, "CloudWatch")
        if identities is not None:
            check_identities(problems, "identities", identities)
        check_table(problems, event_table)
        options.check_places(
            problems,
            stack_of(scope),
            topic=topic,
            alert_topic=alert_topic,
            encryption_key=encryption_key,
        )
        if event_table is not None:
            # Not its env, which is the stack's for an imported table.
            arn, reason = event_table.table_arn, "its handlers use tables of their own region"
            check_arn_region(problems, "event_table", arn, stack_of(scope), reason)
        check_number(
            problems, "maximum_concurrency", maximum_concurrency, range(2, 1001), "invocations"
        )
        options.check_alerts(problems, chosen)
        check_retention(problems, "retention", retention)
        problems.raise_if_any()
        super().__init__(
            scope,
            construct_id,
            configuration_set=configuration_set,
            configuration_set_name=configuration_set_name,
            encryption_key=encryption_key,
            alert_topic=alert_topic,
        )
        self._identities = None if identities is None else identity_names(identities)
        self._maximum_concurrency = maximum_concurrency
        self._recording = {"MAILROOM_EVENT_TTL_DAYS": _days(retention)}
        warning = chosen.delay_warning or Duration.hours(2)
        self._bundled = BundledSettings(
            environment={
                "MAILROOM_ALERT_WINDOW_SECONDS": _seconds(chosen.window or Duration.hours(1)),
                "MAILROOM_EXPIRY_WARNING_SECONDS": _seconds(warning),
                "MAILROOM_SUPPRESS": "1" if suppress else "0",
            },
            suppress=suppress,
        )
        self.topic: sns.ITopic = topic or self._make_topic("Topic")
        """The topic that SES publishes to, given or new."""
        self._event_table = event_table
        self._pipelines: dict[EventType, EventPipeline] = {}
        self._destination: ses.CfnConfigurationSetEventDestination | None = None
        self._topic_policy = access.grant_ses(self, self.topic, self.configuration_set_name)
        self._alarms = make_reputation_alarms(self, self.alert_topic) if reputation_alarms else {}

    @property
    def pipelines(self) -> Mapping[EventType, EventPipeline]:
        """The pipeline of each handled type; types that were passed together share one."""
        return dict(self._pipelines)

    @property
    def alarms(self) -> Mapping[str, cloudwatch.Alarm]:
        """The alarms, by construct id; those of a pipeline are its `Pipeline.alarms`.

        The first call of `on` adds two on what SNS fails to deliver from the topic, to any of its
        subscriptions.
        """
        return dict(self._alarms)

    @property
    def event_table(self) -> dynamodb.ITable:
        """The event table, given, or made when the first type is handled."""
        if self._event_table is not None:
            return self._event_table
        made = self.node.try_find_child(TABLE_ID)
        return made if isinstance(made, dynamodb.Table) else make_table(self, key=self._key)

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment variables of a sender whose mail has events."""
        return {"MAILROOM_CONFIGURATION_SET": self.configuration_set_name}

    def on(
        self, types: EventType | Sequence[EventType], *handlers: PythonHandler | Bundled
    ) -> EventPipeline:
        """Handle one type of event, or several together.

        Creates a queue, an isolation queue from which the function gets one event at a time after
        two failures, a dead-letter queue, a function, a subscription of the queue to the topic, and
        alarms while an event is in the dead-letter queue or waits for too long. The first type
        names the construct: another first type makes a new queue.

        Args:
            types: One type has a queue and a function of its own, so that a flood of opens delays
                no bounce. Several types in a list share them, which suits a small stack.
            *handlers: A `PythonHandler` is your function of the typed event. ``BUNDLED`` and a
                `PythonHandler` run one after the other, in the order given. The bundled behaviour
                alone by default. The event is recorded in the event table before your function is
                called; an event that cannot be recorded fails and is retried.

        Returns:
            The pipeline.

        Raises:
            ConfigurationError: A type that is handled already, or handlers that cannot run
                together.
        """
        problems = Problems(self)
        wanted = checked_types(problems, types)
        for kind in set(wanted) & set(self._pipelines):
            problems.add(
                "types",
                str(kind),
                "it is handled already; chain handlers in one call: on(type, BUNDLED, yours)",
            )
        check_handlers(
            problems, handlers, types=wanted, maximum_concurrency=self._maximum_concurrency
        )
        if self._destination is None:
            self._check_destinations(problems)
        problems.raise_if_any()
        construct_id = _construct_id(wanted[0])
        with leaving_nothing(self, TABLE_ID), leaving_nothing(self, construct_id):
            pipeline = EventPipeline(
                self,
                construct_id,
                settings=self._settings(wanted, handlers),
                topic=self.topic,
            )
        self._pipelines.update(dict.fromkeys(wanted, pipeline))
        self._publish_to_topic()
        assert self._destination is not None
        # Events that are published before the subscription exists are lost.
        self._destination.node.add_dependency(pipeline.subscription)
        return pipeline

    def on_bus(
        self,
        types: EventType | Sequence[EventType],
        *handlers: PythonHandler | Bundled | events.IRuleTarget,
    ) -> BusPipeline | events.Rule:
        """Handle types of events as they come over EventBridge's default bus.

        Creates a rule. A type may have several rules, and `on` may handle it too: each handler must
        then expect an event more than once.

        Args:
            types: One type, or several in a list.
            *handlers: As in `on`, with the same queues and function behind the rule; or one
                EventBridge target, with its own dead-letter queue.

        Returns:
            The pipeline, or the rule of a target.

        Raises:
            ConfigurationError: A rule begins with the same type, handlers cannot run together, or
                no destination is left.
        """
        problems = Problems(self)
        wanted = checked_types(problems, types)
        target = bus.rule_target(problems, handlers)
        own = [one for one in handlers if isinstance(one, PythonHandler | Bundled)]
        if target is None:
            check_handlers(
                problems, handlers, types=wanted, maximum_concurrency=self._maximum_concurrency
            )
        construct_id = f"Bus{_construct_id(wanted[0])}" if wanted else ""
        if wanted and self.node.try_find_child(construct_id):
            problems.add(
                "types",
                str(wanted[0]),
                "another rule begins with this type; begin with another type, or chain handlers",
            )
        self._check_bus(problems)
        problems.raise_if_any()
        made: BusPipeline | events.Rule
        with leaving_nothing(self, TABLE_ID), leaving_nothing(self, construct_id):
            if target is not None:
                made = events.Rule(
                    self,
                    construct_id,
                    description=f"SES events: {', '.join(wanted)}",
                    event_pattern=bus.pattern(self.configuration_set_name, wanted),
                    targets=[target],
                )
            else:
                made = BusPipeline(
                    self,
                    construct_id,
                    settings=self._settings(wanted, own),
                    configuration_set_name=self.configuration_set_name,
                )
        # Events that are published before the rule exists, or may fill its queue, are lost.
        self._publish_to_bus(wanted).node.add_dependency(made)
        return made

    def grant_send(
        self,
        grantee: iam.IGrantable,
        *,
        from_address: str | None = None,
        templates: Sequence[str] = (),
        bulk: bool = False,
        tenants: Sequence[TenantOfSender | str] = (),
        endpoint: Endpoint | None = None,
        tracking: TrackingGrant = False,
    ) -> iam.Grant:
        """Let *grantee* send through the configuration set; a function also gets `environment`.

        SES asks for permission on the identity, on the configuration set and, for templated mail,
        on the template (https://docs.aws.amazon.com/ses/latest/dg/control-user-access.html).

        Args:
            grantee: Who sends.
            from_address: The only From address that it may use; any of the identities by default.
            templates: The names of templates that it may use.
            bulk: Whether it may also send to many recipients in one call; not with *from_address*,
                which SES does not look at then.
            tenants: Every `Tenant` that it may send through, or its name; then it may not send
                outside of them. One alone becomes the function's default.
            endpoint: The `MultiRegionEndpoint` that it sends through; then it may not send
                otherwise.
            tracking: Whether it may decide for each message whether SES tracks opens and clicks;
                ``"off"`` lets it turn tracking off only.

        Returns:
            The grant.

        Raises:
            ConfigurationError: A From address that belongs to no identity, or comes with *bulk*.
        """
        problems = Problems(self)
        check_sender(
            problems,
            from_address=from_address,
            identities=self._identities,
            templates=templates,
            bulk=bulk,
        )
        check_sender_place(problems, "grantee", self, grantee)
        route = Route(tenants=tenants, endpoint=endpoint, tracking=tracking)
        route.check(problems)
        problems.raise_if_any()
        self.configure_sender(grantee)
        route.configure(grantee)
        return grant_sending(
            grantee,
            stack=stack_of(self),
            identities=self._identities,
            configuration_set_name=self.configuration_set_name,
            templates=templates,
            from_address=from_address,
            bulk=bulk,
            route=route,
        )

    def configure_sender(self, grantee: iam.IGrantable) -> None:
        """Add `environment` to *grantee*, if that is a function.

        Args:
            grantee: Anything; only a Lambda function is changed.
        """
        if isinstance(grantee, lambda_.Function):
            for name, value in self.environment.items():
                grantee.add_environment(name, value)

    def _settings(
        self, types: Sequence[EventType], handlers: Sequence[PythonHandler | Bundled]
    ) -> PipelineSettings:
        return PipelineSettings(
            types=types,
            handlers=handlers or (BUNDLED,),
            table=self.event_table,
            recording=self._recording,
            key=self._key,
            alert_topic=self.alert_topic,
            maximum_concurrency=self._maximum_concurrency,
            bundled=self._bundled,
        )

    def _publish_to_topic(self) -> None:
        destination = ses.CfnConfigurationSetEventDestination.EventDestinationProperty(
            matching_event_types=cloudformation_names(self._pipelines),
            enabled=True,
            sns_destination=ses.CfnConfigurationSetEventDestination.SnsDestinationProperty(
                topic_arn=self.topic.topic_arn
            ),
        )
        if self._destination is not None:
            self._destination.event_destination = destination
            return
        self._destination = ses.CfnConfigurationSetEventDestination(
            self,
            "Destination",
            configuration_set_name=self.configuration_set_name,
            event_destination=destination,
        )
        # SES checks that it may publish when the destination is made.
        if self._topic_policy is not None:
            self._destination.node.add_dependency(self._topic_policy)
        self._destination.node.add_dependency(self.configuration_set)
        self._alarms |= make_notification_alarms(self, self.topic, self.alert_topic)


def _construct_id(kind: EventType) -> str:
    return kind.replace(" ", "")


def _seconds(duration: Duration) -> str:
    return Tokenization.stringify_number(duration.to_seconds())


def _days(retention: Retention | None) -> str:
    if isinstance(retention, str):
        return str(_FOREVER_DAYS)
    return Tokenization.stringify_number((retention or Duration.days(_RETENTION_DAYS)).to_days())
