"""The requests that custom resources receive, and CloudFormation's ids of SES's resources."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from conformance.check import Json, check
from conformance.permissions import FUNCTION, QUEUE, ROLE, RULE_SET, STACK
from conformance.place import Place

# Tells each request and answers it: its id has the version if Changes is "yes".
_PROVIDER = """
own, old = event["ResourceProperties"], event.get("OldResourceProperties", {})
given = event.get("PhysicalResourceId", "")
changed = "id-" + own["Version"] if own["Changes"] == "yes" else "id"
ours = given if event["RequestType"] == "Delete" else changed
fails = own["Fails"] == "yes" and event["RequestType"] == "Update"
if own["Name"] == "first":
    request = {"request": event["RequestType"], "id": given, "version": own["Version"]}
    tell(request | ({"old version": old["Version"]} if old else {}))
answer = {"Status": "FAILED" if fails else "SUCCESS", "Reason": "on purpose", "Data": {},
    "PhysicalResourceId": ours, "StackId": event["StackId"],
    "RequestId": event["RequestId"], "LogicalResourceId": event["LogicalResourceId"]}
request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(),
    {"Content-Type": ""}, method="PUT")
urllib.request.urlopen(request, timeout=20).read()
"""
_ACTIONS = (*FUNCTION, *STACK, "lambda:InvokeFunction")


def _rollback(place: Place, *, changes: str) -> Json:
    """Update a custom resource, let another one fail behind it, and list what the first got."""
    provider = place.function(_PROVIDER, before="import urllib.request", invoked_by="")

    def template(version: str, fails: str) -> dict[str, Any]:
        def resource(name: str, **more: str) -> dict[str, Any]:
            own = {"Name": name, "Version": version, "Changes": changes, "Fails": "no", **more}
            properties = {"ServiceToken": provider.arn, **own}
            return {"Type": "Custom::Conformance", "Properties": properties}

        second = resource("second", Fails=fails)
        return {"First": resource("first"), "Second": {**second, "DependsOn": "First"}}

    stack, created = place.deploy(template("1", "no"))
    created_by = place.told_so_far(provider)
    _, updated = place.deploy(template("2", "yes"), stack=stack)
    requests = place.told_so_far(provider)
    id_now = place.physical_ids(stack)["First"]
    place.delete_stack(stack)
    deleted = place.told_so_far(provider)
    return {
        "creation": created,
        "update": updated,
        "requests": [*created_by, *_in_order(requests)],
        "id afterwards": id_now,
        "requests of the deletion": _in_order(deleted),
    }


def _in_order(requests: list[dict[str, str]]) -> list[dict[str, str]]:
    """As sent: a queue may swap them; an update to a version precedes one away from it."""
    return sorted(
        requests, key=lambda one: (one["request"] == "Delete", one.get("old version", ""))
    )


@check(
    "On rollback after a custom resource returned another physical id",
    actions=_ACTIONS,
    creates="a function, and a stack with two custom resources, of which one fails on purpose",
    dollars=0.001,
    minutes=4,
)
def rollback_with_another_id(place: Place) -> Json:
    """Roll back an update in which a custom resource has returned another physical id."""
    return _rollback(place, changes="yes")


@check(
    "On rollback with an unchanged id",
    actions=_ACTIONS,
    creates="a function, and a stack with two custom resources, of which one fails on purpose",
    dollars=0.001,
    minutes=4,
    expects={
        "update": "UPDATE_ROLLBACK_COMPLETE",
        "requests": [
            {"request": "Create", "id": "", "version": "1"},
            {"request": "Update", "id": "id", "version": "2", "old version": "1"},
            {"request": "Update", "id": "id", "version": "1", "old version": "2"},
        ],
        "id afterwards": "id",
    },
)
def rollback_with_the_same_id(place: Place) -> Json:
    """Roll back an update in which a custom resource has kept its physical id."""
    return _rollback(place, changes="no")


@check(
    "CloudFormation's physical id of a resource of SES",
    actions=(
        *STACK,
        *RULE_SET,
        "cloudformation:DescribeStackResources",
        "ses:DescribeReceiptRule",
        "ses:DeleteReceiptRule",
        "ses:CreateReceiptFilter",
        "ses:ListReceiptFilters",
        "ses:DeleteReceiptFilter",
        "ses:CreateConfigurationSet",
        "ses:GetConfigurationSet",
        "ses:DeleteConfigurationSet",
        "ses:CreateConfigurationSetEventDestination",
        "ses:GetConfigurationSetEventDestinations",
        "ses:DeleteConfigurationSetEventDestination",
        "ses:TagResource",
        "ses:ListTagsForResource",
        "ses:CreateEmailTemplate",
        "ses:GetEmailTemplate",
        "ses:DeleteEmailTemplate",
        "ses:CreateTemplate",
        "ses:GetTemplate",
        "ses:DeleteTemplate",
    ),
    creates="a stack with a rule set, a rule, an IP filter, a configuration set and a template",
    minutes=2,
)
def physical_ids(place: Place) -> Json:
    """Deploy each of SES's resources with a name, and read their physical ids."""
    kinds = ("RuleSet", "Rule", "Filter", "ConfigurationSet", "Destination", "Template")
    names = {kind: place.name(kind) for kind in kinds}
    for kind, name in names.items():
        place.mask(name, f"name of {kind}")
    ip_filter = {"Cidr": "192.0.2.0/24", "Policy": "Block"}
    cloud_watch = {
        "DimensionConfigurations": [
            {
                "DefaultDimensionValue": "none",
                "DimensionName": "ses-source",
                "DimensionValueSource": "messageTag",
            }
        ]
    }
    properties: dict[str, dict[str, Any]] = {
        "RuleSet": {"RuleSetName": names["RuleSet"]},
        "Rule": {"RuleSetName": {"Ref": "RuleSet"}, "Rule": {"Name": names["Rule"]}},
        "Filter": {"Filter": {"Name": names["Filter"], "IpFilter": ip_filter}},
        "ConfigurationSet": {"Name": names["ConfigurationSet"]},
        "Destination": {
            "ConfigurationSetName": {"Ref": "ConfigurationSet"},
            "EventDestination": {
                "CloudWatchDestination": cloud_watch,
                "Enabled": True,
                "MatchingEventTypes": ["delivery"],
                "Name": names["Destination"],
            },
        },
        "Template": {
            "Template": {
                "TemplateName": names["Template"], "SubjectPart": "Hello", "TextPart": "Hello"
            }
        },
    }  # fmt: skip
    types = {
        "RuleSet": "ReceiptRuleSet",
        "Rule": "ReceiptRule",
        "Filter": "ReceiptFilter",
        "Destination": "ConfigurationSetEventDestination",
    }
    stack, status = place.deploy(
        {
            kind: {"Type": f"AWS::SES::{types.get(kind, kind)}", "Properties": properties[kind]}
            for kind in kinds
        }
    )
    return {"creation": status, "ids": place.physical_ids(stack)}


@check(
    "A new IAM role is known everywhere after a minute",
    actions=(*ROLE, *FUNCTION, *QUEUE),
    creates="five roles and functions",
    minutes=6,
    here="the local AWS knows a role at once",
)
def new_role(place: Place) -> Generator[float, None, Json]:
    """Create five roles, wait for a minute, and make a function with each."""
    roles = [place.role("lambda.amazonaws.com") for _ in range(5)]
    yield place.later(60)
    return {
        "refused after a minute": [
            answer
            for answer in (place.error(place.make_function, role=role) for role in roles)
            if answer != "accepted"
        ]
    }
