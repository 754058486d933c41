"""The WorkMail organizations of a local AWS."""

from __future__ import annotations

import base64
import json
import re
import urllib.error
from collections.abc import Mapping, Sequence
from typing import Any

from mailroom_local.control import requests
from mailroom_local.control.account import Account
from mailroom_local.control.environments import of_arn
from mailroom_local.control.errors import MailroomError

ORGANIZATIONS_PATH = "/_mailroom/workmail/organizations"
DELIVERIES_PATH = "/_mailroom/workmail/deliveries"


class WorkMailAccount(Account):
    """What can be done with, and read from, a local AWS that runs, and its WorkMail."""

    def workmail_organization(
        self,
        organization_id: str,
        *,
        domains: Sequence[str],
        users: Sequence[str],
        answer_seconds: float = 15.0,
        seconds_per_minute: float = 1.0,
        account: str | None = None,
        region: str | None = None,
    ) -> None:
        """Create a WorkMail organization, or change its domains and users.

        Its domains become verified identities, as on AWS. Mail for them passes its inbound rules
        instead of receipt rules; mail that its users submit passes its outbound rules.

        Args:
            organization_id: `m-` and 32 hexadecimal digits.
            domains: The mail domains, each of one organization only.
            users: The addresses of its users.
            answer_seconds: How long a function has for one answer.
            seconds_per_minute: How long a minute of a rule's timeout lasts here, in seconds.
            account: The id of the account; by default that of the function of its first rule.
            region: The region; by default that of the function of its first rule.

        Raises:
            MailroomError: If an id, domain or user is refused.
        """
        made = {
            "OrganizationId": organization_id,
            "Domains": list(domains),
            "Users": list(users),
            "AnswerSeconds": answer_seconds,
            "SecondsPerMinute": seconds_per_minute,
            "Account": account,
            "Region": region,
        }
        self._workmail(made, path=ORGANIZATIONS_PATH)
        for domain in domains:
            self.verify_identity(domain, account=account, region=region)

    def workmail_rule(
        self, organization_id: str, rule: Mapping[str, Any], *, direction: str
    ) -> None:
        """Create a flow rule, or change the one of that name.

        Args:
            organization_id: The organization.
            rule: `Name`, `Condition` and `Action`, as `EmailFlowRule` outputs them.
            direction: `"Inbound"` or `"Outbound"`.

        Raises:
            MailroomError: If WorkMail refuses the rule.
        """
        body = {"OrganizationId": organization_id, "Rule": dict(rule)}
        listed = self.workmail_rules(organization_id, direction=direction)
        verb = "Update" if rule.get("Name") in listed else "Create"
        self._workmail(body, target=f"{verb}{direction}MailFlowRule")

    def workmail_rules(self, organization_id: str, *, direction: str) -> list[str]:
        """Return the names of an organization's rules.

        Args:
            organization_id: The organization.
            direction: `"Inbound"` or `"Outbound"`.

        Returns:
            The names.
        """
        answer = self._workmail(
            {"OrganizationId": organization_id}, target=f"List{direction}MailFlowRules"
        )
        return [one["RuleName"] for one in answer[f"{direction}MailFlowRuleSummaries"]]

    def workmail_rules_from_stack(
        self,
        stack_name: str,
        *,
        organization_id: str | None = None,
        account: str | None = None,
        region: str | None = None,
    ) -> list[str]:
        """Create the flow rules that a stack's outputs describe; on AWS that is done by hand.

        Args:
            stack_name: The deployed stack.
            organization_id: The organization; by default the one that may invoke the function.
            account: The id of the stack's account; by default that of :attr:`environment`.
            region: The stack's region; by default that of :attr:`environment`.

        Returns:
            The names of the rules.

        Raises:
            MailroomError: If no organization, or more than one, may invoke the function.
        """
        cloudformation = self.client("cloudformation", account=account, region=region)
        stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
        created = []
        for output in stack.get("Outputs", []):
            rule = _flow_rule(output["OutputValue"])
            if rule is None:
                continue
            kind, action = next(iter(rule["Action"].items()))
            name = organization_id or self._organization_of(action["Arn"])
            self.workmail_rule(name, rule, direction=kind.removesuffix("LambdaAction"))
            created.append(str(rule["Name"]))
        return created

    def mailbox(self, address: str) -> list[dict[str, Any]]:
        """Return what was delivered to a WorkMail user.

        Args:
            address: The user's address.

        Returns:
            The messages, oldest first: `Folder` is `inbox` or `junk`, `Raw` the bytes, `Bcc`
            whether a rule's answer added the user.
        """
        delivered = requests.get(self.server, DELIVERIES_PATH)["Delivered"]
        found = [one for one in delivered if one["Address"] == address.casefold()]
        return [{**one, "Raw": base64.b64decode(one["Raw"])} for one in found]

    def workmail_bounces(self) -> list[dict[str, Any]]:
        """Return what WorkMail bounced.

        Returns:
            The bounces, oldest first: `To`, `Recipient`, `Message` and `Rule`.
        """
        bounced: list[dict[str, Any]] = requests.get(self.server, DELIVERIES_PATH)["Bounced"]
        return bounced

    def _organization_of(self, function: str) -> str:
        place = of_arn(function) or self.environment
        functions = self.client("lambda", account=place.account, region=place.region)
        policy = json.loads(functions.get_policy(FunctionName=function)["Policy"])
        found = set(re.findall(r":organization/(m-[0-9a-f]{32})", json.dumps(policy)))
        if len(found) != 1:
            raise MailroomError(
                f"{len(found)} WorkMail organizations may invoke {function}",
                remedy="pass organization_id",
            )
        return str(found.pop())

    def _workmail(self, body: Mapping[str, Any], *, path: str = "/", target: str = "") -> Any:
        headers = {"Content-Type": "application/x-amz-json-1.1"}
        if target:
            headers["X-Amz-Target"] = f"WorkMailService.{target}"
        try:
            return requests.post(self.server, path, body, headers)
        except urllib.error.HTTPError as error:
            answer = json.load(error)
            raise MailroomError(
                f"{answer['__type']}: {answer['message']}",
                remedy="correct the rule or the organization",
            ) from None


def _flow_rule(text: str) -> dict[str, Any] | None:
    try:
        rule = json.loads(text)
    except ValueError:
        return None
    good = isinstance(rule, dict) and {"Name", "Condition", "Action"} <= rule.keys()
    return rule if good else None
