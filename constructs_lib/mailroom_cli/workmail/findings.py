"""What is checked and what is found: flow rules of stacks, and findings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from mailroom_cli.errors import CommandError


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A flow rule, as the outputs of its stack describe it."""

    function: str
    """The function's ARN or name."""
    name: str | None = None
    """The rule's name; ``None`` if only the function is known."""
    direction: str | None = None
    """``INBOUND`` or ``OUTBOUND``; ``None`` if unknown."""

    @property
    def label(self) -> str:
        """What to call it."""
        return self.name or self.function


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of one check."""

    subject: str
    """The rule or organization that was checked."""
    check: str
    """The check's name."""
    ok: bool
    """Whether all is well."""
    found: str
    """What was found."""
    remedy: str | None = None
    """What to do, if something is wrong."""
    commands: tuple[str, ...] = ()
    """Shell commands that do it, if there are any."""


def find_rules(cloudformation: Any, organization: str, stack: str | None) -> list[Rule]:
    """Return the flow rules of an organization that the outputs of stacks describe.

    Args:
        cloudformation: A boto3 client.
        organization: The organization's id.
        stack: The stack to look at. ``None`` means all.

    Raises:
        CommandError: There is none.
    """
    named = {"StackName": stack} if stack else {}
    found: dict[str, Rule] = {}
    for page in cloudformation.get_paginator("describe_stacks").paginate(**named):
        for one in page["Stacks"]:
            values = [output["OutputValue"] for output in one.get("Outputs", [])]
            for rule in filter(None, map(_rule_of, values)):
                # The rule does not name its organization; the output with the console steps does.
                if any(rule.function in text and organization in text for text in values):
                    found[rule.function] = rule
    if not found:
        where = f"the stack {stack} has no rule" if stack else "no stack has a rule"
        raise CommandError(
            f"{where} of the organization {organization} in its outputs",
            remedy="deploy an EmailFlowRule, or pass its function with --function ARN",
        )
    return list(found.values())


def _rule_of(value: str) -> Rule | None:
    try:
        rule = json.loads(value)
        [(kind, action)] = rule["Action"].items()
        direction = {"InboundLambdaAction": "INBOUND", "OutboundLambdaAction": "OUTBOUND"}[kind]
        return Rule(function=action["Arn"], name=rule["Name"], direction=direction)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
