"""Email flow rules: which ones match, and which ones WorkMail refuses.

Of the synchronous rules that match, the one with the most specific sender pattern runs; every
asynchronous one runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mailroom_local.workmail.model import INBOUND, OUTBOUND, Refused, Rule

MAX_PATTERNS = 250
MAX_ORGANIZATION_PATTERNS = 1000
MAX_MINUTES = 240

FALLBACKS = {
    INBOUND: {
        "NormalDeliveryAction": "DEFAULT",
        "BounceAction": "BOUNCE",
        "DropAction": "DROP",
        "MoveToJunkAction": "MOVE_TO_JUNK",
        "BypassSpamCheckAction": "BYPASS_SPAM_CHECK",
    },
    OUTBOUND: {
        "DefaultAction": "DEFAULT",
        "BounceAction": "BOUNCE",
        "DropAction": "DROP",
        # Nothing leaves this machine, by whatever route.
        "SmtpRoutingAction": "DEFAULT",
    },
}
_PATTERN = re.compile(r"\*|(?:\*\.|[^@+*\s]+@)?[^@+*\s]+")


def specificity(pattern: str, address: str) -> int:
    """How specific a pattern is: 0 for ``*`` up to 3 for an address, -1 without a match."""
    pattern, address = pattern.casefold(), address.casefold()
    domain = address.rpartition("@")[2]
    if pattern == "*":
        return 0
    if pattern.startswith("*."):
        return 1 if domain.endswith(pattern[1:]) else -1
    if "@" in pattern:
        return 3 if pattern == address else -1
    return 2 if pattern == domain else -1


def patterns_of(rule: Rule, direction: str) -> tuple[list[str], list[str]]:
    """The patterns for the sender and for the destinations."""
    origin = "OriginRuleCondition" if direction == INBOUND else "SenderRuleCondition"
    condition = rule.get("Condition") or {}
    senders = (condition.get(origin) or {}).get("Patterns")
    destinations = (condition.get("DestinationRuleCondition") or {}).get("Patterns")
    return list(senders or []), list(destinations or [])


def best(patterns: Sequence[str], address: str) -> int:
    """The specificity of the most specific pattern that matches."""
    return max((specificity(pattern, address) for pattern in patterns), default=-1)


def taken(rule: Rule, direction: str, sender: str, recipients: Sequence[str]) -> list[str]:
    """The recipients that a rule matches; none if it does not match the sender."""
    senders, destinations = patterns_of(rule, direction)
    if best(senders, sender) < 0:
        return []
    return [address for address in recipients if best(destinations, address) >= 0]


def action_of(rule: Rule, direction: str) -> Mapping[str, Any]:
    """The Lambda action of a rule."""
    found: Mapping[str, Any] = (rule.get("Action") or {}).get(f"{direction}LambdaAction") or {}
    return found


def check_rule(rule: Any, direction: str, others: Sequence[Rule]) -> None:
    """Refuse a rule that WorkMail's documentation contradicts."""

    def need(good: bool, text: str) -> None:
        if not good:
            raise Refused("InvalidParameterException", text)

    need(isinstance(rule, dict) and isinstance(rule.get("Name"), str), "Rule.Name is missing")
    senders, destinations = patterns_of(rule, direction)
    need(bool(senders and destinations), "Rule.Condition needs patterns for both sides")
    for pattern in (*senders, *destinations):
        good = isinstance(pattern, str) and _PATTERN.fullmatch(pattern) is not None
        need(good, f"{pattern!r} is not a pattern: mailbox@domain, domain, *.domain or *")
    need(len(senders) <= MAX_PATTERNS, f"a rule has at most {MAX_PATTERNS} sender patterns")
    total = len(senders) + sum(len(patterns_of(other, direction)[0]) for other in others)
    if total > MAX_ORGANIZATION_PATTERNS:
        raise Refused("LimitExceededException", "an organization has at most 1,000 sender patterns")
    action = action_of(rule, direction)
    need(
        list(rule.get("Action") or {}) == [f"{direction}LambdaAction"] and bool(action.get("Arn")),
        f"Rule.Action must be one {direction}LambdaAction with an Arn: others do not exist here",
    )
    if (asked := action.get("SynchronousLambdaParameters")) is None:
        return
    minutes, fallback = asked.get("RetryPeriodMinutes"), asked.get("FallbackAction") or {}
    need(destinations == ["*"], "the destination of a synchronous rule must be *")
    need(
        isinstance(minutes, int) and not isinstance(minutes, bool) and 0 <= minutes <= MAX_MINUTES,
        f"RetryPeriodMinutes must be 0 to {MAX_MINUTES}",
    )
    known = len(fallback) == 1 and set(fallback) <= set(FALLBACKS[direction])
    need(known, f"FallbackAction must be one of {', '.join(FALLBACKS[direction])}")


def tested(
    rules: Mapping[str, Rule], direction: str, data: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The answer of the test operation: which rules match."""
    sender = str((data.get("Origin") or {}).get("FromEmailAddress", ""))
    recipient = str((data.get("Destination") or {}).get("DestinationEmailAddress", ""))
    return [
        {"Action": rule["Action"], "MatchedRuleName": name}
        for name, rule in rules.items()
        if taken(rule, direction, sender, [recipient])
    ]
