"""The organizations of an account, and the operations on their rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mailroom_local.control.environments import of_arn
from mailroom_local.workmail.model import Organization, Place, Refused
from mailroom_local.workmail.rules import action_of, check_rule, tested

ANSWER_SECONDS = 15.0
SECONDS_PER_MINUTE = 1.0

_OPERATION = re.compile(r"(Create|Update|Delete|Describe|List|Test)(In|Out)boundMailFlowRules?")
_MONITORING = "DescribeEmailMonitoringConfiguration"
_ORGANIZATION = re.compile(r"m-[0-9a-f]{32}")


class Directory:
    """Keeps organizations and their rules."""

    def __init__(self, *, home: Place) -> None:
        self._home = home
        self._organizations: dict[str, Organization] = {}

    def add(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Create an organization, or change its domains and users."""
        name = str(data.get("OrganizationId"))
        if not _ORGANIZATION.fullmatch(name):
            raise Refused(
                "InvalidParameterException",
                f"OrganizationId is {name!r}: it must be m- and 32 hexadecimal digits",
            )
        before = self._organizations.get(name)
        domains = frozenset(str(one).casefold() for one in data.get("Domains") or [])
        users = frozenset(str(one).casefold() for one in data.get("Users") or [])
        for user in users:
            if user.rpartition("@")[2] not in domains:
                raise Refused("InvalidParameterException", f"user {user} is in none of the domains")
        for other in self._organizations.values():
            if other.id != name and other.domains & domains:
                raise Refused(
                    "InvalidParameterException", f"a domain is already that of {other.id}"
                )
        account, region = before.place if before else self._home
        made = Organization(
            id=name,
            place=(str(data.get("Account") or account), str(data.get("Region") or region)),
            pinned=bool(data.get("Account") or data.get("Region")),
            domains=domains,
            users=users,
            answer_seconds=float(data.get("AnswerSeconds", ANSWER_SECONDS)),
            seconds_per_minute=float(data.get("SecondsPerMinute", SECONDS_PER_MINUTE)),
        )
        if before:
            made.rules = before.rules
        self._organizations[name] = made
        return {"OrganizationId": name, "OrganizationArn": made.arn}

    def summaries(self, place: Place) -> dict[str, Any]:
        """Answer ListOrganizations for an account and region."""
        found = [
            {
                "OrganizationId": one.id,
                "DefaultMailDomain": min(one.domains, default=""),
                "State": "Active",
            }
            for one in self._organizations.values()
            if one.place == place
        ]
        return {"OrganizationSummaries": found}

    def call(self, operation: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Answer an operation: the unpublished ones on rules, or the monitoring configuration."""
        match = _OPERATION.fullmatch(operation)
        if match is None and operation != _MONITORING:
            raise Refused(
                "UnknownOperationException", f"the local WorkMail has no operation {operation}"
            )
        organization = self._organizations.get(str(data.get("OrganizationId")))
        if organization is None:
            raise Refused("OrganizationNotFoundException", "the organization does not exist")
        if match is None:
            account, region = organization.place
            group = f"log-group:{organization.log_group}:*"
            return {
                "RoleArn": f"arn:aws:iam::{account}:role/WorkMailEvents",
                "LogGroupArn": f"arn:aws:logs:{region}:{account}:{group}",
            }
        verb, direction = match[1], f"{match[2]}bound"
        rules = organization.rules[direction]
        if verb == "List":
            return {f"{direction}MailFlowRuleSummaries": [{"RuleName": name} for name in rules]}
        if verb == "Test":
            return {"MatchedRules": tested(rules, direction, data)}
        rule = data.get("Rule") or {}
        name = str(data.get("RuleName") or rule.get("Name"))
        if verb == "Create":
            if name in rules:
                raise Refused("NameAvailabilityException", f"a rule {name} already exists")
        elif name not in rules:
            raise Refused("EntityNotFoundException", f"rule {name} does not exist")
        if verb == "Describe":
            return {"Rule": dict(rules[name])}
        if verb == "Delete":
            del rules[name]
        else:
            others = [other for key, other in rules.items() if key != name]
            check_rule(rule, direction, others)
            rules[name] = rule
            _settle(organization, str(action_of(rule, direction)["Arn"]))
        return {}

    def holder(self, address: str) -> Organization | None:
        """The organization in whose domains an address is."""
        found = (one for one in self._organizations.values() if one.holds(address))
        return next(found, None)

    def all(self) -> list[Organization]:
        """Every organization."""
        return list(self._organizations.values())


def _settle(organization: Organization, function: str) -> None:
    """Put an organization where the function of its first rule is: on AWS they are in one place."""
    found = of_arn(function)
    if found is not None and not organization.pinned:
        organization.place, organization.pinned = (found.account, found.region), True
