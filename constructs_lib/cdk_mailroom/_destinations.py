"""Where SES publishes beside a topic: Firehose, EventBridge, CloudWatch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import jsii
from aws_cdk import CustomResource, Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sqs as sqs
from aws_cdk.interfaces.aws_events import IRuleRef
from constructs import Construct

from cdk_mailroom import _provisioning, _quotas
from cdk_mailroom._checks import Problems, resolved
from mailroom.events import EventType

__all__ = [
    "QueueTarget",
    "archive",
    "bus_destination",
    "check_dimensions",
    "pattern",
    "rule_target",
    "to_bus",
    "to_cloudwatch",
    "to_firehose",
]

_Destination = ses.CfnConfigurationSetEventDestination

_PROPAGATION_SECONDS: Final = 60

# https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-ses.html
_ON_THE_BUS: Final = {
    EventType.BOUNCE: "Email Bounced",
    EventType.CLICK: "Email Clicked",
    EventType.COMPLAINT: "Email Complaint Received",
    EventType.DELIVERY: "Email Delivered",
    EventType.DELIVERY_DELAY: "Email Delivery Delayed",
    EventType.OPEN: "Email Opened",
    EventType.REJECT: "Email Rejected",
    EventType.RENDERING_FAILURE: "Email Rendering Failed",
    EventType.SEND: "Email Sent",
    EventType.SUBSCRIPTION: "Email Subscribed",
}


def to_firehose(
    scope: Construct,
    *,
    stream_arn: str,
    configuration_set_name: str,
    configuration_set_arn: str,
    principal: iam.IPrincipal,
    types: Sequence[str],
) -> ses.CfnConfigurationSetEventDestination:
    """Return the destination *stream_arn*, whose role is known before SES assumes it."""
    role = iam.Role(
        scope,
        "LakeRole",
        description="SES puts events into the event lake's stream",
        assumed_by=principal,
        # In the role itself, so that the role is whole once it is there.
        inline_policies={
            "Publish": iam.PolicyDocument(
                statements=[
                    iam.PolicyStatement(
                        actions=["firehose:PutRecordBatch"],
                        resources=[stream_arn],
                    )
                ]
            )
        },
    )
    # Order alone does not do: a lake that was there before gives IAM no time at all.
    known = CustomResource(
        scope,
        "LakeRoleKnown",
        service_token=_provisioning.provider(
            scope, "MailroomPropagation", "mailroom.provisioning.propagation"
        ).service_token,
        resource_type="Custom::IamPropagation",
        properties={
            "Seconds": str(_PROPAGATION_SECONDS),
            "RoleArn": role.role_arn,
            "Trusts": configuration_set_arn,
            "MayPutTo": stream_arn,
        },
    )
    known.node.add_dependency(role)
    destination = _Destination(
        scope,
        "LakeDestination",
        configuration_set_name=configuration_set_name,
        event_destination=_Destination.EventDestinationProperty(
            matching_event_types=list(types),
            enabled=True,
            kinesis_firehose_destination=_Destination.KinesisFirehoseDestinationProperty(
                delivery_stream_arn=stream_arn, iam_role_arn=role.role_arn
            ),
        ),
    )
    destination.node.add_dependency(known)
    return destination


def to_bus(
    scope: Construct, *, configuration_set_name: str
) -> ses.CfnConfigurationSetEventDestination:
    """Return the destination of the default bus; `bus_destination` says what is published."""
    return _Destination(
        scope,
        "BusDestination",
        configuration_set_name=configuration_set_name,
        event_destination=bus_destination(scope, []),
    )


def bus_destination(
    scope: Construct, types: Sequence[str]
) -> ses.CfnConfigurationSetEventDestination.EventDestinationProperty:
    """Return what SES is told: *types*, to the default bus, as SES knows no other."""
    return _Destination.EventDestinationProperty(
        matching_event_types=list(types),
        enabled=True,
        event_bridge_destination=_Destination.EventBridgeDestinationProperty(
            event_bus_arn=Stack.of(scope).format_arn(
                service="events", resource="event-bus", resource_name="default"
            )
        ),
    )


def pattern(configuration_set_name: str, types: Iterable[EventType] | None) -> events.EventPattern:
    """Return what matches events of *types*, or all, of one configuration set.

    The default bus carries the events of every configuration set of the account.
    """
    return events.EventPattern(
        source=["aws.ses"],
        detail_type=None if types is None else sorted(_ON_THE_BUS[kind] for kind in types),
        detail={"mail": {"tags": {"ses:configuration-set": [configuration_set_name]}}},
    )


def archive(
    scope: Construct, *, configuration_set_name: str, retention: Duration
) -> events.Archive:
    """Return an archive of what one configuration set publishes to the default bus."""
    return events.Archive(
        scope,
        "Archive",
        source_event_bus=events.EventBus.from_event_bus_name(scope, "DefaultBus", "default"),
        description="What SES publishes",
        event_pattern=pattern(configuration_set_name, None),
        retention=retention,
    )


@jsii.implements(events.IRuleTarget)
class QueueTarget:
    """A queue as a rule's target, with a dead-letter queue, and without policies.

    aws-cdk-lib's own names the rule in the policy of the queue's key, and so in a circle.
    """

    def __init__(self, queue: sqs.IQueue, dead_letter_queue: sqs.IQueue) -> None:
        self._queue = queue
        self._dead_letter_queue = dead_letter_queue

    def bind(self, rule: IRuleRef, id: str | None = None) -> events.RuleTargetConfig:  # noqa: A002
        """Return the target."""
        return events.RuleTargetConfig(
            arn=self._queue.queue_arn,
            dead_letter_config=events.CfnRule.DeadLetterConfigProperty(
                arn=self._dead_letter_queue.queue_arn
            ),
        )


def rule_target(problems: Problems, handlers: Sequence[Any]) -> events.IRuleTarget | None:
    """Return the target of EventBridge's among *handlers*, which then stands alone."""
    # PythonHandler has a bind() too, for receipt rules.
    from cdk_mailroom.actions import ReceiptAction

    found = [one for one in handlers if hasattr(one, "bind") and not isinstance(one, ReceiptAction)]
    if not found:
        return None
    if len(handlers) > 1:
        problems.add(
            "len(handlers)", len(handlers), "give one target alone, or handlers; call on_bus again"
        )
    target: events.IRuleTarget = found[0]
    return target


def check_dimensions(problems: Problems, dimensions: Sequence[ses.CloudWatchDimension]) -> None:
    """SES: one to ten dimensions; names and default values of a few characters only."""
    if not 0 < len(dimensions) <= _quotas.METRIC_DIMENSIONS:
        problems.add(
            "len(dimensions)",
            len(dimensions),
            f"give one at least, and {_quotas.METRIC_DIMENSIONS} at most",
        )
    seen: set[str] = set()
    for position, dimension in enumerate(dimensions):
        argument = f"dimensions[{position}]"
        name, value = dimension.name, dimension.default_value
        if resolved(name):
            if not re.fullmatch(_quotas.DIMENSION_NAME, name):
                problems.add(
                    f"{argument}.name", name, "use 1 to 256 letters, digits, '_', '-' and ':'"
                )
            elif name in seen:
                problems.add(f"{argument}.name", name, "it is there twice; name each once")
            seen.add(name)
        if resolved(value) and not re.fullmatch(_quotas.DIMENSION_VALUE, value):
            problems.add(
                f"{argument}.default_value",
                value,
                "use 1 to 256 letters, digits, '_', '-', '.' and '@'",
            )


_SOURCES: Final = {
    ses.CloudWatchDimensionSource.EMAIL_HEADER: "emailHeader",
    ses.CloudWatchDimensionSource.LINK_TAG: "linkTag",
    ses.CloudWatchDimensionSource.MESSAGE_TAG: "messageTag",
}


def to_cloudwatch(
    scope: Construct,
    *,
    configuration_set_name: str,
    dimensions: Sequence[ses.CloudWatchDimension],
    types: Sequence[str],
) -> ses.CfnConfigurationSetEventDestination:
    """Return the destination that counts events by *dimensions*."""
    return _Destination(
        scope,
        "MetricsDestination",
        configuration_set_name=configuration_set_name,
        event_destination=_Destination.EventDestinationProperty(
            matching_event_types=list(types),
            enabled=True,
            cloud_watch_destination=_Destination.CloudWatchDestinationProperty(
                dimension_configurations=[
                    _Destination.DimensionConfigurationProperty(
                        dimension_name=one.name,
                        dimension_value_source=_SOURCES[one.source],
                        default_dimension_value=one.default_value,
                    )
                    for one in dimensions
                ]
            ),
        ),
    )
