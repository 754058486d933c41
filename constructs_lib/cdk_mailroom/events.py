"""Handle sending events: configuration set, SNS destination, one tested pipeline for each type."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from aws_cdk import Annotations, Duration, Stack, Tags, Tokenization
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IConstruct

from cdk_mailroom import _destinations, _queues, _quotas
from cdk_mailroom._checks import (
    Problems,
    check_address,
    check_configuration_set_name,
    check_domain,
    check_identities,
    check_number,
    check_seconds,
    resolved,
)
from cdk_mailroom._grants import grant_sending, identity_names
from cdk_mailroom._reviewed import reviewed_wildcard
from cdk_mailroom.handlers import PythonHandler
from cdk_mailroom.lake import EventLake
from mailroom.events import EventType

__all__ = [
    "BUNDLED",
    "Bundled",
    "BusPipeline",
    "EventPipeline",
    "EventPublishing",
    "EventType",
]

_SES = "ses.amazonaws.com"
_SNS = "sns.amazonaws.com"
_EVENTS = "events.amazonaws.com"

# CloudFormation spells the types in a way of its own:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-ses-configurationseteventdestination-eventdestination.html
_IN_CLOUDFORMATION: Final = {
    EventType.BOUNCE: "bounce",
    EventType.CLICK: "click",
    EventType.COMPLAINT: "complaint",
    EventType.DELIVERY: "delivery",
    EventType.DELIVERY_DELAY: "deliveryDelay",
    EventType.OPEN: "open",
    EventType.REJECT: "reject",
    EventType.RENDERING_FAILURE: "renderingFailure",
    EventType.SEND: "send",
    EventType.SUBSCRIPTION: "subscription",
}

_OUR_NAMES: Final = {
    "custom_tracking_redirect_domain": "tracking_domain",
    "custom_tracking_https_policy": "tracking_https_policy",
}


class Bundled:
    """The type of `BUNDLED`."""


BUNDLED: Final = Bundled()
"""As a handler in `EventPublishing.on`: the bundled behaviour of the type, to chain with yours."""


class EventPublishing(Construct):
    """What SES tells about the mail that one sends, handled; say which types with `on`.

    Creates a configuration set and a topic to which SES alone may publish, and for each call of
    `on` a subscription that filters by type, a queue, a dead-letter queue with an alarm, and a
    function. SES publishes only the types that somebody handles. The bundled behaviours keep each
    message's story in an event table (on demand, encrypted, point-in-time recovery, kept if the
    stack is deleted; events go after 90 days) and tell the alert topic what a person should know.
    Alarms warn before AWS reviews the account (bounces 5 %, complaints 0.1 %), and at half that.
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
        event_retention: Duration | None = None,
        alert_topic: sns.ITopic | None = None,
        alert_window: Duration | None = None,
        delay_warning: Duration | None = None,
        suppress: bool = True,
        maximum_concurrency: int = 10,
        reputation_alarms: bool = True,
        sending_enabled: bool | None = None,
        tls_policy: ses.ConfigurationSetTlsPolicy | None = None,
        dedicated_ip_pool: ses.IDedicatedIpPool | None = None,
        suppression_reasons: ses.SuppressionReasons | None = None,
        disable_suppression_list: bool | None = None,
        reputation_metrics: bool | None = None,
        tracking_domain: str | None = None,
        tracking_https_policy: ses.HttpsPolicy | None = None,
        vdm_options: ses.VdmOptions | None = None,
        max_delivery_duration: Duration | None = None,
        archive_arn: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Create what publishing needs.

        *configuration_set*, *topic*, *event_table*, *alert_topic*: yours instead of new ones. The
        table has the keys ``message_id`` and ``at``, both text, and forgets by ``expires_at``; for
        ``mailroom trace`` it also has the index ``recipient`` and the tag
        ``mailroom:event-table``. *encryption_key*: of the new topics, the new table and all
        queues; unless given, the topics are not encrypted at rest, and the others by keys of
        their services. *identities*: what `grant_send` lets others send from, as identities or
        their names; all of this account unless given. *event_retention*: whole days, 90.
        *alert_window*: the same alert at most once in it, an hour. *delay_warning*: tell of
        delayed mail when SES gives it up within it, two hours. *suppress*: put permanent bounces
        and complaints on the account's suppression list. *maximum_concurrency*: of each function,
        2 to 1000, 10.

        The rest are the new configuration set's own options, with SES's own defaults.
        *tracking_domain* serves open and click tracking in place of SES's domain, by
        *tracking_https_policy*. *archive_arn*: of a Mail Manager archive.

        Raises `ConfigurationError` for arguments that contradict each other.
        """
        super().__init__(scope, construct_id)
        options = {
            "sending_enabled": sending_enabled,
            "tls_policy": tls_policy,
            "dedicated_ip_pool": dedicated_ip_pool,
            "suppression_reasons": suppression_reasons,
            "disable_suppression_list": disable_suppression_list,
            "reputation_metrics": reputation_metrics,
            "custom_tracking_redirect_domain": tracking_domain,
            "custom_tracking_https_policy": tracking_https_policy,
            "vdm_options": vdm_options,
            "max_delivery_duration": max_delivery_duration,
        }
        problems = Problems(self)
        check_configuration_set_name(problems, "configuration_set_name", configuration_set_name)
        if configuration_set is not None:
            given = {
                **options,
                "configuration_set_name": configuration_set_name,
                "archive_arn": archive_arn,
                "tags": tags,
            }
            for name, value in given.items():
                if value is not None:
                    problems.add(
                        _OUR_NAMES.get(name, name),
                        _readable(value),
                        "it has no effect on a given configuration_set",
                    )
        if tracking_https_policy is not None and tracking_domain is None:
            problems.add(
                "tracking_https_policy",
                tracking_https_policy.name,
                "it has no effect without a tracking_domain",
            )
        if disable_suppression_list and suppression_reasons is not None:
            problems.add(
                "suppression_reasons",
                suppression_reasons.name,
                "it has no effect with disable_suppression_list",
            )
        if tracking_domain is not None:
            check_domain(problems, "tracking_domain", tracking_domain)
        if archive_arn is not None and resolved(archive_arn) and not _is_archive(archive_arn):
            problems.add(
                "archive_arn", archive_arn, "give the ARN of a Mail Manager archive: arn:aws:ses:…"
            )
        _check_topic(problems, "topic", topic, "SES")
        _check_topic(problems, "alert_topic", alert_topic, "CloudWatch")
        if identities is not None:
            check_identities(problems, "identities", identities)
        _check_table(problems, event_table)
        check_number(
            problems, "maximum_concurrency", maximum_concurrency, range(2, 1001), "invocations"
        )
        check_seconds(
            problems, "max_delivery_duration", max_delivery_duration, _quotas.MAX_DELIVERY_SECONDS
        )
        for duration, argument in (
            (alert_window, "alert_window"),
            (delay_warning, "delay_warning"),
        ):
            check_seconds(problems, argument, duration, range(1, 14 * 86_400 + 1))
        if event_retention is not None:
            _check_days(problems, "event_retention", event_retention)
        problems.raise_if_any()

        self._key = encryption_key
        self._identities = None if identities is None else identity_names(identities)
        self._suppress = suppress
        self._maximum_concurrency = maximum_concurrency
        self._settings = {
            "MAILROOM_EVENT_TTL_DAYS": Tokenization.stringify_number(
                (event_retention or Duration.days(90)).to_days()
            ),
            "MAILROOM_ALERT_WINDOW_SECONDS": _seconds(alert_window or Duration.hours(1)),
            "MAILROOM_EXPIRY_WARNING_SECONDS": _seconds(delay_warning or Duration.hours(2)),
            "MAILROOM_SUPPRESS": "1" if suppress else "0",
        }
        self.configuration_set: ses.IConfigurationSet = configuration_set or self._made(
            configuration_set_name, options, archive_arn, tags
        )
        """The configuration set: made, or given. Mail that does not name it has no events."""
        self.configuration_set_name = (
            configuration_set_name or self.configuration_set.configuration_set_name
        )
        """Its name, for the sender."""
        self.topic: sns.ITopic = topic or self._topic("Topic")
        """Where SES publishes the events: made, or given."""
        self.alert_topic: sns.ITopic = alert_topic or self._topic("AlertTopic")
        """What a person should know: subscribe to it. Alarms and bundled behaviours publish here.

        SNS's own mail travels through no configuration set of yours, so alerts cannot loop.
        """
        self._event_table = event_table
        self._pipelines: dict[EventType, EventPipeline] = {}
        self._destination: ses.CfnConfigurationSetEventDestination | None = None
        self._lake: EventLake | None = None
        self._bus_destination: ses.CfnConfigurationSetEventDestination | None = None
        self._bus_types: set[EventType] = set()
        self._archive: events.Archive | None = None
        self._publishing = self._grant_ses()
        self._destinations = 0
        if reputation_alarms:
            self._reputation_alarms()

    @property
    def pipelines(self) -> Mapping[EventType, EventPipeline]:
        """What handles each type; types that were named together share one."""
        return dict(self._pipelines)

    @property
    def event_table(self) -> dynamodb.ITable:
        """Each message's story: made when it is first needed, or given."""
        if self._event_table is None:
            self._event_table = self._table()
        return self._event_table

    @property
    def environment(self) -> Mapping[str, str]:
        """What a sender's environment must say, so that its mail has events."""
        return {"MAILROOM_CONFIGURATION_SET": self.configuration_set_name}

    def on(
        self, types: EventType | Sequence[EventType], *handlers: PythonHandler | Bundled
    ) -> EventPipeline:
        """Handle one type of event, or several together.

        *types*: one type has a queue and a function of its own, so that a flood of opens delays no
        bounce; several in a list share them, which is fewer things for a small stack. *handlers*:
        none is the bundled behaviour; a `PythonHandler` is your function, which gets the typed
        event; ``BUNDLED`` and a `PythonHandler` run one after the other, in the order given.

        The first type of a list names the construct: another one there makes a new queue.

        Raises `ConfigurationError` if a type is handled already.
        """
        problems = Problems(self)
        wanted = _checked_types(problems, types)
        for kind in set(wanted) & set(self._pipelines):
            problems.add(
                "types",
                str(kind),
                "it is handled already; chain handlers in one call: on(type, BUNDLED, yours)",
            )
        self._check_handlers(problems, handlers)
        if self._destination is None:
            self._check_destinations(problems)
        problems.raise_if_any()
        pipeline = EventPipeline(
            self,
            _construct_id(wanted[0]),
            publishing=self,
            types=wanted,
            handlers=handlers or (BUNDLED,),
        )
        self._pipelines.update(dict.fromkeys(wanted, pipeline))
        self._publish(pipeline)
        return pipeline

    def to_lake(
        self,
        lake: EventLake | None = None,
        *,
        types: EventType | Sequence[EventType] | None = None,
    ) -> EventLake:
        """Keep events in an `EventLake`, where SQL can ask for them; all types unless given.

        Unless *lake* is given it is made, with its own defaults, with this construct's customer
        key if there is one, and with its alarms at the alert topic. SES gets a role that may do
        nothing but put records into the lake's stream, for this configuration set. As SES refuses
        a role that is only just made, a custom resource waits for a minute whenever it is new.

        Raises `ConfigurationError` if there is a lake already.
        """
        problems = Problems(self)
        wanted = _checked_types(problems, list(EventType) if types is None else types)
        if self._lake is not None:
            problems.add(
                "lake",
                self._lake.node.path,
                "there is one already; name all its types in one call, and take a second "
                "EventPublishing for a second lake",
            )
        self._check_destinations(problems)
        problems.raise_if_any()
        self._destinations += 1
        self._lake = lake or EventLake(self, "Lake", encryption_key=self._key)
        if self._lake.alert_topic is None:
            self._tell_of_lake(self._lake)
        _destinations.to_firehose(
            self,
            stream_arn=self._lake.stream_arn,
            configuration_set_name=self.configuration_set_name,
            configuration_set_arn=self.configuration_set_arn,
            principal=self._principal(self),
            types=_spelled(wanted),
        ).node.add_dependency(self.configuration_set)
        return self._lake

    def _tell_of_lake(self, lake: EventLake) -> None:
        if Stack.of(lake).node.addr == Stack.of(self).node.addr:
            lake.send_alarms_to(self.alert_topic)
        else:
            # The lake's stack would wait for this one, which waits for the lake.
            Annotations.of(lake).add_warning_v2(
                "cdk-mailroom:lake-alarms",
                "nobody hears the lake's alarms, as it is in another stack than what publishes to "
                "it: give it an alert_topic",
            )

    @property
    def lake(self) -> EventLake | None:
        """What `to_lake` returned."""
        return self._lake

    def to_event_bus(
        self,
        types: EventType | Sequence[EventType] | None = None,
        *,
        archive: Duration | None = None,
    ) -> events.Archive | None:
        """Publish events to the default bus of EventBridge, the only one that SES knows.

        All types unless given; further calls add types, and so does `on_bus`. *archive*: keep
        what is published in an archive for so many whole days, and return that; a replay then
        brings a range of time to the rules again (``docs/lake.md``).
        """
        problems = Problems(self)
        wanted = _checked_types(problems, list(EventType) if types is None else types)
        if archive is not None:
            _check_days(problems, "archive", archive)
            if self._archive is not None:
                problems.add("archive", _readable(archive), "there is one already")
        self._check_bus(problems)
        problems.raise_if_any()
        self._publish_to_bus(wanted)
        if archive is not None:
            self._archive = _destinations.archive(
                self, configuration_set_name=self.configuration_set_name, retention=archive
            )
            # What is published before the archive exists is not in there.
            assert self._bus_destination is not None
            self._bus_destination.node.add_dependency(self._archive)
        return self._archive

    def on_bus(
        self,
        types: EventType | Sequence[EventType],
        *handlers: PythonHandler | Bundled | events.IRuleTarget,
    ) -> BusPipeline | events.Rule:
        """Handle types of events as they come over EventBridge's default bus.

        *handlers* as in `on`, with the same queue, functions and dead-letter queue behind a rule;
        or one target of EventBridge's, which is then the rule's, with its own dead-letter queue.
        Returns the pipeline, or the rule of a target. A type may have many rules, and also be
        handled by `on`: whatever handles it should expect it more than once.
        """
        problems = Problems(self)
        wanted = _checked_types(problems, types)
        target = _destinations.rule_target(problems, handlers)
        if target is None:
            self._check_handlers(problems, handlers)  # type: ignore[arg-type]
        construct_id = f"Bus{_construct_id(wanted[0])}" if wanted else ""
        if wanted and self.node.try_find_child(construct_id):
            problems.add(
                "types",
                str(wanted[0]),
                "a rule begins with it already; begin with another, or chain handlers",
            )
        self._check_bus(problems)
        problems.raise_if_any()
        made: BusPipeline | events.Rule
        if target is not None:
            made = events.Rule(
                self,
                construct_id,
                description=f"SES events: {', '.join(wanted)}",
                event_pattern=_destinations.pattern(self.configuration_set_name, wanted),
                targets=[target],
            )
        else:
            made = BusPipeline(
                self,
                construct_id,
                publishing=self,
                types=wanted,
                handlers=handlers or (BUNDLED,),  # type: ignore[arg-type]
            )
        self._publish_to_bus(wanted)
        assert self._bus_destination is not None
        # What is published before its rule exists, or may fill its queue, is gone.
        self._bus_destination.node.add_dependency(made)
        return made

    def to_metrics(
        self,
        dimensions: Sequence[ses.CloudWatchDimension],
        *,
        types: EventType | Sequence[EventType] | None = None,
    ) -> ses.CfnConfigurationSetEventDestination:
        """Count events in CloudWatch (namespace ``AWS/SES``) by *dimensions*, at most ten.

        A dimension takes its value from a message tag, a header field or a link's tag; CloudWatch
        bills a metric for each combination of values that occurs, so none should be an address or
        an id. All types unless given.
        """
        problems = Problems(self)
        wanted = _checked_types(problems, list(EventType) if types is None else types)
        _destinations.check_dimensions(problems, dimensions)
        if self.node.try_find_child("MetricsDestination"):
            problems.add(
                "dimensions", len(dimensions), "there are some already; name all in one call"
            )
        self._check_destinations(problems)
        problems.raise_if_any()
        self._destinations += 1
        made = _destinations.to_cloudwatch(
            self,
            configuration_set_name=self.configuration_set_name,
            dimensions=dimensions,
            types=_spelled(wanted),
        )
        made.node.add_dependency(self.configuration_set)
        return made

    def add_destination(
        self,
        construct_id: str,
        *,
        destination: ses.EventDestination,
        types: EventType | Sequence[EventType],
    ) -> ses.ConfigurationSetEventDestination:
        """Publish *types* to one more destination of aws-cdk-lib's, beside the topic."""
        problems = Problems(f"{self.node.path}/{construct_id}")
        wanted = _checked_types(problems, types)
        self._check_destinations(problems)
        problems.raise_if_any()
        self._destinations += 1
        return ses.ConfigurationSetEventDestination(
            self,
            construct_id,
            configuration_set=self.configuration_set,
            destination=destination,
            events=[ses.EmailSendingEvent[kind.name] for kind in wanted],
        )

    def grant_send(
        self,
        grantee: iam.IGrantable,
        *,
        from_address: str | None = None,
        templates: Sequence[str] = (),
        bulk: bool = False,
    ) -> iam.Grant:
        """Let *grantee* send through the configuration set, and tell it which one that is.

        SES asks for permission on the identity, on the configuration set and, for templated mail,
        on the template (https://docs.aws.amazon.com/ses/latest/dg/control-user-access.html).
        *from_address*: the only From address that it may use. *templates*: names. *bulk*: to many
        in one call too. A function also gets `environment`.
        """
        problems = Problems(self)
        if from_address is not None:
            check_address(problems, "from_address", from_address)
            self._check_from(problems, from_address)
        if isinstance(templates, str):
            problems.add("templates", templates, f"give a list, even of one: [{templates!r}]")
        problems.raise_if_any()
        self.tell_sender(grantee)
        return grant_sending(
            grantee,
            stack=Stack.of(self),
            identities=self._identities,
            configuration_set_name=self.configuration_set_name,
            templates=templates,
            from_address=from_address,
            bulk=bulk,
        )

    def tell_sender(self, grantee: iam.IGrantable) -> None:
        """Put `environment` into *grantee*'s, if that is a function."""
        if isinstance(grantee, lambda_.Function):
            for name, value in self.environment.items():
                grantee.add_environment(name, value)

    @property
    def configuration_set_arn(self) -> str:
        """The ARN of the configuration set."""
        return Stack.of(self).format_arn(
            service="ses", resource="configuration-set", resource_name=self.configuration_set_name
        )

    def _made(
        self,
        name: str | None,
        options: Mapping[str, object],
        archive_arn: str | None,
        tags: Mapping[str, str] | None,
    ) -> ses.ConfigurationSet:
        made = ses.ConfigurationSet(
            self,
            "ConfigurationSet",
            configuration_set_name=name,
            **options,  # type: ignore[arg-type]
        )
        if archive_arn is not None:
            resource = made.node.default_child
            assert isinstance(resource, ses.CfnConfigurationSet)
            resource.archiving_options = ses.CfnConfigurationSet.ArchivingOptionsProperty(
                archive_arn=archive_arn
            )
        for key, value in (tags or {}).items():
            Tags.of(made).add(key, value)
        return made

    def _topic(self, construct_id: str) -> sns.Topic:
        return sns.Topic(self, construct_id, master_key=self._key, enforce_ssl=True)

    def _table(self) -> dynamodb.Table:
        text = dynamodb.AttributeType.STRING
        table = dynamodb.Table(
            self,
            "EventTable",
            partition_key=dynamodb.Attribute(name="message_id", type=text),
            sort_key=dynamodb.Attribute(name="at", type=text),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=(
                dynamodb.TableEncryption.AWS_MANAGED
                if self._key is None
                else dynamodb.TableEncryption.CUSTOMER_MANAGED
            ),
            encryption_key=self._key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute="expires_at",
        )
        table.add_global_secondary_index(
            index_name="recipient",
            partition_key=dynamodb.Attribute(name="recipient", type=text),
            sort_key=dynamodb.Attribute(name="at", type=text),
            projection_type=dynamodb.ProjectionType.INCLUDE,
            non_key_attributes=["type", "configuration_set"],
        )
        # By this `mailroom trace` finds it.
        Tags.of(table).add("mailroom:event-table", "true")
        return table

    def _check_handlers(
        self, problems: Problems, handlers: Sequence[PythonHandler | Bundled]
    ) -> None:
        for handler in handlers:
            if not isinstance(handler, PythonHandler | Bundled):
                problems.add("handlers", handler, "give a PythonHandler, or BUNDLED")
        if sum(isinstance(handler, Bundled) for handler in handlers) > 1:
            problems.add("handlers", "BUNDLED", "it is there twice, and would run twice")
        own = [handler for handler in handlers if isinstance(handler, PythonHandler)]
        if len(own) > 1:
            problems.add(
                "len(handlers)", len(handlers), "one function has one folder; call yours from it"
            )
        for handler in own:
            handler.check_for_events(problems)
            if type(handler).configure is not PythonHandler.configure:
                problems.add(
                    "handlers",
                    type(handler).__name__,
                    "its configure() is for receipt rules, so here it would lack what it needs; "
                    "give a PythonHandler, and grant to the function of what on() returns",
                )
            reserved = handler._reserved_concurrency
            if reserved is not None and reserved < self._maximum_concurrency:
                problems.add(
                    "reserved_concurrency",
                    reserved,
                    f"give maximum_concurrency, {self._maximum_concurrency}, or more: events that "
                    "Lambda throttles end in the dead-letter queue",
                )

    def _check_destinations(self, problems: Problems) -> None:
        if self._destinations >= _quotas.DESTINATIONS_PER_CONFIGURATION_SET:
            problems.add(
                "destinations",
                self._destinations + 1,
                f"SES allows {_quotas.DESTINATIONS_PER_CONFIGURATION_SET} a configuration set; the "
                "topic is one of them",
            )

    def _check_from(self, problems: Problems, address: str) -> None:
        names = self._identities
        if names is None or not all(map(resolved, (address, *names))):
            return
        # A domain's identity is good for its subdomains too.
        # https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html
        domain = f".{address.lower().rpartition('@')[2]}"
        if not any(
            address.lower() == name.lower() if "@" in name else domain.endswith(f".{name.lower()}")
            for name in names
        ):
            problems.add(
                "from_address", address, f"it belongs to none of the identities {', '.join(names)}"
            )

    def _principal(self, near: IConstruct) -> iam.ServicePrincipal:
        """Return SES acting for this configuration set, for a policy of the resource *near*.

        If that is in another stack, any configuration set of this account will do: a made one's
        name would make the two stacks wait for each other.
        """
        name = self.configuration_set_name
        if not resolved(name) and Stack.of(near).node.addr != Stack.of(self).node.addr:
            name = "*"
        arn = Stack.of(self).format_arn(
            service="ses", resource="configuration-set", resource_name=name
        )
        return iam.ServicePrincipal(
            _SES,
            conditions={
                "StringEquals": {"aws:SourceAccount": Stack.of(self).account},
                "ArnLike": {"aws:SourceArn": arn},
            },
        )

    def _grant_ses(self) -> list[Construct]:
        """Let SES publish; it checks that it may when the destination is created."""
        result = self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["sns:Publish"],
                principals=[self._principal(self.topic)],
                resources=[self.topic.topic_arn],
            )
        )
        if not result.statement_added:
            Annotations.of(self).add_warning_v2(
                "cdk-mailroom:imported-topic",
                f"the topic {self.topic.topic_arn} is imported, so its policy is yours: allow "
                f"{_SES} sns:Publish where aws:SourceAccount is this account and aws:SourceArn is "
                f"{self.configuration_set_arn}, or no event will come",
            )
        key = self.topic.master_key
        if key is not None:
            _grant_key(self, key, self._principal(key))
        policy = result.policy_dependable
        return [policy] if isinstance(policy, Construct) else []

    def _publish(self, pipeline: EventPipeline) -> None:
        matching = _spelled(self._pipelines)
        destination = ses.CfnConfigurationSetEventDestination.EventDestinationProperty(
            matching_event_types=matching,
            enabled=True,
            sns_destination=ses.CfnConfigurationSetEventDestination.SnsDestinationProperty(
                topic_arn=self.topic.topic_arn
            ),
        )
        if self._destination is None:
            self._destination = ses.CfnConfigurationSetEventDestination(
                self,
                "Destination",
                configuration_set_name=self.configuration_set_name,
                event_destination=destination,
            )
            self._destinations += 1
            for dependency in (*self._publishing, self.configuration_set):
                self._destination.node.add_dependency(dependency)
        self._destination.event_destination = destination
        # What is published before its subscription exists is gone.
        self._destination.node.add_dependency(pipeline.subscription)

    def _check_bus(self, problems: Problems) -> None:
        if self._bus_destination is None:
            self._check_destinations(problems)

    def _publish_to_bus(self, types: Sequence[EventType]) -> None:
        self._bus_types.update(types)
        made = self._bus_destination
        if made is None:
            self._destinations += 1
            made = self._bus_destination = _destinations.to_bus(
                self, configuration_set_name=self.configuration_set_name
            )
            made.node.add_dependency(self.configuration_set)
        made.event_destination = _destinations.bus_destination(self, _spelled(self._bus_types))

    def _reputation_alarms(self) -> None:
        # https://docs.aws.amazon.com/ses/latest/dg/reputationdashboard-cloudwatch-alarm.html
        for name, metric, threshold, what in (
            ("BounceWarning", "BounceRate", 0.025, "2.5 % of mail bounces"),
            ("BounceReview", "BounceRate", 0.05, "5 % of mail bounces: AWS reviews the account"),
            ("ComplaintWarning", "ComplaintRate", 0.0005, "0.05 % of mail is complained about"),
            (
                "ComplaintReview",
                "ComplaintRate",
                0.001,
                "0.1 % of mail is complained about: AWS reviews the account",
            ),
        ):
            _queues.tell(
                cloudwatch.Metric(
                    namespace="AWS/SES",
                    metric_name=f"Reputation.{metric}",
                    statistic="Maximum",
                    period=Duration.hours(1),
                ).create_alarm(
                    self,
                    name,
                    alarm_description=f"{what}, over the whole account and region",
                    threshold=threshold,
                    evaluation_periods=1,
                    comparison_operator=(
                        cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
                    ),
                    # SES publishes a rate only when mail was sent.
                    treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
                ),
                self.alert_topic,
            )


class EventPipeline(Construct):
    """Subscription, queue, dead-letter queue and function; made by `EventPublishing.on`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        publishing: EventPublishing,
        types: Sequence[EventType],
        handlers: Sequence[PythonHandler | Bundled],
    ) -> None:
        super().__init__(scope, construct_id)
        self.types = tuple(types)
        """The types that it handles."""
        own = next((item for item in handlers if isinstance(item, PythonHandler)), None)
        maker = own or PythonHandler(None, "mailroom.handlers.record:on_event", memory_size=256)
        key = publishing._key
        self.dead_letter_queue = _queues.dead_letter_queue(self, key=key)
        """Takes what the function failed five times to handle, and what it could not read."""
        self.queue = _queues.queue(
            self,
            "Queue",
            key=key,
            retention=Duration.days(4),
            # AWS's advice: six times the function's timeout, or a slow batch comes twice.
            # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
            visibility_timeout=Duration.seconds(6 * _known_seconds(maker.timeout)),
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=self.dead_letter_queue, max_receive_count=5
            ),
        )
        """Where the events wait."""
        specs = _specs(types, handlers)
        self.function = maker.make_function(
            self,
            entry="mailroom.events",
            specs=[spec for chain in specs.values() for spec in chain],
            description=f"Handles SES events: {', '.join(types)}",
        )
        """What handles them."""
        self.function.add_environment("MAILROOM_HANDLERS", json.dumps(specs))
        if any(isinstance(item, Bundled) for item in handlers):
            self._grant_bundled(publishing)
        # Not SqsEventSource and SqsSubscription of aws-cdk-lib: their ids contain the stack's name,
        # and the subscription's key statement names the topic, which waits for the key itself.
        self.queue.grant_consume_messages(self.function)
        lambda_.EventSourceMapping(
            self,
            "Mapping",
            target=self.function,
            event_source_arn=self.queue.queue_arn,
            batch_size=10,
            report_batch_item_failures=True,
            max_concurrency=publishing._maximum_concurrency,
        )
        self._connect(publishing)
        self.dead_letter_alarm = _queues.dead_letter_alarm(
            self,
            self.dead_letter_queue,
            description=f"Events that were not handled: {', '.join(types)}",
            topic=publishing.alert_topic,
        )
        """Goes off while an event lies in the dead-letter queue."""

    def _connect(self, publishing: EventPublishing) -> None:
        self.subscription = self._subscribe(publishing.topic)
        """What of the topic comes into the queue."""

    def _subscribe(self, topic: sns.ITopic) -> sns.Subscription:
        allowed = self.queue.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["sqs:SendMessage"],
                principals=[iam.ServicePrincipal(_SNS)],
                resources=[self.queue.queue_arn],
                conditions={"ArnEquals": {"aws:SourceArn": topic.topic_arn}},
            )
        )
        key = self.queue.encryption_master_key
        if key is not None:
            account = topic.env.account
            arn = f"arn:{Stack.of(self).partition}:sns:{topic.env.region}:{account}:*"
            conditions = {
                "StringEquals": {"aws:SourceAccount": account},
                "ArnLike": {"aws:SourceArn": arn},
            }
            _grant_key(self, key, iam.ServicePrincipal(_SNS, conditions=conditions))
        subscription = sns.Subscription(
            self,
            "Subscription",
            topic=topic,
            protocol=sns.SubscriptionProtocol.SQS,
            endpoint=self.queue.queue_arn,
            raw_message_delivery=True,
            filter_policy_with_message_body={
                "eventType": sns.FilterOrPolicy.filter(
                    sns.SubscriptionFilter.string_filter(
                        allowlist=[str(kind) for kind in self.types]
                    )
                )
            },
        )
        if allowed.policy_dependable is not None:
            subscription.node.add_dependency(allowed.policy_dependable)
        return subscription

    def _review_key(self, *actions: str) -> None:
        for action in actions:
            reviewed_wildcard(
                self.function.role,
                f"Action::{action}",
                "both variants of one operation, on the keys of table and alert topic alone",
            )

    def _grant_bundled(self, publishing: EventPublishing) -> None:
        table = publishing.event_table
        for name, value in publishing._settings.items():
            self.function.add_environment(name, value)
        self.function.add_environment("MAILROOM_EVENT_TABLE", table.table_name)
        # Not table.grant(), which takes in the indexes: nothing is written there.
        iam.Grant.add_to_principal(
            grantee=self.function, actions=["dynamodb:PutItem"], resource_arns=[table.table_arn]
        )
        if table.encryption_key is not None:
            table.encryption_key.grant(self.function, *_TABLE_KEY_ACTIONS)
            self._review_key("kms:GenerateDataKey*", "kms:ReEncrypt*")
        if any(kind in _ALERTING for kind in self.types):
            self.function.add_environment("MAILROOM_ALERT_TOPIC", publishing.alert_topic.topic_arn)
            publishing.alert_topic.grant_publish(self.function)
            if publishing.alert_topic.master_key is not None:
                self._review_key("kms:GenerateDataKey*")
        if publishing._suppress and any(kind in _SUPPRESSING for kind in self.types):
            self.function.add_to_role_policy(
                iam.PolicyStatement(
                    actions=["ses:PutSuppressedDestination"],
                    # It knows no resource (Service Authorization Reference, Amazon SES v2).
                    resources=["*"],
                )
            )
            reviewed_wildcard(
                self.function.role, "*", "the suppression list is the account's, and has no ARN"
            )


class BusPipeline(EventPipeline):
    """Rule, queue, dead-letter queue and function; made by `EventPublishing.on_bus`."""

    def _connect(self, publishing: EventPublishing) -> None:
        self.rule = events.Rule(
            self,
            "Rule",
            description=f"SES events: {', '.join(self.types)}",
            event_pattern=_destinations.pattern(publishing.configuration_set_name, self.types),
        )
        """What of the bus comes into the queue."""
        key = self.queue.encryption_master_key
        for queue in (self.queue, self.dead_letter_queue):
            allowed = queue.add_to_resource_policy(
                iam.PolicyStatement(
                    actions=["sqs:SendMessage"],
                    principals=[iam.ServicePrincipal(_EVENTS)],
                    resources=[queue.queue_arn],
                    conditions={"ArnEquals": {"aws:SourceArn": self.rule.rule_arn}},
                )
            )
            assert allowed.statement_added
        if key is not None:
            # Not the rule's own ARN: the rule waits for the queue, and that for the key.
            rules = Stack.of(self).format_arn(service="events", resource="rule", resource_name="*")
            conditions = {
                "StringEquals": {"aws:SourceAccount": Stack.of(self).account},
                "ArnLike": {"aws:SourceArn": rules},
            }
            _grant_key(self, key, iam.ServicePrincipal(_EVENTS, conditions=conditions))
        self.rule.add_target(_destinations.QueueTarget(self.queue, self.dead_letter_queue))


# DynamoDB uses a customer key in the name of whoever calls it.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
_TABLE_KEY_ACTIONS = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
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


def _specs(
    types: Sequence[EventType], handlers: Sequence[PythonHandler | Bundled]
) -> dict[str, list[str]]:
    return {
        str(kind): [
            handler.handler
            if isinstance(handler, PythonHandler)
            else f"mailroom.handlers.{kind.name.lower()}:on_event"
            for handler in handlers
        ]
        for kind in types
    }


def _spelled(types: Iterable[EventType]) -> list[str]:
    return sorted(_IN_CLOUDFORMATION[kind] for kind in types)


def _construct_id(kind: EventType) -> str:
    return kind.replace(" ", "")


def _checked_types(problems: Problems, types: EventType | Sequence[EventType]) -> list[EventType]:
    given = [types] if isinstance(types, str) else list(types)
    if not given:
        problems.add("types", given, "name at least one EventType")
    found: list[EventType] = []
    for kind in given:
        if kind not in list(EventType):
            problems.add("types", kind, f"use one of {', '.join(EventType.__members__)}")
        elif kind in found:
            problems.add("types", str(kind), "it is there twice; name each type once")
        else:
            found.append(EventType(kind))
    return found


def _grant_key(scope: Construct, key: kms.IKey, principal: iam.ServicePrincipal) -> None:
    result = key.add_to_resource_policy(
        iam.PolicyStatement(
            actions=["kms:Decrypt", "kms:GenerateDataKey*"], principals=[principal], resources=["*"]
        )
    )
    if not result.statement_added:
        Annotations.of(scope).add_warning_v2(
            "cdk-mailroom:imported-key",
            f"the key {key.key_arn} is imported, so its policy is yours: allow {principal.service} "
            "kms:Decrypt and kms:GenerateDataKey* where aws:SourceAccount is this account",
        )


def _check_topic(
    problems: Problems, argument: str, topic: sns.ITopic | None, publisher: str
) -> None:
    if topic is None:
        return
    if topic.fifo or (resolved(topic.topic_arn) and topic.topic_arn.endswith(".fifo")):
        problems.add(
            argument, topic.node.path, f"{publisher} cannot publish to a FIFO topic; give another"
        )
    if topic.master_key is not None and "alias/aws/sns" in topic.master_key.key_arn:
        problems.add(
            argument,
            topic.node.path,
            f"{publisher} cannot use the key alias/aws/sns, whose policy is AWS's; encrypt the "
            "topic with a key of yours",
        )


def _check_table(problems: Problems, table: dynamodb.ITable | None) -> None:
    if not isinstance(table, dynamodb.Table):
        return
    schema = table.schema()
    keys = [key.name for key in (schema.partition_key, schema.sort_key) if key is not None]
    if keys != ["message_id", "at"]:
        problems.add(
            "event_table",
            table.node.path,
            f"its keys are {keys}; give a table with the keys 'message_id' and 'at'",
        )


def _readable(value: object) -> object:
    if isinstance(value, Duration):
        return value.to_human_string()
    if isinstance(value, Construct):
        return value.node.path
    return value if isinstance(value, str | bool | Mapping) else str(value)


def _is_archive(arn: str) -> bool:
    return arn.startswith("arn:") and ":mailmanager-archive/" in arn


def _seconds(duration: Duration) -> str:
    return Tokenization.stringify_number(duration.to_seconds())


def _known_seconds(timeout: Duration) -> float:
    # What is known to CloudFormation only is at most what Lambda allows.
    return _quotas.LAMBDA_SECONDS[-1] if timeout.is_unresolved() else timeout.to_seconds()


def _check_days(problems: Problems, argument: str, duration: Duration) -> None:
    if duration.is_unresolved():
        return
    days = duration.to_days(integral=False)
    if days != int(days) or days < 1:
        problems.add(argument, f"{days} d", "give whole days, one or more")
