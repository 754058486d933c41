"""EventBridge's default bus as an event destination, and rules on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import jsii
from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sqs as sqs
from aws_cdk.interfaces.aws_events import IRuleRef
from constructs import Construct

from cdk_mailroom._asked import stack_of
from cdk_mailroom._checks import Problems
from cdk_mailroom.actions import ReceiptAction
from mailroom.ses import EVENT_BRIDGE_NAMES, EventType

__all__ = ["QueueTarget", "bus_destination", "make_archive", "pattern", "rule_target"]

_Destination = ses.CfnConfigurationSetEventDestination


def bus_destination(
    scope: Construct, types: Sequence[str]
) -> ses.CfnConfigurationSetEventDestination.EventDestinationProperty:
    """Return the destination of *types*: the default bus, because SES supports no other."""
    return _Destination.EventDestinationProperty(
        matching_event_types=list(types),
        enabled=True,
        event_bridge_destination=_Destination.EventBridgeDestinationProperty(
            event_bus_arn=stack_of(scope).format_arn(
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
        detail_type=None if types is None else sorted(EVENT_BRIDGE_NAMES[kind] for kind in types),
        detail={"mail": {"tags": {"ses:configuration-set": [configuration_set_name]}}},
    )


def make_archive(
    scope: Construct, *, configuration_set_name: str, retention: Duration | None
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

    The target of aws-cdk-lib names the rule in the policy of the queue's key: a circular
    dependency.
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
    """Return the EventBridge target among *handlers*, and report handlers passed along with it."""
    # A PythonHandler has a bind() too, for receipt rules.
    found = [one for one in handlers if hasattr(one, "bind") and not isinstance(one, ReceiptAction)]
    if not found:
        return None
    if len(handlers) > 1:
        problems.add(
            "len(handlers)",
            len(handlers),
            "pass either one EventBridge target or handlers; call on_bus again for the others",
        )
    target: events.IRuleTarget = found[0]
    return target
