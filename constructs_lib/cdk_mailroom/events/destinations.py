"""The event destinations of a configuration set other than the topic: lake, bus, metrics."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Annotations
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from constructs import Construct

from cdk_mailroom._asked import in_one_stack
from cdk_mailroom._checks import Problems, Retention, check_retention
from cdk_mailroom._construct import MailConstruct
from cdk_mailroom.events import access, bus, metrics
from cdk_mailroom.events.firehose import to_firehose
from cdk_mailroom.events.options import checked_types, cloudformation_names
from cdk_mailroom.lake import EventLake
from mailroom.ses import DESTINATIONS_PER_CONFIGURATION_SET, EventType

__all__ = ["EventDestinations"]

_Destination = ses.CfnConfigurationSetEventDestination


class EventDestinations(MailConstruct):
    """A configuration set, an alert topic, and where the events go; see `EventPublishing`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        configuration_set: ses.IConfigurationSet | None,
        configuration_set_name: str | None,
        encryption_key: kms.IKey | None,
        alert_topic: sns.ITopic | None,
    ) -> None:
        """Create what was not given.

        Args:
            scope: The parent construct.
            construct_id: The id below *scope*.
            configuration_set: A configuration set to use instead of a new one.
            configuration_set_name: The name of the new configuration set.
            encryption_key: Encrypts new topics and a new lake.
            alert_topic: A topic to use instead of a new one.
        """
        super().__init__(scope, construct_id)
        self._key = encryption_key
        self.configuration_set: ses.IConfigurationSet = configuration_set or ses.ConfigurationSet(
            self, "ConfigurationSet", configuration_set_name=configuration_set_name
        )
        """The configuration set, given or new. Mail that does not name it has no events."""
        self.configuration_set_name = (
            configuration_set_name or self.configuration_set.configuration_set_name
        )
        """Its name, for the sender."""
        self.alert_topic: sns.ITopic = alert_topic or self._make_topic("AlertTopic")
        """The topic of alarms and alerts, given or new: subscribe to it.

        SNS's own mail uses no configuration set of yours, so alerts cannot loop.
        """
        self._lake: EventLake | None = None
        self._archive: events.Archive | None = None
        self._bus_types: set[EventType] = set()
        self._bus_destination: ses.CfnConfigurationSetEventDestination | None = None

    @property
    def configuration_set_arn(self) -> str:
        """The ARN of the configuration set."""
        return access.configuration_set_arn(self, self.configuration_set_name)

    @property
    def lake(self) -> EventLake | None:
        """The lake that `to_lake` returned."""
        return self._lake

    def to_lake(
        self,
        lake: EventLake | None = None,
        *,
        types: EventType | Sequence[EventType] | None = None,
    ) -> EventLake:
        """Keep events in an `EventLake`, to query them in SQL.

        Grants SES, through a new role, to put records into the lake's stream for this configuration
        set, and nothing else. SES refuses a role that is only just made, so a custom resource waits
        for a minute whenever the role is new.

        Args:
            lake: By default a new lake with its own defaults, encrypted with this construct's key
                if there is one. The alarms of a lake without a topic publish to the alert topic.
            types: The types to keep; all by default.

        Returns:
            The lake.

        Raises:
            ConfigurationError: There is a lake already, or no destination is left.
        """
        problems = Problems(self)
        wanted = checked_types(problems, list(EventType) if types is None else types)
        if self._lake is not None:
            problems.add(
                "lake",
                self._lake.node.path,
                "to_lake was called already; pass all types in one call, or make a second "
                "EventPublishing for a second lake",
            )
        self._check_destinations(problems)
        problems.raise_if_any()
        self._lake = lake or EventLake(self, "Lake", encryption_key=self._key)
        if self._lake.alert_topic is None:
            self._connect_lake_alarms(self._lake)
        to_firehose(
            self,
            stream_arn=self._lake.stream_arn,
            configuration_set_name=self.configuration_set_name,
            configuration_set_arn=self.configuration_set_arn,
            principal=access.ses_principal(self, self.configuration_set_name, self),
            types=cloudformation_names(wanted),
        ).node.add_dependency(self.configuration_set)
        return self._lake

    def to_event_bus(
        self,
        types: EventType | Sequence[EventType] | None = None,
        *,
        archive: Retention | None = None,
    ) -> events.Archive | None:
        """Publish events to EventBridge's default bus, the only one that SES supports.

        Further calls add types, and so does `on_bus`.

        Args:
            types: The types to publish; all by default.
            archive: How long an archive keeps what is published, in whole days, or ``"forever"``; a
                replay sends it to the rules again (``docs/lake.md``). No archive by default.

        Returns:
            The archive, if there is one.

        Raises:
            ConfigurationError: There is an archive already, or no destination is left.
        """
        problems = Problems(self)
        wanted = checked_types(problems, list(EventType) if types is None else types)
        check_retention(problems, "archive", archive)
        if archive is not None and self._archive is not None:
            problems.add("archive", self._archive.node.path, "it exists already; pass it once")
        self._check_bus(problems)
        problems.raise_if_any()
        destination = self._publish_to_bus(wanted)
        if archive is not None:
            self._archive = bus.make_archive(
                self,
                configuration_set_name=self.configuration_set_name,
                retention=None if isinstance(archive, str) else archive,
            )
            # Events that are published before the archive exists are not in it.
            destination.node.add_dependency(self._archive)
        return self._archive

    def to_metrics(
        self,
        dimensions: Sequence[ses.CloudWatchDimension],
        *,
        types: EventType | Sequence[EventType] | None = None,
    ) -> ses.CfnConfigurationSetEventDestination:
        """Count events in CloudWatch, in the namespace ``AWS/SES``.

        Args:
            dimensions: One to ten; each takes its value from a message tag, a header field or a
                link's tag. CloudWatch bills a metric for each combination of values, so none should
                be an address or an id.
            types: The types to count; all by default.

        Returns:
            The event destination.

        Raises:
            ConfigurationError: Dimensions that SES refuses, a second call, or no destination is
                left.
        """
        problems = Problems(self)
        wanted = checked_types(problems, list(EventType) if types is None else types)
        metrics.check_dimensions(problems, dimensions)
        if self.node.try_find_child("MetricsDestination"):
            problems.add(
                "dimensions",
                [one.name for one in dimensions],
                "to_metrics was called already; pass all dimensions in one call",
            )
        self._check_destinations(problems)
        problems.raise_if_any()
        made = metrics.to_cloudwatch(
            self,
            configuration_set_name=self.configuration_set_name,
            dimensions=dimensions,
            types=cloudformation_names(wanted),
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
        """Publish events to another destination of aws-cdk-lib, in addition to the topic.

        Args:
            construct_id: The id below this construct.
            destination: The destination.
            types: The types to publish.

        Returns:
            The event destination.

        Raises:
            ConfigurationError: No destination is left.
        """
        problems = Problems(self, construct_id)
        wanted = checked_types(problems, types)
        self._check_destinations(problems)
        problems.raise_if_any()
        return ses.ConfigurationSetEventDestination(
            self,
            construct_id,
            configuration_set=self.configuration_set,
            destination=destination,
            events=[ses.EmailSendingEvent[kind.name] for kind in wanted],
        )

    def _make_topic(self, construct_id: str) -> sns.Topic:
        return sns.Topic(self, construct_id, master_key=self._key, enforce_ssl=True)

    def _connect_lake_alarms(self, lake: EventLake) -> None:
        if in_one_stack(lake, self):
            lake.send_alarms_to(self.alert_topic)
        else:
            # The lake's stack would depend on this one, which depends on the lake.
            Annotations.of(lake).add_warning_v2(
                "cdk-mailroom:lake-alarms",
                "the lake's alarms have no topic: the lake is in another stack than the "
                "EventPublishing, so pass it an alert_topic",
            )

    def _check_destinations(self, problems: Problems) -> None:
        found = {
            one.node.addr
            for root in (self, self.configuration_set)
            for one in root.node.find_all()
            if isinstance(one, ses.CfnConfigurationSetEventDestination)
        }
        if len(found) >= DESTINATIONS_PER_CONFIGURATION_SET:
            problems.add(
                "len(destinations)",
                len(found) + 1,
                f"SES allows {DESTINATIONS_PER_CONFIGURATION_SET} for a configuration set, the "
                "topic among them; make a second EventPublishing",
            )

    def _check_bus(self, problems: Problems) -> None:
        if self._bus_destination is None:
            self._check_destinations(problems)

    def _publish_to_bus(
        self, types: Sequence[EventType]
    ) -> ses.CfnConfigurationSetEventDestination:
        self._bus_types.update(types)
        destination = bus.bus_destination(self, cloudformation_names(self._bus_types))
        if self._bus_destination is None:
            self._bus_destination = ses.CfnConfigurationSetEventDestination(
                self,
                "BusDestination",
                configuration_set_name=self.configuration_set_name,
                event_destination=destination,
            )
            self._bus_destination.node.add_dependency(self.configuration_set)
        self._bus_destination.event_destination = destination
        return self._bus_destination
