"""Subscriptions of add-ons, and their instances.

https://docs.aws.amazon.com/ses/latest/dg/eb-addons.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mailroom_local._emulator.gateway.model import Refused, invalid
from mailroom_local._emulator.gateway.store import Table, now, page

NAMES = (
    "ABUSIX_MAIL_INTELLIGENCE",
    "SPAMHAUS_DBL",
    "TRENDMICRO_VSAPI",
    "VADE_ADVANCED_EMAIL_SECURITY",
)

subscriptions = Table(
    "add-on subscription",
    id_name="AddonSubscriptionId",
    arn_name="AddonSubscriptionArn",
    name="AddonName",
    resource="addon-subscription",
    prefix="as-",
)
instances = Table(
    "add-on instance",
    id_name="AddonInstanceId",
    arn_name="AddonInstanceArn",
    name=None,
    resource="addon-instance",
    prefix="ai-",
)


def subscribe(given: Mapping[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_CreateAddonSubscription.html"""
    if given["AddonName"] not in NAMES:
        raise invalid(f"{given['AddonName']} is not an add-on: use one of {', '.join(NAMES)}.")
    fields = {"AddonName": given["AddonName"], "CreatedTimestamp": now()}
    made = subscriptions.new(fields, tags=given.get("Tags"))
    subscriptions.put(made)
    return {"AddonSubscriptionId": made.id}


def create(given: Mapping[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_CreateAddonInstance.html"""
    subscription = subscriptions.get(given["AddonSubscriptionId"])
    for each in instances.all():
        if each.fields["AddonSubscriptionId"] == subscription.id:
            raise Refused(
                "ConflictException",
                f"The add-on subscription {subscription.id} already has the instance {each.id}.",
            )
    fields = {
        "AddonSubscriptionId": subscription.id,
        "AddonName": subscription.fields["AddonName"],
        "CreatedTimestamp": now(),
    }
    made = instances.new(fields, tags=given.get("Tags"))
    instances.put(made)
    return {"AddonInstanceId": made.id}


OPERATIONS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "CreateAddonInstance": create,
    "CreateAddonSubscription": subscribe,
    "GetAddonInstance": lambda given: instances.get(given["AddonInstanceId"]).fields,
    "GetAddonSubscription": lambda given: subscriptions.get(given["AddonSubscriptionId"]).fields,
    "ListAddonInstances": lambda given: page(
        given, "AddonInstances", instances.all(), each=lambda resource: resource.fields
    ),
    "ListAddonSubscriptions": lambda given: page(
        given, "AddonSubscriptions", subscriptions.all(), each=lambda resource: resource.fields
    ),
}
