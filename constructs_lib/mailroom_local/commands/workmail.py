"""Check that WorkMail can call, and did call, the functions of deployed email flow rules."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from mailroom_local.errors import MailroomError, NotRunning
from mailroom_local.local import LocalAws
from mailroom_local.terminal import say

_EVENT = "RULE_APPLIED"
_HOURS = 24
_MAILBOX_RULE = "MAILBOX_RULE"  # of one person's mailbox, and none of the organization's


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A flow rule as its stack writes it down; ``name`` is missing if only a function is known."""

    function: str
    name: str | None = None
    direction: str | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at: what it is of, whether it is as it must be, what to do."""

    subject: str
    check: str
    ok: bool
    found: str
    remedy: str | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "action", choices=["verify"], metavar="verify", help="the only one there is"
    )
    parser.add_argument(
        "--organization", required=True, metavar="ID", help="'m-' and 32 hexadecimal digits"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--function", metavar="ARN", help="the function of one rule")
    which.add_argument(
        "--stack",
        metavar="NAME",
        help="look at this stack's rules only (default: at those of every stack)",
    )
    parser.add_argument("--rule", metavar="NAME", help="the rule's name, beside --function")
    parser.add_argument(
        "--hours",
        type=float,
        default=_HOURS,
        metavar="N",
        help=f"how far back to look for {_EVENT} (default: {_HOURS})",
    )
    parser.add_argument("--json", action="store_true", help="as a JSON document")
    parser.add_argument(
        "--aws", action="store_true", help="in a real account, with your usual credentials"
    )
    parser.add_argument("--region", help="of the real account (default: the one configured)")


def run(options: argparse.Namespace) -> int:
    """Print what was found; the status is 1 when anything is missing."""
    if options.region and not options.aws:
        raise MailroomError(
            "--region is for a real account", remedy="add --aws, or leave out --region"
        )
    if options.rule and not options.function:
        raise MailroomError(
            "--rule has no effect: a stack tells its rules' names",
            remedy="add --function, or leave out --rule",
        )
    if options.hours <= 0:
        raise MailroomError(
            f"--hours is {options.hours:g}", remedy="give a number of hours above 0"
        )
    client = _client(options)
    try:
        rules = (
            [Rule(function=options.function, name=options.rule)]
            if options.function
            else find_rules(client("cloudformation"), options.organization, options.stack)
        )
        findings = list(verify(client, options.organization, rules, hours=options.hours))
    except (ClientError, BotoCoreError) as error:
        raise MailroomError(
            f"the account cannot be read: {error}",
            remedy="check the credentials, the region and the names",
        ) from error
    ok = all(finding.ok for finding in findings)
    if options.json:
        document = {
            "organization": options.organization,
            "ok": ok,
            "findings": [asdict(finding) for finding in findings],
        }
        say(json.dumps(document, indent=2))
    else:
        say(table(findings))
    return 0 if ok else 1


def find_rules(cloudformation: Any, organization: str, stack: str | None) -> list[Rule]:
    """Return the rules of *organization* that stacks wrote into their outputs."""
    named = {"StackName": stack} if stack else {}
    found: dict[str, Rule] = {}
    for page in cloudformation.get_paginator("describe_stacks").paginate(**named):
        for one in page["Stacks"]:
            values = [output["OutputValue"] for output in one.get("Outputs", [])]
            for rule in filter(None, map(_rule_of, values)):
                # The rule itself does not say of which organization it is; the steps beside it do.
                if any(rule.function in text and organization in text for text in values):
                    found[rule.function] = rule
    if not found:
        raise MailroomError(
            f"{f'the stack {stack}' if stack else 'no stack'} has "
            f"{'no' if stack else 'a'} rule of the organization {organization} in its outputs",
            remedy="deploy an EmailFlowRule, or name the function with --function ARN",
        )
    return list(found.values())


def _rule_of(value: str) -> Rule | None:
    """Return the rule that an output is, if it is one."""
    try:
        rule = json.loads(value)
        [(kind, action)] = rule["Action"].items()
        direction = {"InboundLambdaAction": "INBOUND", "OutboundLambdaAction": "OUTBOUND"}[kind]
        return Rule(function=action["Arn"], name=rule["Name"], direction=direction)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def verify(
    client: Callable[[str], Any], organization: str, rules: list[Rule], *, hours: float
) -> Iterator[Finding]:
    """Yield what is found of each rule's permission, of the monitoring, and of rules applied."""
    lambda_ = client("lambda")
    for rule in rules:
        yield from permission(lambda_, organization, rule)
    group, monitoring = log_group(client("workmail"), organization)
    yield monitoring
    since = int((time.time() - hours * 3600) * 1000)
    for rule in rules:
        yield applied(client("logs"), group, rule, since=since, hours=hours)


def permission(lambda_: Any, organization: str, rule: Rule) -> Iterator[Finding]:
    """Yield whether WorkMail may call the function for *organization*, and whether others may."""
    subject = _subject(rule)
    try:
        arn = lambda_.get_function_configuration(FunctionName=rule.function)["FunctionArn"]
    except lambda_.exceptions.ResourceNotFoundException:
        yield Finding(
            subject=subject,
            check="function",
            ok=False,
            found=f"there is no function {rule.function}",
            remedy="deploy the stack again; the region must be the organization's",
        )
        return
    _, partition, _, region, account, *_ = arn.split(":")
    service = f"workmail.{region}.amazonaws.com"
    source = f"arn:{partition}:workmail:{region}:{account}:organization/{organization}"
    try:
        policy = json.loads(lambda_.get_policy(FunctionName=rule.function)["Policy"])
    except lambda_.exceptions.ResourceNotFoundException:
        policy = {"Statement": []}
    right: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for statement in policy["Statement"]:
        is_ours = _allows_just(statement, service, account, source)
        (right if is_ours else others).append(statement)
    add = (
        f"aws lambda add-permission --function-name {arn} --statement-id AllowWorkMail "
        f"--action lambda:InvokeFunction --principal {service} --source-account {account} "
        f"--source-arn {source}"
    )
    yield Finding(
        subject=subject,
        check="permission",
        ok=bool(right),
        found=f"{service} may call it for {organization}"
        if right
        else f"{service} may not call it, or not as this organization in the account {account}",
        remedy=None if right else f"deploy the stack again, or: {add}",
    )
    yield Finding(
        subject=subject,
        check="nobody else",
        ok=not others,
        found="; ".join(map(_told, others)) or "the function's policy names nobody else",
        remedy="; ".join(
            f"aws lambda remove-permission --function-name {arn} "
            f"--statement-id {statement.get('Sid', 'SID')}"
            for statement in others
        )
        or None,
    )


def _allows_just(statement: dict[str, Any], service: str, account: str, source: str) -> bool:
    """Whether *statement* lets exactly WorkMail call, for the one organization and account."""
    conditions: dict[str, Any] = {}
    for operator, pairs in statement.get("Condition", {}).items():
        # Of a value with no wildcard in it, all of these say the same.
        if operator not in ("StringEquals", "StringLike", "ArnEquals", "ArnLike"):
            return False
        conditions.update({key.lower(): value for key, value in pairs.items()})
    return (
        statement.get("Effect") == "Allow"
        and statement.get("Principal") == {"Service": service}
        and statement.get("Action") == "lambda:InvokeFunction"
        and conditions == {"aws:sourceaccount": account, "aws:sourcearn": source}
    )


def _told(statement: dict[str, Any]) -> str:
    """Return a statement in a few words."""
    condition = statement.get("Condition")
    return (
        f"{statement.get('Sid', 'a statement')}: {statement.get('Effect')} "
        f"{json.dumps(statement.get('Action'))} to {json.dumps(statement.get('Principal'))}"
        + (f" if {json.dumps(condition)}" if condition else " without any condition")
    )


def log_group(workmail: Any, organization: str) -> tuple[str | None, Finding]:
    """Return the log group of the organization's email events, and what is found of it."""
    group, found = None, "email monitoring is not configured"
    try:
        answer = workmail.describe_email_monitoring_configuration(OrganizationId=organization)
    except workmail.exceptions.ResourceNotFoundException:
        pass
    except workmail.exceptions.OrganizationNotFoundException:
        found = "there is no such organization in this account and region"
    else:
        arn = answer.get("LogGroupArn")
        if arn:
            # arn:aws:logs:REGION:ACCOUNT:log-group:NAME:*
            group = arn.split(":")[6]
            found = f"events go to {group}"
    remedy = (
        None
        if group
        else "turn it on at the console (Logging settings, Email flow log settings), or: aws "
        f"workmail put-email-monitoring-configuration --organization-id {organization} "
        "--role-arn ROLE --log-group-arn LOG_GROUP:*"
    )
    return group, Finding(
        subject=organization, check="monitoring", ok=group is not None, found=found, remedy=remedy
    )


def applied(logs: Any, group: str | None, rule: Rule, *, since: int, hours: float) -> Finding:
    """Return whether *group* tells that the rule was applied since *since*, in milliseconds."""
    subject, check = _subject(rule), _EVENT
    again = (
        "create the rule as the output ConsoleSteps says, send a mail that it matches, and run "
        "this again in a few minutes"
    )
    if group is None:
        return Finding(
            subject=subject,
            check=check,
            ok=False,
            found="nothing is logged without email monitoring",
            remedy=f"configure monitoring; then {again}",
        )
    others: set[str] = set()
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group,
        startTime=since,
        filterPattern=f'"{_EVENT}"',
    )
    try:
        for page in pages:
            for event in page["events"]:
                for name, kind in _rules_in(event["message"]):
                    if rule.name in (None, name) and _fits(kind, rule.direction):
                        at = time.gmtime(event["timestamp"] / 1000)
                        found = f"{name}, {time.strftime('%Y-%m-%d %H:%M:%SZ', at)}"
                        if rule.name is None:
                            found += " (whichever rule it is; --rule NAME asks for one)"
                        return Finding(subject=subject, check=check, ok=True, found=found)
                    others.add(name)
    except logs.exceptions.ResourceNotFoundException:
        return Finding(
            subject=subject,
            check=check,
            ok=False,
            found=f"the log group {group} is gone",
            remedy=f"configure monitoring again; then {again}",
        )
    seen = f"; other rules were: {', '.join(sorted(others))}" if others else ""
    return Finding(
        subject=subject,
        check=check,
        ok=False,
        found=f"not in the last {hours:g} h{seen}",
        remedy=again,
    )


def _rules_in(message: str) -> Iterator[tuple[str, str | None]]:
    """Yield name and type of each rule that a log event names.

    In ``ruleName`` and ``ruleType``, wherever they lie: the page that lists the fields shows no
    whole event. https://docs.aws.amazon.com/workmail/latest/adminguide/cw-events.html
    """
    try:
        waiting = [json.loads(message)]
    except ValueError:
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if isinstance(value.get("ruleName"), str):
                yield value["ruleName"], value.get("ruleType")
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _fits(kind: object, direction: str | None) -> bool:
    if not isinstance(kind, str):
        return True
    return kind.upper() != _MAILBOX_RULE and kind.upper().startswith(direction or "")


def _subject(rule: Rule) -> str:
    return rule.name or rule.function


def table(findings: list[Finding]) -> str:
    """Return the findings as lines, each with what to do about it below."""
    lines: list[str] = []
    for subject in dict.fromkeys(finding.subject for finding in findings):
        lines += ["", subject] if lines else [subject]
        for finding in findings:
            if finding.subject != subject:
                continue
            lines.append(f"  {'✓' if finding.ok else '✗'} {finding.check:<12}  {finding.found}")
            if finding.remedy:
                lines.append(f"    {'→':<12}  {finding.remedy}")
    return "\n".join(lines)


def _client(options: argparse.Namespace) -> Callable[[str], Any]:
    if options.aws:
        # The overloads of boto3-stubs need a literal service name.
        factory: Any = boto3.Session(region_name=options.region).client
        client: Callable[[str], Any] = factory
        return client
    try:
        return LocalAws.attach(state=options.state).client
    except NotRunning as error:
        raise NotRunning(
            str(error.args[0]), remedy=f"{error.remedy}; a real account is checked with --aws"
        ) from error
