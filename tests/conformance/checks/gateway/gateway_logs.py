"""What Mail Manager logs."""

from __future__ import annotations

import json
from typing import Any

from conformance.check import Json, check
from conformance.checks.gateway.point import (
    CREATES,
    DOLLARS,
    MINUTES,
    NEEDS,
    STORING,
    Store,
    rule,
    shared,
    to,
)
from conformance.place import Place

LOGS = (
    "logs:CreateDelivery",
    "logs:CreateLogGroup",
    "logs:DeleteDelivery",
    "logs:DeleteDeliveryDestination",
    "logs:DeleteDeliverySource",
    "logs:DeleteLogGroup",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:FilterLogEvents",
    "logs:PutDeliveryDestination",
    "logs:PutDeliverySource",
    "logs:PutResourcePolicy",
    "ses:AllowVendedLogDeliveryForResource",
)


@check(
    "A log delivery needs nothing but the log group's policy",
    actions=(*STORING, *LOGS),
    needs=NEEDS,
    creates=f"{CREATES}, a bucket, a log group with a delivery",
    dollars=DOLLARS,
    minutes=MINUTES + 6,
)
def delivery(place: Place) -> Json:
    """Deliver the rule set's log, and let an action succeed and another one fail."""
    point, address = shared(place), place.address()
    place.mask(address, "recipient")
    group = _delivered(place, f"{point.arn_scope}:mailmanager-rule-set/{point.rule_set}")
    store = Store(place, point)
    good, bad = store.action("in/"), store.action("in/")
    bad["WriteToS3"]["S3Bucket"] = f"{store.bucket}-not"
    point.rules(
        place,
        rule("Good", good, Conditions=[to(address)]),
        rule("Bad", bad, Conditions=[to(address)]),
        rule("Other", {"Drop": {}}, Conditions=[to("nobody@example.com")]),
    )
    message_id = point.send(place, address)
    place.mask(point.rule_set, "rule set id")
    logs = place.client("logs")

    def records() -> list[dict[str, Any]]:
        events = logs.filter_log_events(logGroupName=group)["events"]
        found = [json.loads(each["message"]) for each in events]
        return [each for each in found if each.get("message_id") == message_id]

    found = place.until(records, lambda all_of: len(all_of) >= 3, seconds=300)
    return {str(each.get("rule_name")): _record(each) for each in found}


def _delivered(place: Place, arn: str) -> str:
    """A log group that gets the application log of a resource."""
    logs, name = place.client("logs"), place.name("log")
    group = f"/aws/vendedlogs/{name}"
    place.cleanup.add("log group", logs.delete_log_group, logGroupName=group)
    logs.create_log_group(logGroupName=group)
    place.cleanup.add("delivery source", logs.delete_delivery_source, name=name)
    logs.put_delivery_source(name=name, resourceArn=arn, logType="APPLICATION_LOGS")
    place.cleanup.add("delivery destination", logs.delete_delivery_destination, name=name)
    target = f"arn:aws:logs:{place.region}:{place.account}:log-group:{group}:*"
    made = logs.put_delivery_destination(
        name=name,
        outputFormat="json",
        deliveryDestinationConfiguration={"destinationResourceArn": target},
    )
    started = logs.create_delivery(
        deliverySourceName=name, deliveryDestinationArn=made["deliveryDestination"]["arn"]
    )
    place.cleanup.add("delivery", logs.delete_delivery, id=started["delivery"]["id"])
    place.pause(60)
    return group


def _record(record: dict[str, Any]) -> Json:
    """A record with the words that do not depend on the run."""
    action = record.get("action_metadata", {})
    kept = ("action_name", "action_index", "action_status")
    return {
        "fields": sorted(record),
        "rule_index": record.get("rule_index"),
        "recipients_matched": record.get("recipients_matched"),
        "action": {name: action[name] for name in kept if name in action},
        "action_failure": "action_failure" in action,
    }
