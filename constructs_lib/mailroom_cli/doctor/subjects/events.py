"""Sending events: event destinations that reach nobody."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from mailroom_cli.doctor import policies
from mailroom_cli.doctor.findings import Finding
from mailroom_cli.doctor.place import Place, counted, named, several
from mailroom_cli.doctor.reading import Absent, Unseen

RANK = 50
NEEDS = (
    "events:ListRules",
    "events:ListTargetsByRule",
    "firehose:DescribeDeliveryStream",
    "iam:GetRole",
    "ses:GetConfigurationSetEventDestinations",
    "ses:ListConfigurationSets",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
)

Destination = Mapping[str, Any]

_DESTINATIONS = "https://docs.aws.amazon.com/ses/latest/dg/event-destinations-manage.html"
_SNS = "https://docs.aws.amazon.com/ses/latest/dg/event-publishing-add-event-destination-sns.html"
_FIREHOSE = (
    "https://docs.aws.amazon.com/ses/latest/dg/event-publishing-add-event-destination-firehose.html"
)
_EVENT_BRIDGE = "https://docs.aws.amazon.com/ses/latest/dg/monitoring-eventbridge.html"
_MOST_SETS = 100
_NAMED = 20
_MOST_RULES = 300
# What a sender must know of.
_NEEDED = ("BOUNCE", "COMPLAINT")
_GONE = ("NotFound", "NotFoundException", "ResourceNotFoundException", "NoSuchEntity")


def look(place: Place) -> Iterator[Finding]:
    """Look at the configuration sets and what they publish to."""
    sets = place.reader.pages(
        "sesv2", "list_configuration_sets", "ConfigurationSets", most=_MOST_SETS
    )
    if not sets.items:
        yield place.note(
            "none",
            "no configuration set, so nobody learns of bounces and complaints",
            remedy="deploy an EventPublishing, and handle its events",
        )
    well = 0
    for found in several(lambda name: _set(place, name), sets.items):
        yield from found
        well += not found
    if well and place.saw_all:
        yield place.ok("reached", f"{counted(well, 'configuration set')} with a reader of events")
    if not sets.complete:
        yield place.warning(
            "not-all", f"only the first {_MOST_SETS} configuration sets were looked at"
        )


def _set(place: Place, name: str) -> Iterator[Finding]:
    answer = place.reader.call(
        "sesv2", "get_configuration_set_event_destinations", ConfigurationSetName=name
    )
    destinations: list[Destination] = answer.get("EventDestinations") or []
    if not destinations:
        yield place.note(
            "no-destination",
            f"configuration set {name} has no event destination, so it publishes nothing",
            remedy="handle its events: outbound.on(EventType.BOUNCE); if nobody uses it:",
            command=place.aws("sesv2", "delete-configuration-set", configuration_set_name=name),
            source=_DESTINATIONS,
        )
        return
    reached: set[str] = set()
    for one in destinations:
        found = list(_destination(place, name, one))
        yield from found
        if not found:
            reached.update(one.get("MatchingEventTypes") or [])
    missing = [kind for kind in _NEEDED if kind not in reached]
    if reached and missing:
        yield place.warning(
            "unread",
            f"configuration set {name}: nobody reads {named(missing)} events",
            remedy="handle them: outbound.on(EventType.BOUNCE), outbound.on(EventType.COMPLAINT)",
            source=_DESTINATIONS,
        )


def _destination(place: Place, set_name: str, one: Destination) -> Iterator[Finding]:
    title = f"configuration set {set_name}, destination {one['Name']}"
    update = "update-configuration-set-event-destination"
    which = {"configuration_set_name": set_name, "event_destination_name": one["Name"]}
    if not one.get("Enabled"):
        enabled = {**{key: value for key, value in one.items() if key != "Name"}, "Enabled": True}
        yield place.warning(
            "disabled",
            f"{title}: it is disabled, so it gets no events",
            remedy="enable it where it is deployed from; by hand:",
            command=place.aws("sesv2", update, **which, event_destination=json.dumps(enabled)),
            source=_DESTINATIONS,
        )
        return
    if not one.get("MatchingEventTypes"):
        yield place.problem(
            "no-types",
            f"{title}: it matches no event type, so it gets no events",
            remedy="name the event types where it is deployed from, and deploy again",
            source=_DESTINATIONS,
        )
    for kind, look_at in _KINDS.items():
        if target := one.get(kind):
            with suppress(Unseen):
                yield from look_at(place, title, target, set_name)


def _topic(place: Place, title: str, target: Mapping[str, Any], set_name: str) -> Iterator[Finding]:
    arn = target["TopicArn"]
    name = arn.rpartition(":")[2]
    try:
        topic = place.reader.call("sns", "get_topic_attributes", TopicArn=arn, absent=_GONE)
    except Absent:
        yield place.problem(
            "topic",
            f"{title}: its topic {name} does not exist, so its events are lost",
            remedy="deploy the stack that makes it again; by hand:",
            command=place.aws("sns", "create-topic", name=name),
            source=_SNS,
        )
        return
    if not policies.admits(
        topic["Attributes"].get("Policy"),
        principal="ses.amazonaws.com",
        action="sns:Publish",
        resource=arn,
        source_arn=place.arn("ses", f"configuration-set/{set_name}"),
        account=place.account,
    ):
        yield place.problem(
            "topic-permission",
            f"{title}: the policy of its topic {name} does not let SES publish, so its events are "
            "lost",
            remedy="deploy the stack that makes it again, or allow sns:Publish to "
            f"ses.amazonaws.com for aws:SourceAccount {place.account}",
            source=_SNS,
        )
    if int(topic["Attributes"].get("SubscriptionsConfirmed", 0)):
        return
    pending: list[str] = []
    with suppress(Unseen):
        found = place.reader.pages(
            "sns", "list_subscriptions_by_topic", "Subscriptions", most=_NAMED, TopicArn=arn
        )
        pending = [one["Endpoint"] for one in found.items]
    if pending:
        yield place.problem(
            "unconfirmed",
            f"{title}: nobody has confirmed a subscription to its topic {name}; waiting: "
            f"{named(pending)}",
            remedy="open the mail of AWS Notifications there and follow its link",
            source=_SNS,
        )
    else:
        yield place.problem(
            "no-subscription",
            f"{title}: its topic {name} has no subscription, so its events reach nobody",
            remedy="subscribe to it; for example:",
            command=place.aws(
                "sns",
                "subscribe",
                topic_arn=arn,
                protocol="email",
                notification_endpoint="YOU@YOUR-DOMAIN",
            ),
            source=_SNS,
        )


def _stream(
    place: Place, title: str, target: Mapping[str, Any], set_name: str
) -> Iterator[Finding]:
    name = target["DeliveryStreamArn"].rpartition("/")[2]
    try:
        stream = place.reader.call(
            "firehose", "describe_delivery_stream", DeliveryStreamName=name, absent=_GONE
        )["DeliveryStreamDescription"]
    except Absent:
        yield place.problem(
            "stream",
            f"{title}: its delivery stream {name} does not exist, so its events are lost",
            remedy="deploy the stack that makes it again",
            source=_FIREHOSE,
        )
        return
    if (status := stream["DeliveryStreamStatus"]) != "ACTIVE":
        yield place.problem(
            "stream",
            f"{title}: its delivery stream {name} is {status}, not ACTIVE",
            remedy="wait if it is being made; otherwise see why:",
            command=place.aws("firehose", "describe-delivery-stream", delivery_stream_name=name),
            source=_FIREHOSE,
        )
    role = target.get("IamRoleArn", "").rpartition("/")[2]
    trust = None
    with suppress(Absent):
        found = place.reader.call("iam", "get_role", RoleName=role, absent=_GONE)
        trust = found["Role"]["AssumeRolePolicyDocument"]
    if not policies.admits(
        trust,
        principal="ses.amazonaws.com",
        action="sts:AssumeRole",
        resource="*",
        source_arn=place.arn("ses", f"configuration-set/{set_name}"),
        account=place.account,
    ):
        why = "does not trust SES" if trust else "does not exist"
        yield place.problem(
            "stream-permission",
            f"{title}: its role {role} {why}, so its events are lost",
            remedy="deploy the stack that makes it again",
            source=_FIREHOSE,
        )


def _bus(place: Place, title: str, target: Mapping[str, Any], set_name: str) -> Iterator[Finding]:
    rules = place.reader.pages("events", "list_rules", "Rules", most=_MOST_RULES)
    ours = [one for one in rules.items if _takes_mail(one)]
    for one in ours:
        targets = place.reader.call("events", "list_targets_by_rule", Rule=one["Name"])
        if one.get("State") != "DISABLED" and targets["Targets"]:
            return
    if not rules.complete:
        yield place.warning(
            "bus-not-all",
            f"{title}: none of the first {_MOST_RULES} rules of the default event bus takes its "
            "events, and the others were not looked at",
        )
        return
    why = (
        f"{named([one['Name'] for one in ours])} takes them, and is disabled or has no target"
        if ours
        else "no rule of the default event bus is for the source aws.ses"
    )
    yield place.problem(
        "no-bus-rule",
        f"{title}: its events go to the default event bus, and {why}",
        remedy="make a rule with a target: outbound.on_bus(…), or in the EventBridge console",
        source=_EVENT_BRIDGE,
    )


def _takes_mail(rule: Mapping[str, Any]) -> bool:
    """Whether a rule's pattern may match events of SES; one that says no source may."""
    try:
        pattern = json.loads(rule.get("EventPattern") or "null")
    except ValueError:
        return False
    if not isinstance(pattern, dict):
        return False
    sources = pattern.get("source")
    return sources is None or any(not isinstance(one, str) or one == "aws.ses" for one in sources)


_Look = Callable[[Place, str, Mapping[str, Any], str], Iterator[Finding]]
_KINDS: Mapping[str, _Look] = {
    "EventBridgeDestination": _bus,
    "KinesisFirehoseDestination": _stream,
    "SnsDestination": _topic,
}
