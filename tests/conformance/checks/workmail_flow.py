"""WorkMail's flow rules: their operations, the event of a function, and the log.

On a real account they need an organization that nobody's mail depends on, as no program can make
one: name it and one of its users in the variables ``MAILROOM_WORKMAIL_ORGANIZATION`` and
``MAILROOM_WORKMAIL_USER``.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping
from typing import Any

from conformance.check import Json, Need, NotRun, check
from conformance.events import observed
from conformance.permissions import FUNCTION
from conformance.place import Place

NEEDS = (Need.DOMAIN, Need.PORT_25)
VARIABLES = ("MAILROOM_WORKMAIL_ORGANIZATION", "MAILROOM_WORKMAIL_USER")
MADE = "flow rules in the organization that you name, functions"
# Those of rules are in no documentation, but in IAM's list.
RULES = (
    "workmail:CreateInboundMailFlowRule",
    "workmail:DeleteInboundMailFlowRule",
    "workmail:DescribeInboundMailFlowRule",
    "workmail:ListInboundMailFlowRules",
    "workmail:ListOrganizations",
)
DELIVERS = "return {'actions': [{'action': {'type': 'DEFAULT'}, 'allRecipients': True}]}"
_OTHER = "ListOrganizations"


class Organization:
    """An organization, and a user of it to whom mail may be sent."""

    def __init__(self, place: Place) -> None:
        self.place = place
        if place.site.local is None:
            found = [os.environ.get(name, "") for name in VARIABLES]
            if not all(found):
                raise NotRun(f"no organization: set {' and '.join(VARIABLES)}")
            self.id, self.user = found
        else:
            self.id = f"m-{secrets.token_hex(16)}"
            self.user = place.address("user")
            of = {"organization_id": self.id}
            make = place.site.local.workmail_organization
            # Its domain is that of other checks, too.
            place.cleanup.add("organization", make, **of, domains=[], users=[])
            logs, group = place.client("logs"), f"/aws/workmail/events/{self.id}"
            place.cleanup.add("log group", logs.delete_log_group, logGroupName=group)
            make(**of, domains=[place.domain], users=[self.user])
        place.mask(self.id, "organization")
        place.mask(self.user, "user")

    def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Call an operation that boto3 does not have; the answer, or its error by `__type`.

        boto3 signs and sends another one, whose name and content are exchanged on the way.
        """
        client, answers = self.place.client("workmail"), list[dict[str, Any]]()
        content = json.dumps({"OrganizationId": self.id, **arguments}).encode()

        def exchange(params: dict[str, Any], **_: Any) -> None:
            params["headers"]["X-Amz-Target"] = f"WorkMailService.{operation}"
            params["body"] = content

        def keep(http_response: Any, **_: Any) -> None:
            found = json.loads(http_response.content or b"{}")
            if http_response.status_code >= 400:
                found = {"__type": str(found.get("__type", "")).rpartition("#")[2]}
            answers.append(found)

        hooks = {"before-call": exchange, "after-call": keep}
        for when, hook in hooks.items():
            client.meta.events.register(f"{when}.workmail.{_OTHER}", hook)
        try:
            self.place.error(client.list_organizations)
        finally:
            for when, hook in hooks.items():
                client.meta.events.unregister(f"{when}.workmail.{_OTHER}", hook)
        return answers[-1]

    def rule(self, function: str, *, senders: str = "*", minutes: int | None = 2) -> dict[str, Any]:
        """An inbound rule for a function; without minutes, an asynchronous one."""
        action: dict[str, Any] = {"Arn": function}
        if minutes is not None:
            action["SynchronousLambdaParameters"] = {
                "RetryPeriodMinutes": minutes,
                "FallbackAction": {"NormalDeliveryAction": {}},
            }
        return {
            "Name": self.place.name("rule")[-60:],
            "Condition": {
                "OriginRuleCondition": {"Patterns": [senders]},
                "DestinationRuleCondition": {"Patterns": ["*"]},
            },
            "Action": {"InboundLambdaAction": action},
        }

    def create(self, rule: Mapping[str, Any]) -> dict[str, Any]:
        """Create a rule."""
        name = rule["Name"]
        self.place.cleanup.add(
            f"flow rule {name}", self.call, operation="DeleteInboundMailFlowRule", RuleName=name
        )
        self.place.mask(name, "rule")
        return self.call("CreateInboundMailFlowRule", Rule=rule)

    def function(self, body: str) -> Any:
        """A function that WorkMail may call."""
        return self.place.function(body, invoked_by=f"workmail.{self.place.region}.amazonaws.com")

    def send(self) -> None:
        """Send a mail to the user from outside."""
        sent = self.place.accepted(self.user)
        if self.place.site.local is not None:
            # It logs what it did after the function has answered.
            self.place.cleanup.add("flow", self.place.site.local.wait, message_id=sent)

    def log_group(self) -> str:
        """The name of the log group of its events.

        Raises:
            NotRun: It has none.
        """
        workmail = self.place.client("workmail")
        answer = self.place.error(
            workmail.describe_email_monitoring_configuration, OrganizationId=self.id
        )
        if answer != "accepted":
            raise NotRun(f"the organization has no email monitoring: {answer}")
        found = workmail.describe_email_monitoring_configuration(OrganizationId=self.id)
        return str(found["LogGroupArn"]).partition(":log-group:")[2].removesuffix(":*")


def _checked(belief: str, *more: str, minutes: float = 2, expects: Json = None) -> Any:
    return check(
        belief,
        actions=(*FUNCTION, *RULES, *more),
        needs=NEEDS,
        creates=MADE,
        minutes=minutes,
        expects=expects,
    )


@_checked("The unpublished operations for flow rules")
def operations(place: Place) -> Json:
    """List, create, describe and delete a rule with your own credentials."""
    organization = Organization(place)
    rule = organization.rule(organization.function(DELIVERS).arn)
    answers = {"create": organization.create(rule)}
    answers["create again"] = organization.call("CreateInboundMailFlowRule", Rule=rule)
    listed = organization.call("ListInboundMailFlowRules")
    names = [each.get("RuleName") for each in listed.get("InboundMailFlowRuleSummaries", [])]
    answers["list"] = {"keys": sorted(listed), "has the rule": rule["Name"] in names}
    described = organization.call("DescribeInboundMailFlowRule", RuleName=rule["Name"])
    answers["describe"] = {
        "keys": sorted(described),
        "is the rule": any(each == rule for each in (described, *described.values())),
    }
    answers["delete"] = organization.call("DeleteInboundMailFlowRule", RuleName=rule["Name"])
    return answers


@_checked("The event of a flow rule", minutes=3)
def event(place: Place) -> Json:
    """Read the event of a synchronous function, field by field."""
    organization = Organization(place)
    function = organization.function(f"tell(event)\n{DELIVERS}")
    organization.create(organization.rule(function.arn))
    organization.send()
    told = place.told(function, seconds=120)
    for each in told:
        place.mask(str(each.get("messageId")), "message id")
        place.mask(str(each.get("invocationId")), "invocation id")
    return [observed(each) for each in told]


@_checked("After a failure WorkMail asks again", minutes=5)
def retries(place: Place) -> Json:
    """Fail at the first call, and compare `invocationId` with that of the second."""
    organization = Organization(place)
    body = "tell(event['invocationId'])\nraise RuntimeError('fails')"
    function = organization.function(body)
    organization.create(organization.rule(function.arn, minutes=3))
    organization.send()
    told = place.told(function, count=2, seconds=240)
    return {"called again": len(told) > 1, "with the same invocationId": len(set(told)) == 1}


@_checked("Of several synchronous rules that match", minutes=3)
def most_specific(place: Place) -> Json:
    """Let two rules match, one for every sender and one for the sender's domain: which one runs?"""
    organization = Organization(place)
    functions = {
        senders: organization.function(f"tell('called')\n{DELIVERS}")
        for senders in ("*", "example.net")
    }
    created = {
        senders: organization.create(organization.rule(function.arn, senders=senders))
        for senders, function in functions.items()
    }
    if any(created.values()):
        return created
    organization.send()
    place.told(functions["example.net"], seconds=90)
    return {
        "called": [
            senders
            for senders, function in functions.items()
            if senders == "example.net" or place.told_so_far(function)
        ]
    }


@_checked(
    "`RULE_APPLIED` events have",
    "logs:FilterLogEvents",
    "workmail:DescribeEmailMonitoringConfiguration",
    minutes=6,
)
def log(place: Place) -> Json:
    """Read the event that the log has of a rule that ran."""
    organization = Organization(place)
    function, logs = organization.function(DELIVERS), place.client("logs")
    rule = organization.rule(function.arn)
    organization.create(rule)
    group = organization.log_group()
    organization.send()

    def records() -> list[dict[str, Any]]:
        try:
            events = logs.filter_log_events(logGroupName=group)["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        found = [json.loads(each["message"]) for each in events if rule["Name"] in each["message"]]
        return [each for each in found if "RULE_APPLIED" in json.dumps(each)]

    found = place.until(records, seconds=300)
    return [_applied(place, each) for each in found]


@check(
    "The id of an organization is `m-`",
    actions=("workmail:ListOrganizations",),
    expects={"of this form": True},
    here="the local WorkMail lists no organizations",
)
def organization_ids(place: Place) -> Json:
    """List the organizations of the account."""
    listed = place.client("workmail").list_organizations()["OrganizationSummaries"]
    if not listed:
        raise NotRun("the account has no organization")
    ids = [each["OrganizationId"] for each in listed]
    return {"of this form": all(re.fullmatch(r"m-[0-9a-f]{32}", each) for each in ids)}


def _applied(place: Place, record: Mapping[str, Any]) -> Json:
    for name in ("messageId", "traceId"):
        for within in (record, record.get("event", {})):
            if within.get(name):
                place.mask(str(within[name]), "message id")
    return observed(record)
