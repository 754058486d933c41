"""Which recipients of a receipt rule an earlier rule keeps from it, by stopping the rule set.

https://docs.aws.amazon.com/ses/latest/dg/receiving-email-receipt-rules-console-walkthrough.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_EVERYONE = "every verified domain"


def shadowed(rule: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the recipients for which a rule never runs, and the rule that stops before it.

    A function that may stop the rule set is left aside: what it will answer is not known.

    Args:
        rule: The rule.
        earlier: The rules before it, in their order.
    """
    stopping = [one for one in earlier if one.get("Enabled") and _stops(one)]
    found = {}
    for wanted in rule.get("Recipients") or [""]:
        for one in stopping:
            if _covers(one.get("Recipients") or [], wanted.lower()):
                found[wanted or _EVERYONE] = one["Name"]
                break
    return found


def _stops(rule: Mapping[str, Any]) -> bool:
    return any("StopAction" in action for action in rule.get("Actions", []))


def _covers(recipients: Sequence[str], wanted: str) -> bool:
    """Whether a rule with these recipients takes all mail that another recipient stands for."""
    if not recipients:
        return True
    return any(_takes(one.lower(), wanted) for one in recipients)


def _takes(recipient: str, wanted: str) -> bool:
    domain = wanted.rpartition("@")[2]
    if not wanted:
        return False
    if recipient.startswith("."):
        # Only subdomains; all of the subdomains of one of them, too.
        return domain.endswith(recipient)
    if "@" not in recipient:
        return domain == recipient
    if "@" not in wanted:
        return False
    local, _, _ = wanted.partition("@")
    # An address takes its labels, too: `user+label@`.
    return recipient in (wanted, f"{local.partition('+')[0]}@{domain}")
