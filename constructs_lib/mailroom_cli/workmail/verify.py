"""Checks that WorkMail may call the functions of flow rules, and that it did."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from mailroom_cli.workmail.findings import Finding, Rule

EVENT = "RULE_APPLIED"
"""The event by which WorkMail logs that it applied a rule."""
# Of a rule in one person's mailbox, which is not the organization's.
_MAILBOX_RULE = "MAILBOX_RULE"


def verify(
    client: Callable[[str], Any], organization: str, rules: list[Rule], *, hours: float
) -> Iterator[Finding]:
    """Check each rule's permission, the organization's monitoring, and whether rules were applied.

    Args:
        client: Returns the boto3 client of a service.
        organization: The organization's id.
        rules: The rules.
        hours: How far back to look for rules that were applied.

    Yields:
        What was found, one check after the other.
    """
    lambda_ = client("lambda")
    for rule in rules:
        yield from _permission(lambda_, organization, rule)
    group, monitoring = _log_group(client("workmail"), organization)
    yield monitoring
    since = int((time.time() - hours * 3600) * 1000)
    for rule in rules:
        yield _applied(client("logs"), group, rule, since=since, hours=hours)


def _permission(lambda_: Any, organization: str, rule: Rule) -> Iterator[Finding]:
    try:
        arn = lambda_.get_function_configuration(FunctionName=rule.function)["FunctionArn"]
    except lambda_.exceptions.ResourceNotFoundException:
        yield Finding(
            subject=rule.label,
            check="function",
            ok=False,
            found=f"there is no function {rule.function}",
            remedy="deploy the stack again, in the organization's region",
        )
        return
    _, partition, _, region, account, *_ = arn.split(":")
    service = f"workmail.{region}.amazonaws.com"
    source = f"arn:{partition}:workmail:{region}:{account}:organization/{organization}"
    try:
        policy = json.loads(lambda_.get_policy(FunctionName=rule.function)["Policy"])
    except lambda_.exceptions.ResourceNotFoundException:
        policy = {"Statement": []}
    ours: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for statement in policy["Statement"]:
        is_ours = _allows_only(statement, service, account, source)
        (ours if is_ours else others).append(statement)
    add = (
        f"aws lambda add-permission --function-name {arn} --statement-id AllowWorkMail "
        f"--action lambda:InvokeFunction --principal {service} --source-account {account} "
        f"--source-arn {source}"
    )
    yield Finding(
        subject=rule.label,
        check="permission",
        ok=bool(ours),
        found=f"{service} may invoke it for {organization}"
        if ours
        else f"{service} may not invoke it for {organization} of account {account}",
        remedy=None if ours else "deploy the stack again, or run:",
        commands=() if ours else (add,),
    )
    yield Finding(
        subject=rule.label,
        check="no others",
        ok=not others,
        found="; ".join(map(_described, others)) or "the function's policy allows nothing else",
        remedy="if nothing needs it, run:" if others else None,
        commands=tuple(
            f"aws lambda remove-permission --function-name {arn} "
            f"--statement-id {statement.get('Sid', 'SID')}"
            for statement in others
        ),
    )


def _allows_only(statement: dict[str, Any], service: str, account: str, source: str) -> bool:
    """Return whether a statement lets exactly WorkMail invoke, for one organization and account."""
    conditions: dict[str, Any] = {}
    for operator, pairs in statement.get("Condition", {}).items():
        # For a value without a wildcard, all of these mean the same.
        if operator not in ("StringEquals", "StringLike", "ArnEquals", "ArnLike"):
            return False
        conditions.update({key.lower(): value for key, value in pairs.items()})
    return (
        statement.get("Effect") == "Allow"
        and statement.get("Principal") == {"Service": service}
        and statement.get("Action") == "lambda:InvokeFunction"
        and conditions == {"aws:sourceaccount": account, "aws:sourcearn": source}
    )


def _described(statement: dict[str, Any]) -> str:
    condition = statement.get("Condition")
    return (
        f"{statement.get('Sid', 'a statement')}: {statement.get('Effect')} "
        f"{json.dumps(statement.get('Action'))} to {json.dumps(statement.get('Principal'))}"
        + (f" if {json.dumps(condition)}" if condition else " without any condition")
    )


def _log_group(workmail: Any, organization: str) -> tuple[str | None, Finding]:
    """Return the log group of the organization's email events, and the finding about it."""
    group, found = None, "email monitoring is not configured"
    try:
        answer = workmail.describe_email_monitoring_configuration(OrganizationId=organization)
    except workmail.exceptions.ResourceNotFoundException:
        pass
    except workmail.exceptions.OrganizationNotFoundException:
        found = "there is no such organization in this account and region"
    else:
        if arn := answer.get("LogGroupArn"):
            # arn:aws:logs:REGION:ACCOUNT:log-group:NAME:*
            group = arn.split(":")[6]
            found = f"events go to {group}"
    turn_on = (
        f"aws workmail put-email-monitoring-configuration --organization-id {organization} "
        "--role-arn ROLE --log-group-arn LOG_GROUP:*"
    )
    return group, Finding(
        subject=organization,
        check="monitoring",
        ok=group is not None,
        found=found,
        remedy=None
        if group
        else "turn it on in the console (Logging settings, Email flow log settings), or run:",
        commands=() if group else (turn_on,),
    )


def _applied(logs: Any, group: str | None, rule: Rule, *, since: int, hours: float) -> Finding:
    """Check whether *group* says that the rule was applied since *since*, in milliseconds."""

    def finding(found: str, remedy: str | None = None) -> Finding:
        return Finding(
            subject=rule.label, check=EVENT, ok=remedy is None, found=found, remedy=remedy
        )

    again = (
        "create the rule as the output ConsoleSteps says, send a mail that it matches, and run "
        "this again in a few minutes"
    )
    if group is None:
        return finding(
            "nothing is logged without email monitoring", f"turn monitoring on; then {again}"
        )
    others: set[str] = set()
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, startTime=since, filterPattern=f'"{EVENT}"'
    )
    try:
        for page in pages:
            for event in page["events"]:
                for name, kind in _rules_in(event["message"]):
                    if rule.name in (None, name) and _fits(kind, rule.direction):
                        at = time.gmtime(event["timestamp"] / 1000)
                        any_rule = " (of any rule; --rule NAME checks one)"
                        return finding(
                            f"{name}, {time.strftime('%Y-%m-%d %H:%M:%SZ', at)}"
                            + (any_rule if rule.name is None else "")
                        )
                    others.add(name)
    except logs.exceptions.ResourceNotFoundException:
        return finding(
            f"the log group {group} does not exist", f"turn monitoring on again; then {again}"
        )
    seen = f"; other rules were: {', '.join(sorted(others))}" if others else ""
    return finding(f"not in the last {hours:g} h{seen}", again)


def _rules_in(message: str) -> Iterator[tuple[str, str | None]]:
    """Yield name and type of each rule that a log event names.

    They are in ``ruleName`` and ``ruleType``, at any depth: the page that lists the fields shows no
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
