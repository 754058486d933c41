"""The options of event publishing, and the checks of their values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aws_cdk import Duration, IResource, Stack
from aws_cdk import aws_sns as sns

from cdk_mailroom._checks import Problems, check_list, check_seconds, resolved
from cdk_mailroom._places import check_region
from mailroom.ses import CLOUDFORMATION_EVENT_NAMES, EventType

__all__ = [
    "Alerts",
    "check_alerts",
    "check_places",
    "check_topic",
    "checked_types",
    "cloudformation_names",
]

_LONGEST_SECONDS = 14 * 86_400


@dataclass(frozen=True, kw_only=True)
class Alerts:
    """When the bundled behaviours publish to the alert topic."""

    window: Duration | None = None
    """The same alert is published at most once in this time; an hour by default."""
    delay_warning: Duration | None = None
    """Delayed mail raises an alert when SES gives up on it within this time; two hours by default.
    """


def check_alerts(problems: Problems, alerts: Alerts) -> None:
    """Report durations that the runtime cannot use."""
    for argument, duration in (
        ("alerts.window", alerts.window),
        ("alerts.delay_warning", alerts.delay_warning),
    ):
        check_seconds(problems, argument, duration, range(1, _LONGEST_SECONDS + 1))


def checked_types(problems: Problems, types: EventType | Sequence[EventType]) -> list[EventType]:
    """Return the types that were named, and report unknown and repeated ones."""
    given = [types] if isinstance(types, str) else types
    if not check_list(problems, "types", given):
        return []
    if not given:
        problems.add("types", given, "pass at least one EventType")
    found: list[EventType] = []
    for kind in given:
        if kind not in list(EventType):
            problems.add("types", kind, f"use one of {', '.join(EventType.__members__)}")
        elif kind in found:
            problems.add("types", str(kind), "duplicate type; pass each type once")
        else:
            found.append(EventType(kind))
    return found


def cloudformation_names(types: Iterable[EventType]) -> list[str]:
    """Return the types as CloudFormation spells them, sorted."""
    return sorted(CLOUDFORMATION_EVENT_NAMES[kind] for kind in types)


def check_places(problems: Problems, stack: Stack, **given: IResource | None) -> None:
    """Report what is in another region than the publishing."""
    for argument, resource in given.items():
        check_region(problems, argument, resource, stack, "event publishing is in one region")


def check_topic(
    problems: Problems, argument: str, topic: sns.ITopic | None, publisher: str
) -> None:
    """Report a topic that *publisher*, an AWS service, cannot publish to."""
    if topic is None:
        return
    if topic.fifo or (resolved(topic.topic_arn) and topic.topic_arn.endswith(".fifo")):
        problems.add(
            argument,
            topic.node.path,
            f"{publisher} cannot publish to a FIFO topic; pass a standard topic",
        )
    if topic.master_key is not None and "alias/aws/sns" in topic.master_key.key_arn:
        problems.add(
            argument,
            topic.node.path,
            f"{publisher} cannot use the AWS managed key alias/aws/sns; encrypt the topic with a "
            "customer managed key",
        )
